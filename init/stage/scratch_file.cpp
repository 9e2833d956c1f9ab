// SPDX-License-Identifier: GPL-2.0-or-later
#include "init/stage/scratch_file.h"

#include <utility>

#include "base/text.h"
#include "init/blocks/writer.h"

namespace vhdboot::stage {

Result<FoundImage> with_scratch_file(FoundImage image, const std::optional<record::Ephemeral>& ephemeral) {
  if (!ephemeral || ephemeral->file.empty()) return image;
  HostVolume& volume = *image.volume;
  const auto path = TRY(volume::parse_path(ephemeral->file));
  const std::string where = concat("the scratch file ", printable(path.text()), " on ", volume.description());
  auto layout = volume.reader->layout(path);
  // The image is there: nobody is to look for it elsewhere.
  if (!layout && layout.error().code == Code::NotFound) layout.error().code = Code::Unsupported;
  volume::PlacedFile scratch;
  scratch.layout = TRY_IN(where, std::move(layout));
  scratch.path = TRY_IN(where, volume.reader->spelling(path));
  TRY_IN(where, volume::check_mappable(scratch.layout, scratch.path));
  TRY_IN(where, volume.reader->check_allocation(scratch.path));
  const volume::FileSource contents(*volume.source, scratch.layout.extents, scratch.layout.size,
                                    scratch.layout.valid_size);
  TRY_IN(where, blocks::check_scratch(contents));
  image.view = TRY(blocks::with_file(
      std::move(image.view),
      {.size = scratch.layout.size, .extents = scratch.layout.extents, .device = 0, .name = scratch.path.text()}));
  image.scratch = std::move(scratch);
  return image;
}

}  // namespace vhdboot::stage
