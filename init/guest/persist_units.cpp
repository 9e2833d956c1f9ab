// SPDX-License-Identifier: GPL-2.0-or-later
#include "init/guest/persist_units.h"

#include <algorithm>
#include <array>
#include <span>

#include "base/text.h"

namespace vhdboot::guest {
namespace {

struct Value {
  std::string_view key;
  std::string_view text;
};

// What a value holds is not looked at again.
std::string filled(std::string_view text, std::span<const Value> values) {
  std::string out;
  for (;;) {
    const auto at = text.find('@');
    out += text.substr(0, at);
    if (at == std::string_view::npos) return out;
    text.remove_prefix(at);
    const auto value = std::ranges::find_if(values, [&](const Value& one) { return text.starts_with(one.key); });
    out += value == values.end() ? text.substr(0, 1) : value->text;
    text.remove_prefix(value == values.end() ? 1 : value->key.size());
  }
}

}  // namespace

std::vector<GuestFile> persist_units(std::string_view text, const std::string& device, const std::string& paths,
                                     const std::string& notice) {
  constexpr std::string_view kBegin = "=== ";
  std::string unit = record::mount_unit_name(device);
  unit.resize(unit.rfind('.'));
  std::string mounts;
  std::string above;
  const auto words = split_words(paths);
  for (const std::string_view path : words) {
    mounts += concat(record::mount_unit_name(path), ' ');
    above += concat(path.substr(0, std::max<std::size_t>(1, path.rfind('/'))), ' ');
  }
  std::vector<GuestFile> files;
  while (text.find(kBegin) != std::string_view::npos) {
    text.remove_prefix(text.find(kBegin) + kBegin.size());
    const std::string_view name = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(text.size(), name.size() + 1));
    const std::string_view content = text.substr(0, text.find(kBegin));
    const bool is_of_each = name.ends_with("@MOUNT@");
    for (const std::string_view path : words) {
      const std::string mount = record::mount_unit_name(path);
      const std::array<Value, 8> values{{{"@MOUNT@", mount},
                                         {"@PATH@", path},
                                         {"@MOUNTS@", mounts},
                                         {"@ABOVE@", above},
                                         {"@PATHS@", paths},
                                         {"@DEVICE@", device},
                                         {"@NOTICE@", notice},
                                         {"@DEVICE_UNIT@", unit}}};
      files.push_back({.name = filled(name, values), .text = filled(content, values)});
      if (!is_of_each) break;
    }
  }
  return files;
}

}  // namespace vhdboot::guest
