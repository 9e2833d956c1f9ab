// SPDX-License-Identifier: GPL-2.0-or-later
// exFAT's up-case table: how names are compared (7.2).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"

namespace vhdboot::volume {

class UpcaseTable {
 public:
  /// A table may be this long at most: every code unit written out, uncompressed.
  static constexpr std::uint64_t kMaxBytes = 128 * 1024;

  /// From the table as it lies on the volume, compressed (7.2.5.1) or not. Corrupt when `checksum` is not its own or
  /// it describes more than all code units.
  [[nodiscard]] static Result<UpcaseTable> parse(Bytes table, std::uint32_t checksum);

  [[nodiscard]] std::u16string upcase(std::u16string_view name) const;

 private:
  std::vector<char16_t> map_;  // what lies beyond its end stays as it is
};

/// The checksum of a table (7.2.2).
[[nodiscard]] std::uint32_t upcase_checksum(Bytes table);

/// The hash of a name that is in upper case already (7.6.4).
[[nodiscard]] std::uint16_t name_hash(std::u16string_view upcased);

}  // namespace vhdboot::volume
