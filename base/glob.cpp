// SPDX-License-Identifier: GPL-2.0-or-later
#include "base/glob.h"

#include <cstddef>
#include <optional>

namespace vhdboot {

namespace {

constexpr char fold(char c, Dashes dashes) {
  return dashes == Dashes::AsUnderscores && c == '-' ? '_' : c;
}

/// A bracket expression at pattern[at], its '['; absent when it is never closed: then '[' is an ordinary character.
struct Bracket {
  bool matches;
  std::size_t end;  // behind its ']'
};

std::optional<Bracket> match_bracket(std::string_view pattern, std::size_t at, char c) {
  std::size_t i = at + 1;
  const bool negated = i < pattern.size() && (pattern[i] == '!' || pattern[i] == '^');
  if (negated) ++i;
  bool found = false;
  for (bool first = true; i < pattern.size(); first = false) {
    if (pattern[i] == ']' && !first) return Bracket{.matches = found != negated, .end = i + 1};
    if (pattern[i] == '\\' && i + 1 < pattern.size()) ++i;
    const auto low = static_cast<unsigned char>(pattern[i++]);
    auto high = low;
    if (i + 1 < pattern.size() && pattern[i] == '-' && pattern[i + 1] != ']') {
      ++i;
      if (pattern[i] == '\\' && i + 1 < pattern.size()) ++i;
      high = static_cast<unsigned char>(pattern[i++]);
    }
    const auto value = static_cast<unsigned char>(c);
    if (low <= value && value <= high) found = true;
  }
  return std::nullopt;
}

/// Matches one character; where the pattern goes on, or nothing.
std::optional<std::size_t> match_one(std::string_view pattern, std::size_t at, char c, Dashes dashes) {
  switch (pattern[at]) {
    case '?':
      return at + 1;
    case '[':
      if (const auto bracket = match_bracket(pattern, at, c)) {
        if (!bracket->matches) return std::nullopt;
        return bracket->end;
      }
      break;
    case '\\':
      if (at + 1 < pattern.size()) ++at;
      break;
    default:
      break;
  }
  if (fold(pattern[at], dashes) != fold(c, dashes)) return std::nullopt;
  return at + 1;
}

}  // namespace

bool glob_matches(std::string_view pattern, std::string_view text, Dashes dashes) {
  std::size_t p = 0;
  std::size_t t = 0;
  // Where to go on after the latest '*' when it has to take one character more: an earlier '*' need never be changed.
  std::optional<std::size_t> star;
  std::size_t star_text = 0;
  while (t < text.size() || p < pattern.size()) {
    if (p < pattern.size() && pattern[p] == '*') {
      star = ++p;
      star_text = t;
      continue;
    }
    if (p < pattern.size() && t < text.size()) {
      if (const auto next = match_one(pattern, p, text[t], dashes)) {
        p = *next;
        ++t;
        continue;
      }
    }
    if (!star || star_text >= text.size()) return false;
    p = *star;
    t = ++star_text;
  }
  return true;
}

}  // namespace vhdboot
