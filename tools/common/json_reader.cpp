// SPDX-License-Identifier: GPL-2.0-or-later
#include "tools/common/json_reader.h"

#include <algorithm>
#include <utility>

#include "base/text.h"
#include "base/utf.h"
#include "tools/common/json.h"

namespace vhdboot::tools {
namespace {

class Parser {
 public:
  explicit Parser(std::string_view text) : text_(text) {}

  Result<JsonValue> document() {
    JsonValue value = TRY(this->value(0));
    skip_blanks();
    if (at_ != text_.size()) return wrong("there is something behind the end");
    return value;
  }

 private:
  std::unexpected<Error> wrong(std::string_view what) const {
    const auto line = 1 + std::ranges::count(text_.substr(0, at_), '\n');
    return fail(Code::Corrupt, concat("line ", line, ": ", what));
  }
  void skip_blanks() {
    while (at_ < text_.size() && is_blank(text_[at_])) ++at_;
  }
  [[nodiscard]] char peek() const { return at_ < text_.size() ? text_[at_] : '\0'; }
  bool take(char c) {
    if (peek() != c || at_ >= text_.size()) return false;
    ++at_;
    return true;
  }

  Result<JsonValue> value(unsigned depth) {
    if (depth > kMaxJsonDepth) return fail(Code::NoMemory, "it is nested too deeply");
    if (++values_ > kMaxJsonValues) return fail(Code::NoMemory, "it has too many values");
    skip_blanks();
    JsonValue made;
    made.begin = at_;
    switch (peek()) {
      case '{':
        made.kind = JsonValue::Kind::Object;
        TRY(list(made, '}', depth));
        break;
      case '[':
        made.kind = JsonValue::Kind::Array;
        TRY(list(made, ']', depth));
        break;
      case '"':
        made.kind = JsonValue::Kind::String;
        made.text = TRY(string());
        break;
      default:
        TRY(literal());
    }
    made.end = at_;
    return made;
  }

  Result<void> list(JsonValue& made, char closing, unsigned depth) {
    ++at_;
    skip_blanks();
    if (take(closing)) return {};
    for (;;) {
      std::string key;
      skip_blanks();
      const std::size_t key_begin = at_;
      if (closing == '}') {
        if (peek() != '"') return wrong("a name in double quotes is missing");
        key = TRY(string());
        skip_blanks();
        if (!take(':')) return wrong("a colon is missing");
      }
      JsonValue item = TRY(value(depth + 1));
      item.key = std::move(key);
      item.key_begin = key_begin;
      made.items.push_back(std::move(item));
      skip_blanks();
      if (take(closing)) return {};
      if (!take(',')) return wrong("a comma or a closing bracket is missing");
    }
  }

  Result<std::uint16_t> four_digits() {
    const auto unit = at_ + 4 <= text_.size() ? parse_u64(text_.substr(at_, 4), 16) : std::nullopt;
    if (!unit) return wrong("\\u without four digits");
    at_ += 4;
    return static_cast<std::uint16_t>(*unit);
  }

  Result<std::string> string() {
    std::string out;
    for (++at_; at_ < text_.size();) {
      const char c = text_[at_++];
      if (c == '"') return out;
      if (static_cast<unsigned char>(c) < 0x20) break;
      if (c != '\\') {
        out += c;
        continue;
      }
      if (at_ == text_.size()) break;
      const char escape = text_[at_++];
      constexpr std::string_view kEscapes = "\"\\/bfnrt";
      constexpr std::string_view kMeant = "\"\\/\b\f\n\r\t";
      if (const auto known = kEscapes.find(escape); known != std::string_view::npos) {
        out += kMeant[known];
      } else if (escape == 'u') {
        std::u16string units{static_cast<char16_t>(TRY(four_digits()))};
        if (utf::is_high_surrogate(units.front()) && text_.substr(at_, 2) == "\\u") {
          at_ += 2;
          units += static_cast<char16_t>(TRY(four_digits()));
        }
        out += to_utf8(units);
      } else {
        return wrong("an unknown escape");
      }
    }
    return wrong("a string does not end on its line");
  }

  Result<void> literal() {
    const std::size_t begin = at_;
    while (at_ < text_.size() && std::string_view(",]}: \t\r\n\"[{").find(text_[at_]) == std::string_view::npos) ++at_;
    const std::string_view word = text_.substr(begin, at_ - begin);
    if (word == "true" || word == "false" || word == "null") return {};
    const bool is_number = !word.empty() && std::ranges::all_of(word, [](char c) {
      return (c >= '0' && c <= '9') || c == '-' || c == '+' || c == '.' || c == 'e' || c == 'E';
    });
    if (!is_number) return wrong("a value is missing or is none");
    return {};
  }

  std::string_view text_;
  std::size_t at_ = 0;
  std::size_t values_ = 0;
};

}  // namespace

const JsonValue* JsonValue::find(std::string_view name) const {
  if (kind != Kind::Object) return nullptr;
  const auto found = std::ranges::find(items, name, &JsonValue::key);
  return found == items.end() ? nullptr : &*found;
}

const JsonValue* JsonValue::find_text(std::string_view wanted) const {
  const auto found = std::ranges::find_if(
      items, [&](const JsonValue& item) { return item.kind == Kind::String && item.text == wanted; });
  return found == items.end() ? nullptr : &*found;
}

Result<JsonValue> parse_json(std::string_view text) {
  if (text.size() > kMaxJson) return fail(Code::NoMemory, concat("it has ", text.size(), " bytes"));
  return Parser(text).document();
}

std::string with_item(std::string_view text, const JsonValue& value, std::string_view item) {
  const std::size_t at = value.items.empty() ? value.begin + 1 : value.items.back().end;
  return concat(text.substr(0, at), value.items.empty() ? " " : ", ", item, value.items.empty() ? " " : "",
                text.substr(at));
}

std::string without_item(std::string_view text, const JsonValue& value, std::size_t index) {
  const auto begin_of = [&](std::size_t i) {
    const JsonValue& item = value.items[i];
    return value.kind == JsonValue::Kind::Object ? item.key_begin : item.begin;
  };
  // With the comma behind it, or, of the last one, the one in front of it.
  std::size_t begin = begin_of(index);
  std::size_t end = value.items[index].end;
  if (index + 1 < value.items.size())
    end = begin_of(index + 1);
  else if (index > 0)
    begin = value.items[index - 1].end;
  return concat(text.substr(0, begin), text.substr(end));
}

std::string json_string(std::string_view text) {
  return JsonWriter().value(text).text();
}

}  // namespace vhdboot::tools
