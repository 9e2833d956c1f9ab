// SPDX-License-Identifier: GPL-2.0-or-later
#include "entry/extlinux.h"

#include <algorithm>
#include <array>
#include <optional>
#include <utility>
#include <vector>

#include "base/text.h"

namespace vhdboot::entry {
namespace {

// The first word of `line`, taken off.
std::string_view take_word(std::string_view& line) {
  const std::string_view word = line.substr(0, line.find_first_of(" \t"));
  line = trim(line.substr(word.size()));
  return word;
}

std::string_view first_word(std::string_view line) {
  return take_word(line);
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

// What syslinux takes for something else than Linux, by its name.
bool is_program(std::string_view path) {
  constexpr std::array<std::string_view, 6> kSuffixes{".c32", ".bin", ".bs", ".bss", ".com", ".cbt"};
  return std::ranges::any_of(kSuffixes, [&](std::string_view suffix) { return path.ends_with(suffix); }) ||
         menu_file_name(path) == "memdisk";
}

// A program that shows the labels as a menu.
bool is_menu(std::string_view command) {
  const std::string_view program = menu_file_name(first_word(command));
  return program.ends_with(".c32") && program.contains("menu");
}

std::string joined(std::string_view options, std::string_view more) {
  return options.empty() || more.empty() ? concat(options, more) : concat(options, ' ', more);
}

class Reader {
 public:
  explicit Reader(std::string_view folder) : folder_(folder) { menu_.file = "extlinux.conf"; }

  Result<void> take(std::string_view line) {
    const std::string key = to_lower_ascii(take_word(line));
    if (key == "text") in_text_ = true;  // help, for people
    if (key == "endtext") in_text_ = false;
    if (in_text_) return {};
    if (key == "label") {
      if (menu_.entries.size() == kMaxExtlinuxEntries)
        return fail(Code::Corrupt, concat("it has more than ", kMaxExtlinuxEntries, " entries"));
      add(line);
    } else if (key == "menu") {
      take_menu(line);
    } else if (key == "append") {
      take_append(line);
    } else if (std::string* const said = global(key); said != nullptr) {
      *said = line;
    } else if (!menu_.entries.empty()) {
      take_file(key, line, menu_.entries.back());
    }
    return {};
  }

  // What is said before the first label holds for those that say nothing of their own.
  BootMenu finish() && {
    for (std::size_t i = 0; i < menu_.entries.size(); ++i) {
      MenuEntry& entry = menu_.entries[i];
      entry.arguments = joined(labels_[i].options, labels_[i].append.value_or(common_append_));
      if (entry.initrds.empty()) take_initrd_option(entry.arguments, entry);
    }
    const auto usual = started();
    menu_.default_name = usual ? concat(*usual) : "";
    for (MenuEntry& entry : menu_.entries)
      if (entry.kernel.empty()) entry.arguments.clear();
    return std::move(menu_);
  }

 private:
  struct Label {
    std::string options;  // behind its kernel
    std::optional<std::string> append;
  };

  std::string* global(std::string_view key) {
    return key == "default"        ? &default_
           : key == "ui"           ? &ui_
           : key == "ontimeout"    ? &on_timeout_
           : key == "timeout"      ? &timeout_
           : key == "totaltimeout" ? &total_timeout_
           : key == "prompt"       ? &prompt_
                                   : nullptr;
  }

  void add(std::string_view name) {
    menu_.entries.push_back({.title = std::string(name), .id = std::string(name)});
    labels_.emplace_back();
  }

  // What runs when nobody touches a key. A menu or a prompt waits, and then "ontimeout" counts.
  std::optional<std::size_t> started() {
    const auto is_on = [](std::string_view number) { return parse_u64(first_word(number)).value_or(0) != 0; };
    const bool waits = !ui_.empty() || is_menu(default_) || is_on(prompt_);
    if (waits && !on_timeout_.empty() && (is_on(timeout_) || is_on(total_timeout_))) return run(on_timeout_);
    if (!default_.empty() && !is_menu(default_) && (ui_.empty() || label_of(default_))) return run(default_);
    return label_of(menu_default_);
  }

  // The label that a command line is; syslinux takes options behind one, and U-Boot's may have blanks.
  [[nodiscard]] std::optional<std::size_t> label_of(std::string_view command) const {
    if (command.empty()) return std::nullopt;
    auto found = std::ranges::find(menu_.entries, command, &MenuEntry::id);
    if (found == menu_.entries.end())
      found =
          std::ranges::find_if(menu_.entries, [&](const MenuEntry& entry) { return entry.id == first_word(command); });
    return found == menu_.entries.end() ? std::nullopt : std::optional(found - menu_.entries.begin());
  }

  // As if it were typed: a label or a kernel, and options behind those it has. A word beside labels means one of them.
  std::optional<std::size_t> run(std::string_view command) {
    auto index = label_of(command);
    const bool is_whole = index && menu_.entries[*index].id == command;
    const std::string_view name = is_whole ? std::exchange(command, {}) : take_word(command);
    if (!index && !menu_.entries.empty() && command.empty()) return std::nullopt;
    if (!index) {
      index = menu_.entries.size();
      add(name);
      take_file("kernel", name, menu_.entries.back());
      menu_.entries.back().arguments = common_append_;
      take_initrd_option(common_append_, menu_.entries.back());
    }
    MenuEntry& entry = menu_.entries[*index];
    entry.arguments = joined(entry.arguments, command);
    take_initrd_option(command, entry);
    return index;
  }

  void take_menu(std::string_view line) {
    const std::string what = to_lower_ascii(take_word(line));
    if (what == "begin") ++depth_;
    if (what == "end" && depth_ > 0) --depth_;
    if (menu_.entries.empty()) return;
    if (what == "label") {
      menu_.entries.back().title = line;
      std::erase(menu_.entries.back().title, '^');  // in front of the key that chooses it
    } else if (what == "default" && depth_ == 0) {
      menu_default_ = menu_.entries.back().id;
    }
  }

  void take_append(std::string_view line) {
    if (menu_.entries.empty())
      common_append_ = line;
    else
      labels_.back().append = line == "-" ? "" : line;
  }

  void take_file(std::string_view key, std::string_view line, MenuEntry& entry) {
    constexpr std::array<std::string_view, 8> kOthers{"boot",    "bss",   "pxe",       "fdimage",
                                                      "comboot", "com32", "localboot", "config"};
    if (key == "linux" || key == "kernel") {
      const std::string_view path = take_word(line);
      entry.kernel = path.empty() || is_program(path) ? "" : path_in(folder_, path);
      labels_.back().options = line;
    } else if (std::ranges::find(kOthers, key) != kOthers.end()) {
      entry.kernel.clear();
    } else if (key == "initrd") {
      entry.initrds.clear();
      take_initrds(line, entry);
    }
  }

  // The last one counts.
  void take_initrd_option(std::string_view options, MenuEntry& entry) {
    constexpr std::string_view kOption = "initrd=";
    for (const std::string_view word : split_words(options)) {
      if (!word.starts_with(kOption)) continue;
      entry.initrds.clear();
      take_initrds(word.substr(kOption.size()), entry);
    }
  }

  void take_initrds(std::string_view list, MenuEntry& entry) {
    for (const std::string_view path : split(list, ','))
      if (!trim(path).empty()) entry.initrds.push_back(path_in(folder_, trim(path)));
  }

  std::string_view folder_;
  BootMenu menu_;
  std::vector<Label> labels_;  // by entry
  bool in_text_ = false;
  unsigned depth_ = 0;  // of menus within menus, whose defaults are their own
  std::string common_append_, menu_default_;
  std::string default_, ui_, on_timeout_, timeout_, total_timeout_, prompt_;  // what these lines say
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
