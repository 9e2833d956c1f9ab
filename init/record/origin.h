// SPDX-License-Identifier: GPL-2.0-or-later
// The record that the EFI stub leaves for stage 1: from where it was started, and with which load options.
//
// UTF-8 lines `key value`: partuuid, serial, path, options, menu, one-shot. A fact that the firmware did not tell has
// no line. The firmware's device path of the partition is a file of its own.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "disk/hardware_path.h"

namespace vhdboot::record {

inline constexpr std::size_t kMaxOriginBytes = 64 * 1024;

struct Origin {
  std::optional<std::string> partuuid;     ///< lower case: a GUID or ssssssss-nn
  std::optional<std::string> serial;       ///< of the volume, upper case, as blkid prints it
  std::optional<std::string> path;         ///< of the EFI file on its volume: "/boot/debian.efi"
  std::string options;                     ///< load options, UTF-8, on one line
  bool menu = false;                       ///< a person has pressed a key for the menu, or asked for it before
  std::string one_shot;                    ///< what is to be booted this time, "debian" for debian.vhd; UTF-8
  std::vector<disk::HardwarePath> places;  ///< of the disk: the one that the firmware knows, or none

  friend bool operator==(const Origin&, const Origin&) = default;
};

struct ParsedOrigin {
  Origin origin;
  std::vector<std::string> warnings;  ///< lines that are no facts; the others hold all the same
};

/// Never fails: the record comes from firmware, and what it got wrong counts as not told.
[[nodiscard]] ParsedOrigin parse_origin(std::string_view text);

/// The lines of the record; line breaks and other control characters within a value become blanks.
[[nodiscard]] std::string to_text(const Origin& origin);

}  // namespace vhdboot::record
