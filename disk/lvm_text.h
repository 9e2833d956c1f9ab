// SPDX-License-Identifier: GPL-2.0-or-later
// The text that LVM2 writes its metadata and its configuration in: lvm.conf(5), "SYNTAX".
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace vhdboot::disk {

inline constexpr std::size_t kMaxLvmText = 4 * 1024 * 1024;  ///< bytes
inline constexpr std::size_t kMaxLvmNodes = 256 * 1024;      ///< sections and values together
inline constexpr std::size_t kMaxLvmDepth = 16;              ///< of sections in each other

struct LvmValue {
  std::string name;
  std::vector<std::string> items;  ///< strings without their quotes, numbers as they are written
  bool is_list = false;            ///< in brackets
};

struct LvmSection {
  std::string name;  ///< empty for the text as a whole
  std::vector<LvmValue> values;
  std::vector<LvmSection> sections;

  /// The last one of that name, which counts; null when there is none.
  [[nodiscard]] const LvmSection* section(std::string_view wanted) const;
  [[nodiscard]] const LvmValue* value(std::string_view wanted) const;
  /// Of a value of one item; nothing when there is none, or another one.
  [[nodiscard]] std::optional<std::string_view> text(std::string_view wanted) const;
  [[nodiscard]] std::optional<std::uint64_t> number(std::string_view wanted) const;
};

/// Corrupt when it is not as LVM writes it, and beyond the caps. "section/name = value" is a value in that section.
[[nodiscard]] Result<LvmSection> parse_lvm_text(std::string_view text);

}  // namespace vhdboot::disk
