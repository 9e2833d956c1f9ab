// SPDX-License-Identifier: GPL-2.0-or-later
// The files that an entry of a boot loader's menu names, on the guest disk: a kernel with its initrds, or a unified
// kernel image.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "disk/guest_disk.h"
#include "entry/folders.h"
#include "entry/guest_entry.h"

namespace vhdboot::entry {

/// Where a file lies, and what it is called there.
struct Place {
  disk::GuestTree tree;
  std::string path;

  [[nodiscard]] std::string full_path() const { return tree.full_path(path); }
  /// Whether both name the same file.
  friend bool operator==(const Place& one, const Place& other) {
    const auto id = one.tree.id(one.path);
    if (const auto others = other.tree.id(other.path); id && others) return *id == *others;
    return &one.tree.partition() == &other.tree.partition() && one.full_path() == other.full_path();
  }
};

/// Looks for the files of menu entries. Their paths begin at the top of a file system, that of the menu as a rule.
/// Borrows the disk and the folder.
class FileFinder {
 public:
  FileFinder(disk::GuestDisk& disk, const BootFolder& boot) : disk_(disk), boot_(boot) {}

  /// `text` may have GRUB's device in front ("($root)/vmlinuz", "(hd0,gpt3)/vmlinuz"); `volume` is MenuEntry::volume.
  /// Nothing when it is not where they say, or, when they say nothing, on no file system or on more than one other.
  [[nodiscard]] std::optional<Place> find(std::string_view text, std::string_view volume);

  /// The same, and nothing where they say nothing.
  [[nodiscard]] std::optional<Place> find_there(std::string_view text, std::string_view volume);

  /// Whether they say that it is on another partition than the folder.
  [[nodiscard]] bool is_elsewhere(std::string_view text, std::string_view volume);

 private:
  using Partitions = std::vector<const disk::GuestPartition*>;

  /// Those of which that is said: several when they share a file system, as those of a btrfs.
  [[nodiscard]] Partitions meant(std::string_view text, std::string_view volume);

  disk::GuestDisk& disk_;
  const BootFolder& boot_;
};

/// Whether MenuEntry::volume means the partition by its file system: UUID or "LABEL=...".
[[nodiscard]] bool is_on_volume(const disk::GuestPartition& partition, std::string_view volume);

/// The file of that path on a partition; nothing when it is not there.
[[nodiscard]] std::optional<Place> find_on(disk::GuestDisk& disk, const disk::GuestPartition& partition,
                                           const std::string& path);

/// What an entry starts.
struct MenuFiles {
  Place program;
  bool is_image = false;       ///< a unified kernel image, else a kernel
  std::vector<Place> initrds;  ///< microcode, too
  std::vector<std::string> warnings;
};

/// `files` as what `entry` starts, with its options.
[[nodiscard]] Result<GuestEntry> open_menu_files(const MenuFiles& files, const BootEntry& entry,
                                                 const OpenRequest& request);

}  // namespace vhdboot::entry
