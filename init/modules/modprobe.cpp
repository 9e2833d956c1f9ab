// SPDX-License-Identifier: GPL-2.0-or-later
#include "init/modules/modprobe.h"

#include <algorithm>
#include <array>

#include "base/quoted.h"
#include "base/text.h"
#include "init/modules/modules.h"

namespace vhdboot::modules {
namespace {

// A backslash at its end makes a line go on with the next one.
std::vector<std::string> joined_lines(std::string_view text) {
  std::vector<std::string> lines;
  bool goes_on = false;
  for (std::string_view line : split_lines(text)) {
    const bool continued = line.ends_with('\\');
    if (continued) line.remove_suffix(1);
    if (goes_on)
      lines.back() += concat(' ', line);
    else
      lines.emplace_back(line);
    goes_on = continued;
  }
  return lines;
}

// What comes behind so many words.
std::string_view rest_of(std::string_view line, std::size_t words) {
  line = trim(line);
  for (; words > 0 && !line.empty(); --words)
    line = trim(line.substr(std::min(line.size(), line.find_first_of(" \t"))));
  return line;
}

// As insmod would be given them, on one line: nothing where that cannot be.
std::string as_options(std::string_view text) {
  std::string options;
  bool quoted = false;
  for (const char c : trim(text)) {
    if (c == '"') quoted = !quoted;
    options += c == '\t' && !quoted ? ' ' : c;
  }
  return fits_line(options) ? options : "";
}

// The kernel takes quotes around a word or around its value (lib/cmdline.c, next_arg).
std::string_view without_quotes(std::string_view text) {
  if (text.starts_with('"')) text.remove_prefix(1);
  if (text.ends_with('"')) text.remove_suffix(1);
  return text;
}

class Reader {
 public:
  void take_line(std::string_view line) {
    const auto words = split_words(line);
    if (words.size() < 2) return;
    const bool other_program = words[0] == "install" && words.size() > 2 && !line.contains("modprobe");
    if (words[0] == "blacklist" || other_program)
      blacklist(words[1]);
    else if (words[0] == "options" && words.size() > 2)
      add_options(words[1], rest_of(line, 2));
    else if (words[0] == "softdep")
      config_.soft_dependencies += concat(trim(line), '\n');
    else if (words[0] == "alias" && words.size() == 3)
      config_.aliases += concat("alias ", words[1], ' ', words[2], '\n');
  }

  // "modprobe.blacklist=a,b" and "usb_storage.quirks=0x1:0x2:u"; a name in the kernel has no dot, nor has a module's.
  void take_word(std::string_view word) {
    if (word.starts_with('"')) return take_quoted(without_quotes(word));
    const auto equals = word.find('=');
    const auto dot = word.substr(0, equals).find('.');
    if (dot == std::string_view::npos || dot == 0 || dot + 1 == word.size()) return;
    const std::string_view module = word.substr(0, dot);
    const std::string_view option = word.substr(dot + 1);
    if (module != "modprobe")
      add_options(module, option);
    else if (option.starts_with("blacklist="))
      for (const std::string_view name : split(without_quotes(option.substr(option.find('=') + 1)), ','))
        blacklist(name);
  }

  ModprobeConfig finish() && { return std::move(config_); }

 private:
  // "usb_storage.quirks=1:2:u" with the quotes around all of it.
  void take_quoted(std::string_view word) {
    const auto equals = word.find('=');
    if (equals == std::string_view::npos || word.starts_with('"')) return;
    const std::string_view value = without_quotes(word.substr(equals + 1));
    const std::string_view quote = value.contains(' ') ? "\"" : "";
    take_word(concat(word.substr(0, equals + 1), quote, value, quote));
  }
  void blacklist(std::string_view name) {
    if (fits_line(name)) config_.blacklist.push_back(module_name(name));
  }
  // The kernel lets the last of two values win, too.
  void add_options(std::string_view module, std::string_view text) {
    const std::string options = as_options(text);
    if (options.empty()) return;
    std::string& all = config_.options[module_name(module)];
    all += concat(all.empty() ? "" : " ", options);
  }

  ModprobeConfig config_;
};

}  // namespace

std::string ModprobeConfig::options_of(std::string_view module) const {
  const auto found = options.find(module_name(module));
  return found == options.end() ? "" : found->second;
}

ModprobeConfig read_modprobe(std::span<const std::string> files, const kexec::CommandLine& line) {
  Reader reader;
  for (const std::string& file : files)
    for (const std::string& text : joined_lines(file)) reader.take_line(text);
  for (const std::string& word : line.words()) reader.take_word(word);
  return std::move(reader).finish();
}

std::span<const std::string_view> modprobe_directories() {
  static constexpr std::array<std::string_view, 4> kDirectories{"/etc/modprobe.d", "/usr/local/lib/modprobe.d",
                                                                "/usr/lib/modprobe.d", "/lib/modprobe.d"};
  return kDirectories;
}

}  // namespace vhdboot::modules
