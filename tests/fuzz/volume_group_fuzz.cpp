// SPDX-License-Identifier: GPL-2.0-or-later
// The metadata of a volume group: the pieces of a linear volume follow each other from 0 on.
#include "disk/volume_group.h"
#include "tests/fuzz/check.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace vhdboot;
  using namespace vhdboot::disk;
  const auto group = parse_volume_group({reinterpret_cast<const char*>(data), size});
  if (!group) {
    check(group.error().code == Code::Corrupt);
    return 0;
  }
  check(group->volumes.size() <= kMaxLogicalVolumes);
  std::size_t pieces = 0;
  for (const LogicalVolume& volume : group->volumes) {
    check(volume.is_linear != volume.pieces.empty());
    std::uint64_t end = 0;
    for (const VolumePiece& piece : volume.pieces) {
      check(piece.length > 0 && piece.start == end && piece.physical_start < UINT64_MAX - piece.length);
      end += piece.length;
      check(end > piece.start);
    }
    pieces += volume.pieces.size();
  }
  check(pieces <= kMaxVolumePieces);
  return 0;
}
