// SPDX-License-Identifier: GPL-2.0-or-later
// The folders of the guest disk that matter to a boot.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "disk/guest_disk.h"

namespace vhdboot::entry {

/// A folder with boot files: of a root file system (its /boot), or the top of a partition of its own.
struct BootFolder {
  disk::GuestTree top;  ///< the file system, or the subvolume with the root: what paths in its files begin at
  std::string folder;   ///< in `top`: "/boot", or "" for the top itself
};

/// Every one, by partition; those of ESP and XBOOTLDR too. Partitions that cannot be read are passed over. Where the
/// fstab of a root mounts another partition over its /boot, that one is in its place.
[[nodiscard]] std::vector<BootFolder> boot_folders(disk::GuestDisk& disk);

/// Where systemd-boot may look: the ESPs, then the XBOOTLDR partitions, by number.
[[nodiscard]] std::vector<const disk::GuestPartition*> loader_partitions(const disk::GuestDisk& disk);
/// The other partitions with a FAT: firmware, and who makes images, take an ESP for one whatever its type is.
[[nodiscard]] std::vector<const disk::GuestPartition*> other_fat_partitions(const disk::GuestDisk& disk);

/// Of files that are entries, in each folder: every one of them is opened.
inline constexpr std::size_t kMaxEntryFiles = 256;

/// The `names` that `is_entry` takes, no more than kMaxEntryFiles: the newest by name (UAPI.10). What is left out is an
/// error in `broken`.
[[nodiscard]] std::vector<std::string> entry_names(std::vector<std::string> names,
                                                   bool (*is_entry)(std::string_view name), std::string_view folder,
                                                   std::vector<Error>& broken);

/// The file `name` ("grubenv") of the folders in /EFI of the ESP, where some distributions have GRUB's: when there is
/// one alone, as the folders of two systems say different things. Nothing when it has more than `cap` bytes.
[[nodiscard]] std::optional<std::string> read_vendor_file(disk::GuestDisk& disk, std::string_view name,
                                                          std::uint64_t cap);

/// Whether the fstab of a root mounts that partition.
[[nodiscard]] bool mounts(const disk::GuestTree& root, const disk::GuestPartition& partition);

/// The root file systems of the guest disk, by partition: what has an /etc/fstab or an os-release.
[[nodiscard]] std::vector<disk::GuestTree> root_trees(disk::GuestDisk& disk);

}  // namespace vhdboot::entry
