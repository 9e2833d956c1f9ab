// SPDX-License-Identifier: GPL-2.0-or-later
// Keyboard layouts: fs-skeleton/keymaps, whose head tells its format, as entries of the kernel's key maps.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace vhdboot::menu {

/// What a key gives with some modifiers: struct kbentry of <linux/kd.h>.
struct KeyBinding {
  std::uint8_t table = 0;   ///< which modifiers are held
  std::uint8_t key = 0;     ///< its code
  std::uint16_t value = 0;  ///< as KDSKBENT takes it, on a keyboard in Unicode mode

  friend bool operator==(const KeyBinding&, const KeyBinding&) = default;
};

/// The file has less than that.
inline constexpr std::size_t kMaxKeymapsBytes = 64 * 1024;

/// The layout that is meant by `name`, as X or the console's own maps call it: "de", "de-latin1-nodeadkeys", "uk",
/// "ch,us", "ch(fr)". Empty when `layouts`, the text of the file, has none.
[[nodiscard]] std::string layout_called(std::string_view layouts, std::string_view name);

/// All that makes the keyboard one of the layout `name`, whichever it had before. NotFound, with those that there are,
/// when `layouts` has none of that name; Corrupt for what is not in the format of the file.
[[nodiscard]] Result<std::vector<KeyBinding>> key_bindings(std::string_view layouts, std::string_view name);

}  // namespace vhdboot::menu
