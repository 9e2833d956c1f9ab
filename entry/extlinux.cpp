// SPDX-License-Identifier: GPL-2.0-or-later
#include "entry/extlinux.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "base/text.h"

namespace vhdboot::entry {
namespace {

// The first word of `line`, taken off.
std::string_view take_word(std::string_view& line) {
  const std::string_view word = line.substr(0, line.find_first_of(" \t"));
  line = trim(line.substr(word.size()));
  return word;
}

// "/boot/vmlinuz" of "../vmlinuz" in "/boot/extlinux".
std::string path_in(std::string_view folder, std::string_view text) {
  std::vector<std::string_view> names;
  const auto add = [&](std::string_view path) {
    for (const std::string_view name : split(path, '/')) {
      if (name.empty() || name == ".") continue;
      if (name != "..")
        names.push_back(name);
      else if (!names.empty())
        names.pop_back();
    }
  };
  if (!text.starts_with('/')) add(folder);
  add(text);
  std::string path;
  for (const std::string_view name : names) path += concat('/', name);
  return path;
}

class Reader {
 public:
  explicit Reader(std::string_view folder) : folder_(folder) { menu_.file = "extlinux.conf"; }

  Result<void> take(std::string_view line) {
    const std::string key = to_lower_ascii(take_word(line));
    if (key == "label") {
      if (menu_.entries.size() == kMaxExtlinuxEntries)
        return fail(Code::Corrupt, concat("it has more than ", kMaxExtlinuxEntries, " entries"));
      menu_.entries.push_back({.title = std::string(line), .id = std::string(line)});
      own_append_.push_back(false);
    } else if (key == "default") {
      menu_.default_name = line;
    } else if (key == "menu") {
      take_menu(line);
    } else if (key == "append") {
      take_append(line);
    } else if (!menu_.entries.empty()) {
      take_file(key, line, menu_.entries.back());
    }
    return {};
  }

  // What is said before the first label holds for those that say nothing of their own.
  BootMenu finish() && {
    for (std::size_t i = 0; i < menu_.entries.size(); ++i) {
      MenuEntry& entry = menu_.entries[i];
      if (!own_append_[i]) entry.arguments = common_append_;
      if (entry.initrds.empty())
        for (const std::string_view word : split_words(entry.arguments))
          if (word.starts_with("initrd=")) take_initrds(word.substr(7), entry);
      if (entry.kernel.empty()) entry.arguments.clear();
    }
    // "default" may start a program that shows the menu.
    auto usual = std::ranges::find(menu_.entries, menu_.default_name, &MenuEntry::id);
    if (usual == menu_.entries.end()) usual = std::ranges::find(menu_.entries, menu_default_, &MenuEntry::id);
    menu_.default_name = usual == menu_.entries.end() ? "" : concat(usual - menu_.entries.begin());
    return std::move(menu_);
  }

 private:
  void take_menu(std::string_view line) {
    const std::string what = to_lower_ascii(take_word(line));
    if (menu_.entries.empty()) return;
    if (what == "label") {
      menu_.entries.back().title = line;
      std::erase(menu_.entries.back().title, '^');  // in front of the key that chooses it
    } else if (what == "default") {
      menu_default_ = menu_.entries.back().id;
    }
  }

  void take_append(std::string_view line) {
    if (menu_.entries.empty()) {
      common_append_ = line;
      return;
    }
    own_append_.back() = true;
    menu_.entries.back().arguments = line == "-" ? "" : line;
  }

  void take_file(std::string_view key, std::string_view line, MenuEntry& entry) {
    if (key == "linux" || key == "kernel") {
      const std::string_view path = take_word(line);
      const bool is_program = path.ends_with(".c32") || path.ends_with(".bin");
      if (!is_program && !path.empty()) entry.kernel = path_in(folder_, path);
    } else if (key == "initrd") {
      entry.initrds.clear();
      take_initrds(line, entry);
    }
  }

  void take_initrds(std::string_view list, MenuEntry& entry) {
    for (const std::string_view path : split(list, ','))
      if (!trim(path).empty()) entry.initrds.push_back(path_in(folder_, trim(path)));
  }

  std::string_view folder_;
  BootMenu menu_;
  std::string common_append_;
  std::vector<bool> own_append_;  // by entry
  std::string menu_default_;
};

}  // namespace

Result<BootMenu> parse_extlinux(std::string_view text, std::string_view folder) {
  if (text.size() > kMaxExtlinux)
    return fail(Code::Corrupt,
                concat("a file of ", text.size(), " bytes is no extlinux.conf (at most ", kMaxExtlinux, ")"));
  Reader reader(folder);
  for (const std::string_view line : split_lines(text)) TRY(reader.take(trim(line)));
  return std::move(reader).finish();
}

}  // namespace vhdboot::entry
