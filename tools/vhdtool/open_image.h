// SPDX-License-Identifier: GPL-2.0-or-later
// The disk of an image file that was named on the command line.
#pragma once

#include <memory>
#include <string>

#include "base/result.h"
#include "tools/common/image_reader.h"
#include "tools/vhdtool/mounted_parents.h"
#include "vhd/disk.h"

namespace vhdboot::vhdtool {

enum class Parents { Needed, Ignored };

struct Image {
  std::unique_ptr<tools::ImageReader> file;
  std::unique_ptr<vhd::Disk> disk;
};

/// Opens it for reading; with Parents::Needed also the files that it is based on.
[[nodiscard]] Result<Image> open_image(const std::string& path, Parents parents = Parents::Needed);

/// The same with parents that may lie elsewhere.
[[nodiscard]] Result<Image> open_image(const std::string& path, MountedParents& parents);

}  // namespace vhdboot::vhdtool
