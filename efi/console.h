// SPDX-License-Identifier: GPL-2.0-or-later
// The firmware's text console. Every function does nothing on a machine that has none.
#pragma once

#include <string_view>

#include "efi/uefi.h"

namespace vhdboot::efi {

class Console {
 public:
  explicit Console(EFI_SYSTEM_TABLE& table) : boot_(*table.BootServices), out_(table.ConOut), in_(table.ConIn) {}

  /// An empty text screen in plain colours, without a cursor, whatever was on the screen before.
  void clear();

  /// UTF-8; '\n' begins a new line, '\r' goes back to the start of this one.
  void print(std::string_view text);

  /// A line of text, broken between words where the screen ends.
  void paragraph(std::string_view text);

  /// Whether Esc or the space bar is among the keys that were pressed so far; takes them all.
  [[nodiscard]] bool asked_for_menu();

  /// Waits until a key is pressed, but no longer than a number of seconds; keys that were pressed before do not count.
  /// Calls `tell(seconds left)` at once and then every second.
  template <class Tell>
  void wait_for_key(unsigned seconds, const Tell& tell) {
    KeyWait wait(*this);
    for (; seconds > 0; --seconds) {
      tell(seconds);
      if (wait.one_second()) return;
    }
    tell(0u);
  }

 private:
  /// The timer and the keyboard's event, for as long as one waits.
  class KeyWait {
   public:
    explicit KeyWait(Console& console);
    KeyWait(const KeyWait&) = delete;
    KeyWait& operator=(const KeyWait&) = delete;
    ~KeyWait();

    /// True as soon as a key was pressed, false after a second.
    [[nodiscard]] bool one_second();

   private:
    Console& console_;
    EFI_EVENT timer_ = nullptr;
  };

  void leave_graphics();
  [[nodiscard]] std::size_t columns() const;
  [[nodiscard]] bool read_key();
  /// Gives every key that was pressed so far to `take`.
  template <class Take>
  void read_keys(const Take& take) {
    // A keyboard that never runs dry is not asked for ever.
    constexpr int kMostKeys = 64;
    EFI_INPUT_KEY key{};
    for (int i = 0; i < kMostKeys && in_ != nullptr && !failed(in_->ReadKeyStroke(in_, &key)); ++i) take(key);
  }

  EFI_BOOT_SERVICES& boot_;
  SIMPLE_TEXT_OUTPUT_INTERFACE* out_;
  SIMPLE_INPUT_INTERFACE* in_;
};

}  // namespace vhdboot::efi
