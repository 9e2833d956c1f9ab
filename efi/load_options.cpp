// SPDX-License-Identifier: GPL-2.0-or-later
#include "efi/load_options.h"

#include <optional>

#include "base/ascii.h"
#include "efi/utf16_text.h"

namespace vhdboot::efi {

namespace {

bool is_line_blank(char32_t c) {
  return c == U'\t' || c == U'\r' || c == U'\n';
}

// UTF-8 in 8-bit text that may end in NULs. Nothing when it is something else: UTF-16 text of any use to us has ASCII
// characters in it, and those have a zero byte.
std::optional<FixedText<4096>> read_8bit(Bytes raw) {
  std::string_view text = as_text(raw);
  while (text.ends_with('\0')) text.remove_suffix(1);
  FixedText<4096> line;
  while (!text.empty()) {
    const auto [value, length] = utf::decode_utf8(text);
    if (length == 0 || (is_control(value) && !is_line_blank(value))) return std::nullopt;
    line.put(is_line_blank(value) ? U' ' : value);
    text.remove_prefix(length);
  }
  return line;
}

// GRUB (2.06) widens each byte of its UTF-8 to 16 bits by its sign, so that 0xC3 becomes U+FFC3. Such a sequence begins
// with what would be a halfwidth Hangul vowel or no character at all, so that no other text is mistaken for it. Nothing
// when `line` is not GRUB's.
std::optional<FixedText<4096>> undo_sign_extension(std::string_view line) {
  FixedText<4096> bytes;
  while (!line.empty()) {
    const auto [value, length] = utf::decode_utf8(line);
    if (value >= 0x80 && (value < 0xFF80 || value > 0xFFFF)) return std::nullopt;
    bytes.put(static_cast<char>(value & 0xFF));
    line.remove_prefix(length);
  }
  for (std::string_view rest = bytes.view(); !rest.empty();) {
    const auto [value, length] = utf::decode_utf8(rest);
    if (length == 0 || is_control(value)) return std::nullopt;
    rest.remove_prefix(length);
  }
  return bytes;
}

std::optional<FixedText<4096>> read_utf16(Bytes raw) {
  FixedText<4096> line;
  Utf16Reader text(raw);
  while (const auto c = text.next()) {
    if (text.malformed() || (is_control(*c) && !is_line_blank(*c))) return std::nullopt;
    line.put(is_line_blank(*c) ? U' ' : *c);
  }
  if (line.truncated()) return line;
  const auto from_grub = undo_sign_extension(line.view());
  return from_grub ? from_grub : line;
}

// Bytes that happen to be valid UTF-16, such as a GUID, look like text in rare scripts; options are "key=value" words.
bool looks_like_options(std::string_view text) {
  return static_cast<unsigned char>(text.front()) < 0x80 || text.find('=') != std::string_view::npos;
}

std::string_view trim_spaces(std::string_view text) {
  while (text.starts_with(' ')) text.remove_prefix(1);
  while (text.ends_with(' ')) text.remove_suffix(1);
  return text;
}

std::string_view after_last(std::string_view text, std::string_view separators) {
  const std::size_t at = text.find_last_of(separators);
  if (at != std::string_view::npos) text.remove_prefix(at + 1);
  return text;
}

// Whether `word` is how a person at the UEFI shell called the file: "debian", "debian.efi", "FS0:\boot\debian.efi".
bool names_own_file(std::string_view word, std::string_view own_path) {
  if (word.find('=') != std::string_view::npos) return false;
  if (ends_with_ignoring_ascii_case(word, ".efi")) return true;
  std::string_view own_name = after_last(own_path, "/");
  if (ends_with_ignoring_ascii_case(own_name, ".efi")) own_name.remove_suffix(4);
  return !own_name.empty() && equals_ignoring_ascii_case(after_last(word, "/\\:"), own_name);
}

std::string_view without_own_name(std::string_view text, std::string_view own_path) {
  std::string_view word = text;
  std::size_t length = text.find(' ');
  if (text.starts_with('"')) {
    const std::size_t quote = text.find('"', 1);
    if (quote == std::string_view::npos) return text;
    word.remove_prefix(1);
    word.remove_suffix(text.size() - quote);
    length = quote + 1;
  } else if (length != std::string_view::npos) {
    word.remove_suffix(text.size() - length);
  } else {
    length = text.size();
  }
  if (!names_own_file(word, own_path)) return text;
  text.remove_prefix(length);
  return trim_spaces(text);
}

}  // namespace

LoadOptions read_load_options(Bytes raw, std::string_view own_path) {
  LoadOptions options;
  auto line = read_8bit(raw);
  if (!line) line = read_utf16(raw);
  if (!line) return options;

  const std::string_view text = trim_spaces(line->view());
  if (text.empty() || !looks_like_options(text)) return options;
  if (line->truncated()) {
    options.too_long = true;
    return options;
  }
  options.text.put(without_own_name(text, own_path));
  return options;
}

}  // namespace vhdboot::efi
