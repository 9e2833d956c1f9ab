// SPDX-License-Identifier: GPL-2.0-or-later
// Values as the bytes of a message between two processes of one boot, and back. Little-endian; a text is its length in
// 16 bits and its bytes.
#pragma once

#include <array>
#include <concepts>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/text.h"

namespace vhdboot::wire {

using Message = std::vector<std::byte>;

class Writer {
 public:
  template <std::unsigned_integral T>
  void put(T value) {
    std::array<std::byte, sizeof(T)> bytes{};
    (void)store_le(MutableBytes(bytes), 0, value);
    put(Bytes(bytes));
  }
  void put(Bytes bytes) { out_.insert(out_.end(), bytes.data(), bytes.data() + bytes.size()); }
  /// At most 65535 bytes of it.
  void text(std::string_view text) {
    text = text.substr(0, UINT16_MAX);
    put(static_cast<std::uint16_t>(text.size()));
    put(as_bytes(text));
  }
  /// At most eight of them.
  template <std::same_as<bool>... Bits>
  void bits(Bits... bits) {
    unsigned value = 0;
    unsigned shift = 0;
    ((value |= static_cast<unsigned>(bits) << shift++), ...);
    put(static_cast<std::uint8_t>(value));
  }
  void reserve(std::size_t size) { out_.reserve(size); }
  [[nodiscard]] Message message() && { return std::move(out_); }

 private:
  Message out_;
};

/// Takes values off the front of a message. Past its end, or after a value that is none, everything is zero.
class Cursor {
 public:
  explicit Cursor(Bytes bytes) : rest_(bytes) {}

  template <std::unsigned_integral T>
  T take() {
    return load_le<T>(take(sizeof(T)), 0).value_or(0);
  }
  Bytes take(std::size_t size) {
    if (size > rest_.size()) {
      spoil();
      return {};
    }
    const Bytes taken = rest_.first(size);
    rest_ = rest_.subspan(size);
    return taken;
  }
  /// At most `most`.
  std::uint64_t number(std::uint64_t most) {
    const auto value = take<std::uint64_t>();
    return value <= most ? value : (spoil(), 0);
  }
  /// Valid UTF-8 of at most `most` bytes.
  std::string text(std::size_t most) {
    const std::string_view text = as_text(take(take<std::uint16_t>()));
    if (text.size() <= most && to_utf16(text)) return std::string(text);
    spoil();
    return {};
  }
  /// As many as Writer::bits() was given.
  unsigned bits(unsigned count) {
    const unsigned value = take<std::uint8_t>();
    return value >> count == 0 ? value : (spoil(), 0);
  }
  void require(bool condition) {
    if (!condition) spoil();
  }

  [[nodiscard]] std::size_t left() const { return rest_.size(); }
  [[nodiscard]] bool good() const { return good_; }
  /// All was there, and nothing is left.
  [[nodiscard]] bool complete() const { return good_ && rest_.empty(); }

 private:
  void spoil() {
    good_ = false;
    rest_ = {};
  }

  Bytes rest_;
  bool good_ = true;
};

}  // namespace vhdboot::wire
