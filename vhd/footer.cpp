// SPDX-License-Identifier: GPL-2.0-or-later
#include "vhd/footer.h"

#include <algorithm>
#include <limits>
#include <string_view>

#include "base/text.h"

namespace vhdboot::vhd {
namespace {

constexpr std::string_view kCookie = "conectix";
constexpr std::uint32_t kVersion = 0x00010000;

// Offsets of the fields ("Hard Disk Footer Format").
namespace at {
constexpr std::size_t kFeatures = 8;
constexpr std::size_t kVersion = 12;
constexpr std::size_t kDataOffset = 16;
constexpr std::size_t kTimestamp = 24;
constexpr std::size_t kCreator = 28;
constexpr std::size_t kCreatorVersion = 32;
constexpr std::size_t kCreatorOs = 36;
constexpr std::size_t kOriginalSize = 40;
constexpr std::size_t kCurrentSize = 48;
constexpr std::size_t kCylinders = 56;
constexpr std::size_t kHeads = 58;
constexpr std::size_t kSectorsPerTrack = 59;
constexpr std::size_t kType = 60;
constexpr std::size_t kChecksum = 64;
constexpr std::size_t kUuid = 68;
constexpr std::size_t kSavedState = 84;
static_assert(kSavedState < kFooterSize);
}  // namespace at

// The footer stores a UUID in the order in which it is written down; Guid keeps the order of GPT.
Guid swapped(const Guid& guid) {
  Guid out;
  for (std::size_t i = 0; i < out.bytes.size(); ++i) out.bytes[i] = guid.bytes[guid_detail::kOrder[i]];
  return out;
}

std::uint32_t checksum(Bytes footer) {
  std::uint32_t sum = 0;
  for (std::size_t i = 0; i < kFooterSize; ++i)
    if (i < at::kChecksum || i >= at::kChecksum + 4) sum += std::to_integer<std::uint32_t>(footer[i]);
  return ~sum;
}

// Fields of a sector whose length has been checked.
template <class T>
T field(Bytes sector, std::size_t offset) {
  return load_be<T>(sector, offset).value_or(0);
}

template <class T>
void put(FooterBytes& bytes, std::size_t offset, T value) {
  static_cast<void>(store_be<T>(bytes, offset, value));
}

std::array<char, 4> load_tag(Bytes sector, std::size_t offset) {
  std::array<char, 4> tag{};
  for (std::size_t i = 0; i < tag.size(); ++i) tag[i] = std::to_integer<char>(sector[offset + i]);
  return tag;
}

void put_tag(FooterBytes& bytes, std::size_t offset, const std::array<char, 4>& tag) {
  for (std::size_t i = 0; i < tag.size(); ++i) bytes[offset + i] = static_cast<std::byte>(tag[i]);
}

Result<void> check_payload(std::uint64_t size) {
  if (size == 0) return fail(Code::Invalid, "a disk of 0 bytes cannot be a VHD");
  if (size % kSectorSize != 0)
    return fail(Code::Invalid, concat("the size of ", size, " bytes is not a multiple of 512"));
  if (size > kMaxPayload)
    return fail(Code::Invalid, concat("a disk of ", human_size(size), " is above the 2040 GiB that a VHD can hold"));
  return {};
}

}  // namespace

std::uint32_t vhd_time(std::int64_t unix_time) {
  const std::int64_t seconds = std::max<std::int64_t>(unix_time - kVhdEpoch, 0);
  return static_cast<std::uint32_t>(std::min<std::int64_t>(seconds, std::numeric_limits<std::uint32_t>::max()));
}

bool has_footer_cookie(Bytes sector) {
  return sector.size() >= kFooterSize && as_text(sector).starts_with(kCookie);
}

Result<Footer> parse_footer(Bytes sector) {
  if (!has_footer_cookie(sector)) return fail(Code::NotFound, "no VHD footer");
  const auto stored = field<std::uint32_t>(sector, at::kChecksum);
  const std::uint32_t computed = checksum(sector);
  if (stored != computed)
    return fail(Code::Corrupt, concat("the VHD footer is damaged: its checksum is ", to_hex(stored, 8),
                                      ", its bytes give ", to_hex(computed, 8)));
  const auto version = field<std::uint32_t>(sector, at::kVersion);
  if (version >> 16 != kVersion >> 16)
    return fail(Code::Unsupported, concat("the VHD footer has the unknown version ", to_hex(version, 8)));
  const auto type = field<std::uint32_t>(sector, at::kType);
  if (type < 2 || type > 4) return fail(Code::Unsupported, concat("the VHD footer names the unknown disk type ", type));

  Footer footer;
  footer.features = field<std::uint32_t>(sector, at::kFeatures);
  footer.data_offset = field<std::uint64_t>(sector, at::kDataOffset);
  footer.timestamp = field<std::uint32_t>(sector, at::kTimestamp);
  footer.creator = load_tag(sector, at::kCreator);
  footer.creator_version = field<std::uint32_t>(sector, at::kCreatorVersion);
  footer.creator_os = load_tag(sector, at::kCreatorOs);
  footer.original_size = field<std::uint64_t>(sector, at::kOriginalSize);
  footer.current_size = field<std::uint64_t>(sector, at::kCurrentSize);
  footer.geometry = {field<std::uint16_t>(sector, at::kCylinders), field<std::uint8_t>(sector, at::kHeads),
                     field<std::uint8_t>(sector, at::kSectorsPerTrack)};
  footer.type = static_cast<DiskType>(type);
  footer.uuid = swapped(load_guid(sector, at::kUuid).value_or(Guid{}));
  footer.saved_state = sector[at::kSavedState] != std::byte{0};
  return footer;
}

FooterBytes serialise(const Footer& footer) {
  FooterBytes bytes{};
  std::ranges::copy(as_bytes(kCookie), bytes.begin());
  put(bytes, at::kFeatures, footer.features);
  put(bytes, at::kVersion, kVersion);
  put(bytes, at::kDataOffset, footer.data_offset);
  put(bytes, at::kTimestamp, footer.timestamp);
  put_tag(bytes, at::kCreator, footer.creator);
  put(bytes, at::kCreatorVersion, footer.creator_version);
  put_tag(bytes, at::kCreatorOs, footer.creator_os);
  put(bytes, at::kOriginalSize, footer.original_size);
  put(bytes, at::kCurrentSize, footer.current_size);
  put(bytes, at::kCylinders, footer.geometry.cylinders);
  put(bytes, at::kHeads, footer.geometry.heads);
  put(bytes, at::kSectorsPerTrack, footer.geometry.sectors_per_track);
  put(bytes, at::kType, static_cast<std::uint32_t>(footer.type));
  std::ranges::copy(swapped(footer.uuid).bytes, bytes.begin() + at::kUuid);
  bytes[at::kSavedState] = footer.saved_state ? std::byte{1} : std::byte{0};
  put(bytes, at::kChecksum, checksum(bytes));
  return bytes;
}

Result<Footer> make_fixed_footer(std::uint64_t payload_size, const Guid& uuid, std::int64_t unix_time) {
  TRY(check_payload(payload_size));
  Footer footer;
  footer.timestamp = vhd_time(unix_time);
  footer.original_size = payload_size;
  footer.current_size = payload_size;
  footer.geometry = geometry_of(payload_size);
  footer.uuid = uuid;
  return footer;
}

Result<Footer> resized(const Footer& footer, std::uint64_t payload_size) {
  TRY(check_payload(payload_size));
  Footer out;
  out.timestamp = footer.timestamp;
  out.original_size = payload_size;
  out.current_size = payload_size;
  out.geometry = geometry_of(payload_size);
  out.uuid = footer.uuid;
  return out;
}

}  // namespace vhdboot::vhd
