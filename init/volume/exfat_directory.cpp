// SPDX-License-Identifier: GPL-2.0-or-later
#include "init/volume/exfat_directory.h"

#include <algorithm>
#include <bit>
#include <chrono>
#include <utility>

namespace vhdboot::volume {
namespace {

// Entry types (6.2.1, 7).
constexpr std::uint8_t kEndOfDirectory = 0x00;
constexpr std::uint8_t kInUse = 0x80;
constexpr std::uint8_t kSecondary = 0x40;
constexpr std::uint8_t kBitmap = 0x81;
constexpr std::uint8_t kUpcaseTable = 0x82;
constexpr std::uint8_t kVolumeLabel = 0x83;
constexpr std::uint8_t kFile = 0x85;
constexpr std::uint8_t kStreamExtension = 0xC0;
constexpr std::uint8_t kFileName = 0xC1;

constexpr unsigned kMinSecondaries = 2;
constexpr unsigned kMaxSecondaries = 18;
constexpr std::size_t kNameUnitsPerEntry = 15;
constexpr std::size_t kMaxLabelUnits = 11;
constexpr std::uint16_t kAttributeDirectory = 0x10;
constexpr std::uint8_t kNoFatChain = 0x02;
constexpr std::uint8_t kSecondBitmap = 0x01;

std::uint8_t byte_at(Bytes entry, std::size_t at) {
  return std::to_integer<std::uint8_t>(entry[at]);
}

/// 6.3.3: over the whole set without the checksum itself.
std::uint16_t set_checksum(Bytes set) {
  std::uint16_t sum = 0;
  for (std::size_t i = 0; i < set.size(); ++i) {
    if (i == 2 || i == 3) continue;
    sum = static_cast<std::uint16_t>(std::rotr(sum, 1) + byte_at(set, i));
  }
  return sum;
}

std::u16string units_at(Bytes entry, std::size_t at, std::size_t count) {
  std::u16string out;
  for (std::size_t i = 0; i < count; ++i) out += static_cast<char16_t>(*load_le<std::uint16_t>(entry, at + 2 * i));
  return out;
}

}  // namespace

Result<std::optional<ExfatDirectory::Entry>> ExfatDirectory::take() {
  if (contents_.size() - next_ < kEntrySize) return std::optional<Entry>{};
  if (block_.empty() || next_ - block_start_ >= block_.size()) {
    block_.resize(static_cast<std::size_t>(std::min<std::uint64_t>(kBlock, contents_.size() - next_)));
    block_start_ = next_;
    TRY(contents_.read(next_, block_));
  }
  Entry entry;
  std::copy_n(block_.begin() + static_cast<std::ptrdiff_t>(next_ - block_start_), kEntrySize, entry.begin());
  next_ += kEntrySize;
  return std::optional(entry);
}

namespace {

// 7.4.8 to 7.4.10: local time from 1980 on in steps of two seconds, hundredths beyond it, and the distance from UTC in
// quarters of an hour.
std::optional<std::int64_t> unix_time(std::uint32_t stamp, unsigned hundredths, unsigned offset) {
  constexpr unsigned kOffsetValid = 0x80;
  if ((offset & kOffsetValid) == 0) return std::nullopt;
  const auto bits = [&](unsigned first, unsigned count) { return (stamp >> first) & ((1U << count) - 1U); };
  using namespace std::chrono;
  const year_month_day date(year(static_cast<int>(1980 + bits(25, 7))), month(bits(21, 4)), day(bits(16, 5)));
  if (!date.ok() || bits(11, 5) > 23 || bits(5, 6) > 59 || bits(0, 5) > 29 || hundredths > 199) return std::nullopt;
  const std::int64_t quarters =
      offset & 0x40 ? static_cast<int>(offset & 0x7F) - 0x80 : static_cast<int>(offset & 0x3F);
  const std::int64_t seconds = bits(11, 5) * 3600 + bits(5, 6) * 60 + bits(0, 5) * 2 + hundredths / 100;
  return sys_days(date).time_since_epoch().count() * std::int64_t{86400} + seconds - quarters * 900;
}

}  // namespace

Result<std::optional<ExfatFileEntry>> ExfatDirectory::read_set(const Entry& primary) {
  const unsigned secondaries = byte_at(primary, 1);
  if (secondaries < kMinSecondaries || secondaries > kMaxSecondaries) return std::optional<ExfatFileEntry>{};
  std::vector<std::byte> set(primary.begin(), primary.end());
  for (unsigned i = 0; i < secondaries; ++i) {
    const std::uint64_t here = next_;
    const auto entry = TRY(take());
    const std::uint8_t type = entry ? byte_at(*entry, 0) : 0;
    if ((type & kInUse) == 0 || (type & kSecondary) == 0) {
      next_ = here;  // it begins something else
      return std::optional<ExfatFileEntry>{};
    }
    set.insert(set.end(), entry->begin(), entry->end());
  }
  const Bytes bytes(set);
  const Bytes stream = bytes.subspan(kEntrySize, kEntrySize);
  if (byte_at(stream, 0) != kStreamExtension) return std::optional<ExfatFileEntry>{};

  ExfatFileEntry file;
  file.intact = *load_le<std::uint16_t>(bytes, 2) == set_checksum(bytes);
  file.directory = (*load_le<std::uint16_t>(bytes, 4) & kAttributeDirectory) != 0;
  file.modified =
      unix_time(*load_le<std::uint32_t>(bytes, 12), static_cast<std::uint8_t>(byte_at(bytes, 21)), byte_at(bytes, 23));
  file.stream.contiguous = (byte_at(stream, 1) & kNoFatChain) != 0;
  file.name_hash = *load_le<std::uint16_t>(stream, 4);
  file.stream.valid_size = *load_le<std::uint64_t>(stream, 8);
  file.stream.first_cluster = *load_le<std::uint32_t>(stream, 20);
  file.stream.size = *load_le<std::uint64_t>(stream, 24);

  const std::size_t name_units = byte_at(stream, 3);
  for (std::size_t at = 2 * kEntrySize; file.name.size() < name_units; at += kEntrySize) {
    if (at >= bytes.size() || byte_at(bytes, at) != kFileName) return std::optional<ExfatFileEntry>{};
    file.name += units_at(bytes, at + 2, std::min(kNameUnitsPerEntry, name_units - file.name.size()));
  }
  if (file.name.empty()) return std::optional<ExfatFileEntry>{};
  return std::optional(std::move(file));
}

Result<std::optional<ExfatFileEntry>> ExfatDirectory::next_file() {
  while (const auto entry = TRY(take())) {
    const std::uint8_t type = byte_at(*entry, 0);
    if (type == kEndOfDirectory) {
      next_ = contents_.size();
      break;
    }
    if (type != kFile) continue;
    if (auto file = TRY(read_set(*entry))) return file;
  }
  return std::optional<ExfatFileEntry>{};
}

Result<ExfatRootEntries> ExfatDirectory::read_root(const ByteSource& contents) {
  ExfatDirectory directory(contents);
  ExfatRootEntries out;
  while (const auto entry = TRY(directory.take())) {
    const Bytes bytes(*entry);
    const std::uint8_t type = byte_at(bytes, 0);
    if (type == kEndOfDirectory) break;
    if (type == kBitmap && out.bitmaps.size() < 2) {
      const std::uint64_t size = *load_le<std::uint64_t>(bytes, 24);
      const ExfatStream stream{*load_le<std::uint32_t>(bytes, 20), false, size, size};
      const bool first = (byte_at(bytes, 1) & kSecondBitmap) == 0;
      out.bitmaps.insert(first ? out.bitmaps.begin() : out.bitmaps.end(), stream);
    }
    if (type == kUpcaseTable && !out.upcase) {
      out.upcase_checksum = *load_le<std::uint32_t>(bytes, 4);
      const std::uint64_t size = *load_le<std::uint64_t>(bytes, 24);
      out.upcase = ExfatStream{*load_le<std::uint32_t>(bytes, 20), false, size, size};
    }
    if (type == kVolumeLabel) out.label = units_at(bytes, 2, std::min<std::size_t>(byte_at(bytes, 1), kMaxLabelUnits));
  }
  return out;
}

}  // namespace vhdboot::volume
