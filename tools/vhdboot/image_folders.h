// SPDX-License-Identifier: GPL-2.0-or-later
// In which folders of a volume the menu of a boot looks for images. That depends on the EFI file that is started and on
// its configuration; which one it will be nobody knows, so all of them count.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "base/result.h"
#include "disk/selector.h"
#include "init/record/config.h"
#include "init/record/origin.h"
#include "init/volume/path.h"
#include "init/volume/volume.h"
#include "tools/vhdboot/running_system.h"

namespace vhdboot::command {

/// The files of an NTFS or exFAT volume, mounted or not. Both say NotFound as volume::HostVolume does.
struct VolumeFiles {
  std::function<Result<std::vector<volume::DirEntry>>(const volume::Path& folder)> list;
  std::function<Result<std::string>(const volume::Path& file, std::uint64_t cap)> read;
};

/// Of one that is mounted at `place`; names in whatever case they are spelled there.
[[nodiscard]] VolumeFiles files_at(const std::string& place);
/// The path in this system of a file on it, as it is spelled there: drivers need not ignore case, the boot does.
[[nodiscard]] Result<std::string> spelled_at(const std::string& place, const volume::Path& path);
/// Of one that is not; `volume` has to outlive it.
[[nodiscard]] VolumeFiles files_of(volume::HostVolume& volume);

/// An EFI file with its configuration.
struct BootSetup {
  std::string device;     ///< of the NTFS or exFAT volume that the EFI file is on; empty: it is on an ESP
  record::Origin origin;  ///< its path alone
  record::Config config;
};

/// The EFI files on the volume that have a configuration beside them, in kImageFolders and `more`. A wrong
/// configuration does not count, as at a start.
[[nodiscard]] std::vector<BootSetup> find_setups(const VolumeFiles& volume, const std::string& device,
                                                 const std::vector<volume::Path>& more);

/// Those on mounted ESPs: in /EFI/vhdboot, and `efi_file`, a path on one of them; empty: none.
[[nodiscard]] std::vector<BootSetup> find_setups_on_esps(const RunningSystem& system, const std::string& efi_file);

/// Where the menus of all of them look on this volume. Its folders are those of every volume, too, when there are none.
[[nodiscard]] std::vector<volume::Path> folders_on(const std::string& device, const disk::Identity& identity,
                                                   const std::vector<BootSetup>& setups);

}  // namespace vhdboot::command
