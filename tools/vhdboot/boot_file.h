// SPDX-License-Identifier: GPL-2.0-or-later
// vhdboot's own EFI files, known by what is in them and not by a name or a list.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/byte_source.h"
#include "base/result.h"
#include "tools/vhdboot/running_system.h"

namespace vhdboot::command {

inline constexpr std::uint64_t kMaxBootFile = 32 * 1024 * 1024;  ///< bytes; ours has at most 8 MiB

/// The version of vhdboot in an EFI file; nothing when it is another program's, or none.
[[nodiscard]] std::optional<std::string> boot_file_version(const ByteSource& file);

/// An EFI file of ours that stands ready to start an image.
struct InstalledFile {
  std::string path;     ///< "/boot/efi/EFI/vhdboot/debian.efi"
  std::string name;     ///< "debian"
  std::string version;  ///< of vhdboot
  tools::MountedVolume mount;

  /// The configuration beside it, which need not be there.
  [[nodiscard]] std::string configuration() const;
  /// From the top of its volume: "/EFI/vhdboot/debian.efi".
  [[nodiscard]] std::string path_on_volume() const { return tools::path_on_volume(mount, path); }
  [[nodiscard]] bool is_on_esp() const { return mount.type == "vfat" || mount.type == "msdos"; }
};

/// Those on mounted volumes: on NTFS and exFAT in the folders of images, on FAT in /EFI/vhdboot, and in `folders`.
[[nodiscard]] std::vector<InstalledFile> find_installed(const RunningSystem& system,
                                                        const std::vector<std::string>& folders);

/// Those called `name`, in any case; with a '/' in it, a path: that file, or those that start that image.
[[nodiscard]] std::vector<InstalledFile> called(const RunningSystem& system,
                                                const std::vector<InstalledFile>& installed, std::string_view name);

/// called() of all that there are; a relative path is made whole. NotFound when there is none.
[[nodiscard]] Result<std::vector<InstalledFile>> find_named(const RunningSystem& system, const std::string& name);

/// An EFI file to be copied: `asked`, or without it vhdboot.efi beside this program, or where a package puts it.
struct BootFileSource {
  std::string path;
  std::string version;
  std::vector<std::byte> bytes;
};
[[nodiscard]] Result<BootFileSource> read_boot_file(const std::string& asked);

}  // namespace vhdboot::command
