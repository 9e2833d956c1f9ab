// SPDX-License-Identifier: GPL-2.0-or-later
#include "entry/boot_menu.h"

#include <algorithm>
#include <array>

#include "base/text.h"

namespace vhdboot::entry {
namespace {

constexpr std::size_t kMaxDefaultName = 4096;  // what is longer names nothing

// The parts of "1>2", of "submenu>entry"; ">>" is a '>' within a title.
std::vector<std::string> path_of(std::string_view name) {
  std::vector<std::string> parts(1);
  for (std::size_t i = 0; i < name.size(); ++i) {
    if (name[i] != '>') {
      parts.back() += name[i];
    } else if (i + 1 < name.size() && name[i + 1] == '>') {
      parts.back() += name[++i];
    } else {
      parts.emplace_back();
    }
  }
  return parts;
}

bool is_called(const MenuEntry& entry, std::string_view name) {
  return !name.empty() && (entry.title == name || entry.id == name);
}

// The entry of that index, title or id in one menu; `files` as in started_entry().
std::optional<std::size_t> find_in_menu(const BootMenu& config, std::optional<std::size_t> menu, std::string_view name,
                                        std::size_t files) {
  const auto number = parse_u64(trim(name));
  std::uint64_t position = 0;
  for (std::size_t i = 0; i < config.entries.size(); ++i) {
    if (config.entries[i].parent != menu) continue;
    if (!menu && position == config.bls_place) position += files;
    if (number ? position == *number : is_called(config.entries[i], name)) return i;
    ++position;
  }
  return std::nullopt;
}

std::vector<std::string> default_path(const BootMenu& config) {
  return path_of(std::string_view(config.default_name).substr(0, kMaxDefaultName));
}

std::optional<std::size_t> find_named(const BootMenu& config, std::size_t files) {
  std::optional<std::size_t> found;
  for (const std::string& part : default_path(config)) {
    if (found && !config.entries[*found].submenu) break;
    const auto next = find_in_menu(config, found, part, files);
    if (!next) return found;  // what stands in a submenu is not found without it
    found = next;
  }
  return found;
}

// What is started of a submenu: its menu shows its first entry first. Entries stand behind their submenu, so this ends.
const MenuEntry* entry_in(const BootMenu& config, std::optional<std::size_t> chosen, std::size_t files) {
  while (chosen && config.entries[*chosen].submenu) chosen = find_in_menu(config, chosen, "0", files);
  return chosen ? &config.entries[*chosen] : nullptr;
}

std::size_t size_of_menu(const BootMenu& config) {
  return static_cast<std::size_t>(
      std::ranges::count_if(config.entries, [](const MenuEntry& entry) { return !entry.parent; }));
}

}  // namespace

bool is_recovery(const MenuEntry& entry) {
  const std::string names = to_lower_ascii(concat(entry.title, ' ', entry.id));
  if (names.contains("recovery") || names.contains("rescue")) return true;
  constexpr std::array<std::string_view, 6> kWords{
      "single", "recovery", "rescue", "emergency", "systemd.unit=rescue.target", "systemd.unit=emergency.target"};
  return std::ranges::any_of(split_words(entry.arguments),
                             [&](auto word) { return std::ranges::find(kWords, word) != kWords.end(); });
}

std::optional<std::size_t> started_file(const BootMenu& config, std::size_t files) {
  if (!config.bls_place || files == 0) return std::nullopt;
  const std::string name(trim(default_path(config).front()));
  const auto number = parse_u64(name);
  if (!number && !name.empty()) return std::nullopt;
  std::uint64_t place = number.value_or(0);
  if (place >= size_of_menu(config) + files) place = 0;
  if (place < *config.bls_place || place - *config.bls_place >= files) return std::nullopt;
  return static_cast<std::size_t>(place - *config.bls_place);
}

const MenuEntry* started_entry(const BootMenu& config, std::size_t files) {
  if (started_file(config, files)) return nullptr;
  auto chosen = find_named(config, files);
  const bool begins_with_files = files > 0 && config.bls_place == 0;
  if (!chosen && !config.entries.empty() && !begins_with_files) chosen = 0;
  return entry_in(config, chosen, files);
}

const MenuEntry* default_entry(const BootMenu& config, std::size_t files) {
  const MenuEntry* started = started_entry(config, files);
  if (started != nullptr && !started->kernel.empty()) return started;
  if (config.bls_place && files > 0) return nullptr;
  const MenuEntry* fallback = nullptr;
  for (const MenuEntry& entry : config.entries) {
    if (entry.kernel.empty()) continue;
    if (!is_recovery(entry)) return &entry;
    if (fallback == nullptr) fallback = &entry;
  }
  return fallback;
}

std::vector<const MenuEntry*> usual_entries(const BootMenu& config, std::size_t files) {
  constexpr std::size_t kMaxUsual = 16;
  std::vector<const MenuEntry*> usual{default_entry(config, files)};
  const auto list = config.variables.find("fallback");
  if (list == config.variables.end()) return usual;
  for (const std::string_view place : split_words(list->second)) {
    if (!parse_u64(place) || usual.size() == kMaxUsual) break;
    if (const MenuEntry* entry = entry_in(config, find_in_menu(config, std::nullopt, place, files), files))
      usual.push_back(entry);
  }
  return usual;
}

std::string_view menu_file_name(std::string_view path) {
  const auto name = path.substr(path.find_last_of('/') + 1);
  return name.substr(name.find_last_of(')') + 1);
}

const MenuEntry* entry_for(std::string_view kernel_file_name, const BootMenu& config) {
  const MenuEntry* usual = default_entry(config);
  if (usual == nullptr || menu_file_name(usual->kernel) == kernel_file_name) return usual;
  for (const MenuEntry& entry : config.entries)
    if (!entry.kernel.empty() && menu_file_name(entry.kernel) == kernel_file_name && !is_recovery(entry)) return &entry;
  return usual;
}

}  // namespace vhdboot::entry
