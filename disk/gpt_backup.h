// SPDX-License-Identifier: GPL-2.0-or-later
// The partition table of a disk that changes its size: where it says that the disk ends, and how its backup moves
// (UEFI 2.10, 5.3). Bytes are kept as they are, so that what is not understood here survives.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "base/byte_source.h"
#include "base/result.h"
#include "disk/disk_write.h"

namespace vhdboot::disk {

/// A primary GPT whose checksums are right and whose partitions lie where it allows them.
struct Gpt {
  std::uint32_t block = 512;         ///< its logical block, 512 or 4096 bytes
  std::uint64_t alternate_lba = 0;   ///< of the backup header
  std::uint64_t partitions_end = 0;  ///< bytes: no partition reaches further
  std::vector<std::byte> header;     ///< the whole block
  std::vector<std::byte> entries;    ///< a multiple of the block

  /// Where the disk ended, in bytes, when the table was written: right behind the backup header.
  [[nodiscard]] std::uint64_t disk_end() const { return (alternate_lba + 1) * block; }
};

/// The primary GPT of `disk`; nothing when there is none. Corrupt when there is one and it cannot be trusted.
[[nodiscard]] Result<std::optional<Gpt>> read_gpt(const ByteSource& disk);

/// Where the last partition of a plausible MBR ends, in bytes; 0 without one, and for the MBR in front of a GPT.
[[nodiscard]] Result<std::uint64_t> mbr_partitions_end(const ByteSource& disk);

/// The writes, in their order, that move the backup of `gpt` to the end of a disk of `payload_size` bytes; none when it
/// is there. The primary header is the last one: until it is written the table means what it did before, and reading
/// `disk` again gives the same writes. A valid backup exists at any moment, at one of the two ends, unless the disk
/// grew by less than the table's own size. Invalid when the disk is too small for its partitions.
[[nodiscard]] Result<std::vector<DiskWrite>> move_backup(const ByteSource& disk, const Gpt& gpt,
                                                         std::uint64_t payload_size);

/// Whether the backup of `gpt` lies before the end of a disk of `payload_size` bytes.
[[nodiscard]] bool backup_is_inside(const Gpt& gpt, std::uint64_t payload_size);

}  // namespace vhdboot::disk
