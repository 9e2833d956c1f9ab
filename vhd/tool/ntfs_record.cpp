// SPDX-License-Identifier: GPL-2.0-or-later
#include "vhd/tool/ntfs_record.h"

#include <algorithm>
#include <cstring>

#include "base/units.h"

namespace vhdboot::tool {
namespace {

// In the record.
constexpr std::size_t kAttributesAt = 0x14;
constexpr std::size_t kInUseAt = 0x18;
constexpr std::size_t kNextInstanceAt = 0x28;
constexpr std::size_t kRecordHeader = 0x2a;
// In an attribute.
constexpr std::size_t kLengthAt = 0x04;
constexpr std::size_t kInstanceAt = 0x0e;
constexpr std::size_t kValidSizeAt = 0x38;
constexpr std::size_t kResidentHeader = 0x18;
constexpr std::size_t kNonResidentHeader = 0x40;

constexpr std::uint32_t kEnd = 0xffffffff;
constexpr std::size_t kEndSize = 8;

std::unexpected<Error> damaged() {
  return fail(Code::Corrupt, "its record is damaged; let Windows repair the volume with \"chkdsk /f\"");
}

std::size_t in_use(Bytes record) {
  return load_le<std::uint32_t>(record, kInUseAt).value_or(0);
}

template <class T>
void put(MutableBytes bytes, std::size_t offset, T value) {
  static_cast<void>(store_le<T>(bytes, offset, value));  // what is put lies within what was made for it
}

/// Makes `now` bytes of the `had` at `offset`, moving what comes behind. There is room.
void resize_at(MutableBytes record, std::size_t offset, std::size_t had, std::size_t now) {
  const std::size_t used = in_use(record);
  std::memmove(record.data() + offset + now, record.data() + offset + had, used - offset - had);
  put<std::uint32_t>(record, kInUseAt, static_cast<std::uint32_t>(used - had + now));
  if (now < had) std::ranges::fill(record.subspan(used - had + now, had - now), std::byte{0});
}

std::size_t end_of(Bytes record) {
  const auto all = attributes_of(record);
  if (!all) return record.size();
  return all->empty() ? *load_le<std::uint16_t>(record, kAttributesAt) : all->back().offset + all->back().length;
}

/// `next`, or the lowest one that none of `all` has: it has wrapped around.
std::uint16_t free_instance(const std::vector<NtfsAttribute>& all, std::uint16_t next) {
  const auto taken = [&](std::uint16_t instance) {
    return std::ranges::any_of(all, [&](const NtfsAttribute& one) { return one.instance == instance; });
  };
  if (!taken(next)) return next;
  // A record has room for less than 2^16 attributes.
  std::uint16_t lowest = 0;
  while (taken(lowest)) ++lowest;
  return lowest;
}

Result<NtfsAttribute> attribute_at(Bytes used, std::size_t at) {
  NtfsAttribute out;
  out.offset = at;
  const auto length = load_le<std::uint32_t>(used, at + kLengthAt);
  if (!length || *length < kResidentHeader || *length % 8 != 0) return damaged();
  const auto bytes = slice(used, at, *length);
  if (!bytes) return damaged();
  out.type = *load_le<std::uint32_t>(*bytes, 0);
  out.length = *length;
  out.non_resident = *load_le<std::uint8_t>(*bytes, 0x08) != 0;
  out.name_units = *load_le<std::uint8_t>(*bytes, 0x09);
  out.name_offset = *load_le<std::uint16_t>(*bytes, 0x0a);
  out.instance = *load_le<std::uint16_t>(*bytes, kInstanceAt);
  if (out.name_units != 0 && !slice(*bytes, out.name_offset, 2 * out.name_units)) return damaged();
  if (!out.non_resident) return out;
  if (*length < kNonResidentHeader) return damaged();
  out.lowest_vcn = *load_le<std::uint64_t>(*bytes, 0x10);
  out.pairs_offset = *load_le<std::uint16_t>(*bytes, 0x20);
  out.compression_unit = *load_le<std::uint8_t>(*bytes, 0x22);
  if (out.pairs_offset < kNonResidentHeader || out.pairs_offset >= *length) return damaged();
  return out;
}

}  // namespace

Result<std::vector<NtfsAttribute>> attributes_of(Bytes record) {
  if (record.size() < kRecordHeader || record.size() > kMaxNtfsRecord) return damaged();
  const auto used = slice(record, 0, in_use(record));
  if (!used || used->size() < kRecordHeader) return damaged();
  std::vector<NtfsAttribute> out;
  for (std::size_t at = *load_le<std::uint16_t>(record, kAttributesAt);; at += out.back().length) {
    if (at < kRecordHeader || at % 8 != 0) return damaged();
    const auto type = load_le<std::uint32_t>(*used, at);
    if (!type) return damaged();
    // What is behind the end mark belongs to nobody; but it must all be in use.
    if (*type == kEnd) {
      if (at + kEndSize != used->size()) return damaged();
      return out;
    }
    out.push_back(TRY(attribute_at(*used, at)));
  }
}

std::size_t room_in(Bytes record) {
  const std::size_t used = in_use(record);
  return used > record.size() ? 0 : (record.size() - used) / 8 * 8;
}

std::vector<std::byte> make_attribute(const NtfsPiece& piece, Bytes pairs) {
  const std::size_t header = piece.header();
  std::vector<std::byte> out(align_up(header + pairs.size(), 8));
  put<std::uint32_t>(out, 0x00, piece.type);
  put<std::uint32_t>(out, kLengthAt, static_cast<std::uint32_t>(out.size()));
  put<std::uint8_t>(out, 0x08, 1);
  put<std::uint16_t>(out, 0x0a, static_cast<std::uint16_t>(header));
  put<std::uint16_t>(out, 0x0c, piece.flags);
  put<std::uint64_t>(out, 0x10, piece.lowest_vcn);
  put<std::uint64_t>(out, 0x18, piece.next_vcn - 1);
  put<std::uint16_t>(out, 0x20, static_cast<std::uint16_t>(header));
  if (piece.lowest_vcn == 0) {
    put<std::uint8_t>(out, 0x22, piece.compression_unit);
    put<std::uint64_t>(out, 0x28, piece.allocated_size);
    put<std::uint64_t>(out, 0x30, piece.data_size);
    put<std::uint64_t>(out, kValidSizeAt, piece.valid_size);
    if (header > kNonResidentHeader) put<std::uint64_t>(out, 0x40, piece.compressed_size);
  }
  std::ranges::copy(pairs, out.begin() + static_cast<std::ptrdiff_t>(header));
  return out;
}

void erase_attribute(MutableBytes record, const NtfsAttribute& attribute) {
  resize_at(record, attribute.offset, attribute.length, 0);
}

std::optional<std::uint16_t> insert_attribute(MutableBytes record, Bytes attribute) {
  const auto all = attributes_of(record);
  const auto type = load_le<std::uint32_t>(attribute, 0);
  if (!all || !type || attribute.size() > room_in(record)) return std::nullopt;
  std::size_t at = end_of(record);
  for (const NtfsAttribute& other : *all) {
    if (other.type < *type || (other.type == *type && other.name_units == 0)) continue;
    at = other.offset;
    break;
  }
  const std::uint16_t instance = free_instance(*all, *load_le<std::uint16_t>(record, kNextInstanceAt));
  resize_at(record, at, 0, attribute.size());
  std::ranges::copy(attribute, record.begin() + static_cast<std::ptrdiff_t>(at));
  put<std::uint16_t>(record, at + kInstanceAt, instance);
  put<std::uint16_t>(record, kNextInstanceAt, static_cast<std::uint16_t>(instance + 1));
  return instance;
}

bool replace_attribute(MutableBytes record, const NtfsAttribute& old, Bytes attribute) {
  if (attribute.size() > old.length + room_in(record)) return false;
  resize_at(record, old.offset, old.length, attribute.size());
  std::ranges::copy(attribute, record.begin() + static_cast<std::ptrdiff_t>(old.offset));
  put<std::uint16_t>(record, old.offset + kInstanceAt, old.instance);
  return true;
}

void set_valid_size(MutableBytes record, const NtfsAttribute& first, std::uint64_t bytes) {
  put<std::uint64_t>(record, first.offset + kValidSizeAt, bytes);
}

}  // namespace vhdboot::tool
