// SPDX-License-Identifier: GPL-2.0-or-later
#include "vhd/reblock.h"

#include <algorithm>
#include <array>
#include <span>
#include <vector>

#include "base/text.h"

namespace vhdboot::vhd {
namespace {

VhdxMetadata reblocked(VhdxMetadata metadata) {
  metadata.block_size = kReblockedSize;
  return metadata;
}

// Of a part of a block. An absent one gives its place up; all states but the first read as zeros.
std::uint64_t entry_of_part(std::uint64_t entry, std::uint64_t part) {
  switch (vhdx_state(entry)) {
    case VhdxState::Present:
    case VhdxState::Partial:
      return entry + part * kReblockedSize;
    case VhdxState::NotPresent:
      return vhdx_entry(0, VhdxState::NotPresent);
    default:
      return vhdx_entry(0, VhdxState::Zero);
  }
}

// The bytes of a table, in as many as its region has. A sector bitmap is of as many sectors whatever the blocks are.
std::vector<std::byte> new_table(const VhdxTable& old, std::uint64_t size) {
  const VhdxShape shape = shape_of(reblocked(old.metadata));
  const std::uint64_t parts = old.shape.block_size / kReblockedSize;
  std::vector<std::byte> bytes(static_cast<std::size_t>(size));
  const auto put = [&](std::uint64_t index, std::uint64_t entry) {
    static_cast<void>(store_le<std::uint64_t>(bytes, static_cast<std::size_t>(index) * 8, entry));
  };
  for (std::uint64_t block = 0; block < shape.blocks; ++block)
    put(shape.index_of(block), entry_of_part(old.of_block(block / parts), block % parts));
  if (old.metadata.parent)
    for (std::uint64_t chunk = 0; chunk < shape.chunks; ++chunk)
      put(shape.bitmap_index_of(chunk), old.of_bitmap(chunk));
  return bytes;
}

}  // namespace

Result<std::uint64_t> reblocked_table_size(const VhdxTable& table) {
  const std::uint64_t entries = shape_of(reblocked(table.metadata)).entries;
  if (entries > kMaxVhdxEntries)
    return fail(Code::Unsupported, concat("a disk of ", human_size(table.metadata.disk_size),
                                          " has too many blocks of 1 MiB: convert it with qemu-img"));
  return align_up(entries * 8, kMiB);
}

Result<void> reblock(ByteFile& file, VhdxWriter& writer) {
  const VhdxTable& old = writer.table();
  const std::uint64_t size = TRY(reblocked_table_size(old));
  const auto place = old.places.find(size, 0);
  if (!place || *place + size > file.size())
    return fail(Code::Invalid, concat("the file has no free place of ", human_size(size)));
  TRY_IN("writing the new block table", file.write_unflushed(*place, new_table(old, size)));

  const std::uint64_t parameters = TRY(file_parameters_place(file, old.regions.metadata));
  const std::uint64_t start = parameters / kLogSector * kLogSector;
  std::array<std::byte, kLogSector> metadata{};
  TRY_IN("reading the metadata", file.read(start, metadata));
  if (!store_le<std::uint32_t>(metadata, static_cast<std::size_t>(parameters - start), kReblockedSize))
    return fail(Code::Unsupported, "the file parameters of the VHDX file lie across two sectors");
  const auto regions = TRY(moved_block_table(file, {*place, static_cast<std::uint32_t>(size)}));
  auto sectors = region_table_sectors(regions);
  sectors.push_back({start, metadata});
  TRY(writer.update(sectors));
  return writer.close();
}

}  // namespace vhdboot::vhd
