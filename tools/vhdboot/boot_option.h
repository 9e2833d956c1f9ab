// SPDX-License-Identifier: GPL-2.0-or-later
// An entry of the firmware's boot menu: a variable Boot0007 (UEFI 2.10, 3.1.3, EFI_LOAD_OPTION).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"

namespace vhdboot::command {

inline constexpr std::size_t kMaxBootOption = 64 * 1024;  ///< bytes of one
inline constexpr std::size_t kMaxBootOptions = 4096;      ///< of the menu; there can be 65,536

/// A partition as a hard drive node names it (10.3.5.1).
struct BootPartition {
  std::string partuuid;      ///< as Linux prints it, lower case: a GUID, or ssssssss-nn
  std::uint32_t number = 0;  ///< as Linux counts
  std::uint64_t start = 0;   ///< logical blocks
  std::uint64_t length = 0;  ///< logical blocks

  friend bool operator==(const BootPartition&, const BootPartition&) = default;
};

struct BootOption {
  bool active = true;
  std::string title;                       ///< UTF-8
  std::optional<BootPartition> partition;  ///< absent: it is none on a partition
  std::string file;                        ///< '/' between the names: "/EFI/vhdboot/debian.efi"; empty: no file

  friend bool operator==(const BootOption&, const BootOption&) = default;
};

/// `value` of the variable, without efivarfs' attributes. Corrupt when it is not what the specification says.
[[nodiscard]] Result<BootOption> parse_boot_option(Bytes value);

/// The variable's value, with no load options. Invalid when the title or path is no UTF-8, or partition or path are
/// missing.
[[nodiscard]] Result<std::vector<std::byte>> pack_boot_option(const BootOption& option);

/// The number in "Boot0007" (four digits in upper case); nothing for any other name.
[[nodiscard]] std::optional<std::uint16_t> boot_number(std::string_view variable);
/// "Boot0007"
[[nodiscard]] std::string boot_variable(std::uint16_t number);

/// Numbers as BootOrder has them, and BootNext has one. Corrupt for half a number.
[[nodiscard]] Result<std::vector<std::uint16_t>> parse_boot_numbers(Bytes value);
[[nodiscard]] std::vector<std::byte> pack_boot_numbers(const std::vector<std::uint16_t>& numbers);

}  // namespace vhdboot::command
