// SPDX-License-Identifier: GPL-2.0-or-later
#include "init/guest/persist_units.h"

#include <algorithm>
#include <span>
#include <utility>

#include "base/text.h"

namespace vhdboot::guest {
namespace {

struct Value {
  std::string_view key;
  std::string text;
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
  enum : std::size_t { Mount, Path, Mounts, Above };
  const std::string fsck = record::mount_unit_name(device);
  std::vector<Value> values{
      {"@MOUNT@", {}},    {"@PATH@", {}},       {"@MOUNTS@", {}},     {"@ABOVE@", {}},
      {"@PATHS@", paths}, {"@DEVICE@", device}, {"@NOTICE@", notice}, {"@FSCK@", fsck.substr(0, fsck.rfind('.'))}};
  const auto words = split_words(paths);
  for (const std::string_view path : words) {
    values[Mounts].text += concat(record::mount_unit_name(path), ' ');
    values[Above].text += concat(path.substr(0, std::max<std::size_t>(1, path.rfind('/'))), ' ');
  }
  std::vector<GuestFile> files;
  while (text.find(kBegin) != std::string_view::npos) {
    text.remove_prefix(text.find(kBegin) + kBegin.size());
    const auto end = text.find('\n');
    const std::string_view name = text.substr(0, end);
    text.remove_prefix(std::min(text.size(), name.size() + 1));
    const std::string_view content = text.substr(0, text.find(kBegin));
    const auto add = [&] { files.push_back({.name = filled(name, values), .text = filled(content, values)}); };
    if (!name.ends_with(values[Mount].key)) {
      add();
      continue;
    }
    for (const std::string_view path : words) {
      values[Mount].text = record::mount_unit_name(path);
      values[Path].text = path;
      add();
    }
  }
  return files;
}

}  // namespace vhdboot::guest
