// SPDX-License-Identifier: GPL-2.0-or-later
#include "tools/vhdtool/volume_parents.h"

#include <memory>
#include <optional>
#include <utility>

#include "init/blocks/parent_places.h"
#include "init/volume/file_source.h"

namespace vhdboot::vhdtool {

Result<vhd::OpenedFile> VolumeParents::open(std::string_view name) {
  for (const volume::Path& place : blocks::parent_places(child_, name)) {
    auto layout = reader_.layout(place);
    if (!layout && layout.error().code == Code::NotFound) continue;
    if (!layout) return std::unexpected(std::move(layout).error());
    auto contents = std::make_unique<volume::FileSource>(partition_, layout->extents, layout->size, layout->valid_size);
    child_ = place;
    vhd::OpenedFile opened{place.text(), std::move(contents), layout->modified};
    found_.push_back({place, *std::move(layout)});
    return opened;
  }
  return fail(Code::NotFound, "nothing of that name is on this volume");
}

}  // namespace vhdboot::vhdtool
