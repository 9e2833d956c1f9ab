// SPDX-License-Identifier: GPL-2.0-or-later
// The attributes within one record of the MFT, in memory and without its update sequence (which the library puts in and
// takes out). Format: Linux-NTFS documentation, "FILE Record" and "Attribute Header"; ntfs-3g's layout.h.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"

namespace vhdboot::tool {

inline constexpr std::uint32_t kNtfsStandardInformation = 0x10;
inline constexpr std::uint32_t kNtfsAttributeList = 0x20;
inline constexpr std::uint32_t kNtfsData = 0x80;
inline constexpr std::uint16_t kNtfsSparse = 0x8000;  ///< among the flags of an attribute

/// No record is larger.
inline constexpr std::size_t kMaxNtfsRecord = 64 * 1024;

/// One attribute, or one piece of one, in a record.
struct NtfsAttribute {
  std::uint32_t type = 0;
  std::size_t offset = 0;  ///< in the record
  std::size_t length = 0;
  std::size_t name_offset = 0;  ///< in the attribute
  std::size_t name_units = 0;   ///< 0: it has no name
  bool non_resident = false;
  std::uint16_t instance = 0;
  std::uint64_t lowest_vcn = 0;  ///< non-resident only
  std::size_t pairs_offset = 0;  ///< likewise, in the attribute
  std::uint8_t compression_unit = 0;

  [[nodiscard]] bool unnamed_data() const { return type == kNtfsData && name_units == 0; }
};

/// What a non-resident attribute without a name says of itself.
struct NtfsPiece {
  std::uint32_t type = kNtfsData;
  std::uint16_t flags = 0;
  std::uint64_t lowest_vcn = 0;
  std::uint64_t next_vcn = 0;  ///< behind the last one
  /// From here on only in the first piece, the one with lowest_vcn 0; Linux' ntfs3 refuses others with a unit.
  std::uint8_t compression_unit = 0;
  /// In bytes.
  std::uint64_t allocated_size = 0;
  std::uint64_t data_size = 0;
  std::uint64_t valid_size = 0;
  std::uint64_t compressed_size = 0;  ///< when `flags` say that it is sparse

  /// Of its header, so where its mapping pairs begin.
  [[nodiscard]] std::size_t header() const { return lowest_vcn == 0 && (flags & kNtfsSparse) != 0 ? 0x48 : 0x40; }
};

/// The attributes of `record` in their order. Corrupt when one does not lie within it.
[[nodiscard]] Result<std::vector<NtfsAttribute>> attributes_of(Bytes record);

/// Bytes that an attribute can still have in `record`, a multiple of 8.
[[nodiscard]] std::size_t room_in(Bytes record);

/// `piece` as an attribute, its instance 0.
[[nodiscard]] std::vector<std::byte> make_attribute(const NtfsPiece& piece, Bytes pairs);

/// `attribute` must be one of attributes_of(record).
void erase_attribute(MutableBytes record, const NtfsAttribute& attribute);

/// Puts `attribute`, which has no name, where it belongs. Its instance there, which no other one of the record has;
/// nothing when there is no room. `record` must be one that attributes_of() accepts.
[[nodiscard]] std::optional<std::uint16_t> insert_attribute(MutableBytes record, Bytes attribute);

/// Puts `attribute` instead of `old` and leaves it the instance; false, and nothing changed, when there is no room.
[[nodiscard]] bool replace_attribute(MutableBytes record, const NtfsAttribute& old, Bytes attribute);

/// Sets the valid data length in bytes of `first`, the first piece of a non-resident attribute.
void set_valid_size(MutableBytes record, const NtfsAttribute& first, std::uint64_t bytes);

}  // namespace vhdboot::tool
