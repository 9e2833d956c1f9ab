// SPDX-License-Identifier: GPL-2.0-or-later
#include "entry/type1.h"

#include <algorithm>

#include "base/text.h"

namespace vhdboot::entry {

namespace {

constexpr std::string_view kSuffix = ".conf";
constexpr std::string_view kArchitecture = "x64";
constexpr std::uint64_t kMaxProfile = 65535;

void take_value(EntryFile& entry, std::string_view key, std::string_view value) {
  const auto program = [&](EntryProgram kind) {
    entry.program = kind;
    entry.kernel = value;
  };
  if (key == "title") {
    entry.title = value;
  } else if (key == "version") {
    entry.version = value;
  } else if (key == "machine-id") {
    entry.machine_id = value;
  } else if (key == "sort-key") {
    entry.sort_key = value;
  } else if (key == "architecture") {
    entry.architecture = value;
  } else if (key == "linux") {
    program(EntryProgram::Linux);
  } else if (key == "uki") {
    program(EntryProgram::Uki);
  } else if (key == "efi") {
    program(EntryProgram::Efi);
  } else if (key == "profile") {
    if (const auto number = parse_u64(value); number && *number <= kMaxProfile)
      entry.profile = static_cast<unsigned>(*number);
  } else if (key == "initrd") {
    entry.initrds.emplace_back(value);
  } else if (key == "extra") {
    entry.extras.emplace_back(value);
  } else if (key == "devicetree") {
    entry.devicetree = value;
  } else if (key == "options") {
    if (!entry.options.empty()) entry.options += ' ';
    entry.options += value;
  }
}

// "/a/b" of "a/b", "/a//b" and "\a\b".
Result<std::string> absolute_path(std::string_view text) {
  std::string slashes(text);
  std::ranges::replace(slashes, '\\', '/');  // as UEFI writes paths
  std::string path;
  for (const std::string_view component : split(slashes, '/')) {
    if (component.empty() || component == ".") continue;
    if (component == "..") return fail(Code::Corrupt, concat("the path \"", printable(text), "\" has a \"..\""));
    path += '/';
    path += component;
  }
  const auto is_control = [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7F; };
  if (path.empty() || std::ranges::any_of(path, is_control))
    return fail(Code::Corrupt, concat('"', printable(text), "\" is no path of a file"));
  return path;
}

Result<std::vector<std::string>> absolute_paths(const std::vector<std::string>& texts) {
  if (texts.size() > kMaxEntryPaths)
    return fail(Code::Unsupported,
                concat("it names ", texts.size(), " files of one kind, at most ", kMaxEntryPaths, " are accepted"));
  std::vector<std::string> paths;
  for (const std::string& text : texts) paths.push_back(TRY(absolute_path(text)));
  return paths;
}

}  // namespace

EntryFile parse_entry_file(std::string_view text) {
  EntryFile entry;
  for (const std::string_view raw : split_lines(text)) {
    const std::string_view line = trim(raw);
    const std::size_t blank = line.find_first_of(" \t");
    if (line.empty() || line.front() == '#' || blank == std::string_view::npos) continue;
    take_value(entry, line.substr(0, blank), trim(line.substr(blank)));
  }
  return entry;
}

bool is_entry_file_name(std::string_view file_name) {
  return file_name.size() > kSuffix.size() && !file_name.starts_with('.') &&
         equals_ignoring_ascii_case(file_name.substr(file_name.size() - kSuffix.size()), kSuffix);
}

bool has_grub_variables(const EntryFile& file) {
  const auto has_one = [](std::string_view text) {
    return std::ranges::any_of(split_words(text), [](std::string_view word) { return word.starts_with('$'); });
  };
  return has_one(file.options) || std::ranges::any_of(file.initrds, has_one);
}

Result<EntryFile> with_grub_variables(EntryFile file, GrubSubstitution& variables) {
  file.options = TRY(variables.replace(file.options));
  std::vector<std::string> initrds;
  for (std::string& initrd : file.initrds) {
    if (!initrd.contains('$')) {
      initrds.push_back(std::move(initrd));
      continue;
    }
    const std::string replaced = TRY(variables.replace(initrd));
    for (const auto path : split_words(replaced)) initrds.emplace_back(path);
  }
  file.initrds = std::move(initrds);
  return file;
}

Result<BootEntry> type1_entry(std::string path, EntryFile file) {
  if (!file.architecture.empty() && !equals_ignoring_ascii_case(file.architecture, kArchitecture))
    return fail(Code::Unsupported,
                concat("it is for the architecture ", printable(file.architecture), ", not for x64"));
  if (file.program == EntryProgram::None) return fail(Code::Corrupt, "it has neither `linux` nor `uki`");
  auto [id, count] = parse_entry_name(std::string_view(path).substr(path.find_last_of('/') + 1));
  BootEntry entry;
  entry.kind = EntryKind::Type1;
  entry.title = file.title.empty() ? id : std::move(file.title);
  entry.path = std::move(path);
  entry.id = std::move(id);
  entry.count = count;
  entry.sort_key = std::move(file.sort_key);
  entry.version = std::move(file.version);
  entry.machine_id = std::move(file.machine_id);
  entry.kernel = TRY(absolute_path(file.kernel));
  entry.unified = file.program == EntryProgram::Uki;
  entry.profile = file.profile;
  // A kernel's EFI stub takes those of its command line, too.
  if (file.program != EntryProgram::Uki)
    for (const std::string_view word : split_words(file.options))
      if (auto path = word.starts_with("initrd=") ? absolute_path(word.substr(7)) : fail(Code::NotFound, ""))
        file.initrds.push_back(*std::move(path));
  entry.initrds = TRY(absolute_paths(file.initrds));
  entry.extras = TRY(absolute_paths(file.extras));
  entry.options = std::move(file.options);
  return entry;
}

}  // namespace vhdboot::entry
