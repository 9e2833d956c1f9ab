// SPDX-License-Identifier: GPL-2.0-or-later
#include "init/guest/keyboard.h"

#include <string_view>

#include "base/text.h"
#include "entry/folders.h"
#include "entry/uki.h"

namespace vhdboot::guest {

namespace {

constexpr std::uint64_t kMaxFile = 64 * 1024;
constexpr std::size_t kMaxName = 64;

// Of several, which a person may switch between, the first one.
std::string first(const std::string& list) {
  return std::string(trim(std::string_view(list).substr(0, list.find(','))));
}

std::string layout_of(const disk::GuestTree& root) {
  if (const auto text = root.read_text("/etc/default/keyboard", kMaxFile)) {
    const std::string layout = first(entry::osrel_value(*text, "XKBLAYOUT").value_or(""));
    const std::string variant = first(entry::osrel_value(*text, "XKBVARIANT").value_or(""));
    if (!layout.empty()) return variant.empty() ? layout : concat(layout, '(', variant, ')');
  }
  const auto text = root.read_text("/etc/vconsole.conf", kMaxFile);
  return text ? entry::osrel_value(*text, "KEYMAP").value_or("") : "";
}

}  // namespace

std::string keyboard_layout(disk::GuestDisk& disk) {
  for (const disk::GuestTree& root : entry::root_trees(disk))
    if (std::string layout = layout_of(root); !layout.empty()) return layout.substr(0, kMaxName);
  return "";
}

}  // namespace vhdboot::guest
