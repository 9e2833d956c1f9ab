// SPDX-License-Identifier: GPL-2.0-or-later
// A terminal that a menu is shown on: a virtual terminal of the kernel or the end of a line.
#pragma once

#include <termios.h>

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/fd.h"
#include "init/menu/keymap.h"
#include "init/menu/screen.h"
#include "init/sys/deadline.h"

namespace vhdboot::sys {

class Terminal {
 public:
  enum class Input : std::uint8_t {
    Keys,   ///< each byte as it comes, without echo
    Lines,  ///< whole lines, that the kernel lets a person edit: for menu::Capability::Plain
  };

  /// "/dev/tty0", "/dev/ttyS0". Its settings are put back when this ends. Never waits.
  [[nodiscard]] static Result<Terminal> open(const std::string& path, Input input);

  Terminal(Terminal&& other) noexcept;
  Terminal& operator=(Terminal&&) = delete;
  ~Terminal();

  /// Linux of a virtual terminal, Plain where lines are read, else Vt.
  [[nodiscard]] menu::Capability capability() const;

  struct Size {
    std::size_t columns = 80;
    std::size_t rows = 24;
    bool known = false;  ///< false: neither the kernel nor the terminal has said it
  };
  /// As the kernel knows it; else, where keys are read, as the terminal answers until `deadline`, for which 200 ms are
  /// enough. Keys that come meanwhile are kept for read().
  [[nodiscard]] Size size(Deadline deadline);

  /// All of `text`. Timeout when the terminal does not take it: a slow line needs 1 ms for each byte.
  [[nodiscard]] Result<void> write(std::string_view text, Deadline deadline) const;

  /// What has come, at least a byte; empty when nothing has until the deadline. Io when the terminal is gone.
  [[nodiscard]] Result<std::string> read(Deadline deadline);

  /// For poll(2), to wait for several terminals at once. Not when size() may have kept keys: see has_kept().
  [[nodiscard]] int descriptor() const { return fd_.get(); }
  [[nodiscard]] bool has_kept() const { return !kept_.empty(); }

  /// Takes a font that is built into the kernel, see menu::font_for(). Fails when it has none of that name, and on what
  /// is no virtual terminal with a frame buffer; then all is as it was. size() is another one afterwards.
  [[nodiscard]] Result<void> set_font(const char* name) const;

  /// On a virtual terminal, for all of them and until the next kernel: the keyboard has these keys.
  void set_keys(std::span<const menu::KeyBinding> bindings) const;

  /// On a virtual terminal, until the next kernel: the buttons of a tablet choose. Louder and quieter are Up and Down,
  /// the power button is Enter.
  void bind_buttons() const;

 private:
  Terminal(Fd fd, Input input) : fd_(std::move(fd)), input_(input) {}

  Fd fd_;
  Input input_;
  bool virtual_ = false;
  bool changed_ = false;
  termios before_{};
  std::string kept_;
};

struct Pixels {
  std::size_t width = 0;
  std::size_t height = 0;
};
/// Of the first frame buffer; nothing when there is none.
[[nodiscard]] std::optional<Pixels> frame_buffer_size();

}  // namespace vhdboot::sys
