// SPDX-License-Identifier: GPL-2.0-or-later
#include "vhd/vhdx_log.h"

#include <algorithm>
#include <cstring>
#include <iterator>
#include <optional>
#include <string_view>
#include <utility>

#include "base/crc32.h"
#include "base/text.h"

namespace vhdboot::vhd {
namespace {

namespace entry {  // 2.3.1.1
constexpr std::string_view kSignature = "loge";
constexpr std::size_t kChecksum = 4;
constexpr std::size_t kLength = 8;
constexpr std::size_t kTail = 12;
constexpr std::size_t kSequence = 16;
constexpr std::size_t kDescriptors = 24;
constexpr std::size_t kLog = 32;
constexpr std::size_t kFlushedSize = 48;
constexpr std::size_t kLastSize = 56;
constexpr std::size_t kHeaderSize = 64;
}  // namespace entry

namespace descriptor {  // 2.3.1.2, 2.3.1.3
constexpr std::string_view kZero = "zero";
constexpr std::string_view kData = "desc";
constexpr std::size_t kTrailing = 4;
constexpr std::size_t kLeading = 8;
constexpr std::size_t kZeroLength = 8;
constexpr std::size_t kOffset = 16;
constexpr std::size_t kSequence = 24;
constexpr std::size_t kSize = 32;
}  // namespace descriptor

namespace sector {  // 2.3.1.4
constexpr std::string_view kSignature = "data";
constexpr std::size_t kSequenceHigh = 4;
constexpr std::size_t kData = 8;
constexpr std::size_t kDataSize = 4084;
constexpr std::size_t kSequenceLow = 4092;
static_assert(kData + kDataSize == kSequenceLow && kSequenceLow + 4 == kLogSector);
}  // namespace sector

static_assert(entry::kHeaderSize + kMaxEntrySectors * descriptor::kSize == kLogSector);

// How often over the log may be read to find its entries, before it counts as made to waste time.
constexpr std::uint64_t kMaxPasses = 64;

template <class T>
T field(Bytes bytes, std::size_t offset) {
  return load_le<T>(bytes, offset).value_or(0);
}

struct Entry {
  std::uint64_t place = 0;  // in the log
  std::uint64_t length = 0;
  std::uint64_t tail = 0;
  std::uint64_t sequence = 0;
  std::uint64_t flushed_size = 0;
  std::uint64_t last_size = 0;
};

class Log {
 public:
  Log(std::vector<std::byte> bytes, const Guid& guid)
      : bytes_(std::move(bytes)), guid_(guid), budget_(bytes_.size() * kMaxPasses) {}

  [[nodiscard]] std::uint64_t size() const { return bytes_.size(); }
  [[nodiscard]] bool exhausted() const { return exhausted_; }

  // The entry that begins at `place`; nothing when there is no valid one.
  std::optional<Entry> entry_at(std::uint64_t place) {
    const Bytes head = Bytes(bytes_).subspan(static_cast<std::size_t>(place), entry::kHeaderSize);
    if (!as_text(head).starts_with(entry::kSignature) || load_guid(head, entry::kLog) != guid_) return std::nullopt;
    const Entry found{place,
                      field<std::uint32_t>(head, entry::kLength),
                      field<std::uint32_t>(head, entry::kTail),
                      field<std::uint64_t>(head, entry::kSequence),
                      field<std::uint64_t>(head, entry::kFlushedSize),
                      field<std::uint64_t>(head, entry::kLastSize)};
    if (found.length == 0 || found.length % kLogSector != 0 || found.length > size() || found.tail % kLogSector != 0 ||
        found.tail >= size() || found.sequence == 0)
      return std::nullopt;
    if (found.length > budget_) {
      exhausted_ = true;
      return std::nullopt;
    }
    budget_ -= found.length;
    std::vector<std::byte> whole = contents(found);
    const auto stored = field<std::uint32_t>(whole, entry::kChecksum);
    static_cast<void>(store_le<std::uint32_t>(whole, entry::kChecksum, 0));
    if (crc32c(whole) != stored || !writes_of(found, whole)) return std::nullopt;
    return found;
  }

