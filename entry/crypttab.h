// SPDX-License-Identifier: GPL-2.0-or-later
// The guest's /etc/crypttab: crypttab(5) of systemd and of Debian's cryptsetup.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace vhdboot::entry {

inline constexpr std::size_t kMaxCrypttabBytes = 1024 * 1024;
inline constexpr std::size_t kMaxCrypttabEntries = 4096;

/// One line. What is not in the line is empty.
struct CrypttabEntry {
  std::string name;     ///< of the mapping
  std::string device;   ///< that is encrypted: "UUID=...", "/dev/sda3"
  std::string key;      ///< "none", "/dev/urandom", a file
  std::string options;  ///< separated by commas
  unsigned line = 0;    ///< from 1

  friend bool operator==(const CrypttabEntry&, const CrypttabEntry&) = default;
};

/// The entries in order. Lines with fewer than two fields are passed over. Corrupt beyond the caps.
[[nodiscard]] Result<std::vector<CrypttabEntry>> parse_crypttab(std::string_view text);

/// Whether the device is made anew, with a key that nobody knows, whenever the guest starts: whatever was on it is
/// lost.
[[nodiscard]] bool is_formatted_at_start(const CrypttabEntry& entry);

}  // namespace vhdboot::entry
