// SPDX-License-Identifier: GPL-2.0-or-later
#include "entry/boot_folder.h"

#include <algorithm>
#include <array>
#include <set>

#include "base/text.h"

namespace vhdboot::entry {

namespace {

using Names = std::set<std::string, std::less<>>;

constexpr std::array<std::string_view, 3> kKernels{"vmlinuz", "kernel", "bzImage"};

// What package managers, people and signing tools leave beside a kernel.
constexpr std::array<std::string_view, 16> kNoKernelAtEnd{".old", ".bak",     ".orig",   ".new",    ".tmp", ".hmac",
                                                          ".sig", ".signed",  ".config", ".sysctl", ".map", ".img",
                                                          ".gz",  ".rpmsave", ".rpmnew", ".rpmorig"};

// The names that grub-mkconfig knows.
constexpr std::array<std::string_view, 6> kMicrocode{"intel-uc.img",  "intel-ucode.img",  "amd-uc.img",
                                                     "amd-ucode.img", "early_ucode.cpio", "microcode.cpio"};

struct InitrdName {
  std::string_view before;  // the version, with its '-' in front
  std::string_view after;
};
constexpr std::array kInitrds{
    InitrdName{"initrd.img", ""}, InitrdName{"initramfs", ".img"},
    InitrdName{"initrd", ""},     InitrdName{"initramfs", ""},
    InitrdName{"initrd", ".img"}, InitrdName{"initramfs.img", ""},
    InitrdName{"initrd", ".gz"},  InitrdName{"initramfs", "-fallback.img"},
};

// The version of a file that is named like a kernel; nothing for every other.
std::optional<std::string_view> kernel_version(std::string_view name) {
  const auto named = std::ranges::find_if(kKernels, [&](auto kind) { return name.starts_with(kind); });
  if (named == kKernels.end() || name.ends_with('~') || name.contains(".dpkg-")) return std::nullopt;
  if (std::ranges::any_of(kNoKernelAtEnd, [&](auto end) { return name.ends_with(end); })) return std::nullopt;
  const auto rest = name.substr(named->size());
  // A bare "kernel" says too little.
  if (rest.empty()) return *named == "kernel" ? std::nullopt : std::optional(rest);
  if (rest.front() != '-' || rest.size() == 1) return std::nullopt;
  return rest.substr(1);
}

std::optional<std::string> find_initrd(const Names& names, std::string_view version) {
  for (const auto& [before, after] : kInitrds) {
    auto name = concat(before, version.empty() ? "" : "-", version, after);
    if (names.contains(name)) return name;
  }
  return std::nullopt;
}

bool goes_before(const KernelFiles& a, const KernelFiles& b) {
  if (a.rescue != b.rescue) return b.rescue;
  if (const auto order = compare_versions(b.version, a.version); order != 0) return order < 0;
  // "6.1" and "6_1" are the same version.
  return b.kernel < a.kernel;
}

}  // namespace

std::vector<KernelFiles> kernels_among(const std::vector<std::string>& file_names) {
  const Names names(file_names.begin(), file_names.end());
  std::vector<std::string> microcode;
  for (const auto name : kMicrocode)
    if (names.contains(name)) microcode.emplace_back(name);
  std::vector<KernelFiles> kernels;
  for (const std::string& name : names) {
    const auto version = kernel_version(name);
    if (!version) continue;
    kernels.push_back({.kernel = name,
                       .version = std::string(*version),
                       .initrd = find_initrd(names, *version),
                       .microcode = microcode,
                       .rescue = version->starts_with("0-rescue")});
  }
  std::ranges::sort(kernels, goes_before);
  return kernels;
}

BootEntry kernel_entry(const KernelFiles& files, std::string_view folder) {
  const auto in_folder = [&](std::string_view name) { return concat(folder, folder.ends_with('/') ? "" : "/", name); };
  BootEntry entry;
  entry.kind = EntryKind::Kernel;
  entry.menu = Menu::Kernels;
  entry.path = in_folder(files.kernel);
  entry.id = files.kernel;
  entry.title = files.kernel;
  entry.version = files.version;
  entry.kernel = entry.path;
  if (files.initrd) {
    for (const std::string& name : files.microcode) entry.initrds.push_back(in_folder(name));
    entry.initrds.push_back(in_folder(*files.initrd));
  }
  return entry;
}

}  // namespace vhdboot::entry
