// SPDX-License-Identifier: GPL-2.0-or-later
// Makes a raw image a fixed VHD, and a fixed VHD that was grown by `truncate` one again: first worked out from the
// file without touching it (plan_conversion), then done (convert).
//
// How large the disk becomes. A raw image is its own payload: the footer is appended. A grown VHD has its old footer in
// the middle; what was added to the file is added to the disk, so the new footer takes the last 512 bytes of the file
// and `truncate -s +10G` makes the disk exactly 10 GiB larger. A person who names an absolute size means the disk:
// when the new file size is a rounder number than the growth is, and that is no trifle, the footer is appended and the
// disk gets that size.
// The footer is appended as well when the last 512 bytes are in use: not zero, or claimed by a partition table.
//
// Loss of power. Each write reaches the disk before the next begins (ByteFile::write), in this order:
//   1. the new footer, one sector (with --pad also the zeros before it, in the same write);
//   2. zeros over each old footer, one sector each;
//   3. for --relocate-gpt: the backup table at the new end, zeros over the old backup header, the size in the
//      protective MBR, and last the primary header, each of the last three one sector.
// A disk writes a sector whole or not at all. So at any moment the file is one of:
//   - as it was: before 1. Where the file grows by 1, a file system that reports the new size before it stores the data
//     (none that journals in order does) may leave zeros there instead of the footer. With a GPT, whose end shows that
//     the last sector is not the disk's, running again puts the footer into them; without one the disk has one sector
//     of zeros more at its end. Nothing else has changed.
//   - a valid VHD of the new size: after 1. An old footer is then left in a place that no partition covers and means
//     nothing to anybody; running again finds it, as it did the first time, and wipes it. That is why the new footer
//     comes first: the other order has a moment in which no footer and no UUID exists.
//   - within 3 the primary table is valid and unchanged until its header is written, and running again with
//     --relocate-gpt repeats the step. The primary header also shows where an old footer is, so 2 comes before 3.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/guid.h"
#include "disk/gpt.h"
#include "vhd/byte_file.h"
#include "vhd/footer.h"
#include "vhd/refusal.h"

namespace vhdboot::vhd {

struct ConversionOptions {
  std::optional<Guid> uuid;         ///< the disk's UUID from now on; absent: the one it has, or `fresh_uuid`
  Guid fresh_uuid;                  ///< of a disk that had none
  std::int64_t now = 0;             ///< creation time of a disk that had none, Unix seconds
  bool pad = false;                 ///< fill up a size that is no multiple of 512 with zeros
  bool relocate_gpt = false;        ///< move the backup GPT to the end of the disk
  std::string file_name = "IMAGE";  ///< for messages that say what to do
};

enum class Change {
  None,     ///< the footer at the end is right
  Created,  ///< the file had no footer
  Grown,    ///< an old footer lies in the middle of the file
  Resized,  ///< the footer at the end named another size or UUID
};

/// A word for programs: "created".
[[nodiscard]] std::string_view name(Change change);

/// Everything that convert() will do, and what there will be afterwards. Sizes and offsets in bytes.
struct Conversion {
  Change change = Change::None;
  std::uint64_t file_size = 0;         ///< before
  std::uint64_t new_file_size = 0;     ///< after
  std::uint64_t old_payload_size = 0;  ///< Grown, Resized: what the footer said; else equal to payload_size
  std::uint64_t payload_size = 0;
  Footer footer;                        ///< at offset payload_size
  std::vector<disk::DiskWrite> writes;  ///< in their order; none: nothing to do
  std::vector<std::string> hints;       ///< sentences for the person
};

/// Reads `file` at a bounded number of places, whatever its size.
[[nodiscard]] Attempt<Conversion> plan_conversion(const ByteFile& file, const ConversionOptions& options);

/// Does what `conversion`, planned for `file` as it still is, says. When the first write fails the file gets its old
/// size back; when a later one fails, running again completes it.
[[nodiscard]] Attempt<void> convert(ByteFile& file, const Conversion& conversion);

}  // namespace vhdboot::vhd
