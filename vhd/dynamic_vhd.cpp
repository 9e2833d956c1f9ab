// SPDX-License-Identifier: GPL-2.0-or-later
#include "vhd/dynamic_vhd.h"

#include <algorithm>
#include <array>
#include <utility>

#include "base/text.h"

namespace vhdboot::vhd {
namespace {

constexpr std::uint32_t kAbsent = 0xFFFFFFFF;
constexpr std::uint64_t kNoBlock = ~std::uint64_t{0};

Result<std::vector<std::uint32_t>> read_table(const ByteSource& file, const DynamicHeader& header,
                                              std::uint64_t needed) {
  const std::uint64_t bytes = needed * 4;
  if (header.table_offset > file.size() || bytes > file.size() - header.table_offset)
    return fail(Code::Corrupt, "the block table of the VHD lies outside of the file: a part of the file is missing");
  std::vector<std::byte> raw(static_cast<std::size_t>(bytes));
  TRY_IN("reading the block table", file.read(header.table_offset, raw));
  std::vector<std::uint32_t> table(static_cast<std::size_t>(needed));
  for (std::size_t i = 0; i < table.size(); ++i) table[i] = load_be<std::uint32_t>(raw, i * 4).value_or(kAbsent);
  return table;
}

}  // namespace

Result<DynamicFooter> read_dynamic_footer(const ByteSource& file) {
  for (const bool at_end : {true, false}) {
    DynamicFooter found{.at_end = at_end};
    if (file.size() < kFooterSize) break;
    TRY(file.read(at_end ? file.size() - kFooterSize : 0, found.bytes));
    const auto footer = parse_footer(found.bytes);
    if (!footer || footer->type == DiskType::Fixed) continue;
    found.footer = *footer;
    return found;
  }
  return fail(Code::Unsupported, "it is no dynamic VHD");
}

DynamicVhd::DynamicVhd(const ByteSource& file, const Footer& footer, DynamicHeader header,
                       std::vector<std::uint32_t> table)
    : SparseDisk(file, footer.current_size),
      header_(std::move(header)),
      header_offset_(footer.data_offset),
      table_(std::move(table)),
      bitmap_bytes_(vhd_shape(header_.block_size).bitmap_bytes),
      absent_(footer.type == DiskType::Differencing ? Origin::Parent : Origin::Zero),
      bitmap_block_(kNoBlock) {}

Result<std::unique_ptr<DynamicVhd>> DynamicVhd::open(const ByteSource& file, const Footer& footer) {
  if (footer.current_size == 0 || footer.current_size % kSectorSize != 0 || footer.current_size > kMaxPayload)
    return fail(Code::Corrupt, concat("the VHD footer names a disk of ", footer.current_size,
                                      " bytes, which is no multiple of 512 up to 2040 GiB"));
  std::array<std::byte, kDynamicHeaderSize> raw{};
  if (footer.data_offset > file.size() || raw.size() > file.size() - footer.data_offset)
    return fail(Code::Corrupt, "the header of the dynamic VHD lies outside of the file: a part of the file is missing");
  TRY_IN("reading the header of the dynamic VHD", file.read(footer.data_offset, raw));
  DynamicHeader header = TRY(parse_dynamic_header(raw));
  const std::uint64_t needed = (footer.current_size + header.block_size - 1) / header.block_size;
  if (needed > header.block_count)
    return fail(Code::Corrupt, concat("the block table of the VHD has ", header.block_count, " entries, its disk of ",
                                      human_size(footer.current_size), " needs ", needed));
  auto table = TRY(read_table(file, header, needed));
  std::unique_ptr<DynamicVhd> disk(new DynamicVhd(file, footer, std::move(header), std::move(table)));
  TRY(disk->check_blocks());
  return disk;
}

Result<void> DynamicVhd::check_blocks() {
  std::vector<std::uint64_t> places;
  metadata_end_ = std::max({kFooterSize, header_offset_ + kDynamicHeaderSize,
                            header_.table_offset + align_up(std::uint64_t{header_.block_count} * 4, kSectorSize)});
  for (const VhdLocator& locator : header_.locators) {
    const std::uint64_t length = std::max<std::uint64_t>(locator.length, locator.space * kSectorSize);
    // One that lies elsewhere is not read either.
    if (length > 0 && locator.offset < file().size())
      metadata_end_ = std::max(metadata_end_, locator.offset + std::min(length, align_up(kMaxLocatorData, kMiB)));
  }
  used_end_ = metadata_end_;
  // Where a guest may write to the blocks, none of them may be a footer.
  std::array<std::byte, kFooterSize> tail{};
  TRY(file().read(file().size() - kFooterSize, tail));
  const bool at_end = has_footer_cookie(tail);
  const std::uint64_t end = at_end ? file().size() - kFooterSize : file().size();
  const auto meets = [](std::uint64_t a, std::uint64_t a_length, std::uint64_t b, std::uint64_t b_length) {
    return a < b + b_length && b < a + a_length;
  };
  for (std::size_t i = 0; i < table_.size(); ++i) {
    if (table_[i] == kAbsent) continue;
    const std::uint64_t start = table_[i] * kSectorSize;
    // Of the last block only what is below the end of the disk has to be there.
    const std::uint64_t data = std::min<std::uint64_t>(header_.block_size, size() - i * header_.block_size);
    if (start > file().size() || bitmap_bytes_ + data > file().size() - start)
      return fail(Code::Corrupt, concat("block ", i, " of the VHD lies outside of the file: a part of it is missing"));
    if (meets(start, bitmap_bytes_ + data, header_.table_offset, table_.size() * 4) ||
        meets(start, bitmap_bytes_ + data, header_offset_, kDynamicHeaderSize) || start < kFooterSize ||
        start + bitmap_bytes_ + data > end)
      return fail(Code::Corrupt, concat("block ", i, " of the VHD lies over the headers of the file"));
    places.push_back(start);
    used_end_ = std::max(used_end_, start + bitmap_bytes_ + header_.block_size);
  }
  allocated_ = places.size();
  // Without a footer nothing tells where the room for more blocks ends.
  if (at_end) reserve_ = shape().count(used_end_, end) * header_.block_size;
  if (any_overlap(places, bitmap_bytes_ + header_.block_size))
    return fail(Code::Corrupt, "the block table of the VHD is damaged: two blocks lie at the same place");
  return {};
}

Result<void> DynamicVhd::load_bitmap(std::uint64_t block) const {
  if (bitmap_block_ == block) return {};
  bitmap_block_ = kNoBlock;
  bitmap_.resize(static_cast<std::size_t>(bitmap_bytes_));
  TRY(file().read(table_[static_cast<std::size_t>(block)] * kSectorSize, bitmap_));
  bitmap_block_ = block;
  return {};
}

Result<DynamicVhd::Piece> DynamicVhd::locate(std::uint64_t offset, std::uint64_t limit) const {
  const std::uint64_t block = offset / header_.block_size;
  const std::uint64_t within = offset % header_.block_size;
  const std::uint64_t rest = std::min(limit, header_.block_size - within);
  const std::uint32_t place = table_[static_cast<std::size_t>(block)];
  if (place == kAbsent) {
    // As far as no block is there: a disk that is nearly empty is few pieces.
    Piece piece{absent_, 0, rest};
    for (std::uint64_t next = block + 1; piece.length < limit && table_[static_cast<std::size_t>(next)] == kAbsent;
         ++next)
      piece.length = std::min(limit, piece.length + header_.block_size);
    return piece;
  }
  TRY(load_bitmap(block));
  const auto held = [&](std::uint64_t sector) {  // the highest bit of a byte stands for its first sector
    return (std::to_integer<unsigned>(bitmap_[static_cast<std::size_t>(sector / 8)]) >> (7 - sector % 8) & 1) != 0;
  };
  const std::uint64_t first = within / kSectorSize;
  std::uint64_t last = first + 1;
  const std::byte same = held(first) ? std::byte{0xFF} : std::byte{0};
  while (last * kSectorSize < within + rest) {
    if (last % 8 == 0 && bitmap_[static_cast<std::size_t>(last / 8)] == same)
      last += 8;
    else if (held(last) == held(first))
      ++last;
    else
      break;
  }
  return Piece{held(first) ? Origin::File : absent_, place * kSectorSize + bitmap_bytes_ + within,
               std::min(rest, last * kSectorSize - within)};
}

}  // namespace vhdboot::vhd
