// SPDX-License-Identifier: GPL-2.0-or-later
// A disk whose image has not all of its blocks, so that a guest can write to all of it: blocks that are whole in the
// file are rows; a block that is not is copied to a free place of the file when it is written to for the first time.
//
//   gate   the disk, and behind its end a row on the partition by which flushes pass (flush_gate.h)
//   disk   blocks that are whole: rows on the file; all others: rows on the gap
//   gap    a dm-snapshot of the view whose chunks are blocks and whose store is cow; a chunk that is not in it is read
//          from the view
//   cow    two chunks of metadata, which a program serves that puts each new block into the image's table before it
//          answers (exception_store.h); the free places of the file in their order; one chunk of zeroes: a store that
//          is full to its last chunk of metadata and data would be written to behind its end, and be lost
//   view   the image with its parents, read-only;  file   the bytes of the image's own file
//
// Nothing but the file is ever written to. Rows change only when a session is over, since all of its places are used or
// the snapshot has met an error: the disk gets new rows then, below which there is another gap.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "init/blocks/row.h"
#include "vhd/disk.h"

namespace vhdboot::blocks {

/// Larger blocks would take too long to copy, and the kernel three times their size of memory.
inline constexpr std::uint64_t kMinNewBlock = 1ULL << 20;  ///< bytes
inline constexpr std::uint64_t kMaxNewBlock = 4ULL << 20;  ///< bytes

/// So many places before the end nothing more is written, and an image needs as many more to be worth a start.
inline constexpr std::uint64_t kLastPlaces = 16;
inline constexpr std::uint64_t kMinPlaces = 4 * kLastPlaces;

/// Whether new blocks can be made in this image while a guest runs, if its log is right. Unsupported, with what to do,
/// for other formats and sizes of blocks, and with less than kMinPlaces places for blocks in reserve.
[[nodiscard]] Result<void> check_new_blocks(const vhd::DiskInfo& image);

/// Blocks that lie, whole, one after the other in the file as on the disk. In bytes.
struct WholeBlocks {
  std::uint64_t start = 0;        ///< on the disk, a multiple of the block size
  std::uint64_t length = 0;       ///< likewise, but at the end of the disk
  std::uint64_t file_offset = 0;  ///< in whole sectors

  friend bool operator==(const WholeBlocks&, const WholeBlocks&) = default;
};

/// Those of `image`, in their order, neighbours merged. Invalid for an image without blocks.
[[nodiscard]] Result<std::vector<WholeBlocks>> whole_blocks(const vhd::Disk& image);

/// The devices, but for the view and the file.
struct NewBlockRows {
  std::uint64_t block_size = 0;
  std::uint64_t blocks = 0;           ///< of the disk
  std::vector<std::uint64_t> places;  ///< chunk kFirstDataChunk + i of the store is at places[i] of the file

  std::vector<Row> cow;   ///< device 0: the metadata, 1: the file
  std::vector<Row> gap;   ///< device 0: the view, 1: cow
  std::vector<Row> disk;  ///< device 0: the file, 1: the gap
  std::vector<Row> gate;  ///< device 0: disk, 1: the partition
};

/// `sectors`: of the view. `free`: places for blocks in the file, bytes, which are used in that order as far as one
/// session can; `gate_sector`: a place on the partition where a write would harm nobody. Corrupt for blocks that are
/// not in their order, not whole or beyond the disk and for places that are not in whole sectors; Unsupported with less
/// than kMinPlaces places.
[[nodiscard]] Result<NewBlockRows> new_block_rows(std::uint64_t sectors, std::uint64_t block_size,
                                                  std::span<const WholeBlocks> whole,
                                                  std::span<const std::uint64_t> free, std::uint64_t gate_sector);

/// The rows of `disk` alone: device 0 is the file, 1 what shows all other blocks. Errors of new_block_rows().
[[nodiscard]] Result<std::vector<Row>> rows_of_disk(std::uint64_t sectors, std::uint64_t block_size,
                                                    std::span<const WholeBlocks> whole);

/// What is said when the places that are left have become `now` and were `before`, of `all`: a sentence for the lowest
/// of 25, 10, 5 and 2 per cent, of kLastPlaces and of none that lies in between; nothing when none does.
[[nodiscard]] std::optional<std::string> room_warning(std::uint64_t before, std::uint64_t now, std::uint64_t all);

}  // namespace vhdboot::blocks