  // The bytes of an entry, which may begin at the end of the log and go on at its start.
  [[nodiscard]] std::vector<std::byte> contents(const Entry& found) const {
    std::vector<std::byte> whole(static_cast<std::size_t>(found.length));
    const auto first = static_cast<std::size_t>(std::min(found.length, size() - found.place));
    std::memcpy(whole.data(), bytes_.data() + found.place, first);
    std::memcpy(whole.data() + first, bytes_.data(), whole.size() - first);
    return whole;
  }

  // What an entry asks for; nothing when a descriptor or data sector is malformed.
  static std::optional<std::vector<LogWrite>> writes_of(const Entry& found, Bytes whole) {
    const std::uint64_t count = field<std::uint32_t>(whole, entry::kDescriptors);
    const std::uint64_t descriptors_end = align_up(entry::kHeaderSize + count * descriptor::kSize, kLogSector);
    if (descriptors_end > whole.size()) return std::nullopt;
    std::vector<LogWrite> writes;
    std::uint64_t next_sector = descriptors_end;
    for (std::uint64_t i = 0; i < count; ++i) {
      const Bytes about =
          whole.subspan(static_cast<std::size_t>(entry::kHeaderSize + i * descriptor::kSize), descriptor::kSize);
      LogWrite write{field<std::uint64_t>(about, descriptor::kOffset), kLogSector, {}};
      if (field<std::uint64_t>(about, descriptor::kSequence) != found.sequence || write.offset % kLogSector != 0)
        return std::nullopt;
      if (as_text(about).starts_with(descriptor::kZero)) {
        write.length = field<std::uint64_t>(about, descriptor::kZeroLength);
      } else if (as_text(about).starts_with(descriptor::kData)) {
        const auto data = slice(whole, next_sector, kLogSector);
        next_sector += kLogSector;
        if (!data || !belongs(*data, found.sequence)) return std::nullopt;
        write.data = restored(about, *data);
      } else {
        return std::nullopt;
      }
      if (write.length % kLogSector != 0 || write.offset > kMaxVhdxFile || write.length > kMaxVhdxFile - write.offset)
        return std::nullopt;
      if (write.length > 0) writes.push_back(std::move(write));
    }
    return writes;
  }

 private:
  static bool belongs(Bytes data, std::uint64_t sequence) {
    return as_text(data).starts_with(sector::kSignature) &&
           field<std::uint32_t>(data, sector::kSequenceHigh) == sequence >> 32 &&
           field<std::uint32_t>(data, sector::kSequenceLow) == (sequence & 0xFFFFFFFF);
  }

  static std::vector<std::byte> restored(Bytes about, Bytes data) {
    std::vector<std::byte> out(kLogSector);
    std::memcpy(out.data(), about.data() + descriptor::kLeading, sector::kData);
    std::memcpy(out.data() + sector::kData, data.data() + sector::kData, sector::kDataSize);
    std::memcpy(out.data() + sector::kSequenceLow, about.data() + descriptor::kTrailing, 4);
    return out;
  }

