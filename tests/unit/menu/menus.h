// SPDX-License-Identifier: GPL-2.0-or-later
// Menus to look at, and hands that press keys.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/utf.h"
#include "init/menu/frame.h"
#include "init/menu/keys.h"
#include "init/menu/update.h"

namespace vhdboot::menu::test {

inline constexpr Screen kVt{.columns = 80, .rows = 25, .capability = Capability::Vt};

inline Key key(char32_t character) {
  return {.character = character};
}
inline Key key(Key::Kind kind) {
  return {.kind = kind};
}
inline Key ctrl(char32_t letter) {
  return {.kind = Key::Kind::Control, .character = letter};
}

inline std::vector<Item> four_items() {
  return {
      {.id = "debian",
       .title = "Debian GNU/Linux 12 (bookworm)",
       .size = 64ull << 30,
       .where = "Data:/boot/debian.vhd",
       .readiness = Readiness::Ready,
       .details = {"Kind: VHD, fixed"},
       .entries =
           {{.id = "debian12.efi",
             .title = "Debian GNU/Linux 12",
             .release = "6.1.0-50-amd64",
             .options = "root=UUID=0123 quiet splash"},
            {.id = "old.efi", .title = "the one before", .release = "6.1.0-49-amd64", .options = "root=UUID=0123"},
            {.id = "rescue", .title = "rescue", .options = "single"}},
       .can_forget = true},
      {.id = "arch",
       .title = "Arch Linux",
       .size = 32ull << 30,
       .where = "Data:/boot/arch.vhd",
       .readiness = Readiness::Refused,
       .reason = "/boot/arch.vhd on Data is sparse, 2.1 GiB were never written.",
       .cure = "In Windows:  fsutil sparse setflag D:\\boot\\arch.vhd 0\nIn Linux:    vhdtool desparse /boot/arch.vhd"},
      {.id = "trixie",
       .title = "Debian GNU/Linux 13 (trixie)",
       .size = 8ull << 30,
       .where = "Ventoy:/trixie.img",
       .readiness = Readiness::NotLooked},
      {.id = "windows",
       .title = "Windows 11",
       .size = 80ull << 30,
       .where = "Data:/boot/win11.vhd",
       .readiness = Readiness::Foreign},
  };
}

inline std::vector<Item> many_items(std::size_t count) {
  std::vector<Item> items;
  for (std::size_t i = 1; i <= count; ++i) {
    const std::string number = std::to_string(i);
    items.push_back({.id = "id" + number,
                     .title = "System " + number,
                     .size = i << 30,
                     .where = "Data:/" + number + ".vhd",
                     .readiness = Readiness::Ready});
  }
  return items;
}

inline State menu_of(std::vector<Item> items) {
  State state{.version = "vhdboot 0.3.0",
              .volumes = "Data (NTFS), Ventoy (exFAT)",
              .looked_at = {"Data: all folders", "Ventoy: all folders"},
              .not_looked_at = {"nvme0n1p3 (BitLocker)", "sdb (no NTFS or exFAT)"},
              .advice = {"Copy an image file beside vhdboot.efi.", "Then press t."},
              .log = {"Data is /dev/nvme0n1p4", "Ventoy is /dev/sda1"},
              .can_firmware = true,
              .default_item = "debian"};
  return with_items(std::move(state), std::move(items));
}

inline Failure a_failure() {
  return {
      .sentence = "Debian GNU/Linux 12 did not start: its kernel could not be read.",
      .facts = {{"volume", "Data (NTFS, 0123456789ABCDEF)"}, {"file", "/boot/debian.vhd"}, {"entry", "debian12.efi"}},
      .what_to_do = {"Check the file in Windows.", "Then try again."}};
}

/// Presses keys one after the other; what was to be done at the last one.
inline Step press(State state, const std::vector<Key>& keys, const Screen& screen = kVt) {
  Step step{std::move(state), {}};
  for (const Key& one : keys) step = update(std::move(step.state), one, screen);
  return step;
}

inline std::vector<Key> typed(std::string_view text) {
  std::vector<Key> keys;
  for (const char c : text) keys.push_back(key(static_cast<unsigned char>(c)));
  return keys;
}

/// The rows without blanks at their ends.
inline std::string text_of(const Frame& frame) {
  std::string out;
  for (std::size_t row = 0; row < frame.rows; ++row) {
    std::string line;
    for (std::size_t column = 0; column < frame.columns; ++column)
      line += utf::Utf8(frame.cells[row * frame.columns + column].character).view();
    line.erase(line.find_last_not_of(' ') + 1);
    out += line + '\n';
  }
  return out;
}

}  // namespace vhdboot::menu::test
