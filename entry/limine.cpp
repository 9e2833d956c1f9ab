// SPDX-License-Identifier: GPL-2.0-or-later
#include "entry/limine.h"

#include <algorithm>
#include <functional>
#include <map>
#include <utility>

#include "base/text.h"

namespace vhdboot::entry {
namespace {

using disk::Selector;
using Macros = std::map<std::string, std::string, std::less<>>;

// "${NAME}=value", which is no option.
struct MacroLine {
  std::string_view name;
  std::string_view value;
};

std::optional<MacroLine> macro_of(std::string_view line) {
  if (!line.starts_with("${")) return std::nullopt;
  const std::size_t end = line.find('}');
  if (end == std::string_view::npos || !line.substr(end + 1).starts_with('=')) return std::nullopt;
  return MacroLine{line.substr(2, end - 2), line.substr(end + 2)};
}

// The first of two of one name is passed over, as Limine finds the last one.
Result<Macros> macros_of(std::string_view text) {
  Macros macros{{"ARCH", "x86-64"}};
  for (const std::string_view line : split_lines(text)) {
    const auto macro = macro_of(trim(line));
    if (!macro) continue;
    macros.insert_or_assign(std::string(macro->name), std::string(macro->value));
    if (macros.size() > kMaxLimineMacros)
      return fail(Code::Corrupt, concat("it has more than ", kMaxLimineMacros, " macros"));
  }
  return macros;
}

// A macro's value is not looked through for others. Unknown ones are empty.
Result<std::string> expand(std::string_view line, const Macros& macros) {
  std::string out;
  while (!line.empty()) {
    const std::size_t start = line.find("${");
    out += line.substr(0, start);
    if (start == std::string_view::npos) break;
    line.remove_prefix(start + 2);
    const std::size_t end = line.find('}');
    if (end == std::string_view::npos) return fail(Code::Corrupt, "a macro in it does not end");
    const auto macro = macros.find(line.substr(0, end));
    if (macro != macros.end()) out += std::string_view(macro->second).substr(0, kMaxLimineLine + 1);
    line.remove_prefix(end + 1);
    if (out.size() > kMaxLimineLine) break;
  }
  if (out.size() > kMaxLimineLine)
    return fail(Code::Corrupt, concat("a line of it has more than ", kMaxLimineLine, " bytes"));
  return out;
}

std::optional<std::vector<Selector>> by_number(std::string_view text) {
  const auto number = parse_u64(text);
  if (!number || *number == 0 || *number > 255) return std::nullopt;
  return std::vector{Selector{.by = Selector::By::Number, .value = {}, .number = static_cast<unsigned>(*number)}};
}

// Nothing for what is on no partition of this disk.
std::optional<std::vector<Selector>> partition_of(std::string_view resource, std::string_view argument) {
  if (resource == "boot" && argument.empty()) return std::vector<Selector>{};
  if (resource == "boot") return by_number(argument);
  // Which drive the firmware counts first is not known: the guest disk is meant.
  if (const std::size_t colon = argument.find(':'); resource == "hdd" && colon != std::string_view::npos)
    return by_number(argument.substr(colon + 1));
  if (argument.empty()) return std::nullopt;
  const auto by = [&](Selector::By what) { return Selector{.by = what, .value = std::string(argument), .number = 0}; };
  // One namespace for both.
  if (resource == "guid" || resource == "uuid") return std::vector{by(Selector::By::Uuid), by(Selector::By::PartUuid)};
  if (resource == "fslabel") return std::vector{by(Selector::By::Label)};
  return std::nullopt;
}

// "boot(2):/vmlinuz#HASH" or "boot://2/vmlinuz#HASH".
LimineFile file_of(std::string_view text, LimineStyle style) {
  if (text.starts_with('$')) return {};  // compressed, which a kernel and an initrd are in themselves
  text = trim(text.substr(0, text.rfind('#')));
  const std::string_view opening = style == LimineStyle::Conf ? "(" : "://";
  const std::string_view closing = style == LimineStyle::Conf ? "):" : "/";
  const std::size_t start = text.find(opening);
  if (start == std::string_view::npos) return {};
  const std::string resource = to_lower_ascii(text.substr(0, start));
  text.remove_prefix(start + opening.size());
  const std::size_t end = text.find(closing);
  if (end == std::string_view::npos) return {};
  auto partition = partition_of(resource, text.substr(0, end));
  text.remove_prefix(end + closing.size());
  if (!partition || trim(text).empty()) return {};
  return {.path = concat(text.starts_with('/') ? "" : "/", text), .partition = *std::move(partition)};
}

class Reader {
 public:
  explicit Reader(LimineStyle style) : style_(style) {}

  Result<void> take(std::string_view line) {
    const char mark = style_ == LimineStyle::Conf ? '/' : ':';
    if (line.starts_with(mark)) return take_title(line, mark);
    const std::size_t end = line.find(style_ == LimineStyle::Conf ? ':' : '=');
    if (end == std::string_view::npos || line.starts_with('#')) return {};
    return take_option(to_lower_ascii(trim(line.substr(0, end))), trim(line.substr(end + 1)));
  }

  LimineMenu finish() && {
    for (std::size_t i = 0; i < menu_.entries.size(); ++i) finish(i);
    menu_.started = default_;
    if (const auto usual = find_default()) {
      menu_.usual = first_linux(*usual);
      menu_.started = menu_.entries[menu_.usual.value_or(*usual)].title;
    }
    return std::move(menu_);
  }

