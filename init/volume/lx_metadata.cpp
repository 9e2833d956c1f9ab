// SPDX-License-Identifier: GPL-2.0-or-later
#include "init/volume/lx_metadata.h"

#include <algorithm>

#include "base/text.h"

namespace vhdboot::volume {
namespace {

constexpr std::uint64_t kEntryHeader = 8;  // offset of the next one, flags, length of the name, length of the value
constexpr std::string_view kLxFsMetadata = "LXATTRB";
constexpr std::string_view kLxFsAttributes = "LXXATTR";
constexpr std::string_view kWslFsUid = "$LXUID";
constexpr std::string_view kWslFsGid = "$LXGID";
constexpr std::string_view kWslFsMode = "$LXMOD";
constexpr std::string_view kWslFsDevice = "$LXDEV";
constexpr std::string_view kWslFsAttribute = "LX.";
constexpr std::string_view kWslFsValue = "lxea";  // begins each value
constexpr std::uint64_t kLxFsSize = 56;
constexpr std::uint32_t kLxFsVersion = 1u << 16;  // after 16 bits of flags, all 0
constexpr unsigned kMinorBits = 20;
constexpr std::uint32_t kSecond = 1'000'000'000;

std::unexpected<Error> damaged(std::string_view name) {
  return fail(Code::Corrupt, concat("its ", printable(name), " is not of the form that WSL writes"));
}

/// Windows keeps names of attributes in upper case, Linux' are in lower case. One that has lower case was kept as it
/// is.
std::string lx_attribute_name(std::string_view name) {
  const bool kept = std::ranges::any_of(name, [](char c) { return c >= 'a' && c <= 'z'; });
  return kept ? std::string(name) : to_lower_ascii(name);
}

std::vector<std::byte> copy(Bytes bytes) {
  return {bytes.begin(), bytes.end()};
}

Result<UnixTime> lx_time(std::uint64_t seconds, std::uint32_t nanoseconds) {
  if (nanoseconds >= kSecond) return damaged(kLxFsMetadata);
  return UnixTime{static_cast<std::int64_t>(seconds), nanoseconds};
}

Result<void> add_lxfs(Bytes value, LxMetadata& out) {
  if (value.size() != kLxFsSize || *load_le<std::uint32_t>(value, 0) != kLxFsVersion) return damaged(kLxFsMetadata);
  const auto word = [&](std::uint64_t at) { return *load_le<std::uint32_t>(value, at); };
  const auto seconds = [&](std::uint64_t at) { return *load_le<std::uint64_t>(value, at); };
  out.mode = word(4);
  out.uid = word(8);
  out.gid = word(12);
  out.device = LxDevice{word(16) >> kMinorBits, word(16) & ((1u << kMinorBits) - 1)};
  out.accessed = TRY(lx_time(seconds(32), word(20)));
  out.modified = TRY(lx_time(seconds(40), word(24)));
  return {};
}

Result<std::vector<LxAttribute>> lxfs_attributes(Bytes value) {
  constexpr std::uint64_t kHeader = 7;  // offset of the next one, length of the value, length of the name
  if (load_le<std::uint32_t>(value, 0) != kLxFsVersion) return damaged(kLxFsAttributes);
  std::vector<LxAttribute> out;
  for (std::uint64_t at = 4;;) {
    const auto next = load_le<std::uint32_t>(value, at);
    const auto length = load_le<std::uint16_t>(value, at + 4);
    const auto name_length = load_le<std::uint8_t>(value, at + 6);
    if (!name_length || *name_length == 0) return damaged(kLxFsAttributes);
    const auto name = slice(value, at + kHeader, *name_length);
    const auto contents = slice(value, at + kHeader + *name_length, *length);
    if (!name || !contents) return damaged(kLxFsAttributes);
    out.push_back({lx_attribute_name(as_text(*name)), copy(*contents)});
    if (*next == 0) return out;
    // Only ever on, or a list could lead back into itself.
    if (*next < kHeader + *name_length + *length) return damaged(kLxFsAttributes);
    at += *next;
  }
}

Result<std::uint32_t> word_of(const ExtendedAttribute& attribute) {
  if (attribute.value.size() != sizeof(std::uint32_t)) return damaged(attribute.name);
  return *load_le<std::uint32_t>(attribute.value, 0);
}

Result<void> add_wslfs(const ExtendedAttribute& attribute, LxMetadata& out) {
  if (attribute.is(kWslFsUid)) out.uid = TRY(word_of(attribute));
  if (attribute.is(kWslFsGid)) out.gid = TRY(word_of(attribute));
  if (attribute.is(kWslFsMode)) out.mode = TRY(word_of(attribute));
  if (attribute.is(kWslFsDevice)) {
    if (attribute.value.size() != 2 * sizeof(std::uint32_t)) return damaged(attribute.name);
    out.device = LxDevice{*load_le<std::uint32_t>(attribute.value, 0), *load_le<std::uint32_t>(attribute.value, 4)};
  }
  if (attribute.name.starts_with(kWslFsAttribute) && attribute.name.size() > kWslFsAttribute.size()) {
    const auto value = slice(attribute.value, kWslFsValue.size(), attribute.value.size() - kWslFsValue.size());
    if (!value || !as_text(attribute.value).starts_with(kWslFsValue)) return damaged(attribute.name);
    out.attributes.push_back({lx_attribute_name(attribute.name.substr(kWslFsAttribute.size())), copy(*value)});
  }
  return {};
}

}  // namespace

Result<std::vector<ExtendedAttribute>> parse_extended_attributes(Bytes list) {
  std::vector<ExtendedAttribute> out;
  for (std::uint64_t at = 0; at < list.size();) {
    const auto bad = [&] { return fail(Code::Corrupt, concat("its list of extended attributes is damaged at ", at)); };
    const auto next = load_le<std::uint32_t>(list, at);
    const auto name_length = load_le<std::uint8_t>(list, at + 5);
    const auto value_length = load_le<std::uint16_t>(list, at + 6);
    if (!value_length || *name_length == 0) return bad();
    const std::uint64_t size = kEntryHeader + *name_length + 1 + *value_length;
    const auto entry = slice(list, at, size);
    if (!entry) return bad();
    out.push_back({as_text(entry->subspan(kEntryHeader, *name_length)), entry->last(*value_length)});
    if (*next == 0) break;  // the last one; on the disk it may also tell its own size
    if (*next < size) return bad();
    at += *next;
  }
  return out;
}

LxGeneration generation_of(std::span<const ExtendedAttribute> attributes) {
  const auto has = [&](std::string_view name) {
    return std::ranges::any_of(attributes, [&](const ExtendedAttribute& one) { return one.is(name); });
  };
  if (has(kWslFsUid) || has(kWslFsGid) || has(kWslFsMode)) return LxGeneration::WslFs;
  return has(kLxFsMetadata) ? LxGeneration::LxFs : LxGeneration::None;
}

Result<LxMetadata> lx_metadata(std::span<const ExtendedAttribute> attributes, LxGeneration generation) {
  LxMetadata out;
  for (const ExtendedAttribute& attribute : attributes) {
    if (generation == LxGeneration::WslFs) TRY(add_wslfs(attribute, out));
    if (generation != LxGeneration::LxFs) continue;
    if (attribute.is(kLxFsMetadata)) TRY(add_lxfs(attribute.value, out));
    if (attribute.is(kLxFsAttributes)) out.attributes = TRY(lxfs_attributes(attribute.value));
  }
  return out;
}

}  // namespace vhdboot::volume
