// SPDX-License-Identifier: GPL-2.0-or-later
#include "disk/lvm_text.h"

#include <algorithm>
#include <utility>

#include "base/text.h"

namespace vhdboot::disk {
namespace {

constexpr std::string_view kPunctuation = "{}=[],";

struct Token {
  enum class Kind : std::uint8_t { Word, String, Mark, End } kind = Kind::End;
  std::string text;

  [[nodiscard]] bool is(char mark) const { return kind == Kind::Mark && text[0] == mark; }
  [[nodiscard]] bool is_item() const { return kind == Kind::Word || kind == Kind::String; }
};

class Lexer {
 public:
  explicit Lexer(std::string_view text) : text_(text.substr(0, text.find('\0'))) {}

  Result<Token> next() {
    skip_blanks();
    if (text_.empty()) return Token{};
    const char first = text_.front();
    if (first == '"' || first == '\'') return string(first);
    if (kPunctuation.contains(first)) {
      text_.remove_prefix(1);
      return Token{Token::Kind::Mark, std::string(1, first)};
    }
    const auto end = std::ranges::find_if(
        text_, [](char c) { return is_blank(c) || c == '#' || c == '"' || kPunctuation.contains(c); });
    Token word{Token::Kind::Word, std::string(text_.begin(), end)};
    text_.remove_prefix(word.text.size());
    return word;
  }

 private:
  void skip_blanks() {
    while (!text_.empty()) {
      if (text_.front() == '#')
        text_.remove_prefix(std::min(text_.find('\n'), text_.size()));
      else if (is_blank(text_.front()))
        text_.remove_prefix(1);
      else
        return;
    }
  }

  // Within "" a backslash takes the next character as it is; '' has none.
  Result<Token> string(char quote) {
    Token token{Token::Kind::String, {}};
    for (std::size_t i = 1; i < text_.size(); ++i) {
      if (text_[i] == quote) {
        text_.remove_prefix(i + 1);
        return token;
      }
      if (text_[i] == '\\' && quote == '"' && i + 1 < text_.size()) ++i;
      token.text += text_[i];
    }
    return fail(Code::Corrupt, "a string in it does not end");
  }

  std::string_view text_;
};

class Parser {
 public:
  explicit Parser(std::string_view text) : lexer_(text) {}

  Result<LvmSection> parse() {
    LvmSection root;
    TRY(fill(root, 0));
    return root;
  }

 private:
  // Up to the end of the text, or of the section.
  Result<void> fill(LvmSection& section, std::size_t depth) {
    for (;;) {
      const Token name = TRY(lexer_.next());
      if (name.kind == Token::Kind::End && depth == 0) return {};
      if (name.is('}') && depth > 0) return {};
      if (!name.is_item()) return fail(Code::Corrupt, "there is no name where one has to be");
      if (++nodes_ > kMaxLvmNodes) return fail(Code::Corrupt, concat("it has more than ", kMaxLvmNodes, " values"));
      const Token mark = TRY(lexer_.next());
      if (mark.is('{')) {
        if (depth == kMaxLvmDepth) return fail(Code::Corrupt, "its sections are too deep");
        section.sections.push_back({.name = name.text, .values = {}, .sections = {}});
        TRY(fill(section.sections.back(), depth + 1));
      } else if (mark.is('=')) {
        TRY(take_value(section, name.text));
      } else {
        return fail(Code::Corrupt, concat(printable(name.text), " is neither a section nor a value"));
      }
    }
  }

  Result<void> take_value(LvmSection& section, std::string_view name) {
    LvmSection* in = &section;
    if (const std::size_t slash = name.find('/'); slash != std::string_view::npos) {
      section.sections.push_back({.name = std::string(name.substr(0, slash)), .values = {}, .sections = {}});
      in = &section.sections.back();
      name.remove_prefix(slash + 1);
    }
    LvmValue value{.name = std::string(name), .items = {}, .is_list = false};
    Token token = TRY(lexer_.next());
    value.is_list = token.is('[');
    if (!value.is_list) {
      if (!token.is_item()) return fail(Code::Corrupt, concat(printable(value.name), " has no value"));
      value.items.push_back(std::move(token.text));
    }
    while (value.is_list) {
      token = TRY(lexer_.next());
      if (token.is(']')) break;
      if (token.is(',')) continue;
      if (!token.is_item()) return fail(Code::Corrupt, concat("the list of ", printable(value.name), " does not end"));
      if (++nodes_ > kMaxLvmNodes) return fail(Code::Corrupt, concat("it has more than ", kMaxLvmNodes, " values"));
      value.items.push_back(std::move(token.text));
    }
    in->values.push_back(std::move(value));
    return {};
  }

  Lexer lexer_;
  std::size_t nodes_ = 0;
};

template <class T>
const T* last_called(const std::vector<T>& of, std::string_view name) {
  const auto found = std::ranges::find(of.rbegin(), of.rend(), name, &T::name);
  return found == of.rend() ? nullptr : &*found;
}

}  // namespace

const LvmSection* LvmSection::section(std::string_view wanted) const {
  return last_called(sections, wanted);
}

const LvmValue* LvmSection::value(std::string_view wanted) const {
  return last_called(values, wanted);
}

std::optional<std::string_view> LvmSection::text(std::string_view wanted) const {
  const LvmValue* found = value(wanted);
  return found == nullptr || found->is_list ? std::nullopt : std::optional<std::string_view>(found->items.front());
}

std::optional<std::uint64_t> LvmSection::number(std::string_view wanted) const {
  const auto found = text(wanted);
  return found ? parse_u64(*found) : std::nullopt;
}

Result<LvmSection> parse_lvm_text(std::string_view text) {
  if (text.size() > kMaxLvmText)
    return fail(Code::Corrupt, concat("a text of ", text.size(), " bytes is none of LVM (at most ", kMaxLvmText, ")"));
  return Parser(text).parse();
}

}  // namespace vhdboot::disk
