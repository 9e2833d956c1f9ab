// SPDX-License-Identifier: GPL-2.0-or-later
#include "vhd/tool/ntfs_switch.h"

extern "C" {
#include <ntfs-3g/mft.h>
}
#undef min
#undef max

#include <algorithm>
#include <cstring>
#include <utility>

#include "base/text.h"
#include "base/units.h"

namespace vhdboot::tool {
namespace {

using volume::AttrPtr;

constexpr char kTooManyPieces[] =
    "it lies in more pieces than NTFS can tell of one file: copy it to another file, which gives it fewer";

std::unexpected<Error> damaged() {
  return fail(Code::Corrupt, "where it lies is damaged; let Windows repair the volume with \"chkdsk /f\"");
}

Bytes bytes_of(const ntfs_inode* record, std::size_t size) {
  return {reinterpret_cast<const std::byte*>(record->mrec), size};
}

std::uint64_t sequence_of(const ntfs_inode* record) {
  return record->mrec->sequence_number;
}

std::uint64_t reference_of(const ntfs_inode* record) {
  return record->mft_no | sequence_of(record) << 48;
}

std::uint64_t clusters_of(const NtfsRuns& runs) {
  std::uint64_t clusters = 0;
  for (const NtfsRun& run : runs)
    if (!run.hole()) clusters += run.length;
  return clusters;
}

const NtfsAttribute* find_data(const std::vector<NtfsAttribute>& attributes, std::uint16_t instance) {
  const auto found = std::ranges::find_if(
      attributes, [&](const NtfsAttribute& one) { return one.unnamed_data() && one.instance == instance; });
  return found == attributes.end() || !found->non_resident ? nullptr : &*found;
}

/// Takes all pieces of the contents out of a record.
Result<void> erase_data(MutableBytes record) {
  for (;;) {
    const std::vector<NtfsAttribute> all = TRY(attributes_of(record));
    const auto data = std::ranges::find_if(all, &NtfsAttribute::unnamed_data);
    if (data == all.end()) return {};
    erase_attribute(record, *data);
  }
}

}  // namespace

Result<NtfsMap> read_ntfs_map(NtfsWriteVolume& volume, std::uint64_t number) {
  const FreshInode inode = TRY(volume.open(number));
  const AttrPtr data(ntfs_attr_open(inode.get(), AT_DATA, AT_UNNAMED, 0));
  if (!data) return volume.failed("reading its data attribute");
  const auto flags = static_cast<std::uint16_t>(data->data_flags);
  if (NAttrNonResident(data.get()) == 0 || (flags & ~kNtfsSparse) != 0)
    return fail(Code::Unsupported, "it is compressed, encrypted or within the MFT");
  if (ntfs_attr_map_whole_runlist(data.get()) != 0) return volume.failed("reading where it lies");
  NtfsMap map;
  map.sparse = flags != 0;
  map.data_size = static_cast<std::uint64_t>(data->data_size);
  map.valid_size = static_cast<std::uint64_t>(data->initialized_size);
  std::uint64_t vcn = 0;
  for (const runlist_element* run = data->rl; run != nullptr && run->length > 0; ++run) {
    if (static_cast<std::uint64_t>(run->vcn) != vcn || (run->lcn < 0 && run->lcn != LCN_HOLE)) return damaged();
    const auto length = static_cast<std::uint64_t>(run->length);
    append_run(map.runs, run->lcn < 0 ? NtfsRun::kHole : run->lcn, length);
    vcn += length;
  }
  if (map.valid_size > map.data_size || vcn * volume.cluster() < map.data_size || map.runs.empty()) return damaged();
  return map;
}

Result<std::unique_ptr<NtfsSwitch>> NtfsSwitch::prepare(NtfsWriteVolume& volume, std::uint64_t number,
                                                        const NtfsMap& target) {
  std::unique_ptr<NtfsSwitch> change(new NtfsSwitch(volume, number));
  TRY(change->plan(target));
  return change;
}

NtfsSwitch::~NtfsSwitch() {
  for (ntfs_inode* record : new_records_)
    if (!volume_.free_record(record)) volume_.in_order = false;
}

Result<void> NtfsSwitch::plan(const NtfsMap& target) {
  base_ = TRY(volume_.open(number_));
  TRY(read_old());
  if (TRY(plan_in_place(target))) return {};
  return plan_list(target);
}

Result<ntfs_inode*> NtfsSwitch::record_of(std::uint64_t reference) {
  const std::uint64_t number = MREF(reference);
  const std::uint64_t sequence = reference >> 48;
  if (number == number_) return base_.get();
  ntfs_inode* record = ntfs_extent_inode_open(base_.get(), static_cast<leMFT_REF>(reference));
  if (record == nullptr) return volume_.failed("opening one of its records");
  const std::uint64_t owner = record->mrec->base_mft_record;
  if (sequence_of(record) != sequence || (record->mrec->flags & MFT_RECORD_IN_USE) == 0 || MREF(owner) != number_)
    return damaged();
  return record;
}

Result<std::vector<std::byte>> NtfsSwitch::copy_of(const ntfs_inode* record) const {
  const Bytes bytes = bytes_of(record, volume_.record_size());
  if (record->mrec->bytes_allocated != bytes.size()) return damaged();
  return std::vector<std::byte>(bytes.begin(), bytes.end());
}

Result<void> NtfsSwitch::read_old() {
  const std::vector<std::byte> base = TRY(copy_of(base_.get()));
  if (NInoAttrList(base_.get()) == 0)
    old_entries_ = TRY(list_entries_of(base, reference_of(base_.get())));
  else
    old_entries_ = TRY(parse_attribute_list(
        {reinterpret_cast<const std::byte*>(base_->attr_list), static_cast<std::size_t>(base_->attr_list_size)}));
  for (const NtfsListEntry& entry : old_entries_) {
    if (!entry.unnamed_data()) continue;
    const std::vector<std::byte> record = TRY(copy_of(TRY(record_of(entry.reference))));
    const std::vector<NtfsAttribute> attributes = TRY(attributes_of(record));
    const NtfsAttribute* piece = find_data(attributes, entry.instance);
    if (piece == nullptr || piece->lowest_vcn != entry.lowest_vcn) return damaged();
    if (piece->lowest_vcn == 0) compression_unit_ = piece->compression_unit;
    if (MREF(entry.reference) == number_ || std::ranges::find(old_records_, entry.reference) != old_records_.end())
      continue;
    old_records_.push_back(entry.reference);
  }
  for (const NtfsAttribute& attribute : TRY(attributes_of(base)))
    if (attribute.type == kNtfsAttributeList && attribute.non_resident)
      old_list_ = TRY(decode_mapping_pairs(
          Bytes(base).subspan(attribute.offset + attribute.pairs_offset, attribute.length - attribute.pairs_offset),
          attribute.lowest_vcn));
  return {};
}

NtfsPiece NtfsSwitch::header_for(const NtfsMap& target) const {
  NtfsPiece header;
  header.flags = target.sparse ? kNtfsSparse : std::uint16_t{0};
  header.compression_unit = target.sparse ? compression_unit_ : std::uint8_t{0};
  header.allocated_size = target.runs.back().end() * volume_.cluster();
  header.data_size = target.data_size;
  header.valid_size = target.valid_size;
  header.compressed_size = clusters_of(target.runs) * volume_.cluster();
  return header;
}

Result<bool> NtfsSwitch::plan_in_place(const NtfsMap& target) {
  if (std::ranges::count_if(old_entries_, &NtfsListEntry::unnamed_data) != 1) return false;
  const NtfsListEntry& entry = *std::ranges::find_if(old_entries_, &NtfsListEntry::unnamed_data);
  const ntfs_inode* record = TRY(record_of(entry.reference));
  std::vector<std::byte> bytes = TRY(copy_of(record));
  const std::vector<NtfsAttribute> attributes = TRY(attributes_of(bytes));
  const NtfsAttribute* old = find_data(attributes, entry.instance);
  if (old == nullptr) return damaged();
  NtfsPiece header = header_for(target);
  header.next_vcn = target.runs.back().end();
  const MappingPairs pairs = encode_mapping_pairs(target.runs, bytes.size());
  if (pairs.runs != target.runs.size() || !replace_attribute(bytes, *old, make_attribute(header, pairs.bytes)))
    return false;
  step_number_ = record->mft_no;
  step_ = std::move(bytes);
  old_records_.clear();
  old_list_.clear();
  return true;
}

Result<void> NtfsSwitch::plan_list(const NtfsMap& target) {
  const std::vector<Piece> pieces = pieces_of(target);
  const std::vector<NtfsListEntry> others = with_data_entries(old_entries_, {});
  constexpr std::size_t kEntry = 32;  // of one without a name
  if (pieces.size() > (kMaxAttributeList - std::min(kMaxAttributeList, make_attribute_list(others).size())) / kEntry)
    return fail(Code::Unsupported, kTooManyPieces);
  step_number_ = number_;
  step_ = TRY(copy_of(base_.get()));
  TRY(erase_data(step_));
  for (const NtfsAttribute& attribute : TRY(attributes_of(step_)))
    if (attribute.type == kNtfsAttributeList) {
      erase_attribute(step_, attribute);
      break;
    }
  new_entries_ = with_data_entries(old_entries_, TRY(take_records(pieces)));
  return take_list(new_entries_);
}

std::vector<NtfsSwitch::Piece> NtfsSwitch::pieces_of(const NtfsMap& target) const {
  constexpr std::size_t kRecordHeader = 0x30;
  constexpr std::size_t kEnd = 8;
  const std::size_t room =
      volume_.record_size() - kRecordHeader - align_up(2 * (volume_.record_size() / 512 + 1), 8) - kEnd;
  const NtfsPiece header = header_for(target);
  std::vector<Piece> pieces;
  for (std::span<const NtfsRun> left = target.runs; !left.empty();) {
    Piece piece{header, {}};
    piece.header.lowest_vcn = left.front().vcn;
    MappingPairs pairs = encode_mapping_pairs(left, room - piece.header.header());
    piece.header.next_vcn = left[pairs.runs - 1].end();
    piece.pairs = std::move(pairs.bytes);
    left = left.subspan(pairs.runs);
    pieces.push_back(std::move(piece));
  }
  return pieces;
}

Result<std::vector<NtfsListEntry>> NtfsSwitch::take_records(std::span<const Piece> pieces) {
  std::vector<NtfsListEntry> entries;
  for (const Piece& piece : pieces) {
    ntfs_inode* record = TRY(volume_.allocate_record(base_.get()));
    new_records_.push_back(record);
    const MutableBytes bytes(reinterpret_cast<std::byte*>(record->mrec), volume_.record_size());
    const auto instance = insert_attribute(bytes, make_attribute(piece.header, piece.pairs));
    if (!instance) return fail(Code::Corrupt, "a new record of the MFT has no room");
    entries.push_back({.type = kNtfsData,
                       .lowest_vcn = piece.header.lowest_vcn,
                       .reference = reference_of(record),
                       .instance = *instance,
                       .name = {}});
  }
  return entries;
}

Result<void> NtfsSwitch::take_list(std::span<const NtfsListEntry> entries) {
  new_list_bytes_ = make_attribute_list(entries);
  NtfsPiece header;
  header.type = kNtfsAttributeList;
  header.data_size = header.valid_size = new_list_bytes_.size();
  new_list_bytes_.resize(align_up(new_list_bytes_.size(), volume_.cluster()));
  header.allocated_size = new_list_bytes_.size();
  header.next_vcn = new_list_bytes_.size() / volume_.cluster();
  NtfsRuns taken = TRY(volume_.allocate_clusters(header.next_vcn, -1));
  new_list_ = std::make_unique<NewClusters>(volume_, std::move(taken));
  const NtfsRuns& runs = new_list_->runs();
  const MappingPairs pairs = encode_mapping_pairs(runs, step_.size());
  if (pairs.runs != runs.size() || !insert_attribute(step_, make_attribute(header, pairs.bytes)))
    return fail(Code::Unsupported,
                "its base record has no room for where its attribute list lies: copy the file, or free more space");
  return {};
}

Result<void> NtfsSwitch::write_new() {
  for (const ntfs_inode* record : new_records_)
    TRY(volume_.write_record(record->mft_no, bytes_of(record, volume_.record_size())));
  if (!new_list_) return {};
  for (const NtfsRun& run : new_list_->runs())
    TRY(volume_.write(static_cast<std::uint64_t>(run.lcn) * volume_.cluster(),
                      Bytes(new_list_bytes_)
                          .subspan(static_cast<std::size_t>(run.vcn * volume_.cluster()),
                                   static_cast<std::size_t>(run.length * volume_.cluster()))));
  return {};
}

Result<void> NtfsSwitch::take_effect() {
  volume_.in_order = false;
  new_records_.clear();
  if (new_list_) new_list_->release();
  TRY(volume_.write_record(step_number_, step_));
  TRY(volume_.sync());
  base_ = nullptr;
  TRY(give_back_old());
  volume_.in_order = true;
  return {};
}

/// Records and clusters that only the old list referred to.
Result<void> NtfsSwitch::give_back_old() {
  if (old_records_.empty() && old_list_.empty()) return {};
  base_ = TRY(volume_.open(number_));
  for (const std::uint64_t reference : old_records_) {
    ntfs_inode* record = TRY(record_of(reference));
    const bool shared =
        std::ranges::any_of(new_entries_, [&](const NtfsListEntry& entry) { return entry.reference == reference; });
    if (!shared) {
      TRY(volume_.free_record(record));
      continue;
    }
    std::vector<std::byte> bytes = TRY(copy_of(record));
    TRY(erase_data(bytes));
    TRY(volume_.write_record(record->mft_no, bytes));
  }
  base_ = nullptr;
  TRY(volume_.free_clusters(old_list_));
  return volume_.sync();
}

Result<void> write_ntfs_valid_size(NtfsWriteVolume& volume, std::uint64_t number, std::uint64_t bytes) {
  NtfsMap target = TRY(read_ntfs_map(volume, number));
  const FreshInode base = TRY(volume.open(number));
  const volume::SearchPtr search(ntfs_attr_get_search_ctx(base.get(), nullptr));
  if (!search || ntfs_attr_lookup(AT_DATA, AT_UNNAMED, 0, CASE_SENSITIVE, 0, nullptr, 0, search.get()) != 0)
    return volume.failed("writing its valid data length");
  const Bytes record(reinterpret_cast<const std::byte*>(search->mrec), volume.record_size());
  std::vector<std::byte> changed(record.begin(), record.end());
  const std::vector<NtfsAttribute> attributes = TRY(attributes_of(changed));
  const NtfsAttribute* first = find_data(attributes, search->attr->instance);
  if (first == nullptr || first->lowest_vcn != 0 || bytes > target.data_size) return damaged();
  set_valid_size(changed, *first, bytes);
  volume.in_order = false;
  TRY(volume.write_record(search->ntfs_ino->mft_no, changed));
  TRY(volume.sync());
  volume.in_order = true;
  return {};
}

}  // namespace vhdboot::tool
