// SPDX-License-Identifier: GPL-2.0-or-later
#include "init/volume/lx_name.h"

#include <optional>

#include "base/text.h"
#include "base/utf.h"

namespace vhdboot::volume {
namespace {

constexpr char16_t kPrivate = 0xF000;
constexpr std::size_t kEscape = 5;  // "#003A"

bool is_forbidden(char16_t c) {
  return (c >= 1 && c <= 31) || std::u16string_view(u"<>:\"\\|*?").find(c) != std::u16string_view::npos;
}

/// The character that "#XXXX" at the beginning of `text` stands for.
std::optional<char16_t> lxfs_escape(std::u16string_view text) {
  if (text.size() < kEscape || text[0] != u'#') return std::nullopt;
  unsigned value = 0;
  for (const char16_t c : text.substr(1, kEscape - 1)) {
    const bool digit = c >= u'0' && c <= u'9';
    if (!digit && (c < u'A' || c > u'F')) return std::nullopt;
    value = value * 16 + static_cast<unsigned>(digit ? c - u'0' : c - u'A' + 10);
  }
  const auto c = static_cast<char16_t>(value);
  return c == u'#' || is_forbidden(c) ? std::optional(c) : std::nullopt;
}

/// The three bytes of UTF-8's scheme for a number that it leaves out.
std::string surrogate_bytes(char16_t unit) {
  return {static_cast<char>(0xE0 | (unit >> 12)), static_cast<char>(0x80 | ((unit >> 6) & 0x3F)),
          static_cast<char>(0x80 | (unit & 0x3F))};
}

}  // namespace

Result<LxName> lx_name(std::u16string_view name, LxGeneration generation) {
  LxName out;
  for (std::u16string_view rest = name; !rest.empty();) {
    if (generation == LxGeneration::LxFs) {
      if (const auto c = lxfs_escape(rest)) {
        out.text += static_cast<char>(*c);
        out.unescaped = true;
        rest.remove_prefix(kEscape);
        continue;
      }
    }
    const char16_t first = rest.front();
    if (generation == LxGeneration::WslFs && is_forbidden(first ^ kPrivate)) {
      out.text += static_cast<char>(first ^ kPrivate);
      out.unescaped = true;
      rest.remove_prefix(1);
      continue;
    }
    const auto [value, length] = utf::decode_utf16(rest);
    if (length == 0) {
      out.text += surrogate_bytes(first);
      out.valid = false;
    } else {
      out.text += utf::Utf8(value).view();
    }
    rest.remove_prefix(length == 0 ? 1 : length);
  }
  if (out.text.empty() || out.text == "." || out.text == ".." || out.text.find('/') != std::string::npos ||
      out.text.find('\0') != std::string::npos)
    return fail(Code::Corrupt, concat("\"", printable(out.text), "\" is no name that a file could have in Linux"));
  return out;
}

}  // namespace vhdboot::volume
