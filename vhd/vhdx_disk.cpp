// SPDX-License-Identifier: GPL-2.0-or-later
#include "vhd/vhdx_disk.h"

#include <algorithm>
#include <array>
#include <utility>

#include "base/text.h"

namespace vhdboot::vhd {
namespace {

// 2.5.1.1 and 2.5.1.2
enum State : std::uint8_t {
  NotPresent = 0,
  Undefined = 1,
  Zero = 2,
  Unmapped = 3,
  UnmappedOfQemu = 5,
  Present = 6,
  Partial = 7
};

// 2.5.1: the offset is in units of 1 MiB from bit 20 on, so that masking gives bytes.
constexpr std::uint64_t kOffsetMask = ~(kMiB - 1);
constexpr std::uint64_t kBitmapSize = kMiB;
constexpr std::uint64_t kBitmapSectors = 8 * kBitmapSize;

State state_of(std::uint64_t entry) {
  return static_cast<State>(entry & 7);
}

// A part of the block, at least, is in the file.
bool is_held(std::uint64_t entry) {
  return state_of(entry) == Present || state_of(entry) == Partial;
}

std::uint64_t chunk_blocks_of(const VhdxMetadata& metadata) {
  return kBitmapSectors * metadata.logical_sector / metadata.block_size;
}

std::uint64_t blocks_of(const VhdxMetadata& metadata) {
  return (metadata.disk_size + metadata.block_size - 1) / metadata.block_size;
}

// 2.5: how many entries the table must have.
std::uint64_t entries_of(const VhdxMetadata& metadata) {
  const std::uint64_t blocks = blocks_of(metadata);
  const std::uint64_t ratio = chunk_blocks_of(metadata);
  if (metadata.parent) return (blocks + ratio - 1) / ratio * (ratio + 1);
  return blocks + (blocks - 1) / ratio;
}

Result<std::vector<std::uint64_t>> read_table(const ByteSource& file, const VhdxRegion& region, std::uint64_t entries) {
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

// The file in pieces of 1 MiB: which are taken. All blocks and regions lie on such limits.
class TakenPlaces {
 public:
  explicit TakenPlaces(std::uint64_t file_size) : taken_(static_cast<std::size_t>((file_size + kMiB - 1) / kMiB)) {}

  // False when a part of the place was taken already. The place lies within the file.
  bool take(std::uint64_t offset, std::uint64_t length) {
    for (std::uint64_t at = offset / kMiB; at * kMiB < offset + length; ++at) {
      auto place = taken_[static_cast<std::size_t>(at)];
      if (place) return false;
      place = true;
    }
    return true;
  }

 private:
  std::vector<bool> taken_;
};

}  // namespace

VhdxDisk::VhdxDisk(const ByteSource& file, VhdxMetadata metadata, std::vector<std::uint64_t> table)
    : SparseDisk(file, metadata.disk_size),
      metadata_(std::move(metadata)),
      table_(std::move(table)),
      chunk_blocks_(chunk_blocks_of(metadata_)) {}

std::uint64_t VhdxDisk::entry_of(std::uint64_t block) const {
  return table_[static_cast<std::size_t>(block + block / chunk_blocks_)];
}

std::uint64_t VhdxDisk::bitmap_entry_of(std::uint64_t chunk) const {
  return table_[static_cast<std::size_t>(chunk * (chunk_blocks_ + 1) + chunk_blocks_)];
}

Result<std::unique_ptr<VhdxDisk>> VhdxDisk::open(const ByteSource& file) {
  const VhdxHeader header = TRY(read_vhdx_header(file));
  const VhdxRegions regions = TRY(read_vhdx_regions(file));
  VhdxMetadata metadata = TRY(read_vhdx_metadata(file, regions.metadata));
  auto table = TRY(read_table(file, regions.bat, entries_of(metadata)));
  std::unique_ptr<VhdxDisk> disk(new VhdxDisk(file, std::move(metadata), std::move(table)));
  TRY(disk->check_blocks(regions, header));
  return disk;
}

Result<void> VhdxDisk::check_blocks(const VhdxRegions& regions, const VhdxHeader& header) {
  TakenPlaces taken(file().size());
  bool apart = taken.take(0, std::min(kMiB, file().size())) && taken.take(regions.bat.offset, regions.bat.length) &&
               taken.take(regions.metadata.offset, regions.metadata.length);
  // A log that is empty may be anywhere.
  if (header.log_length > 0 && header.log_offset <= file().size() &&
      header.log_length <= file().size() - header.log_offset)
    apart = apart && taken.take(header.log_offset, header.log_length);
  if (!apart) return fail(Code::Corrupt, "the regions of the VHDX file overlap");

  const auto place = [&](std::string_view what, std::uint64_t number, std::uint64_t entry,
                         std::uint64_t length) -> Result<void> {
    const std::uint64_t start = entry & kOffsetMask;
    if (start < kMiB || start > file().size() || length > file().size() - start)
      return fail(Code::Corrupt,
                  concat(what, number, " of the VHDX file lies outside of the file: a part of it is missing"));
    if (!taken.take(start, length))
      return fail(Code::Corrupt, concat(what, number, " of the VHDX file lies where something else is"));
    return {};
  };
  const std::uint64_t blocks = blocks_of(metadata_);
  for (std::uint64_t block = 0; block < blocks; ++block) {
    const std::uint64_t entry = entry_of(block);
    // Of the last block only what is below the end of the disk has to be there.
    const std::uint64_t needed = std::min<std::uint64_t>(metadata_.block_size, size() - block * metadata_.block_size);
    switch (state_of(entry)) {
      case NotPresent:
      case Undefined:
      case Zero:
      case Unmapped:
      case UnmappedOfQemu:
        break;
      case Partial:
        if (!metadata_.parent)
          return fail(Code::Corrupt, concat("block ", block, " is partial, but there is no parent"));
        if (state_of(bitmap_entry_of(block / chunk_blocks_)) != Present)
          return fail(Code::Corrupt, concat("block ", block, " of the VHDX file is partial and has no sector bitmap"));
        [[fallthrough]];
      case Present:
        TRY(place("block ", block, entry, needed));
        ++allocated_;
        break;
      default:
        return fail(Code::Corrupt, concat("block ", block, " of the VHDX file has the unknown state ", entry & 7));
    }
  }
  if (metadata_.parent)
    for (std::uint64_t chunk = 0; chunk * chunk_blocks_ < blocks; ++chunk)
      if (const std::uint64_t entry = bitmap_entry_of(chunk); state_of(entry) == Present)
        TRY(place("sector bitmap ", chunk, entry, kBitmapSize));
  return {};
}

VhdxDisk::Origin VhdxDisk::absent_origin(std::uint64_t entry) const {
  return state_of(entry) == NotPresent && metadata_.parent ? Origin::Parent : Origin::Zero;
}

Result<VhdxDisk::Piece> VhdxDisk::locate(std::uint64_t offset, std::uint64_t limit) const {
  const std::uint64_t within = offset % metadata_.block_size;
  const std::uint64_t rest = std::min(limit, metadata_.block_size - within);
  const std::uint64_t entry = entry_of(offset / metadata_.block_size);
  const std::uint64_t place = (entry & kOffsetMask) + within;
  switch (state_of(entry)) {
    case Present:
      return Piece{Origin::File, place, rest};
    case Partial:
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

// 2.4: bit 0 of byte 0 of a bitmap stands for the first sector of its chunk.
Result<VhdxDisk::Piece> VhdxDisk::locate_partial(std::uint64_t offset, std::uint64_t limit, std::uint64_t place) const {
  const std::uint64_t sector_size = metadata_.logical_sector;
  const std::uint64_t sector = offset / sector_size;
  const std::uint64_t bitmap = bitmap_entry_of(sector / kBitmapSectors) & kOffsetMask;
  const std::uint64_t first = sector % kBitmapSectors;
  std::array<std::byte, 512> bits{};
  const std::uint64_t first_byte = first / 8;
  const std::uint64_t count = std::min<std::uint64_t>(bits.size(), kBitmapSize - first_byte);
  TRY(file().read(bitmap + first_byte, MutableBytes(bits).first(static_cast<std::size_t>(count))));
  const auto held = [&](std::uint64_t number) {
    return (std::to_integer<unsigned>(bits[static_cast<std::size_t>(number / 8 - first_byte)]) >> (number % 8) & 1) !=
           0;
  };
  std::uint64_t last = first + 1;
  std::uint64_t length = sector_size - offset % sector_size;
  while (length < limit && last < (first_byte + count) * 8 && held(last) == held(first)) {
    length += sector_size;
    ++last;
  }
  return Piece{held(first) ? Origin::File : Origin::Parent, place, std::min(length, limit)};
}

}  // namespace vhdboot::vhd
