// SPDX-License-Identifier: GPL-2.0-or-later
#include "vhd/vhdx_header.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <optional>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include "base/crc32.h"
#include "base/text.h"

namespace vhdboot::vhd {
namespace {

constexpr std::string_view kFileSignature = "vhdxfile";
constexpr std::string_view kHeaderSignature = "head";
constexpr std::string_view kRegionSignature = "regi";
constexpr Guid kBatRegion = "2dc27766-f623-4200-9d64-115e9bfd4a08"_guid;
constexpr Guid kMetadataRegion = "8b7ca206-4790-4b9a-b8fe-575f050f886e"_guid;

constexpr std::size_t kHeaderSize = 4 * kKiB;
constexpr std::size_t kChecksum = 4;  // of both: CRC-32C with this field zero

namespace at {  // 2.2.1, 2.2.2
constexpr std::size_t kCreator = 8;
constexpr std::size_t kCreatorSize = 512;
constexpr std::size_t kSequence = 8;
constexpr std::size_t kFileWrite = 16;
constexpr std::size_t kDataWrite = 32;
constexpr std::size_t kLog = 48;
constexpr std::size_t kLogVersion = 64;
constexpr std::size_t kVersion = 66;
constexpr std::size_t kLogLength = 68;
constexpr std::size_t kLogOffset = 72;
static_assert(kLogOffset + 8 == 80);
}  // namespace at

namespace region {  // 2.2.3
constexpr std::size_t kCount = 8;
constexpr std::size_t kEntries = 16;
constexpr std::size_t kEntrySize = 32;
constexpr std::size_t kOffset = 16;
constexpr std::size_t kLength = 24;
constexpr std::size_t kRequired = 28;
constexpr std::uint32_t kMaxCount = 2047;
static_assert(kEntries + kMaxCount * kEntrySize <= kVhdxRegionTable);
}  // namespace region

template <class T>
T field(Bytes bytes, std::size_t offset) {
  return load_le<T>(bytes, offset).value_or(0);
}

// The structure at `offset` when its signature and checksum are right.
std::optional<std::vector<std::byte>> load_valid(const ByteSource& file, std::uint64_t offset, std::size_t size,
                                                 std::string_view signature) {
  std::vector<std::byte> bytes(size);
  if (!file.read(offset, bytes) || !as_text(bytes).starts_with(signature)) return std::nullopt;
  const auto stored = field<std::uint32_t>(bytes, kChecksum);
  static_cast<void>(store_le<std::uint32_t>(bytes, kChecksum, 0));
  if (crc32c(bytes) != stored) return std::nullopt;
  return bytes;
}

Result<VhdxHeader> parse_header(Bytes bytes, std::uint64_t place) {
  if (const auto version = field<std::uint16_t>(bytes, at::kVersion); version != 1)
    return fail(Code::Unsupported, concat("the VHDX file has the unknown version ", version));
  return VhdxHeader{.sequence = field<std::uint64_t>(bytes, at::kSequence),
                    .file_write = load_guid(bytes, at::kFileWrite).value_or(Guid{}),
                    .data_write = load_guid(bytes, at::kDataWrite).value_or(Guid{}),
                    .log = load_guid(bytes, at::kLog).value_or(Guid{}),
                    .log_version = field<std::uint16_t>(bytes, at::kLogVersion),
                    .log_length = field<std::uint32_t>(bytes, at::kLogLength),
                    .log_offset = field<std::uint64_t>(bytes, at::kLogOffset),
                    .place = place};
}

bool overlap(const VhdxRegion& a, const VhdxRegion& b) {
  return a.offset < b.offset + b.length && b.offset < a.offset + a.length;
}

Result<VhdxRegions> parse_regions(Bytes bytes, std::uint64_t file_size) {
  const auto count = field<std::uint32_t>(bytes, region::kCount);
  if (count > region::kMaxCount)
    return fail(Code::Corrupt, concat("the region table of the VHDX file has ", count, " entries, at most 2047 fit"));
  std::optional<VhdxRegion> bat;
  std::optional<VhdxRegion> metadata;
  std::vector<VhdxRegion> others;
  for (std::uint32_t i = 0; i < count; ++i) {
    const Bytes entry = bytes.subspan(region::kEntries + i * region::kEntrySize, region::kEntrySize);
    const Guid kind = load_guid(entry, 0).value_or(Guid{});
    const VhdxRegion found{field<std::uint64_t>(entry, region::kOffset), field<std::uint32_t>(entry, region::kLength)};
    const bool known = kind == kBatRegion || kind == kMetadataRegion;
    if (!known && (field<std::uint32_t>(entry, region::kRequired) & 1) != 0) {
      const GuidText text = to_text(kind);
      return fail(Code::Unsupported,
                  concat("the VHDX file needs the region ", std::string_view(text.data(), text.size()),
                         ", which this program does not know"));
    }
    if (!known) {
      if (found.offset < file_size && found.length <= file_size - found.offset) others.push_back(found);
      continue;
    }
    auto& slot = kind == kBatRegion ? bat : metadata;
    if (slot) return fail(Code::Corrupt, "the region table of the VHDX file names a region twice");
    if (found.offset < kMiB || found.offset % kMiB != 0 || found.length == 0 || found.offset > file_size ||
        found.length > file_size - found.offset)
      return fail(Code::Corrupt, "a region of the VHDX file lies outside of the file: a part of the file is missing");
    slot = found;
  }
  if (!bat || !metadata)
    return fail(Code::Corrupt, "the region table of the VHDX file lacks the block table or the metadata");
  if (overlap(*bat, *metadata)) return fail(Code::Corrupt, "the regions of the VHDX file overlap");
  return VhdxRegions{*bat, *metadata, std::move(others)};
}

}  // namespace

Result<VhdxHeader> read_vhdx_header(const ByteSource& file) {
  std::array<std::byte, kFileSignature.size()> signature{};
  if (!file.read(0, signature) || as_text(signature) != kFileSignature)
    return fail(Code::Unsupported, "it is no VHDX file");
  if (file.size() > kMaxVhdxFile)
    return fail(Code::Unsupported, concat("the VHDX file is larger than ", human_size(kMaxVhdxFile)));
  std::optional<VhdxHeader> newest;
  for (const std::uint64_t place : kVhdxHeaderPlaces) {
    const auto bytes = load_valid(file, place, kHeaderSize, kHeaderSignature);
    if (!bytes) continue;
    const VhdxHeader header = TRY(parse_header(*bytes, place));
    // 2.2.2: two headers with the same number are only alike in a file that was just made.
    if (!newest || header.sequence > newest->sequence) newest = header;
  }
  if (!newest) return fail(Code::Corrupt, "both headers of the VHDX file are damaged");
  return *newest;
}

std::array<std::byte, kHeaderSize> serialise(const VhdxHeader& header) {
  std::array<std::byte, kHeaderSize> bytes{};
  const MutableBytes out(bytes);
  const auto put = [&](std::size_t offset, auto value) { static_cast<void>(store_le(out, offset, value)); };
  const auto copy = [&](std::size_t offset, Bytes from) {
    std::ranges::copy(from, out.subspan(offset, from.size()).begin());
  };
  copy(0, as_bytes(kHeaderSignature));
  put(at::kSequence, header.sequence);
  copy(at::kFileWrite, header.file_write.bytes);
  copy(at::kDataWrite, header.data_write.bytes);
  copy(at::kLog, header.log.bytes);
  put(at::kLogVersion, header.log_version);
  put(at::kVersion, std::uint16_t{1});
  put(at::kLogLength, header.log_length);
  put(at::kLogOffset, header.log_offset);
  put(kChecksum, crc32c(bytes));
  return bytes;
}

std::vector<std::byte> new_region_table(const VhdxRegion& bat, const VhdxRegion& metadata) {
  std::vector<std::byte> bytes(kVhdxRegionTable);
  const auto put = [&](std::size_t offset, auto value) { static_cast<void>(store_le(bytes, offset, value)); };
  const auto copy = [&](std::size_t offset, Bytes from) {
    std::memcpy(bytes.data() + offset, from.data(), from.size());
  };
  copy(0, as_bytes(kRegionSignature));
  put(region::kCount, std::uint32_t{2});
  const auto describe = [&](std::size_t entry, const Guid& kind, const VhdxRegion& place) {
    copy(entry, kind.bytes);
    put(entry + region::kOffset, place.offset);
    put(entry + region::kLength, place.length);
    put(entry + region::kRequired, std::uint32_t{1});
  };
  describe(region::kEntries, kBatRegion, bat);
  describe(region::kEntries + region::kEntrySize, kMetadataRegion, metadata);
  put(kChecksum, crc32c(bytes));
  return bytes;
}

Result<VhdxHeader> put_vhdx_header(ByteFile& file, VhdxHeader header) {
  if (header.sequence == UINT64_MAX) return fail(Code::Corrupt, "the headers of the VHDX file cannot be numbered on");
  ++header.sequence;
  header.place = header.place == kVhdxHeaderPlaces[0] ? kVhdxHeaderPlaces[1] : kVhdxHeaderPlaces[0];
  TRY_IN("writing a header", file.write_unflushed(header.place, serialise(header)));
  return header;
}

Result<std::vector<std::byte>> moved_block_table(const ByteSource& file, const VhdxRegion& bat) {
  for (const std::uint64_t place : kVhdxRegionPlaces) {
    auto bytes = load_valid(file, place, kVhdxRegionTable, kRegionSignature);
    if (!bytes) continue;
    const auto count = std::min(field<std::uint32_t>(*bytes, region::kCount), region::kMaxCount);
    for (std::uint32_t i = 0; i < count; ++i) {
      const std::size_t entry = region::kEntries + i * region::kEntrySize;
      if (load_guid(*bytes, entry) != kBatRegion) continue;
      static_cast<void>(store_le<std::uint64_t>(*bytes, entry + region::kOffset, bat.offset));
      static_cast<void>(store_le<std::uint32_t>(*bytes, entry + region::kLength, bat.length));
    }
    static_cast<void>(store_le<std::uint32_t>(*bytes, kChecksum, 0));
    static_cast<void>(store_le<std::uint32_t>(*bytes, kChecksum, crc32c(*bytes)));
    return *std::move(bytes);
  }
  return fail(Code::Corrupt, "both region tables of the VHDX file are damaged");
}

Result<VhdxRegions> read_vhdx_regions(const ByteSource& file) {
  for (const std::uint64_t place : kVhdxRegionPlaces)
    if (const auto bytes = load_valid(file, place, kVhdxRegionTable, kRegionSignature))
      return parse_regions(*bytes, file.size());
  return fail(Code::Corrupt, "both region tables of the VHDX file are damaged");
}

std::string read_vhdx_creator(const ByteSource& file) {
  std::array<std::byte, at::kCreatorSize> bytes{};
  if (!file.read(at::kCreator, bytes)) return {};
  std::u16string units;
  for (std::size_t i = 0; i < bytes.size(); i += 2) {
    const auto unit = field<std::uint16_t>(bytes, i);
    if (unit == 0) break;
    units += static_cast<char16_t>(unit);
  }
  return to_utf8(units);
}

}  // namespace vhdboot::vhd
