// SPDX-License-Identifier: GPL-2.0-or-later
#include "tools/vhdtool/open_image.h"

namespace vhdboot::vhdtool {
namespace {

Result<Image> open_with(const std::string& path, const vhd::OpenParent& open_parent) {
  Image image;
  image.file = TRY(tools::ImageReader::open(path));
  image.disk = TRY(vhd::open_disk(*image.file, path, open_parent));
  return image;
}

}  // namespace

Result<Image> open_image(const std::string& path, Parents parents) {
  return open_with(path, parents == Parents::Needed ? vhd::OpenParent(tools::open_parent_beside) : nullptr);
}

Result<Image> open_image(const std::string& path, MountedParents& parents) {
  return open_with(path, [&](std::string_view child, std::string_view name) { return parents.open(child, name); });
}

}  // namespace vhdboot::vhdtool
