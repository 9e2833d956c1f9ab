// SPDX-License-Identifier: GPL-2.0-or-later
#include "vhd/vhdx_table.h"

#include <algorithm>
#include <array>
#include <string_view>
#include <utility>

#include "base/text.h"

namespace vhdboot::vhd {
namespace {

constexpr std::uint64_t kBitmapSectors = 8 * kVhdxBitmap;

Result<std::vector<std::uint64_t>> read_entries(const ByteSource& file, const VhdxRegion& region,
                                                std::uint64_t entries) {
  if (entries > kMaxVhdxEntries)
    return fail(Code::Unsupported, concat("the block table of the VHDX file has ", entries, " entries, more than the ",
                                          kMaxVhdxEntries, " that are handled"));
  if (entries * 8 > region.length)
    return fail(Code::Corrupt, concat("the block table of the VHDX file has room for ", region.length / 8,
                                      " entries, its disk needs ", entries));
  std::vector<std::uint64_t> table(static_cast<std::size_t>(entries));
  std::array<std::byte, 4096> chunk{};
  for (std::size_t i = 0; i < table.size();) {
    const std::size_t count = std::min(table.size() - i, chunk.size() / 8);
    TRY_IN("reading the block table", file.read(region.offset + i * 8, MutableBytes(chunk).first(count * 8)));
    for (std::size_t j = 0; j < count; ++j) table[i++] = load_le<std::uint64_t>(chunk, j * 8).value_or(0);
  }
  return table;
}

Result<void> take_regions(VhdxPlaces& places, const VhdxRegions& regions, const VhdxHeader& header,
                          std::uint64_t file_size) {
  bool apart = places.take(0, std::min(kMiB, file_size)) && places.take(regions.bat.offset, regions.bat.length) &&
               places.take(regions.metadata.offset, regions.metadata.length);
  // A log that is empty may be anywhere.
  if (header.log_length > 0 && header.log_offset <= file_size && header.log_length <= file_size - header.log_offset)
    apart = apart && places.take(header.log_offset, header.log_length);
  if (!apart) return fail(Code::Corrupt, "the regions of the VHDX file overlap");
  for (const VhdxRegion& other : regions.others) places.take_rest(other.offset, other.length);
  return {};
}

Result<void> take_block(VhdxTable& table, std::uint64_t file_size, std::string_view what, std::uint64_t number,
                        std::uint64_t entry, std::uint64_t length) {
  const std::uint64_t start = vhdx_place(entry);
  if (start < kMiB || start > file_size || length > file_size - start)
    return fail(Code::Corrupt,
                concat(what, number, " of the VHDX file lies outside of the file: a part of it is missing"));
  if (!table.places.take(start, length))
    return fail(Code::Corrupt, concat(what, number, " of the VHDX file lies where something else is"));
  return {};
}

Result<void> take_blocks(VhdxTable& table, std::uint64_t file_size) {
  const VhdxShape& shape = table.shape;
  for (std::uint64_t block = 0; block < shape.blocks; ++block) {
    const std::uint64_t entry = table.of_block(block);
    // Of the last block only what is below the end of the disk has to be there.
    const std::uint64_t needed = std::min(shape.block_size, table.metadata.disk_size - block * shape.block_size);
    switch (vhdx_state(entry)) {
      case VhdxState::NotPresent:
      case VhdxState::Undefined:
      case VhdxState::Zero:
      case VhdxState::Unmapped:
      case VhdxState::UnmappedOfQemu:
        break;
      case VhdxState::Partial:
        if (!table.metadata.parent)
          return fail(Code::Corrupt, concat("block ", block, " is partial, but there is no parent"));
        if (vhdx_state(table.of_bitmap(block / shape.chunk_blocks)) != VhdxState::Present)
          return fail(Code::Corrupt, concat("block ", block, " of the VHDX file is partial and has no sector bitmap"));
        [[fallthrough]];
      case VhdxState::Present:
        TRY(take_block(table, file_size, "block ", block, entry, needed));
        ++table.allocated;
        break;
      default:
        return fail(Code::Corrupt, concat("block ", block, " of the VHDX file has the unknown state ", entry & 7));
    }
  }
  if (table.metadata.parent)
    for (std::uint64_t chunk = 0; chunk < shape.chunks; ++chunk)
      if (const std::uint64_t entry = table.of_bitmap(chunk); vhdx_state(entry) == VhdxState::Present)
        TRY(take_block(table, file_size, "sector bitmap ", chunk, entry, kVhdxBitmap));
  // Behind all that counts: an entry keeps its place when nothing is in it, and a last block all of its own.
  for (std::uint64_t block = 0; block < shape.blocks; ++block)
    table.places.take_rest(vhdx_place(table.of_block(block)), shape.block_size);
  return {};
}

}  // namespace

VhdxShape shape_of(const VhdxMetadata& metadata) {
  VhdxShape shape;
  shape.block_size = metadata.block_size;
  shape.blocks = (metadata.disk_size + metadata.block_size - 1) / metadata.block_size;
  shape.chunk_blocks = kBitmapSectors * metadata.logical_sector / metadata.block_size;
  shape.chunks = (shape.blocks + shape.chunk_blocks - 1) / shape.chunk_blocks;
  // 2.5: only a differencing file has the bitmap of the last chunk.
  shape.entries = metadata.parent ? shape.chunks * (shape.chunk_blocks + 1)
                                  : shape.blocks + (shape.blocks - 1) / shape.chunk_blocks;
  return shape;
}

bool VhdxPlaces::take(std::uint64_t offset, std::uint64_t length) {
  for (std::uint64_t at = offset / kMiB; at * kMiB < offset + length; ++at) {
    auto place = taken_[static_cast<std::size_t>(at)];
    if (place) return false;
    place = true;
  }
  return true;
}

void VhdxPlaces::take_rest(std::uint64_t offset, std::uint64_t length) {
  if (offset == 0) return;
  for (std::uint64_t at = offset / kMiB; at < taken_.size() && at * kMiB - offset / kMiB * kMiB < length; ++at)
    taken_[static_cast<std::size_t>(at)] = true;
}

std::optional<std::uint64_t> VhdxPlaces::find(std::uint64_t length, std::uint64_t from) const {
  const std::uint64_t units = length / kMiB;
  std::uint64_t run = 0;
  for (std::uint64_t at = from / kMiB; at < taken_.size(); ++at) {
    run = taken_[static_cast<std::size_t>(at)] ? 0 : run + 1;
    if (run == units) return (at + 1 - units) * kMiB;
  }
  return std::nullopt;
}

std::uint64_t VhdxPlaces::count(std::uint64_t length) const {
  std::uint64_t found = 0;
  for (auto place = find(length, 0); place; place = find(length, *place + length)) ++found;
  return found;
}

Result<VhdxTable> read_vhdx_table(const ByteSource& file) {
  VhdxTable table{.header = TRY(read_vhdx_header(file)),
                  .regions = TRY(read_vhdx_regions(file)),
                  .metadata = {},
                  .shape = {},
                  .entries = {},
                  .places = VhdxPlaces(file.size())};
  table.metadata = TRY(read_vhdx_metadata(file, table.regions.metadata));
  table.shape = shape_of(table.metadata);
  table.entries = TRY(read_entries(file, table.regions.bat, table.shape.entries));
  TRY(take_regions(table.places, table.regions, table.header, file.size()));
  TRY(take_blocks(table, file.size()));
  return table;
}

}  // namespace vhdboot::vhd
