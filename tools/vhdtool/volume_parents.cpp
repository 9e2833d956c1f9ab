// SPDX-License-Identifier: GPL-2.0-or-later
#include "tools/vhdtool/volume_parents.h"

#include <memory>
#include <utility>

#include "init/blocks/parent_places.h"
#include "init/volume/file_source.h"

namespace vhdboot::vhdtool {

Result<vhd::OpenedFile> VolumeParents::open(std::string_view name) {
  for (const bool elsewhere : {elsewhere_, !elsewhere_}) {
    const UnmountedVolume& volume = elsewhere ? other_ : own_;
    if (volume.reader == nullptr) continue;
    for (const volume::Path& place : blocks::parent_places(child_, name, elsewhere)) {
      // A child may have the name of its parent on the other volume.
      if (other_.reader != nullptr && elsewhere == elsewhere_ && place == child_) continue;
      auto layout = volume.reader->layout(place);
      if (!layout && layout.error().code == Code::NotFound) continue;
      if (!layout) return std::unexpected(std::move(layout).error());
      auto contents =
          std::make_unique<volume::FileSource>(*volume.partition, layout->extents, layout->size, layout->valid_size);
      vhd::OpenedFile opened{place.text(), std::move(contents), layout->modified};
      child_ = place;
      elsewhere_ = elsewhere;
      found_.push_back({elsewhere, place, *std::move(layout)});
      return opened;
    }
  }
  return fail(Code::NotFound, "nothing of that name is there");
}

}  // namespace vhdboot::vhdtool