 private:
  // What only its protocol tells the meaning of.
  struct Draft {
    std::size_t depth = 1;
    std::string protocol;
    LimineFile path;
  };

  Result<void> take_title(std::string_view line, char mark) {
    if (menu_.entries.size() == kMaxLimineEntries)
      return fail(Code::Corrupt, concat("it has more than ", kMaxLimineEntries, " entries"));
    const std::size_t depth = std::min(line.find_first_not_of(mark), line.size());
    line.remove_prefix(depth);
    LimineEntry entry{.is_expanded = line.starts_with('+')};
    if (entry.is_expanded) line.remove_prefix(1);
    entry.title = trim(line);
    while (!folders_.empty() && drafts_[folders_.back()].depth >= depth) folders_.pop_back();
    if (!folders_.empty()) {
      entry.parent = folders_.back();
      menu_.entries[folders_.back()].is_folder = true;
    }
    folders_.push_back(menu_.entries.size());
    menu_.entries.push_back(std::move(entry));
    drafts_.push_back({.depth = depth, .protocol = {}, .path = {}});
    return {};
  }

  // The first of several counts, but for modules.
  Result<void> take_option(const std::string& key, std::string_view value) {
    if (key == "default_entry" && default_.empty()) default_ = value;
    if (menu_.entries.empty()) return {};
    LimineEntry& entry = menu_.entries.back();
    Draft& draft = drafts_.back();
    if (key == "protocol" && draft.protocol.empty()) {
      draft.protocol = to_lower_ascii(value);
    } else if ((key == "path" || key == "kernel_path" || key == "image_path") && draft.path.path.empty()) {
      draft.path = file_of(value, style_);
    } else if (key == "module_path") {
      if (entry.modules.size() == kMaxLimineModules)
        return fail(Code::Corrupt, concat("an entry of it has more than ", kMaxLimineModules, " modules"));
      entry.modules.push_back(file_of(value, style_));
    } else if ((key == "cmdline" || key == "kernel_cmdline") && entry.cmdline.empty()) {
      entry.cmdline = value;
    }
    return {};
  }

  void finish(std::size_t index) {
    LimineEntry& entry = menu_.entries[index];
    const std::string& protocol = drafts_[index].protocol;
    const bool is_program = protocol == "efi" || protocol == "efi_chainload";
    if (!entry.is_folder && (is_program || protocol == "linux")) entry.program = std::move(drafts_[index].path);
    if (entry.program.path.empty()) entry.cmdline.clear();
    if (entry.program.path.empty() || is_program) entry.modules.clear();
    entry.is_efi = is_program && !entry.program.path.empty();
  }

  [[nodiscard]] bool is_seen(std::size_t index) const {
    for (auto parent = menu_.entries[index].parent; parent; parent = menu_.entries[*parent].parent)
      if (!menu_.entries[*parent].is_expanded) return false;
    return true;
  }

  // By its place among what is seen, or by its titles with '/' between them.
  [[nodiscard]] std::optional<std::size_t> find_default() const {
    auto place = default_.empty() ? 1 : parse_u64(default_);
    for (std::size_t i = 0; i < menu_.entries.size(); ++i) {
      if (place ? is_seen(i) && --*place == 0 : is_called(i, default_)) return i;
    }
    return std::nullopt;
  }

  [[nodiscard]] bool is_called(std::size_t index, std::string_view path) const {
    for (std::optional<std::size_t> i = index; i; i = menu_.entries[*i].parent) {
      const LimineEntry& entry = menu_.entries[*i];
      if (!path.ends_with(entry.title)) return false;
      path.remove_suffix(entry.title.size());
      if (entry.parent.has_value() != path.ends_with('/')) return false;
      if (entry.parent) path.remove_suffix(1);
    }
    return path.empty();
  }

  // For a folder Limine shows its menu: the first below it is taken.
  [[nodiscard]] std::optional<std::size_t> first_linux(std::size_t start) const {
    for (std::size_t i = start; i < menu_.entries.size(); ++i) {
      if (i != start && drafts_[i].depth <= drafts_[start].depth) break;
      if (!menu_.entries[i].program.path.empty()) return i;
    }
    return std::nullopt;
  }

  LimineStyle style_;
  LimineMenu menu_;
  std::vector<Draft> drafts_;         // by entry
  std::vector<std::size_t> folders_;  // the last entry, and those it may stand in
  std::string default_;
};

}  // namespace

Result<LimineMenu> parse_limine(std::string_view text, LimineStyle style) {
  if (text.size() > kMaxLimine)
    return fail(Code::Corrupt,
                concat("a file of ", text.size(), " bytes is no limine.conf (at most ", kMaxLimine, ")"));
  const Macros macros = TRY(macros_of(text));
  Reader reader(style);
  std::size_t left = kMaxLimine;  // of what it becomes with its macros
  for (const std::string_view line : split_lines(text)) {
    if (macro_of(trim(line))) continue;
    const std::string expanded = TRY(expand(trim(line), macros));
    if (expanded.size() > left)
      return fail(Code::Corrupt, concat("with its macros it has more than ", kMaxLimine, " bytes"));
    left -= expanded.size();
    TRY(reader.take(expanded));
  }
  return std::move(reader).finish();
}

}  // namespace vhdboot::entry
