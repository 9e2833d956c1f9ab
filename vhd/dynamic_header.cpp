// SPDX-License-Identifier: GPL-2.0-or-later
#include "vhd/dynamic_header.h"

#include <algorithm>
#include <bit>
#include <optional>
#include <string_view>

#include "base/text.h"

namespace vhdboot::vhd {
namespace {

constexpr std::string_view kCookie = "cxsparse";
constexpr std::uint32_t kVersion = 0x00010000;

namespace at {
constexpr std::size_t kTableOffset = 16;
constexpr std::size_t kVersion = 24;
constexpr std::size_t kBlockCount = 28;
constexpr std::size_t kBlockSize = 32;
constexpr std::size_t kChecksum = 36;
constexpr std::size_t kParentUuid = 40;
constexpr std::size_t kParentTimestamp = 56;
constexpr std::size_t kParentName = 64;
constexpr std::size_t kParentNameSize = 512;
constexpr std::size_t kLocators = 576;
constexpr std::size_t kLocatorSize = 24;
// Within a locator.
constexpr std::size_t kDataSpace = 4;
constexpr std::size_t kDataLength = 8;
constexpr std::size_t kDataOffset = 16;
static_assert(kParentName + kParentNameSize == kLocators);
static_assert(kLocators + 8 * kLocatorSize + 256 == kDynamicHeaderSize);
}  // namespace at

// Of a header whose length has been checked.
template <class T>
T field(Bytes header, std::size_t offset) {
  return load_be<T>(header, offset).value_or(0);
}

std::uint32_t checksum(Bytes header) {
  std::uint32_t sum = 0;
  for (std::size_t i = 0; i < kDynamicHeaderSize; ++i)
    if (i < at::kChecksum || i >= at::kChecksum + 4) sum += std::to_integer<std::uint32_t>(header[i]);
  return ~sum;
}

// UTF-16 text up to its first NUL.
std::string text_of(Bytes bytes, bool big_endian) {
  std::u16string units;
  for (std::size_t i = 0; i + 2 <= bytes.size(); i += 2) {
    const auto unit = big_endian ? field<std::uint16_t>(bytes, i) : load_le<std::uint16_t>(bytes, i).value_or(0);
    if (unit == 0) break;
    units += static_cast<char16_t>(unit);
  }
  return to_utf8(units);
}

Guid load_uuid(Bytes header, std::size_t offset) {
  const Guid stored = load_guid(header, offset).value_or(Guid{});
  Guid out;
  for (std::size_t i = 0; i < out.bytes.size(); ++i) out.bytes[i] = stored.bytes[guid_detail::kOrder[i]];
  return out;
}

std::optional<std::string> read_path(const ByteSource& file, const VhdLocator& locator) {
  if (locator.length == 0 || locator.length > kMaxLocatorData) return std::nullopt;
  std::vector<std::byte> bytes(locator.length);
  if (!file.read(locator.offset, bytes)) return std::nullopt;
  std::string path = text_of(bytes, false);
  if (path.empty()) return std::nullopt;
  return path;
}

}  // namespace

Result<DynamicHeader> parse_dynamic_header(Bytes bytes) {
  if (bytes.size() < kDynamicHeaderSize || !as_text(bytes).starts_with(kCookie))
    return fail(Code::Corrupt, "the header of the dynamic VHD is not where its footer says");
  if (const auto stored = field<std::uint32_t>(bytes, at::kChecksum); stored != checksum(bytes))
    return fail(Code::Corrupt, concat("the header of the dynamic VHD is damaged: its checksum is ", to_hex(stored, 8),
                                      ", its bytes give ", to_hex(checksum(bytes), 8)));
  if (const auto version = field<std::uint32_t>(bytes, at::kVersion); version >> 16 != kVersion >> 16)
    return fail(Code::Unsupported,
                concat("the header of the dynamic VHD has the unknown version ", to_hex(version, 8)));

  DynamicHeader header;
  header.table_offset = field<std::uint64_t>(bytes, at::kTableOffset);
  header.block_count = field<std::uint32_t>(bytes, at::kBlockCount);
  header.block_size = field<std::uint32_t>(bytes, at::kBlockSize);
  if (!std::has_single_bit(header.block_size) || header.block_size < kMinDynamicBlock ||
      header.block_size > kMaxDynamicBlock)
    return fail(Code::Unsupported, concat("the dynamic VHD has blocks of ", header.block_size,
                                          " bytes, not of a power of two from 4 KiB to 256 MiB"));
  if (header.block_count > kMaxDynamicBlocks)
    return fail(Code::Unsupported, concat("the dynamic VHD has a table of ", header.block_count,
                                          " blocks, more than the ", kMaxDynamicBlocks, " that are handled"));
  header.parent_uuid = load_uuid(bytes, at::kParentUuid);
  header.parent_timestamp = field<std::uint32_t>(bytes, at::kParentTimestamp);
  header.parent_name = text_of(bytes.subspan(at::kParentName, at::kParentNameSize), true);
  for (std::size_t i = 0; i < header.locators.size(); ++i) {
    const Bytes entry = bytes.subspan(at::kLocators + i * at::kLocatorSize, at::kLocatorSize);
    VhdLocator& locator = header.locators[i];
    for (std::size_t j = 0; j < locator.platform.size(); ++j) locator.platform[j] = std::to_integer<char>(entry[j]);
    locator.space = field<std::uint32_t>(entry, at::kDataSpace);
    locator.length = field<std::uint32_t>(entry, at::kDataLength);
    locator.offset = field<std::uint64_t>(entry, at::kDataOffset);
  }
  return header;
}

std::vector<std::string> parent_paths(const ByteSource& file, const DynamicHeader& header) {
  std::vector<std::string> paths;
  // A relative path still holds when the whole folder was moved.
  for (const std::string_view platform : {"W2ru", "W2ku"})
    for (const VhdLocator& locator : header.locators)
      if (std::string_view(locator.platform.data(), locator.platform.size()) == platform)
        if (auto path = read_path(file, locator)) paths.push_back(*std::move(path));
  if (!header.parent_name.empty()) paths.push_back(header.parent_name);
  return paths;
}

}  // namespace vhdboot::vhd
