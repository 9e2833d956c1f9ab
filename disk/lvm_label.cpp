// SPDX-License-Identifier: GPL-2.0-or-later
#include "disk/lvm_label.h"

#include <algorithm>
#include <array>
#include <optional>
#include <vector>

#include "base/text.h"
#include "base/units.h"

namespace vhdboot::disk {
namespace {

constexpr std::uint64_t kLabelSectors = 4;  // the label is in one of the first ones
constexpr std::string_view kLabelId = "LABELONE";
constexpr std::string_view kLabelType = "LVM2 001";
constexpr std::uint64_t kLabelOffset = 20;  // u32, from the label to the physical volume's header
constexpr std::uint64_t kLabelTypeAt = 24;

// pv_header: UUID (32), size (u64), then data areas, then metadata areas: (offset u64, size u64), each list up to a
// zero.
constexpr std::uint64_t kIdBytes = 32;
constexpr std::uint64_t kAreas = 40;
constexpr std::uint64_t kAreaBytes = 16;

// mda_header: the text that counts is the first raw_locn's, its offset from this header on.
constexpr std::string_view kMetadataMagic = " LVM2 x[5A%r0N*>";
constexpr std::uint64_t kMagicAt = 4;
constexpr std::uint64_t kAreaSize = 32;    // u64, of the whole metadata area
constexpr std::uint64_t kTextOffset = 40;  // u64
constexpr std::uint64_t kTextSize = 48;    // u64
constexpr std::uint64_t kMetadataHeader = 512;

constexpr std::size_t kMaxName = 127;  // lvm(8): NAME_LEN

std::optional<Bytes> find_label(Bytes start) {
  for (std::uint64_t sector = 0; sector < kLabelSectors; ++sector) {
    const auto label = slice(start, sector * kSectorSize, kSectorSize);
    if (label && as_text(*label).starts_with(kLabelId) && as_text(label->subspan(kLabelTypeAt)).starts_with(kLabelType))
      return label;
  }
  return std::nullopt;
}

std::uint64_t volume_header(Bytes label) {
  return load_le<std::uint32_t>(label, kLabelOffset).value_or(0);
}

// Where the first metadata area begins; both lists of areas lie in the label's sector.
std::optional<std::uint64_t> first_metadata_area(Bytes label) {
  std::uint64_t at = volume_header(label) + kAreas;
  const auto next = [&]() -> std::optional<std::uint64_t> {
    const auto offset = load_le<std::uint64_t>(label, at);
    at += kAreaBytes;
    return offset && *offset != 0 ? offset : std::nullopt;
  };
  while (next()) {
  }
  return next();
}

bool is_name(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
         std::string_view("+_.-").contains(c);
}

}  // namespace

bool has_lvm_label(const ByteSource& device) {
  std::array<std::byte, kLabelSectors * kSectorSize> start{};
  return device.read(0, start) && find_label(start);
}

namespace {

// Where the text is.
struct TextPlace {
  std::uint64_t area = 0;    // of metadata, in bytes on the device; 0: there is none
  std::uint64_t length = 0;  // of the area
  std::uint64_t offset = 0;  // in the area
  std::uint64_t size = 0;    // 0: there is none
};

Result<std::vector<std::byte>> read_label(const ByteSource& device) {
  std::array<std::byte, kLabelSectors * kSectorSize> start{};
  TRY(device.read(0, start));
  const auto label = find_label(start);
  if (!label) return fail(Code::NotFound, "there is no label of LVM2");
  return std::vector(label->begin(), label->end());
}

Result<TextPlace> find_text(const ByteSource& device, Bytes label) {
  const auto area = first_metadata_area(label);
  if (!area) return TextPlace{};
  std::array<std::byte, kMetadataHeader> header{};
  TRY(device.read(*area, header));
  if (!as_text(Bytes(header).subspan(kMagicAt)).starts_with(kMetadataMagic))
    return fail(Code::Corrupt, "the metadata of LVM2 has no header");
  const auto number = [&](std::uint64_t at) { return load_le<std::uint64_t>(header, at).value(); };
  TextPlace place{.area = *area, .length = number(kAreaSize), .offset = number(kTextOffset), .size = number(kTextSize)};
  if (place.offset == 0) place.size = 0;
  if (place.size == 0) return place;
  if (place.size > kMaxLvmText || place.length > UINT64_MAX - place.area || place.offset < kMetadataHeader ||
      place.offset >= place.length || place.size > place.length - kMetadataHeader)
    return fail(Code::Corrupt, "the metadata of LVM2 lies outside of its place");
  return place;
}

// At most so many bytes. The area is a ring: what does not fit before its end goes on behind the header.
Result<std::string> read_text(const ByteSource& device, const TextPlace& place, std::uint64_t most) {
  std::vector<std::byte> text(std::min(place.size, most));
  const auto first = std::min<std::uint64_t>(text.size(), place.length - place.offset);
  TRY(device.read(place.area + place.offset, MutableBytes(text).first(first)));
  TRY(device.read(place.area + kMetadataHeader, MutableBytes(text).subspan(first)));
  return std::string(as_text(text));
}

}  // namespace

Result<PhysicalVolumeText> read_physical_volume(const ByteSource& device) {
  const auto label = TRY(read_label(device));
  const auto id = slice(label, volume_header(label), kIdBytes);
  if (!id) return fail(Code::Corrupt, "the label of LVM2 has no physical volume");
  PhysicalVolumeText found{.id = std::string(as_text(*id)), .metadata = {}};
  const TextPlace place = TRY(find_text(device, label));
  if (place.size != 0) found.metadata = TRY(read_text(device, place, kMaxLvmText));
  return found;
}

Result<std::string> read_volume_group(const ByteSource& device) {
  const auto label = TRY(read_label(device));
  const TextPlace place = TRY(find_text(device, label));
  if (place.area == 0) return fail(Code::NotFound, "this physical volume holds no metadata");
  if (place.size == 0) return fail(Code::NotFound, "the physical volume belongs to no volume group");
  const std::string words = TRY(read_text(device, place, kMaxName + 1));
  const auto end = std::ranges::find_if_not(words, is_name);
  if (end == words.begin() || end == words.end() || *end != ' ')
    return fail(Code::Corrupt, "the metadata of LVM2 does not begin with a name");
  return std::string(words.begin(), end);
}

}  // namespace vhdboot::disk
