// SPDX-License-Identifier: GPL-2.0-or-later
#include "entry/folders.h"

#include <algorithm>
#include <array>
#include <iterator>
#include <utility>

#include "base/text.h"
#include "disk/device_node.h"
#include "disk/selector.h"
#include "entry/bls.h"
#include "entry/fstab.h"

namespace vhdboot::entry {
namespace {

bool is_root(const disk::GuestTree& tree) {
  constexpr std::array kFiles{"/etc/fstab", "/etc/os-release", "/usr/lib/os-release"};
  return std::ranges::any_of(kFiles, [&](const char* path) { return tree.has(path); });
}

// Whether a line of fstab is about that partition.
bool is_named(const disk::GuestPartition& partition, const std::string& spec) {
  if (const auto selector = disk::device_selector(spec)) return matches(*selector, partition.identity);
  const auto node = disk::parse_device_node(spec);
  return node && disk::is_first_disk(*node) && node->partition && partition.entry != nullptr &&
         *node->partition == partition.entry->number;
}

std::vector<FstabEntry> fstab_of(const disk::GuestTree& root) {
  const auto text = root.read_text("/etc/fstab", kMaxFstabBytes);
  return text ? parse_fstab(*text).value_or(std::vector<FstabEntry>()) : std::vector<FstabEntry>();
}

// The roots in subvolumes of a btrfs that have names of their own: those at its top, else those in folders there, where
// copies of them lie, too.
std::vector<disk::GuestTree> roots_in_subvolumes(disk::GuestDisk& disk, const disk::GuestPartition& partition) {
  constexpr std::size_t kMaxFolders = 256;
  std::vector<disk::GuestTree> found;
  const auto top = disk.mount(partition, std::string(disk::kTopSubvolume));
  if (!top) return found;
  std::size_t left = kMaxFolders;
  const auto look_in = [&](const disk::GuestTree& folder) {
    for (const std::string& name : folder.list("")) {
      if (left == 0) return;
      --left;
      if (auto tree = folder.below(concat('/', name)); tree.subvolume("") != 0 && is_root(tree))
        found.push_back(std::move(tree));
    }
  };
  look_in(*top);
  if (!found.empty()) return found;
  for (const std::string& name : top->list("")) look_in(top->below(concat('/', name)));
  return found;
}

// The tops of the file systems that the boot kernel reads, and in them of what may be a root.
std::vector<disk::GuestTree> tops(disk::GuestDisk& disk) {
  std::vector<disk::GuestTree> found;
  for (const disk::GuestPartition& partition : disk.partitions()) {
    const auto tree = disk.mount(partition);
    if (!tree) continue;
    bool has_root = false;
    for (const std::string_view prefix : disk::kRootFolders) {
      // "/root" is root's home elsewhere: only what has a root's files is one.
      const bool here = is_root(tree->below(prefix));
      if (prefix.empty() || here) found.push_back(tree->below(prefix));
      has_root |= here;
    }
    if (partition.type == "btrfs" && !has_root)
      std::ranges::move(roots_in_subvolumes(disk, partition), std::back_inserter(found));
  }
  return found;
}

}  // namespace

bool mounts(const disk::GuestTree& root, const disk::GuestPartition& partition) {
  return std::ranges::any_of(fstab_of(root), [&](const FstabEntry& entry) { return is_named(partition, entry.spec); });
}

std::vector<BootFolder> boot_folders(disk::GuestDisk& disk) {
  constexpr const char* kBoot = "/boot";
  std::vector<BootFolder> found;
  const auto add = [&](const disk::GuestTree& top, const char* folder) {
    const auto same = [&](const BootFolder& one) {
      return &one.top.partition() == &top.partition() && one.folder == folder &&
             one.top.full_path("") == top.full_path("");
    };
    if (std::ranges::none_of(found, same)) found.push_back({top, folder});
  };
  // Nobody sees the files below a mount point any more.
  const auto mounted_over = [&](const disk::GuestTree& top) -> std::optional<disk::GuestTree> {
    const auto entries = fstab_of(top);
    const FstabEntry* const boot = find_mount(entries, kBoot);
    if (boot == nullptr) return std::nullopt;
    for (const disk::GuestPartition& partition : disk.partitions())
      if (&partition != &top.partition() && is_named(partition, boot->spec))
        if (auto tree = disk.mount(partition)) return *std::move(tree);
    return std::nullopt;
  };
  // /boot first: what lies beside it, if anything, are links to what is in it.
  for (const disk::GuestTree& top : tops(disk)) {
    if (const auto boot = mounted_over(top))
      add(*boot, "");
    else if (top.has(kBoot))
      add(top, kBoot);
    add(top, "");
  }
  return found;
}

namespace {

bool is_for_loaders(const disk::GuestDisk& disk, const disk::GuestPartition& partition) {
  return partition.entry != nullptr &&
         (disk::is_esp(disk.table(), *partition.entry) || disk::is_xbootldr(disk.table(), *partition.entry));
}

}  // namespace

std::vector<const disk::GuestPartition*> loader_partitions(const disk::GuestDisk& disk) {
  std::vector<const disk::GuestPartition*> found;
  for (const auto is : {&disk::is_esp, &disk::is_xbootldr})
    for (const disk::GuestPartition& partition : disk.partitions())
      if (partition.entry != nullptr && is(disk.table(), *partition.entry)) found.push_back(&partition);
  return found;
}

std::vector<const disk::GuestPartition*> other_fat_partitions(const disk::GuestDisk& disk) {
  std::vector<const disk::GuestPartition*> found;
  for (const disk::GuestPartition& partition : disk.partitions())
    if (partition.type == "vfat" && !is_for_loaders(disk, partition)) found.push_back(&partition);
  return found;
}

std::vector<std::string> entry_names(std::vector<std::string> names, bool (*is_entry)(std::string_view name),
                                     std::string_view folder, std::vector<Error>& broken) {
  std::erase_if(names, [&](const std::string& name) { return !is_entry(name); });
  if (names.size() <= kMaxEntryFiles) return names;
  broken.push_back(Error{Code::Unsupported, 0,
                         concat(printable(folder), " of the guest has ", names.size(), " entries, of which the ",
                                kMaxEntryFiles, " newest by name are looked at: remove what is not needed")});
  std::ranges::partial_sort(names, names.begin() + kMaxEntryFiles,
                            [](const auto& a, const auto& b) { return compare_versions(a, b) > 0; });
  names.resize(kMaxEntryFiles);
  return names;
}

std::optional<std::string> read_vendor_file(disk::GuestDisk& disk, std::string_view name, std::uint64_t cap) {
  constexpr std::size_t kMaxVendors = 64;
  const disk::Partition* entry = disk::find_esp(disk.table());
  const disk::GuestPartition* partition = entry == nullptr ? nullptr : disk.find(entry);
  if (partition == nullptr) return std::nullopt;
  const auto esp = disk.mount(*partition);
  if (!esp) return std::nullopt;
  std::optional<std::string> path;
  std::size_t left = kMaxVendors;
  for (const std::string& vendor : esp->list("/EFI")) {
    if (left-- == 0) return std::nullopt;
    const std::string here = concat("/EFI/", vendor, '/', name);
    if (!esp->has(here)) continue;
    if (path) return std::nullopt;
    path = here;
  }
  if (!path) return std::nullopt;
  auto text = esp->read_text(*path, cap);
  return text ? std::optional(*std::move(text)) : std::nullopt;
}

std::vector<disk::GuestTree> root_trees(disk::GuestDisk& disk) {
  std::vector<disk::GuestTree> roots;
  for (disk::GuestTree& top : tops(disk))
    if (is_root(top)) roots.push_back(std::move(top));
  return roots;
}

}  // namespace vhdboot::entry
