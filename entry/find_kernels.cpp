// SPDX-License-Identifier: GPL-2.0-or-later
#include "entry/find_kernels.h"

#include <algorithm>
#include <utility>

#include "base/text.h"
#include "disk/device_node.h"
#include "disk/selector.h"
#include "entry/boot_folder.h"
#include "entry/folders.h"
#include "entry/fstab.h"
#include "entry/grub_cfg.h"
#include "entry/kernel_options.h"
#include "entry/uki.h"

namespace vhdboot::entry {
namespace {

constexpr std::size_t kMaxKernels = 64;  // of a folder

// What the guest's files say about the command lines of the kernels in a folder. With more than one system on the disk
// nobody knows whose files those on the ESP are.
OptionFiles read_files(disk::GuestDisk& disk, const BootFolder& boot, const std::optional<disk::GuestTree>& root,
                       bool is_only_system) {
  const auto read = [](const disk::GuestTree& tree, const std::string& path, std::uint64_t cap) {
    auto text = tree.read_text(path, cap);
    return text ? std::optional(*std::move(text)) : std::nullopt;
  };
  OptionTexts texts;
  if (root) {
    texts.kernel_cmdline = read(*root, "/etc/kernel/cmdline", kMaxKernelCmdlineBytes);
    texts.fstab = read(*root, "/etc/fstab", kMaxFstabBytes);
  }
  for (const char* grub : {"/grub", "/grub2"}) {
    texts.grub_cfg = read(boot.top, concat(boot.folder, grub, "/grub.cfg"), kMaxGrubConfig);
    if (!texts.grub_cfg) continue;
    texts.grub_environment = read(boot.top, concat(boot.folder, grub, "/grubenv"), kMaxGrubEnvironment);
    break;
  }
  if (is_only_system) {
    if (!texts.grub_cfg) texts.grub_cfg = read_vendor_file(disk, "grub.cfg", kMaxGrubConfig);
    if (!texts.grub_environment) texts.grub_environment = read_vendor_file(disk, "grubenv", kMaxGrubEnvironment);
  }
  return read_option_files(texts);
}

Result<GuestEntry> open_kernel(const BootFolder& boot, const KernelFiles& files, const std::string& cmdline,
                               const BootEntry& entry) {
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

std::string title_of(const std::optional<disk::GuestTree>& root) {
  if (!root) return "";
  for (const char* path : {"/etc/os-release", "/usr/lib/os-release"})
    if (const auto text = root->read_text(path, kMaxTextSection)) return osrel_value(*text, "PRETTY_NAME").value_or("");
  return "";
}

// Whether a line of fstab is about that partition.
bool is_named(const disk::GuestPartition& partition, const std::string& spec) {
  if (const auto selector = disk::device_selector(spec)) return matches(*selector, partition.identity);
  const auto node = disk::parse_device_node(spec);
  return node && disk::is_first_disk(*node) && node->partition && partition.entry != nullptr &&
         *node->partition == partition.entry->number;
}

bool mounts(const disk::GuestTree& root, const disk::GuestPartition& partition) {
  const auto text = root.read_text("/etc/fstab", kMaxFstabBytes);
  if (!text) return false;
  if (const auto entries = parse_fstab(*text))
    for (const FstabEntry& entry : *entries)
      if (is_named(partition, entry.spec)) return true;
  return false;
}

// The root that the kernels in a folder belong to, as an index; roots.size() when that cannot be told.
std::size_t owner_of(const BootFolder& boot, const std::vector<disk::GuestTree>& roots) {
  const disk::GuestPartition& partition = boot.top.partition();
  for (std::size_t i = 0; i < roots.size(); ++i)
    if (&roots[i].partition() == &partition && roots[i].full_path("") == boot.top.full_path("")) return i;
  if (roots.size() == 1) return 0;
  std::size_t owner = roots.size();
  for (std::size_t i = 0; i < roots.size(); ++i)
    if (mounts(roots[i], partition)) {
      if (owner != roots.size()) return roots.size();  // the ESP of two systems
      owner = i;
    }
  return owner;
}

}  // namespace

FoundEntries find_kernels(disk::GuestDisk& disk) {
  FoundEntries found;
  const auto roots = root_trees(disk);
  std::vector<std::size_t> systems;  // their roots, in the order of their first folders
  for (const BootFolder& boot : boot_folders(disk)) {
    auto kernels = kernels_among(boot.top.list(boot.folder));
    if (kernels.size() > kMaxKernels) kernels.resize(kMaxKernels);
    // A folder in a root file system belongs to that one; there may be more systems on the disk.
    if (kernels.empty()) continue;
    const std::size_t owner = owner_of(boot, roots);
    std::size_t system = 0;
    while (system < systems.size() && (owner == roots.size() || systems[system] != owner)) ++system;
    if (system == systems.size()) systems.push_back(owner);
    // A folder that is nobody's has its grub.cfg alone: the files of another system would boot that one's root.
    const auto root = owner == roots.size() ? std::nullopt : std::optional(roots[owner]);
    const auto option_files = read_files(disk, boot, root, roots.size() <= 1);
    const std::string title = title_of(root);
    for (const KernelFiles& files : kernels) {
      // Debian's /vmlinuz is a link, to nothing while its /boot is another file system.
      if (!boot.top.has(concat(boot.folder, '/', files.kernel))) continue;
      const std::string path = boot.top.full_path(concat(boot.folder, '/', files.kernel));
      auto options = kernel_options(option_files, files.kernel, files.initrd.has_value());
      if (!options) {
        found.broken.push_back(std::move(options).error().within(printable(path)));
        continue;
      }
      BootEntry entry{.kind = EntryKind::Kernel,
                      .path = concat(boot.top.partition().device, ':', path),
                      .id = files.kernel,
                      .title = title.empty() ? files.kernel : title,
                      .version = files.version,
                      .initrds = kernel_entry(files, boot.top.full_path(boot.folder)).initrds,
                      .system = system,
                      .options_from = std::string(name(options->source))};
      const auto open = [boot, files, entry, cmdline = options->text](const OpenRequest&) {
        return open_kernel(boot, files, cmdline, entry);
      };
      found.entries.push_back({.entry = entry, .partition = &boot.top.partition(), .path = path, .open = open});
    }
  }
  return found;
}

}  // namespace vhdboot::entry
