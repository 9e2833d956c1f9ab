// SPDX-License-Identifier: GPL-2.0-or-later
// Reads JSON (RFC 8259) with the place of every value in its text, so that a person's file can be changed in one place
// and stays as it is elsewhere.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace vhdboot::tools {

inline constexpr std::size_t kMaxJson = 1024 * 1024;  ///< bytes
inline constexpr unsigned kMaxJsonDepth = 32;
inline constexpr std::size_t kMaxJsonValues = 65536;

struct JsonValue {
  enum class Kind : std::uint8_t { Object, Array, String, Other };

  Kind kind = Kind::Other;
  std::size_t begin = 0;  ///< of its first byte
  std::size_t end = 0;    ///< behind its last one
  std::string key;        ///< of a member of an object
  std::size_t key_begin = 0;
  std::string text;              ///< String: without quotes and escapes
  std::vector<JsonValue> items;  ///< of an array, or the members of an object

  /// The member of that name, or null.
  [[nodiscard]] const JsonValue* find(std::string_view name) const;
  /// The item that is the string `text`, or null.
  [[nodiscard]] const JsonValue* find_text(std::string_view wanted) const;
};

/// One value with blanks around it. Corrupt, with the line, for anything else; NoMemory beyond the caps.
[[nodiscard]] Result<JsonValue> parse_json(std::string_view text);

/// `text` with `item`, JSON itself, as the last item of the array, or member of the object, `value`.
[[nodiscard]] std::string with_item(std::string_view text, const JsonValue& value, std::string_view item);
/// `text` without the item or member number `index` of `value`.
[[nodiscard]] std::string without_item(std::string_view text, const JsonValue& value, std::size_t index);

/// `text` in quotes.
[[nodiscard]] std::string json_string(std::string_view text);

}  // namespace vhdboot::tools
