// SPDX-License-Identifier: GPL-2.0-or-later
// Kernels in a distribution's /boot, with the command line that its boot loader would give them.
#include <algorithm>
#include <utility>

#include "base/text.h"
#include "init/core/fstab.h"
#include "init/core/kernel_options.h"
#include "init/core/root_device.h"
#include "init/core/selector.h"
#include "init/guest/entry.h"
#include "init/guest/folders.h"
#include "kexec/boot_folder.h"
#include "kexec/grub_cfg.h"
#include "kexec/uki.h"

namespace vhdboot::guest {
namespace {

constexpr std::size_t kMaxKernels = 64;  // of a folder

// What the guest's files say about the command lines of the kernels in a folder. With more than one system on the disk
// nobody knows whose files those on the ESP are.
core::OptionFiles read_files(GuestDisk& disk, const BootFolder& boot, const std::optional<GuestTree>& root,
                             bool is_only_system) {
  const auto read = [](const GuestTree& tree, const std::string& path, std::uint64_t cap) {
    auto text = tree.read_text(path, cap);
    return text ? std::optional(*std::move(text)) : std::nullopt;
  };
  core::OptionTexts texts;
  if (root) {
    texts.kernel_cmdline = read(*root, "/etc/kernel/cmdline", core::kMaxKernelCmdlineBytes);
    texts.fstab = read(*root, "/etc/fstab", core::kMaxFstabBytes);
  }
  for (const char* grub : {"/grub", "/grub2"}) {
    texts.grub_cfg = read(boot.top, concat(boot.folder, grub, "/grub.cfg"), kexec::kMaxGrubConfig);
    if (!texts.grub_cfg) continue;
    texts.grub_environment = read(boot.top, concat(boot.folder, grub, "/grubenv"), kexec::kMaxGrubEnvironment);
    break;
  }
  if (is_only_system) {
    if (!texts.grub_cfg) texts.grub_cfg = read_vendor_file(disk, "grub.cfg", kexec::kMaxGrubConfig);
    if (!texts.grub_environment) texts.grub_environment = read_vendor_file(disk, "grubenv", kexec::kMaxGrubEnvironment);
  }
  return core::read_option_files(texts);
}

Result<GuestEntry> open_kernel(const BootFolder& boot, const kexec::KernelFiles& files, const std::string& cmdline,
                               const kexec::BootEntry& entry) {
  GuestEntry opened{.entry = entry};
  const auto open = [&](const std::string& name) -> Result<kexec::Piece> {
    opened.files.push_back(TRY_IN(name, boot.top.open(concat(boot.folder, '/', name))));
    const ByteSource& file = *opened.files.back();
    return kexec::Piece{&file, {0, file.size()}};
  };
  opened.parts.kernel = TRY(open(files.kernel));
  for (const std::string& name : files.microcode) opened.parts.microcode.push_back(TRY(open(name)));
  if (files.initrd) opened.parts.initrds.push_back(TRY(open(*files.initrd)));
  opened.parts.cmdline = cmdline;
  return opened;
}

std::string title_of(const std::optional<GuestTree>& root) {
  if (!root) return "";
  for (const char* path : {"/etc/os-release", "/usr/lib/os-release"})
    if (const auto text = root->read_text(path, kexec::kMaxTextSection))
      return kexec::osrel_value(*text, "PRETTY_NAME").value_or("");
  return "";
}

// Whether a line of fstab is about that partition.
bool is_named(const GuestPartition& partition, const std::string& spec) {
  if (const auto selector = core::device_selector(spec)) return core::matches(*selector, partition.identity);
  const auto node = core::parse_device_node(spec);
  return node && core::is_first_disk(*node) && node->partition && partition.entry != nullptr &&
         *node->partition == partition.entry->number;
}

bool mounts(const GuestTree& root, const GuestPartition& partition) {
  const auto text = root.read_text("/etc/fstab", core::kMaxFstabBytes);
  const auto entries = text ? core::parse_fstab(*text) : std::unexpected(text.error());
  return entries &&
         std::ranges::any_of(*entries, [&](const core::FstabEntry& entry) { return is_named(partition, entry.spec); });
}

bool is_same(const GuestTree& a, const GuestTree& b) {
  return &a.partition() == &b.partition() && a.full_path("") == b.full_path("");
}

// The root that the kernels in a folder belong to, as an index; nothing when that cannot be told.
std::optional<std::size_t> owner_of(const BootFolder& boot, const std::vector<GuestTree>& roots) {
  const auto by = [&](const auto& owns) -> std::optional<std::size_t> {
    const auto found = std::ranges::find_if(roots, owns);
    return found == roots.end() ? std::nullopt : std::optional<std::size_t>(found - roots.begin());
  };
  if (const auto own = by([&](const GuestTree& root) { return is_same(root, boot.top); })) return own;
  if (roots.size() == 1) return 0;
  return by([&](const GuestTree& root) { return mounts(root, boot.top.partition()); });
}

// A kernel that was found, and where it comes in the list.
struct FoundKernel {
  std::size_t system = 0;  // by the order of their first folders
  std::size_t position = 0;
  kexec::KernelFiles files;
  FoundEntry entry;
};

bool is_listed_before(const FoundKernel& a, const FoundKernel& b) {
  if (a.system != b.system) return a.system < b.system;
  if (kexec::goes_before(a.files, b.files)) return true;
  return !kexec::goes_before(b.files, a.files) && a.position < b.position;
}

}  // namespace

FoundEntries find_kernels(GuestDisk& disk) {
  FoundEntries found;
  const auto roots = root_trees(disk);
  std::vector<FoundKernel> listed;
  std::vector<std::optional<std::size_t>> systems;  // their roots
  for (const BootFolder& boot : boot_folders(disk)) {
    auto kernels = kexec::find_kernels(boot.top.list(boot.folder));
    if (kernels.size() > kMaxKernels) kernels.resize(kMaxKernels);
    // A folder in a root file system belongs to that one; there may be more systems on the disk.
    if (kernels.empty()) continue;
    const auto owner = owner_of(boot, roots);
    const auto known = owner ? std::ranges::find(systems, owner) : systems.end();
    const std::size_t system = known - systems.begin();
    if (known == systems.end()) systems.push_back(owner);
    // Of a folder that is nobody's: what the first one says is better than nothing.
    const auto root = roots.empty() ? std::nullopt : std::optional(roots[owner.value_or(0)]);
    const auto option_files = read_files(disk, boot, root, roots.size() <= 1);
    const std::string title = title_of(root);
    for (const kexec::KernelFiles& files : kernels) {
      // Debian's /vmlinuz is a link, to nothing while its /boot is another file system.
      if (!boot.top.has(concat(boot.folder, '/', files.kernel))) continue;
      const std::string path = boot.top.full_path(concat(boot.folder, '/', files.kernel));
      auto options = core::kernel_options(option_files, files.kernel, files.initrd.has_value());
      if (!options) {
        found.broken.push_back(std::move(options).error().within(printable(path)));
        continue;
      }
      kexec::BootEntry entry{.kind = kexec::EntryKind::Kernel,
                             .path = concat(boot.top.partition().device, ':', path),
                             .id = files.kernel,
                             .title = title.empty() ? files.kernel : title,
                             .version = files.version,
                             .initrds = kexec::kernel_entry(files, boot.top.full_path(boot.folder)).initrds,
                             .options_from = std::string(core::name(options->source))};
      const auto open = [boot, files, entry, cmdline = options->text](const OpenRequest&) {
        return open_kernel(boot, files, cmdline, entry);
      };
      listed.push_back({.system = system,
                        .position = listed.size(),
                        .files = files,
                        .entry = {.entry = entry, .partition = &boot.top.partition(), .path = path, .open = open}});
    }
  }
  std::ranges::sort(listed, is_listed_before);
  for (FoundKernel& kernel : listed) found.entries.push_back(std::move(kernel.entry));
  return found;
}

}  // namespace vhdboot::guest
