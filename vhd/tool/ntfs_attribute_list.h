// SPDX-License-Identifier: GPL-2.0-or-later
// $ATTRIBUTE_LIST: which record of the MFT holds which attribute of a file that needs more than one record. Format:
// Linux-NTFS documentation, "$ATTRIBUTE_LIST"; ntfs-3g's layout.h.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "vhd/tool/ntfs_record.h"

namespace vhdboot::tool {

/// Windows accepts no longer list.
inline constexpr std::size_t kMaxAttributeList = 256 * 1024;

struct NtfsListEntry {
  std::uint32_t type = 0;
  std::uint64_t lowest_vcn = 0;
  std::uint64_t reference = 0;  ///< number of the record, and in the upper 16 bits its sequence number
  std::uint16_t instance = 0;
  std::vector<std::byte> name;  ///< UTF-16

  [[nodiscard]] bool unnamed_data() const { return type == kNtfsData && name.empty(); }
  bool operator==(const NtfsListEntry&) const = default;
};

/// Corrupt when an entry does not lie within the list; a list above the cap likewise.
[[nodiscard]] Result<std::vector<NtfsListEntry>> parse_attribute_list(Bytes list);

[[nodiscard]] std::vector<std::byte> make_attribute_list(std::span<const NtfsListEntry> entries);

/// The entries for all attributes of the record `reference` but $ATTRIBUTE_LIST.
[[nodiscard]] Result<std::vector<NtfsListEntry>> list_entries_of(Bytes record, std::uint64_t reference);

/// `entries` with `data` instead of those of the file's contents, in the order that a list must have.
[[nodiscard]] std::vector<NtfsListEntry> with_data_entries(std::span<const NtfsListEntry> entries,
                                                           std::span<const NtfsListEntry> data);

}  // namespace vhdboot::tool
