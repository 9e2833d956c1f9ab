// SPDX-License-Identifier: GPL-2.0-or-later
#include "vhd/tool/ntfs_attribute_list.h"

#include <algorithm>

#include "base/units.h"

namespace vhdboot::tool {
namespace {

constexpr std::size_t kNameAt = 0x1a;

template <class T>
void put(MutableBytes bytes, std::size_t offset, T value) {
  static_cast<void>(store_le<T>(bytes, offset, value));  // within what was made for it
}

std::vector<std::byte> copy(Bytes bytes) {
  return {bytes.begin(), bytes.end()};
}

}  // namespace

Result<std::vector<NtfsListEntry>> parse_attribute_list(Bytes list) {
  const auto damaged = [] {
    return fail(Code::Corrupt, "its attribute list is damaged; let Windows repair the volume with \"chkdsk /f\"");
  };
  if (list.size() > kMaxAttributeList) return damaged();
  std::vector<NtfsListEntry> out;
  for (std::size_t at = 0; at < list.size();) {
    const auto length = load_le<std::uint16_t>(list, at + 4);
    if (!length || *length < kNameAt || *length % 8 != 0) return damaged();
    const auto bytes = slice(list, at, *length);
    if (!bytes) return damaged();
    const std::size_t units = *load_le<std::uint8_t>(*bytes, 6);
    const auto name = slice(*bytes, units == 0 ? 0 : *load_le<std::uint8_t>(*bytes, 7), 2 * units);
    if (!name) return damaged();
    out.push_back({.type = *load_le<std::uint32_t>(*bytes, 0),
                   .lowest_vcn = *load_le<std::uint64_t>(*bytes, 0x08),
                   .reference = *load_le<std::uint64_t>(*bytes, 0x10),
                   .instance = *load_le<std::uint16_t>(*bytes, 0x18),
                   .name = copy(*name)});
    at += *length;
  }
  return out;
}

std::vector<std::byte> make_attribute_list(std::span<const NtfsListEntry> entries) {
  std::vector<std::byte> out;
  for (const NtfsListEntry& entry : entries) {
    const std::size_t at = out.size();
    out.resize(at + align_up(kNameAt + entry.name.size(), 8));
    const MutableBytes bytes = MutableBytes(out).subspan(at);
    put<std::uint32_t>(bytes, 0x00, entry.type);
    put<std::uint16_t>(bytes, 0x04, static_cast<std::uint16_t>(bytes.size()));
    put<std::uint8_t>(bytes, 0x06, static_cast<std::uint8_t>(entry.name.size() / 2));
    put<std::uint8_t>(bytes, 0x07, kNameAt);
    put<std::uint64_t>(bytes, 0x08, entry.lowest_vcn);
    put<std::uint64_t>(bytes, 0x10, entry.reference);
    put<std::uint16_t>(bytes, 0x18, entry.instance);
    std::ranges::copy(entry.name, bytes.begin() + kNameAt);
  }
  return out;
}

Result<std::vector<NtfsListEntry>> list_entries_of(Bytes record, std::uint64_t reference) {
  std::vector<NtfsListEntry> out;
  for (const NtfsAttribute& attribute : TRY(attributes_of(record))) {
    if (attribute.type == kNtfsAttributeList) continue;
    out.push_back({.type = attribute.type,
                   .lowest_vcn = attribute.lowest_vcn,
                   .reference = reference,
                   .instance = attribute.instance,
                   .name = attribute.name_units == 0 ? std::vector<std::byte>{}
                                                     : copy(record.subspan(attribute.offset + attribute.name_offset,
                                                                           2 * attribute.name_units))});
  }
  return out;
}

std::vector<NtfsListEntry> with_data_entries(std::span<const NtfsListEntry> entries,
                                             std::span<const NtfsListEntry> data) {
  std::vector<NtfsListEntry> out;
  const auto other = [](const NtfsListEntry& entry) { return !entry.unnamed_data(); };
  const auto first_behind = std::ranges::find_if(
      entries, [&](const NtfsListEntry& entry) { return entry.type >= kNtfsData && other(entry); });
  std::copy_if(entries.begin(), first_behind, std::back_inserter(out), other);
  std::ranges::copy(data, std::back_inserter(out));
  std::copy_if(first_behind, entries.end(), std::back_inserter(out), other);
  return out;
}

}  // namespace vhdboot::tool
