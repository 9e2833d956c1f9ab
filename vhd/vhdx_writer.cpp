// SPDX-License-Identifier: GPL-2.0-or-later
#include "vhd/vhdx_writer.h"

#include <algorithm>
#include <utility>

#include "base/text.h"

namespace vhdboot::vhd {
namespace {

// Every log has at least 1 MiB.
static_assert(log_entry_size(kEntrySectors) < kMiB / 4 && kEntrySectors <= kMaxEntrySectors);

// A GUID that was never used, when the first one is random.
Guid next_of(Guid guid) {
  for (std::byte& byte : guid.bytes) {
    byte = static_cast<std::byte>(std::to_integer<unsigned>(byte) + 1);
    if (byte != std::byte{0}) break;
  }
  return guid;
}

// What else a log must be for new entries; the table, read before, lies apart from it.
Result<void> check_log(const VhdxHeader& header, std::uint64_t file_size) {
  if (header.log_version != 0)
    return fail(Code::Unsupported, concat("the log of the VHDX file has the unknown version ", header.log_version));
  if (header.log_length == 0 || header.log_length % kMiB != 0 || header.log_offset < kMiB ||
      header.log_offset % kMiB != 0 || header.log_offset > file_size ||
      header.log_length > file_size - header.log_offset)
    return fail(Code::Corrupt, "the log of the VHDX file lies outside of the file: a part of the file is missing");
  return {};
}

Result<VhdxTable> read_replayed(const ByteFile& file) {
  const VhdxHeader header = TRY(read_vhdx_header(file));
  TRY(check_log(header, file.size()));
  const ReplayedFile replayed(file, TRY(read_vhdx_log(file, header)));
  TRY(replayed.check_replay(header));
  return read_vhdx_table(replayed);
}

}  // namespace

VhdxWriter::VhdxWriter(ByteFile& file, VhdxTable table, const Guid& log)
    : file_(file),
      table_(std::move(table)),
      bytes_(static_cast<std::size_t>(align_up(table_.entries.size() * 8, kLogSector))),
      changed_(bytes_.size() / kLogSector),
      buffer_(log_entry_size(kEntrySectors)),
      next_log_(log) {}

Result<std::unique_ptr<VhdxWriter>> VhdxWriter::open(ByteFile& file, const AttachGuids& guids, const Guid& log) {
  VhdxTable table = TRY(read_replayed(file));
  if (table.regions.bat.length % kLogSector != 0)
    return fail(Code::Unsupported, "the block table of the VHDX file does not end with a sector of the log");
  table.header = TRY(attach_vhdx(file, guids));
  std::unique_ptr<VhdxWriter> writer(new VhdxWriter(file, std::move(table), log));
  TRY_IN("reading the block table", file.read(writer->table_.regions.bat.offset, writer->bytes_));
  return writer;
}

std::optional<std::uint64_t> VhdxWriter::place_of(std::uint64_t block) const {
  const std::uint64_t entry = table_.of_block(block);
  const VhdxState state = vhdx_state(entry);
  if (state != VhdxState::Present && state != VhdxState::Partial) return std::nullopt;
  return vhdx_place(entry);
}

std::vector<std::uint64_t> VhdxWriter::free_places(std::uint64_t limit) const {
  std::vector<std::uint64_t> places;
  // A piece of less than 1 MiB at the end of the file is none.
  const std::uint64_t end = file_.size() / kMiB * kMiB;
  for (std::uint64_t from = 0; places.size() < limit;) {
    const auto place = table_.places.find(block_size(), from);
    if (!place || *place + block_size() > end) break;
    places.push_back(*place);
    from = *place + block_size();
  }
  return places;
}

Result<void> VhdxWriter::check_usable() const {
  if (failed_) return fail(Code::Io, "an earlier change of the VHDX file failed");
  // 2.3.1.1: an entry names the size of the file in units of 1 MiB.
  if (file_.size() % kMiB != 0) return fail(Code::Unsupported, "the VHDX file does not end with a whole MiB");
  return {};
}

// Takes the place.
Result<void> VhdxWriter::check(const BlockPlace& wanted) {
  if (wanted.block < blocks() && place_of(wanted.block) == wanted.place) return {};
  if (wanted.block >= blocks() || wanted.place % kMiB != 0 || wanted.place < kMiB || wanted.place > file_.size() ||
      block_size() > file_.size() - wanted.place || table_.places.find(block_size(), wanted.place) != wanted.place)
    return fail(Code::Invalid, concat("byte ", wanted.place, " is no free place for block ", wanted.block));
  static_cast<void>(table_.places.take(wanted.place, block_size()));
  return {};
}

Bytes VhdxWriter::table_sector(std::size_t sector) const {
  return Bytes(bytes_).subspan(sector * kLogSector, kLogSector);
}

std::uint64_t VhdxWriter::place_of_sector(std::size_t sector) const {
  return table_.regions.bat.offset + sector * kLogSector;
}

// False when the entry is full.
bool VhdxWriter::add(const BlockPlace& wanted) {
  const auto index = static_cast<std::size_t>(table_.shape.index_of(wanted.block));
  const std::size_t sector = index * 8 / kLogSector;
  const std::span<LoggedSector> so_far(sectors_.data(), sector_count_);
  if (std::ranges::find(so_far, place_of_sector(sector), &LoggedSector::offset) == so_far.end()) {
    if (sector_count_ == kEntrySectors) return false;
    sectors_[sector_count_++] = {place_of_sector(sector), table_sector(sector)};
    changed_[sector] = true;
  }
  const std::uint64_t entry = vhdx_entry(wanted.place, VhdxState::Present);
  table_.entries[index] = entry;
  static_cast<void>(store_le<std::uint64_t>(bytes_, index * 8, entry));
  return true;
}

Result<void> VhdxWriter::commit(std::span<const BlockPlace> places) {
  TRY(check_usable());
  for (const BlockPlace& wanted : places) TRY(check(wanted));
  failed_ = true;  // until all went well
  // What the blocks hold comes before what names them. As long as no header names a log, an entry names nothing: then
  // the flush that ends the entry is that of the blocks as well.
  if (!table_.header.log.is_zero()) TRY(file_.flush());
  while (!places.empty()) {
    TRY(make_room());  // before the table is changed: a checkpoint puts it into place
    while (!places.empty() && add(places.front())) places = places.subspan(1);
    TRY_IN("writing the log", write_entry());
  }
  failed_ = false;
  return {};
}

Result<void> VhdxWriter::make_room() {
  sector_count_ = 0;
  if (used_ + buffer_.size() <= table_.header.log_length / 2) return {};
  return put_in_place();
}

Result<void> VhdxWriter::put_into_log(Bytes entry) {
  const VhdxHeader& header = table_.header;
  const auto first = static_cast<std::size_t>(std::min<std::uint64_t>(entry.size(), header.log_length - head_));
  TRY(file_.write_unflushed(header.log_offset + head_, entry.first(first)));
  if (first < entry.size()) TRY(file_.write_unflushed(header.log_offset, entry.subspan(first)));
  head_ = (head_ + entry.size()) % header.log_length;
  return {};
}

Result<void> VhdxWriter::write_entry() {
  const bool begins = table_.header.log.is_zero();
  if (begins) {
    // Entries of other logs are still there; by their GUID they do not count.
    sequence_ = head_ = used_ = 0;
    pending_ = false;
  }
  const Guid log = begins ? next_log_ : table_.header.log;
  if (!pending_) {
    tail_ = head_;
    used_ = 0;
  }
  const std::size_t size = log_entry_size(sector_count_);
  lay_log_entry(buffer_, {log, ++sequence_, static_cast<std::uint32_t>(tail_), file_.size()},
                std::span(sectors_).first(sector_count_));
  TRY(put_into_log(Bytes(buffer_).first(size)));
  TRY(file_.flush());
  used_ += size;
  pending_ = true;
  if (!begins) return {};
  next_log_ = next_of(next_log_);
  table_.header.log = log;
  table_.header = TRY(put_vhdx_header(file_, table_.header));
  TRY(file_.flush());
  // Should the one above be damaged later, this one names the log as well. A flush comes before the next header.
  table_.header = TRY(put_vhdx_header(file_, table_.header));
  return {};
}

Result<void> VhdxWriter::checkpoint() {
  TRY(check_usable());
  return put_in_place();
}

Result<void> VhdxWriter::put_in_place() {
  if (!pending_) return {};
  for (std::size_t sector = 0; sector < changed_.size(); ++sector)
    if (changed_[sector])
      TRY_IN("writing the block table", file_.write_unflushed(place_of_sector(sector), table_sector(sector)));
  TRY_IN("writing the block table", file_.flush());
  changed_.assign(changed_.size(), false);
  pending_ = false;
  return {};
}

bool VhdxWriter::may_update(const LoggedSector& sector) const {
  const auto within = [&](std::uint64_t offset, std::uint64_t length) {
    return sector.offset >= offset && sector.offset - offset < length;
  };
  const VhdxRegion& metadata = table_.regions.metadata;
  return sector.offset % kLogSector == 0 && sector.data.size() == kLogSector &&
         (within(kVhdxRegionPlaces[0], kVhdxRegionTable) || within(kVhdxRegionPlaces[1], kVhdxRegionTable) ||
          within(metadata.offset, metadata.length / kLogSector * kLogSector));
}

Result<void> VhdxWriter::update(std::span<const LoggedSector> sectors) {
  TRY(check_usable());
  if (sectors.size() > kEntrySectors ||
      !std::ranges::all_of(sectors, [&](const LoggedSector& sector) { return may_update(sector); }))
    return fail(Code::Invalid, "these sectors are not changed through the log of the VHDX file");
  failed_ = true;
  TRY(file_.flush());
  TRY(put_in_place());
  std::ranges::copy(sectors, sectors_.begin());
  sector_count_ = sectors.size();
  TRY_IN("writing the log", write_entry());
  for (const LoggedSector& sector : sectors)
    TRY_IN("writing the metadata", file_.write_unflushed(sector.offset, sector.data));
  TRY_IN("writing the metadata", file_.flush());
  pending_ = false;
  failed_ = false;
  return {};
}

Result<void> VhdxWriter::close() {
  if (failed_) return fail(Code::Io, "an earlier change of the VHDX file failed");
  failed_ = true;
  TRY(put_in_place());
  if (!table_.header.log.is_zero()) {
    table_.header.log = {};
    table_.header = TRY(write_both_headers(file_, table_.header));
  }
  failed_ = false;
  return {};
}

}  // namespace vhdboot::vhd
