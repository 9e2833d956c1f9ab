// SPDX-License-Identifier: GPL-2.0-or-later
#include "init/menu/keymap.h"

#include <algorithm>
#include <array>
#include <map>
#include <optional>

#include "base/quoted.h"
#include "base/text.h"
#include "base/utf.h"

namespace vhdboot::menu {

namespace {

// Tables of <linux/keyboard.h>: bits of Shift, AltGr and Ctrl.
constexpr std::array<std::uint8_t, 4> kTables{0, 1, 2, 3};
constexpr std::uint8_t kControl = 4;
constexpr std::uint16_t kLetter = 11 << 8;  // KT_LETTER: Caps Lock counts
constexpr std::uint16_t kHole = 2 << 8;     // K_HOLE: nothing
constexpr std::uint16_t kUnicode = 0xF000;  // above Latin-1 a character is sent as its exclusive or with this
constexpr std::string_view kUs = "us";
constexpr std::string_view kNothing = "none";

// The characters of a key in the order of kTables; 0: none.
using Key = std::array<char32_t, kTables.size()>;
using Keys = std::map<std::uint8_t, Key>;

// What the console's maps of kbd are called, where that does not begin with the name of X.
struct Alias {
  std::string_view begin;
  std::string_view layout;
};
constexpr auto kAliases = std::to_array<Alias>({
    {"uk", "gb"},
    {"la-", "latam"},
    {"sv", "se"},
    {"cf", "ca"},
    {"sg", "ch"},
    {"de_ch", "ch"},
    {"fr_ch", "ch-fr"},
    {"de-ch", "ch"},
    {"fr-ch", "ch-fr"},
    {"ch(fr", "ch-fr"},
    {"croat", "hr"},
    {"slovene", "si"},
    {"trq", "tr"},
    {"trf", "tr-f"},
    {"dvorak", "us-dvorak"},
    {"us(dvorak", "us-dvorak"},
    {"us(colemak", "us-colemak"},
    {"colemak", "us-colemak"},
    {"us(intl", "us-intl"},
    {"us-acentos", "us-intl"},
    {"cz(qwerty", "cz-qwerty"},
    {"sk(qwerty", "sk-qwerty"},
    {"tr(f", "tr-f"},
    {"rs(latin", "rs-latin"},
    {"sr-latin", "rs-latin"},
    {"jp106", "jp"},
    {"magyar", "hu"},
    {"nb", "no"},
    {"et", "ee"},
    {"da", "dk"},
    {"cs", "cz"},
    {"croatian", "hr"},
});

std::optional<std::string_view> after_layout(std::string_view line) {
  constexpr std::string_view kWord = "layout ";
  return line.starts_with(kWord) ? std::optional(line.substr(kWord.size())) : std::nullopt;
}

bool has_layout(std::string_view layouts, std::string_view name) {
  for (const std::string_view line : split_lines(layouts))
    if (after_layout(line) == name) return true;
  return false;
}

// One character, or the word for none; nothing where it is neither.
std::optional<char32_t> character(std::string_view word) {
  if (word == kNothing) return char32_t{0};
  const auto decoded = utf::decode_utf8(word);
  if (decoded.length != word.size() || decoded.value <= U' ' || decoded.value > 0xFFFF) return std::nullopt;
  return decoded.value;
}

struct Line {
  std::uint8_t code = 0;
  Key key{};
};

std::optional<Line> parse_line(std::string_view text) {
  const auto words = split_words(text);
  if (words.size() < 2 || words.size() > 1 + kTables.size()) return std::nullopt;
  const auto code = parse_u64(words.front());
  if (!code || *code == 0 || *code > 127) return std::nullopt;
  Line line{.code = static_cast<std::uint8_t>(*code), .key = {}};
  for (std::size_t i = 1; i < words.size(); ++i) {
    const auto value = character(words[i]);
    if (!value) return std::nullopt;
    line.key.at(i - 1) = *value;
  }
  return line;
}

bool is_letter(char32_t character) {
  return (character >= U'a' && character <= U'z') || (character >= U'A' && character <= U'Z');
}

std::uint16_t value_of(char32_t character) {
  if (character == 0) return kHole;
  if (character > 0xFF) return static_cast<std::uint16_t>(character ^ kUnicode);
  return static_cast<std::uint16_t>(character | (is_letter(character) || character >= 0xC0 ? kLetter : 0U));
}

}  // namespace

std::string layout_called(std::string_view layouts, std::string_view name) {
  // "ch,us" are two, and the first one is what a person gets.
  std::string wanted = to_lower_ascii(trim(name.substr(0, name.find(','))));
  for (const Alias& alias : kAliases)
    if (wanted.starts_with(alias.begin) && !has_layout(layouts, wanted)) wanted = alias.layout;
  // "de-latin1-nodeadkeys": what is known of it.
  while (!wanted.empty() && !has_layout(layouts, wanted)) {
    const std::size_t end = wanted.find_last_of("-_(0123456789");
    wanted.resize(end == std::string::npos ? 0 : end);
  }
  return wanted;
}

Result<std::vector<KeyBinding>> key_bindings(std::string_view layouts, std::string_view name) {
  if (layouts.size() > kMaxKeymapsBytes) return fail(Code::Corrupt, "the file with the keyboard layouts is too large");
  Keys keys;  // of all layouts: what neither us nor this one has gives nothing
  Keys own;
  std::string others;
  std::string_view layout;
  bool found = false;
  std::size_t number = 0;
  for (const std::string_view text : split_lines(layouts)) {
    ++number;
    if (const auto begun = after_layout(text)) {
      layout = *begun;
      others += concat(others.empty() ? "" : ", ", layout);
      found |= layout == name;
      continue;
    }
    if (text.empty() || text.starts_with('#')) continue;
    const auto line = parse_line(text);
    if (!line) return fail(Code::Corrupt, concat("line ", number, " of the keyboard layouts is no key"));
    Key& key = keys[line->code];
    if (layout == kUs) key = line->key;
    if (layout == name) own[line->code] = line->key;
  }
  if (!found) return fail(Code::NotFound, concat("no keyboard layout ", quoted(name), "; there are ", others));
  for (const auto& [code, key] : own) keys[code] = key;
  std::vector<KeyBinding> bindings;
  for (const auto& [code, key] : keys) {
    for (std::size_t i = 0; i < kTables.size(); ++i)
      bindings.push_back({.table = kTables.at(i), .key = code, .value = value_of(key.at(i))});
    constexpr std::uint16_t kControlBits = 0x1F;
    if (is_letter(key.front()))
      bindings.push_back(
          {.table = kControl, .key = code, .value = static_cast<std::uint16_t>(key.front() & kControlBits)});
  }
  return bindings;
}

}  // namespace vhdboot::menu
