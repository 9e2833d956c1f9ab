// SPDX-License-Identifier: GPL-2.0-or-later
// Writes JSON (RFC 8259) on one line, in the order in which it is told.
#pragma once

#include <concepts>
#include <cstdint>
#include <string>
#include <string_view>

namespace vhdboot::tools {

/// The caller keeps objects and arrays balanced and names every value of an object with key().
class JsonWriter {
 public:
  JsonWriter& begin_object() { return open('{'); }
  JsonWriter& end_object() { return close('}'); }
  JsonWriter& begin_array() { return open('['); }
  JsonWriter& end_array() { return close(']'); }

  JsonWriter& key(std::string_view name);
  JsonWriter& value(std::string_view text);  ///< invalid UTF-8 becomes U+FFFD
  JsonWriter& value(const char* text) { return value(std::string_view(text)); }
  JsonWriter& value(bool truth);
  JsonWriter& value(std::unsigned_integral auto number) { return literal(std::to_string(number)); }

  /// key(name).value(v)
  template <class T>
  JsonWriter& member(std::string_view name, const T& v) {
    return key(name).value(v);
  }

  [[nodiscard]] const std::string& text() const { return out_; }

 private:
  JsonWriter& open(char bracket);
  JsonWriter& close(char bracket);
  JsonWriter& literal(std::string_view text);
  void separate();

  std::string out_;
  bool first_ = true;  // nothing yet at this level, or right behind a key
};

}  // namespace vhdboot::tools
