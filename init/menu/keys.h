// SPDX-License-Identifier: GPL-2.0-or-later
// What a person pressed, out of the bytes that a terminal sends: the Linux console, vt100, vt220, xterm.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace vhdboot::menu {

struct Key {
  enum class Kind : std::uint8_t {
    Character,
    Control,  ///< Ctrl and a letter that has no other meaning
    Up,
    Down,
    Left,
    Right,
    WordLeft,  ///< Ctrl-Left, Alt-b
    WordRight,
    Home,
    End,
    PageUp,
    PageDown,
    Delete,
    Backspace,
    Enter,
    Tab,
    Esc,
    CursorReport,  ///< no key: the terminal's answer to ESC [ 6 n
  };
  Kind kind = Kind::Character;
  char32_t character = 0;  ///< of Character, never a control character; of Control the letter in lower case
  unsigned row = 0;        ///< of CursorReport, from 1
  unsigned column = 0;     ///< of CursorReport, from 1

  friend bool operator==(const Key&, const Key&) = default;
};

/// How long after a byte ESC nothing must follow for it to be the key Esc.
inline constexpr unsigned kEscapeMilliseconds = 30;

/// The longest sequence that can mean something; a longer one is swallowed like an unknown one.
inline constexpr std::size_t kMaxSequenceBytes = 24;

/// One for each terminal:
///   for (char byte : bytes) if (auto key = decoder.feed(byte)) ...
///   if (decoder.after_escape()) wait for at most kEscapeMilliseconds; when nothing came: decoder.pause()
class KeyDecoder {
 public:
  /// The key that this byte completes. Sequences that mean nothing here, Alt with a letter and malformed UTF-8 are
  /// swallowed; LF after CR is one Enter with it.
  [[nodiscard]] std::optional<Key> feed(char byte);

  /// Esc when nothing but ESC has come. Otherwise nothing changes: a slow line may still send the rest.
  [[nodiscard]] std::optional<Key> pause();

  /// Whether the last byte was an ESC that may be the key or the start of a sequence.
  [[nodiscard]] bool after_escape() const { return in_ == In::Escape; }

 private:
  enum class In : std::uint8_t { Text, Escape, Csi, FunctionKey, Ss3 };

  [[nodiscard]] std::optional<Key> text(char byte, bool after_return);
  [[nodiscard]] std::optional<Key> end_of_sequence(char last);

  In in_ = In::Text;
  std::string held_;  // what came of a character or of a sequence's parameters
  bool after_return_ = false;
};

}  // namespace vhdboot::menu
