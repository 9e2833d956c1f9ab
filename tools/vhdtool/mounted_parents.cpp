// SPDX-License-Identifier: GPL-2.0-or-later
#include "tools/vhdtool/mounted_parents.h"

#include <fcntl.h>

#include <cstdlib>

#include "base/text.h"
#include "init/blocks/parent_places.h"
#include "init/sys/file.h"
#include "init/sys/mounted_tree.h"
#include "init/volume/path.h"
#include "tools/common/image_reader.h"
#include "tools/vhdtool/mounted_file.h"

namespace vhdboot::vhdtool {

Result<MountedParents> MountedParents::on(std::string other) {
  if (other.empty()) return MountedParents({}, nullptr);
  auto top = TRY_IN("the volume with parents", sys::open_file(other, O_PATH | O_DIRECTORY));
  return MountedParents(std::move(other), std::make_unique<sys::MountedTree>(std::move(top)));
}

Result<vhd::OpenedFile> MountedParents::open(std::string_view child, std::string_view name) {
  auto opened = tools::open_parent_beside(child, name);
  if (!opened && opened.error().code == Code::NotFound && tree_) {
    auto found = TRY(look_elsewhere(std::string(child), name));
    if (!found.file) return opened;
    opened = std::move(found);
    is_used_ = true;
  }
  if (opened) found_.push_back(opened->name);
  return opened;
}

Result<vhd::OpenedFile> MountedParents::look_elsewhere(const std::string& child, std::string_view name) const {
  const std::unique_ptr<char, void (*)(void*)> canonical(::realpath(child.c_str(), nullptr), &std::free);
  if (!canonical) return fail_errno(child);
  std::string_view on_volume(canonical.get());
  const std::string top = TRY(examine_mounted(child)).mount_point;
  if (top != "/" && on_volume.starts_with(concat(top, '/'))) on_volume.remove_prefix(top.size());
  for (const volume::Path& place : blocks::parent_places(TRY(volume::parse_path(on_volume)), name, true)) {
    std::string path = concat(other_, spelled_in(*tree_, place.text()));
    auto file = tools::ImageReader::open(path);
    if (!file && file.error().code == Code::NotFound) continue;
    if (!file) return std::unexpected(file.error().within(concat("its parent ", printable(path))));
    const std::int64_t changed = (*file)->changed();
    return vhd::OpenedFile{std::move(path), *std::move(file), changed};
  }
  return vhd::OpenedFile{};
}

}  // namespace vhdboot::vhdtool
