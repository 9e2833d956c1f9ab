// SPDX-License-Identifier: GPL-2.0-or-later
#include "tools/vhdtool/open_image.h"

namespace vhdboot::vhdtool {

Result<Image> open_image(const std::string& path, Parents parents) {
  Image image;
  image.file = TRY(tools::ImageReader::open(path));
  const vhd::OpenParent open_parent = parents == Parents::Needed ? vhd::OpenParent(tools::open_parent_beside) : nullptr;
  image.disk = TRY(vhd::open_disk(*image.file, path, open_parent));
  return image;
}

}  // namespace vhdboot::vhdtool
