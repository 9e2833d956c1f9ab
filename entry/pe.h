// SPDX-License-Identifier: GPL-2.0-or-later
// The section table of a PE32+ file for x86-64 (PE format, revision 11), as far as a unified kernel image needs it.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/byte_source.h"
#include "base/range.h"
#include "base/result.h"

namespace vhdboot::entry {

struct Section {
  std::string name;  ///< up to 8 bytes; printable ASCII
  Range data;        ///< its bytes in the file, without the padding to the file alignment
};

struct PeFile {
  std::vector<Section> sections;  ///< in the order of the table; at most kMaxSections

  /// The first section of that name, or nullptr.
  [[nodiscard]] const Section* find(std::string_view name) const;
};

inline constexpr unsigned kMaxSections = 96;  ///< as systemd-stub and the Windows loader limit it

/// Reads the headers of `file`; a few hundred bytes to some KiB are read, never a section's data.
/// Unsupported: not a PE file, not PE32+, not x86-64. Corrupt: truncated, a section that lies outside the file, within
/// the headers or over another one.
[[nodiscard]] Result<PeFile> parse_pe(const ByteSource& file);

}  // namespace vhdboot::entry
