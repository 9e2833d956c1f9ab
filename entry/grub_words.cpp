// SPDX-License-Identifier: GPL-2.0-or-later
#include "entry/grub_words.h"

#include <algorithm>

namespace vhdboot::entry {

namespace {

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

bool is_name(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || is_digit(c);
}

bool ends_word(char c) {
  return std::string_view(" \t\r\n{}|&;<>").contains(c);
}

// Without a piece of its own for every byte.
void add_text(GrubToken& word, std::string_view text, bool quoted) {
  if (word.pieces.empty() || word.pieces.back().variable || word.pieces.back().quoted != quoted)
    word.pieces.push_back({.text = {}, .variable = false, .quoted = quoted});
  word.pieces.back().text += text;
}

}  // namespace

std::optional<std::string_view> take_grub_variable(std::string_view& text) {
  const std::string_view behind = text.substr(1);
  if (behind.starts_with('{')) {
    std::string_view name = behind.substr(1, kMaxGrubName + 1);
    if (!name.empty() && std::string_view("?#*@").contains(name.front())) {
      name = name.substr(0, 1);
    } else {
      // No further than the name: whoever looks for every '}' reads "${${${..." again and again.
      name = name.substr(0, std::ranges::find_if_not(name, is_name) - name.begin());
    }
    if (name.empty() || name.size() > kMaxGrubName || !behind.substr(1 + name.size()).starts_with('}'))
      return std::nullopt;
    text.remove_prefix(name.size() + 3);
    return name;
  }
  std::size_t length = 0;
  if (behind.empty()) return std::nullopt;
  if (std::string_view("?#*@").contains(behind.front())) {
    length = 1;
  } else {
    const auto belongs = is_digit(behind.front()) ? is_digit : is_name;
    while (length < behind.size() && length <= kMaxGrubName && belongs(behind[length])) ++length;
  }
  if (length == 0 || length > kMaxGrubName) return std::nullopt;
  text.remove_prefix(1 + length);
  return behind.substr(0, length);
}

void GrubLexer::skip_blanks() {
  while (!rest_.empty()) {
    if (rest_.front() == ' ' || rest_.front() == '\t' || rest_.front() == '\r') {
      rest_.remove_prefix(1);
    } else if (rest_.starts_with("\\\n")) {
      rest_.remove_prefix(2);
    } else if (rest_.front() == '#') {
      rest_.remove_prefix(std::min(rest_.find('\n'), rest_.size()));
    } else {
      return;
    }
  }
}

void GrubLexer::take_single_quoted(GrubToken& word) {
  rest_.remove_prefix(1);
  const auto text = rest_.substr(0, rest_.find('\''));
  add_text(word, text, true);
  rest_.remove_prefix(std::min(text.size() + 1, rest_.size()));
}

void GrubLexer::take_double_quoted(GrubToken& word) {
  rest_.remove_prefix(1);
  add_text(word, "", true);
  while (!rest_.empty() && word.pieces.size() <= kMaxGrubPieces) {
    const char c = rest_.front();
    if (c == '$') {
      take_variable(word, true);
      continue;
    }
    if (c == '\\' && rest_.size() > 1 && std::string_view("\\\"$\n").contains(rest_[1])) {
      if (rest_[1] != '\n') add_text(word, rest_.substr(1, 1), true);
      rest_.remove_prefix(2);
      continue;
    }
    rest_.remove_prefix(1);
    if (c == '"') return;
    add_text(word, {&c, 1}, true);
  }
}

void GrubLexer::take_variable(GrubToken& word, bool quoted) {
  if (const auto name = take_grub_variable(rest_)) {
    word.pieces.push_back({.text = std::string(*name), .variable = true, .quoted = quoted});
    return;
  }
  add_text(word, "$", quoted);
  rest_.remove_prefix(1);
}

GrubToken GrubLexer::take_word() {
  GrubToken word;
  while (!rest_.empty() && !ends_word(rest_.front()) && word.pieces.size() <= kMaxGrubPieces) {
    const char c = rest_.front();
    if (c == '\'') {
      take_single_quoted(word);
    } else if (c == '"') {
      take_double_quoted(word);
    } else if (c == '$') {
      take_variable(word, false);
    } else if (c == '\\' && rest_.size() > 1) {
      // An escaped character is no keyword's, hence quoted.
      if (rest_[1] != '\n') add_text(word, rest_.substr(1, 1), true);
      rest_.remove_prefix(2);
    } else {
      add_text(word, rest_.substr(0, 1), false);
      rest_.remove_prefix(1);
    }
  }
  return word;
}

std::optional<GrubToken> GrubLexer::next() {
  skip_blanks();
  if (rest_.empty()) return std::nullopt;
  const char c = rest_.front();
  if (!ends_word(c)) return take_word();
  rest_.remove_prefix(1);
  if (c == '{') return GrubToken{.kind = GrubToken::Kind::Open, .pieces = {}};
  if (c == '}') return GrubToken{.kind = GrubToken::Kind::Close, .pieces = {}};
  return GrubToken{.kind = GrubToken::Kind::End, .pieces = {}};
}

}  // namespace vhdboot::entry
