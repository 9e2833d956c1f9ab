// SPDX-License-Identifier: GPL-2.0-or-later
// Which file is the image: configured, or by convention the one beside the EFI file with the same name; and which other
// files are images.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "init/record/config.h"
#include "init/record/origin.h"
#include "init/volume/path.h"
#include "init/volume/volume.h"

namespace vhdboot::record {

/// Of names of images that are booted, those first that are taken first.
inline constexpr std::array<std::string_view, 4> kBootedEndings{".vhd", ".img", ".raw", ".vhdx"};

/// Where to look on each candidate volume, best first. Configured: exactly that path. Else, for /boot/debian.efi:
/// /boot/debian.vhd, and the other kBootedEndings. NotFound when nothing is configured and the firmware told no path,
/// or one that does not end in ".efi"; Invalid when a relative path is configured and the firmware told no path.
[[nodiscard]] Result<std::vector<volume::Path>> image_candidates(const Config& config, const Origin& origin);

/// Where on the image's volume the image of a further disk is that a configuration calls `disk`.
[[nodiscard]] Result<volume::Path> disk_path(std::string_view disk, const volume::Path& image);

/// Whether the name is that of an image that is booted.
[[nodiscard]] bool has_booted_name(const volume::Path& path);

/// Whether the name is that of a disk image. Also what is not booted: who looks for such a file in a list finds there
/// what to do.
[[nodiscard]] bool has_image_name(const volume::Path& path);

inline constexpr std::uint64_t kMinImageSize = 64 * 1024;  ///< a smaller file is no disk, whatever its name says
inline constexpr std::size_t kMaxListedFolder = 4096;      ///< names; images in a larger folder are not looked for
/// Where on each volume images are looked for, besides the folder of the EFI file.
inline constexpr std::array<std::string_view, 4> kImageFolders{"/", "/boot", "/vhd", "/images"};

/// Where the menu looks for images on a volume, each folder once, in any case: where the EFI file is, if it is there
/// (`has_efi_file`), where the image is that is booted when nobody chooses, if that may be there, kImageFolders, and
/// the folders of the configuration.
[[nodiscard]] std::vector<volume::Path> image_folders(const Config& config, const Origin& origin, bool has_efi_file,
                                                      bool may_have_default);

/// The path of a file in one of those folders, when it is an image to be listed.
[[nodiscard]] std::optional<volume::Path> listed_image(const volume::Path& folder, const volume::DirEntry& file);

}  // namespace vhdboot::record
