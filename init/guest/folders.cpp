// SPDX-License-Identifier: GPL-2.0-or-later
#include "init/guest/folders.h"

#include "base/text.h"
#include "init/core/bootable.h"

namespace vhdboot::guest {
namespace {

// The tops of the file systems that the boot kernel reads, and in them of what may be a root.
std::vector<GuestTree> tops(GuestDisk& disk) {
  std::vector<GuestTree> found;
  for (const GuestPartition& partition : disk.partitions()) {
    const auto tree = disk.mount(partition);
    if (!tree) continue;
    for (const std::string_view prefix : core::kRootFolders)
      // "/root" is root's home elsewhere: only what has a root's files is one.
      if (prefix.empty() || tree->has(concat(prefix, "/etc/fstab"))) found.push_back(tree->below(prefix));
  }
  return found;
}

}  // namespace

std::vector<BootFolder> boot_folders(GuestDisk& disk) {
  std::vector<BootFolder> found;
  // /boot first: what lies beside it, if anything, are links to what is in it.
  for (const GuestTree& top : tops(disk))
    for (const char* folder : {"/boot", ""})
      if (*folder == '\0' || top.has(folder)) found.push_back({top, folder});
  return found;
}

std::optional<GuestTree> root_tree(GuestDisk& disk) {
  for (const GuestTree& top : tops(disk))
    if (top.has("/etc/fstab")) return top;
  return std::nullopt;
}

}  // namespace vhdboot::guest
