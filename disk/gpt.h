// SPDX-License-Identifier: GPL-2.0-or-later
// The GUID partition table (UEFI 2.10, 5.3): reading one copy of it, and moving its backup when the disk changes its
// size. Bytes are kept as they are, so that what is not understood here survives.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/byte_source.h"
#include "base/guid.h"
#include "base/result.h"
#include "disk/partition_table.h"

namespace vhdboot::disk {

/// One copy whose checksums are right, or what is wrong with it.
struct GptCopy {
  enum class State : std::uint8_t { Absent, Damaged, Good };
  State state = State::Absent;
  std::string damage;  ///< what is wrong, or that nothing is there
  // Only of a good one.
  std::uint32_t block = 512;  ///< logical block, bytes
  Guid disk_guid;
  std::uint32_t entry_count = 0;
  std::uint32_t entry_size = 0;    ///< bytes
  std::vector<std::byte> header;   ///< the whole block
  std::vector<std::byte> entries;  ///< whole blocks

  /// The entry with this number, below `entry_count`.
  [[nodiscard]] Bytes entry(std::uint32_t index) const {
    return Bytes(entries).subspan(std::size_t{index} * entry_size, entry_size);
  }
};

/// Reads the copy whose header is in logical block number `header_block`. Io only; what is wrong with the table is in
/// the value.
[[nodiscard]] Result<GptCopy> read_gpt_copy(const ByteSource& disk, std::uint32_t logical_block,
                                            std::uint64_t header_block);

/// The partitions of a good copy on a disk of `blocks` logical blocks: those that Linux sees.
[[nodiscard]] ListedPartitions list_gpt_partitions(const GptCopy& copy, std::uint64_t blocks);

/// Why Linux does not look at a good copy on a disk of `blocks` logical blocks (is_gpt_valid() in its
/// block/partitions/efi.c), and what to do; empty when it does.
[[nodiscard]] std::string why_unseen(const GptCopy& copy, std::uint64_t blocks);

/// A primary table whose checksums are right, which does not contradict itself, and whose partitions lie where it
/// allows them: one that may be written again.
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

/// One change of a disk or a file, worked out before anything is touched.
struct DiskWrite {
  std::uint64_t offset = 0;  ///< bytes from its start
  std::vector<std::byte> data;
  std::string what;  ///< for people: "footer"
};

/// The writes, in their order, that move the backup of `gpt` to the end of a disk of `payload_size` bytes; none when it
/// is there. The primary header is the last one: until it is written the table means what it did before, and reading
/// `disk` again gives the same writes. A valid backup exists at any moment, at one of the two ends, unless the disk
/// grew by less than the table's own size. Invalid when the disk is too small for its partitions.
[[nodiscard]] Result<std::vector<DiskWrite>> move_backup(const ByteSource& disk, const Gpt& gpt,
                                                         std::uint64_t payload_size);

/// Whether the backup of `gpt` lies before the end of a disk of `payload_size` bytes.
[[nodiscard]] bool backup_is_inside(const Gpt& gpt, std::uint64_t payload_size);

}  // namespace vhdboot::disk
