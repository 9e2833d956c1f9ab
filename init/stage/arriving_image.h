// SPDX-License-Identifier: GPL-2.0-or-later
// An image that is not complete yet, with what is kept beside it (init/arrive/block_map.h).
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "base/range.h"
#include "base/result.h"
#include "init/arrive/arriving_source.h"
#include "init/arrive/block_map.h"
#include "init/record/config.h"
#include "init/stage/host_volumes.h"
#include "init/volume/layout.h"

namespace vhdboot::stage {

struct ArrivingImage {
  record::Arrival from;
  arrive::MapHeader header;
  volume::PlacedFile map;
  volume::PlacedFile tree;
  std::vector<std::byte> bits;                             ///< of the map
  std::unique_ptr<const arrive::ArrivingSource> contents;  ///< of the image's file; borrows that and the bits

  /// Bytes of the disk.
  [[nodiscard]] std::vector<Range> missing() const;
};

/// That of the file at `path`, whose bytes are `file`, borrowed. Null where the file is complete or has no map beside
/// it: then it is judged as any other one. Unsafe when it is another image than that of the root hash; Invalid for a
/// source that cannot be asked; errors of reading.
[[nodiscard]] Result<std::unique_ptr<const ArrivingImage>> open_arriving(HostVolume& volume, const volume::Path& path,
                                                                         const ByteSource& file,
                                                                         const record::Arrival& from);

}  // namespace vhdboot::stage
