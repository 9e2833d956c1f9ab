// SPDX-License-Identifier: GPL-2.0-or-later
#include "vhd/dynamic_vhd_writer.h"

#include <algorithm>
#include <array>

#include "base/text.h"

namespace vhdboot::vhd {
namespace {

constexpr std::uint32_t kAbsent = 0xFFFFFFFF;

}  // namespace

DynamicVhdWriter::DynamicVhdWriter(ByteFile& file, const DynamicVhd& disk)
    : file_(file),
      shape_(disk.shape()),
      blocks_((disk.size() + shape_.block_size - 1) / shape_.block_size),
      table_offset_(disk.header().table_offset),
      metadata_end_(disk.metadata_end()),
      used_end_(disk.used_end()),
      table_(static_cast<std::size_t>(align_up(blocks_ * 4, kSectorSize))),
      ones_(static_cast<std::size_t>(shape_.bitmap_bytes), std::byte{0xFF}) {}

Result<std::unique_ptr<DynamicVhdWriter>> DynamicVhdWriter::open(ByteFile& file) {
  const DynamicFooter footer = TRY(read_dynamic_footer(file));
  if (!footer.at_end) return fail(Code::Unsupported, "the dynamic VHD does not end with its footer");
  const auto disk = TRY(DynamicVhd::open(file, footer.footer));
  std::unique_ptr<DynamicVhdWriter> writer(new DynamicVhdWriter(file, *disk));
  TRY_IN("reading the block table", file.read(writer->table_offset_, writer->table_));
  TRY(writer->check_layout(footer.footer));
  // A commit allocates nothing, also when it moves every block.
  writer->used_.reserve(static_cast<std::size_t>(2 * writer->blocks_));
  for (std::uint64_t block = 0; block < writer->blocks_; ++block)
    if (const auto place = writer->place_of(block)) writer->used_.push_back(*place);
  std::ranges::sort(writer->used_);
  return writer;
}

// What does not matter to a reader. The blocks are apart from all of it: DynamicVhd::open().
Result<void> DynamicVhdWriter::check_layout(const Footer& footer) const {
  const std::uint64_t table_end = table_offset_ + table_.size();
  if (table_offset_ % kSectorSize != 0)
    return fail(Code::Unsupported, "the block table of the VHD does not begin with a sector");
  if (table_offset_ < kFooterSize || table_end > footer_place() ||
      (table_offset_ < footer.data_offset + kDynamicHeaderSize && footer.data_offset < table_end))
    return fail(Code::Corrupt, "the block table of the VHD lies over its headers");
  return {};
}

std::optional<std::uint64_t> DynamicVhdWriter::place_of(std::uint64_t block) const {
  const std::uint32_t entry = load_be<std::uint32_t>(table_, block * 4).value_or(kAbsent);
  if (entry == kAbsent) return std::nullopt;
  return entry * kSectorSize + shape_.bitmap_bytes;
}

std::vector<std::uint64_t> DynamicVhdWriter::free_places(std::uint64_t limit) const {
  std::vector<std::uint64_t> places;
  const std::uint64_t count = std::min(limit, shape_.count(used_end_, footer_place()));
  for (std::uint64_t i = 0; i < count; ++i) places.push_back(shape_.first_place(used_end_) + i * shape_.stride());
  return places;
}

// No other block has, or had, a byte of it.
bool DynamicVhdWriter::is_free(std::uint64_t place) const {
  const std::uint64_t length = shape_.bitmap_bytes + shape_.block_size;
  const auto next = std::ranges::lower_bound(used_, place);
  return (next == used_.end() || *next - place >= length) && (next == used_.begin() || place - *(next - 1) >= length);
}

// Whether the block had not this place yet.
Result<bool> DynamicVhdWriter::take(const BlockPlace& wanted) {
  if (wanted.block < blocks_ && place_of(wanted.block) == wanted.place) return false;
  // A place is stored in sectors, in 32 bits.
  if (wanted.block >= blocks_ || wanted.place % kSectorSize != 0 ||
      wanted.place < metadata_end_ + shape_.bitmap_bytes || wanted.place > footer_place() ||
      shape_.block_size > footer_place() - wanted.place || wanted.place / kSectorSize >= kAbsent ||
      !is_free(wanted.place) || used_.size() == used_.capacity())
    return fail(Code::Invalid, concat("byte ", wanted.place, " is no free place for block ", wanted.block));
  used_.insert(std::ranges::upper_bound(used_, wanted.place), wanted.place);
  used_end_ = std::max(used_end_, wanted.place + shape_.block_size);
  return true;
}

Result<void> DynamicVhdWriter::put_table(std::span<const BlockPlace> places) {
  for (const BlockPlace& one : places)
    static_cast<void>(store_be(table_, static_cast<std::size_t>(one.block) * 4,
                               static_cast<std::uint32_t>((one.place - shape_.bitmap_bytes) / kSectorSize)));
  std::uint64_t last = ~std::uint64_t{0};
  for (const BlockPlace& one : places) {
    const std::uint64_t sector = one.block * 4 / kSectorSize * kSectorSize;
    if (sector == last) continue;
    last = sector;
    TRY(file_.write_unflushed(table_offset_ + sector,
                              Bytes(table_).subspan(static_cast<std::size_t>(sector), kSectorSize)));
  }
  return file_.flush();
}

Result<void> DynamicVhdWriter::commit(std::span<const BlockPlace> places) {
  if (failed_) return fail(Code::Io, "an earlier change of the VHD failed");
  bool any_new = false;
  bool any_old = false;
  for (const BlockPlace& wanted : places) {
    const bool fresh = TRY(take(wanted));
    any_new = any_new || fresh;
    any_old = any_old || !fresh;
  }
  failed_ = true;  // until all went well
  // The bitmap of a block that has its place counts at once.
  if (any_old) TRY(file_.flush());
  for (const BlockPlace& one : places)
    TRY_IN("writing a bitmap", file_.write_unflushed(one.place - ones_.size(), ones_));
  TRY_IN("writing a bitmap", file_.flush());
  if (any_new) TRY_IN("writing the block table", put_table(places));
  failed_ = false;
  return {};
}

Result<void> put_footer_at_end(ByteFile& file, const DynamicFooter& footer, std::uint64_t old_size) {
  const std::uint64_t size = file.size();
  const std::uint64_t place = align_up(size, kSectorSize);
  TRY_IN("writing the footer", write_zeros(file, {size, place - size}));
  TRY_IN("writing the footer", file.write_unflushed(place, footer.bytes));
  TRY_IN("writing the footer", file.flush());
  // Without one at the old end what lies there is something else.
  if (!footer.at_end || old_size < kFooterSize) return {};
  TRY_IN("wiping the old footer", write_zeros(file, {old_size - kFooterSize, kFooterSize}));
  return file.flush();
}

}  // namespace vhdboot::vhd
