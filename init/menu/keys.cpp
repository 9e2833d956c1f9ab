// SPDX-License-Identifier: GPL-2.0-or-later
#include "init/menu/keys.h"

#include <utility>

#include "base/text.h"
#include "base/utf.h"

namespace vhdboot::menu {
namespace {

using Kind = Key::Kind;

constexpr char kEscape = 0x1B;
constexpr std::uint64_t kMaxParameter = 0xFFFF;

std::optional<Key> key(Kind kind) {
  return Key{.kind = kind};
}

std::optional<Key> control(unsigned char byte) {
  switch (byte) {
    case '\b':
    case 0x7F:
      return key(Kind::Backspace);
    case '\t':
      return key(Kind::Tab);
    case '\r':
    case '\n':
      return key(Kind::Enter);
    default:
      // 0 is what a break on a serial line looks like.
      if (byte == 0 || byte > 26) return std::nullopt;
      return Key{.kind = Kind::Control, .character = static_cast<char32_t>('a' + byte - 1)};
  }
}

// Of a character that begins with `first`; 0 when none does.
std::size_t length_of_character(unsigned char first) {
  if (first >= 0xC2 && first <= 0xDF) return 2;
  if (first >= 0xE0 && first <= 0xEF) return 3;
  return first >= 0xF0 && first <= 0xF4 ? 4 : 0;
}

// Up to two numbers with ';' between them, a missing one is 0; nothing when there is anything else.
struct Parameters {
  std::uint64_t first = 0;
  std::uint64_t second = 0;
  bool two = false;
};
std::optional<Parameters> parameters(std::string_view text) {
  const std::size_t end = text.find(';');
  const std::string_view first = text.substr(0, end);
  const std::string_view second = end == std::string_view::npos ? "" : text.substr(end + 1);
  const auto one = first.empty() ? 0 : parse_u64(first);
  const auto other = second.empty() ? 0 : parse_u64(second);
  if (!one || !other || *one > kMaxParameter || *other > kMaxParameter) return std::nullopt;
  return Parameters{*one, *other, end != std::string_view::npos};
}

std::optional<Key> numbered(std::uint64_t number) {
  switch (number) {
    case 1:
    case 7:
      return key(Kind::Home);
    case 3:
      return key(Kind::Delete);
    case 4:
    case 8:
      return key(Kind::End);
    case 5:
      return key(Kind::PageUp);
    case 6:
      return key(Kind::PageDown);
    default:
      return std::nullopt;
  }
}

}  // namespace

std::optional<Key> KeyDecoder::end_of_sequence(char last) {
  const bool ss3 = std::exchange(in_, In::Text) == In::Ss3;
  const std::string held = std::exchange(held_, {});
  if (held.size() >= kMaxSequenceBytes) return std::nullopt;
  const auto numbers = parameters(held);
  if (!numbers) return std::nullopt;
  // xterm adds 1 to a sum of Shift 1, Alt 2, Ctrl 4; on its own or after a 1.
  const std::uint64_t modifiers = numbers->two ? numbers->second : numbers->first;
  const bool with_control = modifiers > 0 && ((modifiers - 1) & 4) != 0;
  switch (last) {
    case 'A':
      return key(Kind::Up);
    case 'B':
      return key(Kind::Down);
    case 'C':
      return key(with_control ? Kind::WordRight : Kind::Right);
    case 'D':
      return key(with_control ? Kind::WordLeft : Kind::Left);
    case 'H':
      return key(Kind::Home);
    case 'F':
      return key(Kind::End);
    case 'M':  // of the number pad
      return ss3 ? key(Kind::Enter) : std::nullopt;
    case 'R':
      if (ss3 || numbers->first == 0 || numbers->second == 0) return std::nullopt;
      return Key{.kind = Kind::CursorReport,
                 .row = static_cast<unsigned>(numbers->first),
                 .column = static_cast<unsigned>(numbers->second)};
    case '~':
      return ss3 ? std::nullopt : numbered(numbers->first);
    default:
      return std::nullopt;
  }
}

std::optional<Key> KeyDecoder::text(char byte, bool after_return) {
  const auto value = static_cast<unsigned char>(byte);
  if (!held_.empty() && (value & 0xC0) == 0x80) {
    held_ += byte;
    if (held_.size() < length_of_character(static_cast<unsigned char>(held_[0]))) return std::nullopt;
    const auto [character, length] = utf::decode_utf8(std::exchange(held_, {}));
    if (length == 0 || character < 0xA0) return std::nullopt;
    return Key{.character = character};
  }
  held_.clear();
  if (length_of_character(value) != 0) held_ = byte;
  if (value >= 0x80) return std::nullopt;
  if (value >= 0x20 && value != 0x7F) return Key{.character = value};
  if (byte == '\n' && after_return) return std::nullopt;
  after_return_ = byte == '\r';
  return control(value);
}

std::optional<Key> KeyDecoder::feed(char byte) {
  const bool after_return = std::exchange(after_return_, false);
  if (byte == kEscape) {
    held_.clear();
    return std::exchange(in_, In::Escape) == In::Escape ? key(Kind::Esc) : std::nullopt;
  }
  switch (in_) {
    case In::Text:
      return text(byte, after_return);
    case In::Escape:
      in_ = byte == '[' ? In::Csi : byte == 'O' ? In::Ss3 : In::Text;
      if (byte == 'b') return key(Kind::WordLeft);
      if (byte == 'f') return key(Kind::WordRight);
      return std::nullopt;
    case In::FunctionKey:
      in_ = In::Text;
      return std::nullopt;
    case In::Csi:
    case In::Ss3:
      if (byte >= 0x20 && byte < 0x40) {
        if (held_.size() < kMaxSequenceBytes) held_ += byte;
        return std::nullopt;
      }
      if (byte < 0x40 || byte == 0x7F) {
        // Not of a sequence: that one was cut off.
        in_ = In::Text;
        held_.clear();
        return text(byte, false);
      }
      if (byte == '[' && in_ == In::Csi && held_.empty()) {
        in_ = In::FunctionKey;  // ESC [ [ A is F1 of the Linux console
        return std::nullopt;
      }
      return end_of_sequence(byte);
  }
  return std::nullopt;
}

std::optional<Key> KeyDecoder::pause() {
  if (in_ != In::Escape) return std::nullopt;
  in_ = In::Text;
  return key(Kind::Esc);
}

}  // namespace vhdboot::menu
