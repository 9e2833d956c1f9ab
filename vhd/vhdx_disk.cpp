// SPDX-License-Identifier: GPL-2.0-or-later
#include "vhd/vhdx_disk.h"

#include <algorithm>
#include <utility>

#include "base/units.h"

namespace vhdboot::vhd {
namespace {

constexpr std::uint64_t kBitmapSectors = 8 * kVhdxBitmap;
constexpr std::uint64_t kBits = 4 * kKiB;  // of a bitmap that are read at a time: of 16 MiB, with sectors of 512 bytes
static_assert(kVhdxBitmap % kBits == 0);

// A part of the block, at least, is in the file.
bool is_held(std::uint64_t entry) {
  return vhdx_state(entry) == VhdxState::Present || vhdx_state(entry) == VhdxState::Partial;
}

}  // namespace

VhdxDisk::VhdxDisk(const ByteSource& file, VhdxTable table)
    : SparseDisk(file, table.metadata.disk_size),
      metadata_(std::move(table.metadata)),
      shape_(table.shape),
      table_(std::move(table.entries)),
      allocated_(table.allocated),
      reserve_(table.places.count(shape_.block_size) * shape_.block_size) {}

std::uint64_t VhdxDisk::entry_of(std::uint64_t block) const {
  return table_[static_cast<std::size_t>(shape_.index_of(block))];
}

std::uint64_t VhdxDisk::bitmap_entry_of(std::uint64_t chunk) const {
  return table_[static_cast<std::size_t>(shape_.bitmap_index_of(chunk))];
}

Result<std::unique_ptr<VhdxDisk>> VhdxDisk::open(const ByteSource& file) {
  auto table = TRY(read_vhdx_table(file));
  return std::unique_ptr<VhdxDisk>(new VhdxDisk(file, std::move(table)));
}

VhdxDisk::Origin VhdxDisk::absent_origin(std::uint64_t entry) const {
  return vhdx_state(entry) == VhdxState::NotPresent && metadata_.parent ? Origin::Parent : Origin::Zero;
}

Result<VhdxDisk::Piece> VhdxDisk::locate(std::uint64_t offset, std::uint64_t limit) const {
  const std::uint64_t within = offset % metadata_.block_size;
  const std::uint64_t rest = std::min(limit, metadata_.block_size - within);
  const std::uint64_t entry = entry_of(offset / metadata_.block_size);
  const std::uint64_t place = vhdx_place(entry) + within;
  switch (vhdx_state(entry)) {
    case VhdxState::Present:
      return Piece{Origin::File, place, rest};
    case VhdxState::Partial:
      return locate_partial(offset, rest, place);
    default:
      break;
  }
  // As far as blocks of the same kind go: a disk that is nearly empty is few pieces.
  Piece piece{absent_origin(entry), 0, rest};
  for (std::uint64_t block = offset / metadata_.block_size + 1; piece.length < limit; ++block) {
    const std::uint64_t next = entry_of(block);
    if (is_held(next) || absent_origin(next) != piece.origin) break;
    piece.length = std::min(limit, piece.length + metadata_.block_size);
  }
  return piece;
}

// Whoever looks a disk up goes along it: what lies around is needed next.
Result<void> VhdxDisk::load_bits(std::uint64_t start) const {
  if (bits_start_ == start) return {};
  bits_start_ = kNowhere;
  bits_.resize(kBits);
  TRY(file().read(start, bits_));
  bits_start_ = start;
  return {};
}

// 2.4: bit 0 of byte 0 of a bitmap stands for the first sector of its chunk.
Result<VhdxDisk::Piece> VhdxDisk::locate_partial(std::uint64_t offset, std::uint64_t limit, std::uint64_t place) const {
  const std::uint64_t sector_size = metadata_.logical_sector;
  const std::uint64_t sector = offset / sector_size;
  const std::uint64_t first = sector % kBitmapSectors;
  const std::uint64_t first_byte = first / 8 / kBits * kBits;
  TRY(load_bits(vhdx_place(bitmap_entry_of(sector / kBitmapSectors)) + first_byte));
  const auto held = [&](std::uint64_t number) {
    return (std::to_integer<unsigned>(bits_[static_cast<std::size_t>(number / 8 - first_byte)]) >> (number % 8) & 1) !=
           0;
  };
  std::uint64_t last = first + 1;
  std::uint64_t length = sector_size - offset % sector_size;
  while (length < limit && last < (first_byte + kBits) * 8 && held(last) == held(first)) {
    length += sector_size;
    ++last;
  }
  return Piece{held(first) ? Origin::File : Origin::Parent, place, std::min(length, limit)};
}

}  // namespace vhdboot::vhd
