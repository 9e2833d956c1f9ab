// SPDX-License-Identifier: GPL-2.0-or-later
#include "kexec/cmdline.h"

#include <algorithm>

#include "base/text.h"

namespace vhdboot::kexec {

namespace {

// The kernel's isspace() without 0xA0: in UTF-8 that byte is a part of a letter, and cutting there would tear it.
bool is_space(char c) {
  return c == ' ' || (c >= '\t' && c <= '\r');
}

struct Parameter {
  std::string name;
  std::optional<std::string> value;
};

// A word as next_arg() takes it apart: '"' in front of the name or of the value, and at the end, is dropped; any other
// one stays.
Parameter take_apart(std::string_view word) {
  const bool quoted = word.starts_with('"');
  if (quoted) word.remove_prefix(1);
  std::size_t equals = word.find('=');
  if (equals == 0) equals = word.find('=', 1);  // the kernel's position 0 means "none yet"
  std::optional<std::string_view> value;
  if (equals != std::string_view::npos) value = word.substr(equals + 1);
  bool end_dropped = false;
  if (value && value->starts_with('"')) {
    value->remove_prefix(1);
    if (value->ends_with('"')) {
      value->remove_suffix(1);
      end_dropped = true;
    }
  }
  std::string_view name = word.substr(0, equals);
  if (quoted && !end_dropped) {
    if (value && value->ends_with('"'))
      value->remove_suffix(1);
    else if (!value && name.ends_with('"'))
      name.remove_suffix(1);
  }
  Parameter result{std::string(name), std::nullopt};
  if (value) result.value = std::string(*value);
  return result;
}

bool same_name(std::string_view a, std::string_view b) {
  const auto dash = [](char c) { return c == '-' ? '_' : c; };
  return std::ranges::equal(a, b, {}, dash, dash);
}

bool is_named(std::string_view word, std::string_view name) {
  return same_name(take_apart(word).name, name);
}

// How long the word at the front of `text` is; a blank within quotes belongs to it.
std::size_t word_length(std::string_view text) {
  bool in_quote = false;
  std::size_t length = 0;
  for (; length < text.size() && (in_quote || !is_space(text[length])); ++length)
    if (text[length] == '"') in_quote = !in_quote;
  return length;
}

std::string_view without_blanks_in_front(std::string_view text) {
  while (!text.empty() && is_space(text.front())) text.remove_prefix(1);
  return text;
}

bool is_control(char c) {
  return static_cast<unsigned char>(c) < 0x20 || c == 0x7F;
}

bool needs_quotes(char c) {
  return c == ' ' || c == '\xA0';
}

// Spells a parameter so that take_apart() gives it back.
Result<std::string> spell(std::string_view name, std::string_view value) {
  const auto bad_in_name = [](char c) { return is_control(c) || is_space(c) || c == '"' || c == '='; };
  if (name.empty() || name == "--" || std::ranges::any_of(name, bad_in_name))
    return fail(Code::Invalid, concat("\"", printable(name), "\" is no name of a kernel parameter"));
  if (std::ranges::any_of(value, [](char c) { return is_control(c) || c == '"'; }))
    return fail(Code::Invalid, concat("the kernel parameter ", name, " cannot have the value \"", printable(value),
                                      "\": a command line has no way to write it"));
  const std::string_view quote = std::ranges::any_of(value, needs_quotes) ? "\"" : "";
  return concat(name, "=", quote, value, quote);
}

}  // namespace

CommandLine CommandLine::parse(std::string_view text) {
  CommandLine line;
  text = text.substr(0, text.find('\0'));
  for (text = without_blanks_in_front(text); !text.empty(); text = without_blanks_in_front(text)) {
    const std::string_view word = text.substr(0, word_length(text));
    text.remove_prefix(word.size());
    const Parameter parameter = take_apart(word);
    if (parameter.name == "--" && !parameter.value) {
      line.has_init_part_ = true;
      line.for_init_ = without_blanks_in_front(text);
      break;
    }
    line.words_.emplace_back(word);
  }
  return line;
}

bool CommandLine::has(std::string_view name) const {
  return std::ranges::any_of(words_, [&](const std::string& word) { return is_named(word, name); });
}

std::vector<std::string> CommandLine::find_all(std::string_view name) const {
  std::vector<std::string> values;
  for (const auto& word : words_) {
    Parameter parameter = take_apart(word);
    if (parameter.value && same_name(parameter.name, name)) values.push_back(*std::move(parameter.value));
  }
  return values;
}

std::optional<std::string> CommandLine::find(std::string_view name) const {
  auto values = find_all(name);
  if (values.empty()) return std::nullopt;
  return std::move(values.back());
}

std::size_t CommandLine::remove(std::string_view name) {
  return std::erase_if(words_, [&](const std::string& word) { return is_named(word, name); });
}

Result<void> CommandLine::put(std::string_view name, std::string_view value, bool front) {
  std::string word = TRY(spell(name, value));
  const auto last = std::ranges::find_if(words_.rbegin(), words_.rend(),
                                         [&](const std::string& other) { return is_named(other, name); });
  if (last == words_.rend()) {
    words_.insert(front ? words_.begin() : words_.end(), std::move(word));
    return {};
  }
  *last = std::move(word);
  const auto kept = last.base() - 1;
  words_.erase(std::remove_if(words_.begin(), kept, [&](const std::string& other) { return is_named(other, name); }),
               kept);
  return {};
}

Result<void> CommandLine::set(std::string_view name, std::string_view value) {
  return put(name, value, false);
}

Result<void> CommandLine::set_in_front(std::string_view name, std::string_view value) {
  return put(name, value, true);
}

Result<void> CommandLine::change_values(std::string_view name, const Change& change) {
  for (std::string& word : words_) {
    const Parameter parameter = take_apart(word);
    if (!parameter.value || !same_name(parameter.name, name)) continue;
    if (const auto value = TRY(change(*parameter.value))) word = TRY(spell(parameter.name, *value));
  }
  return {};
}

void CommandLine::append(std::string_view text) {
  CommandLine more = parse(text);
  words_.insert(words_.end(), std::make_move_iterator(more.words_.begin()), std::make_move_iterator(more.words_.end()));
  if (!more.has_init_part_) return;
  has_init_part_ = true;
  if (!for_init_.empty() && !more.for_init_.empty()) for_init_ += ' ';
  for_init_ += more.for_init_;
}

std::string CommandLine::text() const {
  std::string out;
  for (const auto& word : words_) {
    if (!out.empty()) out += ' ';
    out += word;
  }
  if (has_init_part_) {
    out += out.empty() ? "--" : " --";
    if (!for_init_.empty()) out += ' ';
    out += for_init_;
  }
  return out;
}

}  // namespace vhdboot::kexec
