// SPDX-License-Identifier: GPL-2.0-or-later
// Whether what the guest writes to its disk is forgotten: `ephemeral no|yes|SIZE|N%|FILE`, in a configuration and in
// the handoff.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"

namespace vhdboot::record {

inline constexpr unsigned kDefaultStorePercent = 50;
inline constexpr unsigned kMaxStorePercent = 75;

/// It is in memory or in a scratch file, and not looked at any more; or it is kept, as ever.
struct Ephemeral {
  bool on = false;
  unsigned percent = 0;     ///< of the memory that it may take, 1 to kMaxStorePercent; 0: `bytes`
  std::uint64_t bytes = 0;  ///< that it may take; not 0 when it is on and `percent` is 0
  std::string file;         ///< the scratch file on the image's volume, '/' before each name; then the others are 0

  /// Bytes of memory that it may take on a machine with `memory` bytes.
  [[nodiscard]] std::uint64_t most(std::uint64_t memory) const { return percent == 0 ? bytes : memory / 100 * percent; }

  friend bool operator==(const Ephemeral&, const Ephemeral&) = default;
};

inline const Ephemeral kForgetting{.on = true, .percent = kDefaultStorePercent};

/// "yes" is kForgetting. A file begins with / or \\. Invalid for what is none of the five.
[[nodiscard]] Result<Ephemeral> parse_ephemeral(std::string_view text);

/// The other way round: "no", "50%", "1073741824".
[[nodiscard]] std::string to_text(const Ephemeral& ephemeral);

}  // namespace vhdboot::record
