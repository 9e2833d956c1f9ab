// SPDX-License-Identifier: GPL-2.0-or-later
#include "init/blocks/new_blocks.h"

#include <algorithm>
#include <bit>

#include "base/text.h"
#include "base/units.h"
#include "init/blocks/exception_store.h"

namespace vhdboot::blocks {
namespace {

// A block of any disk.
constexpr std::uint64_t kGate = 8;

bool grows(vhd::Format format) {
  return format == vhd::Format::Vhdx || format == vhd::Format::DynamicVhd || format == vhd::Format::DifferencingVhd;
}

Result<void> check_places(std::span<const std::uint64_t> places) {
  if (places.size() < kMinPlaces)
    return fail(Code::Unsupported, concat("its file has room for ", places.size(), " more blocks, at least ",
                                          kMinPlaces, " are needed: make room with `vhdtool reserve`"));
  if (std::ranges::any_of(places, [](std::uint64_t place) { return place % kSectorSize != 0; }))
    return fail(Code::Corrupt, "a place for a block would lie between two sectors");
  return {};
}

}  // namespace

Result<void> check_new_blocks(const vhd::DiskInfo& image) {
  if (!grows(image.format)) return fail(Code::Unsupported, "no new ones can be made in it while the guest runs");
  if (image.block_size < kMinNewBlock || image.block_size > kMaxNewBlock || !std::has_single_bit(image.block_size))
    return fail(Code::Unsupported,
                concat("no new blocks of ", human_size(image.block_size), " can be made while the guest runs",
                       image.format == vhd::Format::Vhdx ? ": make them smaller with `vhdtool reblock`" : ""));
  if (image.reserve / image.block_size < kMinPlaces)
    return fail(Code::Unsupported,
                concat("its file has room for ", human_size(image.reserve), " more, at least ",
                       human_size(kMinPlaces * image.block_size), " are needed: make room with `vhdtool reserve`"));
  return {};
}

Result<std::vector<WholeBlocks>> whole_blocks(const vhd::Disk& image) {
  const vhd::SparseDisk* blocks = image.blocks();
  const std::uint64_t size = image.info().block_size;
  if (blocks == nullptr || size == 0) return fail(Code::Invalid, "the image has no blocks");
  std::vector<WholeBlocks> whole;
  for (std::uint64_t start = 0; start < image.size(); start += size) {
    const std::uint64_t length = std::min(size, image.size() - start);
    const auto piece = TRY(blocks->locate(start, length));
    if (piece.origin != vhd::SparseDisk::Origin::File || piece.length != length) continue;
    if (!whole.empty() && whole.back().start + whole.back().length == start &&
        whole.back().file_offset + whole.back().length == piece.file_offset)
      whole.back().length += length;
    else
      whole.push_back({start, length, piece.file_offset});
  }
  return whole;
}

Result<std::vector<Row>> rows_of_disk(std::uint64_t sectors, std::uint64_t block_size,
                                      std::span<const WholeBlocks> whole) {
  std::vector<Row> rows;
  std::uint64_t end = 0;  // of the rows, sectors
  const auto gap_up_to = [&](std::uint64_t sector) {
    append_row(rows, {.start = end, .length = sector - end, .device = 1, .device_sector = end});
    end = sector;
  };
  for (const WholeBlocks& blocks : whole) {
    const std::uint64_t start = blocks.start / kSectorSize;
    const std::uint64_t length = blocks.length / kSectorSize;
    const bool is_last = start <= sectors && length == sectors - start;
    if (blocks.start % block_size != 0 || start < end || start > sectors || length > sectors - start || length == 0 ||
        blocks.length % (is_last ? kSectorSize : block_size) != 0 || blocks.file_offset % kSectorSize != 0)
      return fail(Code::Corrupt, concat("the blocks from byte ", blocks.start, " of the disk on are out of place"));
    gap_up_to(start);
    append_row(rows,
               {.start = start, .length = length, .device = 0, .device_sector = blocks.file_offset / kSectorSize});
    end = start + length;
  }
  gap_up_to(sectors);
  return rows;
}

Result<NewBlockRows> new_block_rows(std::uint64_t sectors, std::uint64_t block_size, std::span<const WholeBlocks> whole,
                                    std::span<const std::uint64_t> free, std::uint64_t gate_sector) {
  if (sectors == 0 || block_size < kMinNewBlock || block_size > kMaxNewBlock || !std::has_single_bit(block_size))
    return fail(Code::Unsupported, concat("new blocks of ", block_size, " bytes cannot be made"));
  const auto places = free.first(std::min<std::size_t>(free.size(), most_data_chunks(block_size)));
  TRY(check_places(places));
  const std::uint64_t chunk = block_size / kSectorSize;
  NewBlockRows rows{.block_size = block_size,
                    .blocks = (sectors + chunk - 1) / chunk,
                    .places = {places.begin(), places.end()},
                    .cow = {},
                    .gap = {{.kind = RowKind::Snapshot, .length = sectors, .device = 0, .store = 1, .chunk = chunk}},
                    .disk = TRY(rows_of_disk(sectors, block_size, whole)),
                    .gate = {{.length = sectors, .device = 0},
                             {.start = sectors, .length = kGate, .device = 1, .device_sector = gate_sector}}};
  std::uint64_t end = kFirstDataChunk * chunk;
  append_row(rows.cow, {.length = end, .device = 0});
  for (const std::uint64_t place : places) {
    append_row(rows.cow, {.start = end, .length = chunk, .device = 1, .device_sector = place / kSectorSize});
    end += chunk;
  }
  append_row(rows.cow, {.kind = RowKind::Zero, .start = end, .length = chunk});
  if (rows.disk.size() > kMaxRows || rows.cow.size() > kMaxRows)
    return fail(Code::Unsupported, concat("the disk would take more than ", kMaxRows, " rows"));
  return rows;
}

std::optional<std::string> room_warning(std::uint64_t before, std::uint64_t now, std::uint64_t all) {
  if (now >= before || all == 0) return std::nullopt;
  if (now == 0) return "the image has no room for another block: what needs one fails";
  if (now <= kLastPlaces && before > kLastPlaces)
    return concat("the image has room for ", now,
                  " more blocks: every file system is made read-only now, before what "
                  "is written fails; shut down and make room with `vhdtool reserve`");
  constexpr std::uint64_t kPerCent = 100;
  for (const std::uint64_t mark : {2U, 5U, 10U, 25U})
    if (now * kPerCent <= all * mark && before * kPerCent > all * mark)
      return concat("the image has room for ", now, " more blocks, ", now * kPerCent / all,
                    "% of what there was: when there is none its file systems become read-only; make room with "
                    "`vhdtool reserve`");
  return std::nullopt;
}

}  // namespace vhdboot::blocks
