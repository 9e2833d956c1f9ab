// SPDX-License-Identifier: GPL-2.0-or-later
// The parents of an image on volumes that nobody has mounted.
#pragma once

#include <string_view>
#include <vector>

#include "base/byte_source.h"
#include "base/result.h"
#include "init/volume/volume.h"
#include "vhd/disk.h"

namespace vhdboot::vhdtool {

/// Both are borrowed.
struct UnmountedVolume {
  const ByteSource* partition = nullptr;
  volume::HostVolume* reader = nullptr;
};

class VolumeParents {
 public:
  /// Of the file `image`. `other`: the volume of parents that are not on that of their child; without a reader: none.
  VolumeParents(const UnmountedVolume& own, const UnmountedVolume& other, const volume::Path& image)
      : own_(own), other_(other), child_(image) {}

  /// That of the image that was found last, which calls it `name`. NotFound: the next name is tried.
  [[nodiscard]] Result<vhd::OpenedFile> open(std::string_view name);

  struct Found {
    bool elsewhere = false;  ///< on the other volume
    volume::Path path;
    volume::FileLayout layout;
  };
  /// The nearest first.
  [[nodiscard]] const std::vector<Found>& found() const { return found_; }

 private:
  UnmountedVolume own_;
  UnmountedVolume other_;
  bool elsewhere_ = false;  // where the child is
  volume::Path child_;
  std::vector<Found> found_;
};

}  // namespace vhdboot::vhdtool