  std::vector<std::byte> bytes_;
  Guid guid_;
  std::uint64_t budget_;  // bytes that may still be looked at
  bool exhausted_ = false;
};

// A valid sequence contains the tail that its head names (2.3.3); what lies before that tail is done with.
std::vector<Entry> from_tail(std::vector<Entry> entries) {
  if (entries.empty()) return entries;
  const auto tail = std::ranges::find(entries, entries.back().tail, &Entry::place);
  entries.erase(entries.begin(), tail);
  return entries;
}

// 2.3.3: the valid and complete sequence with the highest number.
std::vector<Entry> active_sequence(Log& log) {
  std::vector<Entry> active;
  for (std::uint64_t tail = 0; tail < log.size();) {
    std::vector<Entry> current;
    std::uint64_t head = tail;
    while (head < tail + log.size()) {
      const auto next = log.entry_at(head % log.size());
      if (!next || (!current.empty() && next->sequence != current.back().sequence + 1)) break;
      current.push_back(*next);
      head += next->length;
    }
    std::vector<Entry> complete = from_tail(std::move(current));
    if (complete.empty()) {
      tail += kLogSector;
      continue;
    }
    if (active.empty() || complete.back().sequence > active.back().sequence) active = std::move(complete);
    tail = head;
  }
  return active;
}

}  // namespace

Result<LogReplay> read_vhdx_log(const ByteSource& file, const VhdxHeader& header) {
  if (header.log.is_zero()) return LogReplay{{}, 0, file.size()};
  if (header.log_version != 0)
    return fail(Code::Unsupported, concat("the log of the VHDX file has the unknown version ", header.log_version));
  if (header.log_length == 0 || header.log_length % kMiB != 0 || header.log_offset < kMiB ||
      header.log_offset % kMiB != 0 || header.log_offset > file.size() ||
      header.log_length > file.size() - header.log_offset)
    return fail(Code::Corrupt, "the log of the VHDX file lies outside of the file: a part of the file is missing");
  if (header.log_length > kMaxLogLength)
    return fail(Code::Unsupported, concat("the log of the VHDX file has ", human_size(header.log_length),
                                          " and must be replayed: this is ", "done only up to ",
                                          human_size(kMaxLogLength), "; attach the image in Windows once"));
  std::vector<std::byte> bytes(header.log_length);
  TRY_IN("reading the log", file.read(header.log_offset, bytes));
  Log log(std::move(bytes), header.log);
  const std::vector<Entry> entries = active_sequence(log);
  if (log.exhausted()) return fail(Code::Corrupt, "the log of the VHDX file is made of entries that overlap");
  if (entries.empty())
    return fail(Code::Corrupt,
                "the log of the VHDX file must be replayed but has no valid entry: the image is damaged");
  if (file.size() < entries.back().flushed_size)
    return fail(Code::Corrupt, concat("the VHDX file has ", file.size(), " bytes, but its log knows it with ",
                                      entries.back().flushed_size, ": a part of the file is missing"));
  LogReplay replay{{}, entries.size(), std::max(file.size(), entries.back().last_size)};
  for (const Entry& found : entries) {
    auto writes = Log::writes_of(found, log.contents(found));
    for (LogWrite& write : *writes) {
      replay.file_size = std::max(replay.file_size, write.offset + write.length);
      replay.writes.push_back(std::move(write));
    }
  }
  if (replay.file_size > kMaxVhdxFile)
    return fail(Code::Corrupt, "the log of the VHDX file asks for an impossible size of the file");
  return replay;
}

std::vector<LoggedSector> region_table_sectors(Bytes table) {
  std::vector<LoggedSector> sectors;
  for (const std::uint64_t copy : kVhdxRegionPlaces)
    for (std::size_t at = 0; at < table.size(); at += kLogSector)
      sectors.push_back({copy + at, table.subspan(at, kLogSector)});
  return sectors;
}

void lay_log_entry(MutableBytes out, const LogEntryHead& head, std::span<const LoggedSector> sectors) {
  const MutableBytes bytes = out.first(log_entry_size(sectors.size()));
  const auto put = [&](std::size_t offset, auto value) { static_cast<void>(store_le(bytes, offset, value)); };
  const auto copy = [&](std::size_t offset, Bytes from) {
    std::memcpy(bytes.data() + offset, from.data(), from.size());
  };
  std::memset(bytes.data(), 0, kLogSector);
  copy(0, as_bytes(entry::kSignature));
  put(entry::kLength, static_cast<std::uint32_t>(bytes.size()));
  put(entry::kTail, head.tail);
  put(entry::kSequence, head.sequence);
  put(entry::kDescriptors, static_cast<std::uint32_t>(sectors.size()));
  copy(entry::kLog, head.log.bytes);
  put(entry::kFlushedSize, head.file_size);
  put(entry::kLastSize, head.file_size);
  for (std::size_t i = 0; i < sectors.size(); ++i) {
    const Bytes data = sectors[i].data.first(kLogSector);
    const std::size_t about = entry::kHeaderSize + i * descriptor::kSize;
    copy(about, as_bytes(descriptor::kData));
    copy(about + descriptor::kTrailing, data.subspan(sector::kSequenceLow, 4));
    copy(about + descriptor::kLeading, data.first(sector::kData));
    put(about + descriptor::kOffset, sectors[i].offset);
    put(about + descriptor::kSequence, head.sequence);
    const std::size_t place = (1 + i) * kLogSector;
    copy(place, data);
    copy(place, as_bytes(sector::kSignature));
    put(place + sector::kSequenceHigh, static_cast<std::uint32_t>(head.sequence >> 32));
    put(place + sector::kSequenceLow, static_cast<std::uint32_t>(head.sequence));
  }
  put(entry::kChecksum, crc32c(bytes));
}

ReplayedFile::ReplayedFile(const ByteSource& file, LogReplay replay)
    : file_(file), size_(std::max(file.size(), replay.file_size)) {
  for (LogWrite& write : replay.writes) apply(std::move(write));
}

void ReplayedFile::apply(LogWrite write) {
  const std::uint64_t end = write.offset + write.length;
  auto next = patches_.lower_bound(write.offset);
  if (next != patches_.begin()) {
    const auto before = std::prev(next);
    if (before->second.end > write.offset) {
      // Only zeros are longer than one sector, so this is a stretch of zeros that is cut in two.
      if (before->second.end > end) patches_.emplace(end, Patch{before->second.end, {}});
      before->second.end = write.offset;
      next = patches_.lower_bound(write.offset);
    }
  }
  while (next != patches_.end() && next->first < end) {
    if (next->second.end > end) patches_.emplace(end, Patch{next->second.end, {}});
    next = patches_.erase(next);
  }
  patches_.insert_or_assign(write.offset, Patch{end, std::move(write.data)});
}

bool ReplayedFile::changes(std::uint64_t offset, std::uint64_t length) const {
  if (offset > file_.size() || length > file_.size() - offset) return true;
  const auto next = patches_.lower_bound(offset);
  if (next != patches_.end() && next->first - offset < length) return true;
  return next != patches_.begin() && std::prev(next)->second.end > offset;
}

Result<void> ReplayedFile::check_replay(const VhdxHeader& header) const {
  if (size_ > file_.size())
    return fail(Code::Unsupported,
                "the log of the VHDX file must be replayed and makes the file longer: attach it in Windows once");
  std::uint64_t zeros = 0;
  for (const auto& [start, patch] : patches_) {
    const bool in_log = start < header.log_offset + header.log_length && header.log_offset < patch.end;
    if (start < kVhdxRegionPlaces[0] || in_log)
      return fail(Code::Corrupt, "the log of the VHDX file asks for a change of its headers or of itself");
    if (patch.data.empty()) zeros += patch.end - start;
  }
  if (zeros > kMaxReplayedZeros)
    return fail(Code::Unsupported, concat("the log of the VHDX file asks for ", human_size(zeros),
                                          " of zeros: attach it in Windows once"));
  return {};
}

Result<void> ReplayedFile::put_changes(ByteFile& file) const {
  for (const auto& [start, patch] : patches_) {
    if (patch.data.empty())
      TRY(write_zeros(file, {start, patch.end - start}));
    else
      TRY(file.write_unflushed(start, Bytes(patch.data).first(static_cast<std::size_t>(patch.end - start))));
  }
  return {};
}

Result<void> ReplayedFile::read_file(std::uint64_t offset, MutableBytes out) const {
  const std::uint64_t there = offset < file_.size() ? file_.size() - offset : 0;
  const auto count = static_cast<std::size_t>(std::min<std::uint64_t>(there, out.size()));
  if (count > 0) TRY(file_.read(offset, out.first(count)));
  std::ranges::fill(out.subspan(count), std::byte{0});
  return {};
}

Result<void> ReplayedFile::read(std::uint64_t offset, MutableBytes out) const {
  if (offset > size_ || out.size() > size_ - offset) return fail(Code::Corrupt, "read past the end");
  while (!out.empty()) {
    auto next = patches_.upper_bound(offset);
    const auto patch = next == patches_.begin() ? patches_.end() : std::prev(next);
    const bool patched = patch != patches_.end() && patch->second.end > offset;
    std::uint64_t end = offset + out.size();
    if (patched)
      end = std::min(end, patch->second.end);
    else if (next != patches_.end())
      end = std::min(end, next->first);
    const MutableBytes part = out.first(static_cast<std::size_t>(end - offset));
    if (!patched)
      TRY(read_file(offset, part));
    else if (patch->second.data.empty())
      std::memset(part.data(), 0, part.size());
    else
      std::memcpy(part.data(), patch->second.data.data() + (offset - patch->first), part.size());
    offset = end;
    out = out.subspan(part.size());
  }
  return {};
}

}  // namespace vhdboot::vhd
