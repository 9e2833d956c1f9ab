// SPDX-License-Identifier: GPL-2.0-or-later
// Gives every byte of a file on an unmounted NTFS volume a place of its own: holes get clusters, what lies behind the
// valid data length is written, the sparse attribute goes.
//
// Loss of power. The volume is marked dirty while this works, so Windows checks it before it is used again. New
// clusters are marked as taken, then filled with zeros, and only when those are on the disk does the file get them, in
// one step (ntfs_switch.h); the valid data length follows the zeros likewise. So at any moment the file reads as it
// did. What may remain are clusters and records of the MFT that are taken and nobody's. That chkdsk gives these back,
// also the records, is what it is assumed to do and was not tested; until then they are lost room and nothing else.
//
// A step is one write of a record of the MFT, of up to 4096 bytes, and rests on the assumption that it is written whole
// or not at all, which a device with smaller physical sectors does not guarantee.
#pragma once

#include <cstdint>

#include "base/result.h"
#include "base/units.h"
#include "init/volume/path.h"
#include "init/volume/volume.h"
#include "vhd/refusal.h"
#include "vhd/space_file.h"
#include "vhd/tool/byte_device.h"

namespace vhdboot::tool {

/// What there is to do for a file.
struct NtfsFill {
  std::uint64_t holes = 0;      ///< bytes that need clusters
  std::uint64_t unwritten = 0;  ///< bytes behind the valid data length
  std::uint64_t to_write = 0;   ///< bytes of zeros
  bool sparse = false;          ///< it has the sparse attribute

  [[nodiscard]] bool nothing() const { return holes == 0 && unwritten == 0 && !sparse; }
};

/// What `layout`, of a volume with such clusters, asks for. Unsupported for what has no clusters of its own: directory,
/// reparse point, compressed, encrypted, resident.
[[nodiscard]] Result<NtfsFill> plan_ntfs_fill(const volume::FileLayout& layout, const volume::Path& path);

/// How much is done between two moments at which all is in order on the disk. More is faster for a file in many pieces,
/// whose whole map is written anew each time.
inline constexpr std::uint64_t kNtfsFillStep = 256 * kMiB;

/// Does it. `path` has been found on the volume, which is clean. Stopped by `watch` it leaves a clean volume as well.
/// `step` in bytes. Unsupported, with nothing of the file changed, when its contents have holes and are not marked as
/// sparse; and, with all done that can be, when a named stream of it is sparse, so that the file's own flag has to
/// stay. Every error behind which the volume is not clean says so.
[[nodiscard]] vhd::Attempt<void> fill_ntfs_file(ByteDevice& device, const volume::Path& path, const NtfsFill& plan,
                                                const vhd::Watch& watch, std::uint64_t step = kNtfsFillStep);

}  // namespace vhdboot::tool
