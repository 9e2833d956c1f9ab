// SPDX-License-Identifier: GPL-2.0-or-later
// The images of this machine, as the menu of a boot lists them: in the same folders of every NTFS and exFAT volume.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/exit_status.h"
#include "base/result.h"
#include "init/volume/path.h"
#include "tools/vhdboot/image_folders.h"
#include "tools/vhdboot/running_system.h"
#include "tools/vhdtool/finding.h"

namespace vhdboot::command {

inline constexpr std::size_t kMaxListed = 128;  ///< images; with more of them the last ones are left out

/// A volume to look at: mounted, or not.
struct ListedVolume {
  std::string device;  ///< "/dev/sda2"
  std::string place;   ///< where its top is mounted; empty: it is not

  friend bool operator==(const ListedVolume&, const ListedVolume&) = default;
};

enum class ImageState : std::uint8_t {
  Unknown,  ///< too little could be looked at
  Ready,    ///< it boots
  Refused,  ///< it will not
  Windows,  ///< a Windows: not by vhdboot
  Running,  ///< this system runs from it
};

struct ListedImage {
  std::string name;    ///< "debian" of /boot/debian.vhd
  std::string path;    ///< on the volume
  std::string volume;  ///< its label, or the device
  std::string device;
  std::string file;  ///< where it is mounted; empty: it is not
  std::uint64_t size = 0;
  std::string system;  ///< what would be started; empty: not known
  ImageState state = ImageState::Unknown;
  std::string reason;  ///< why it is refused, or not known

  friend bool operator==(const ListedImage&, const ListedImage&) = default;
};

struct ImageList {
  std::vector<ListedImage> images;
  std::vector<std::string> passed_over;  ///< places that could not be looked at, and why
};

/// The images in those folders of the volume, what `place` says filled in. What is passed over is added to `list`.
void find_images(const VolumeFiles& volume, const std::vector<volume::Path>& folders, const ListedImage& place,
                 ImageList& list);

/// Which volumes the mount table names as NTFS or exFAT.
[[nodiscard]] std::vector<ListedVolume> mounted_volumes(const std::vector<tools::MountedVolume>& mounts);

/// What the findings of a check say of an image.
void take_verdict(const vhdtool::Findings& findings, ListedImage& image);

/// A table; empty for no images.
[[nodiscard]] std::string list_text(const ImageList& list);
/// One JSON object on one line, without the line feed.
[[nodiscard]] std::string list_json(const ImageList& list);

}  // namespace vhdboot::command
