// SPDX-License-Identifier: GPL-2.0-or-later
// The parents of an image on a volume that nobody has mounted.
#pragma once

#include <string_view>
#include <vector>

#include "base/byte_source.h"
#include "base/result.h"
#include "init/volume/volume.h"
#include "vhd/disk.h"

namespace vhdboot::vhdtool {

class VolumeParents {
 public:
  /// Of the file `image`. All are borrowed.
  VolumeParents(const ByteSource& partition, volume::HostVolume& reader, const volume::Path& image)
      : partition_(partition), reader_(reader), child_(image) {}

  /// That of the image that was found last, which calls it `name`. NotFound: the next name is tried.
  [[nodiscard]] Result<vhd::OpenedFile> open(std::string_view name);

  /// The nearest first.
  [[nodiscard]] const std::vector<volume::PlacedFile>& found() const { return found_; }

 private:
  const ByteSource& partition_;
  volume::HostVolume& reader_;
  volume::Path child_;
  std::vector<volume::PlacedFile> found_;
};

}  // namespace vhdboot::vhdtool
