// SPDX-License-Identifier: GPL-2.0-or-later
// What a stage tells a person and a test: the kernel log, the screen, the serial line.
#pragma once

#include <termios.h>

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/error.h"
#include "base/fd.h"
#include "init/sys/deadline.h"

namespace vhdboot::sys {

/// The terminals that the kernel uses as console: "/dev/tty0", "/dev/ttyS0".
[[nodiscard]] std::vector<std::string> console_terminals();

/// What the stages have said to the kernel's log, a line each, the newest last.
[[nodiscard]] std::vector<std::string> lines_of_stages();

/// The voice of one stage. Every line also goes to the kernel's log as "vhdboot[STAGE]: …".
/// A program that a person started has a voice of its own: see the second constructor.
class Reporter {
 public:
  /// A quiet reporter writes to the kernel log alone, so that what shows on the consoles is the guest's own choice.
  enum class Audience { Consoles, KernelLog };

  /// Needs /dev.
  Reporter(std::string stage, Audience audience);
  /// For who reports by himself: warnings go into `warnings`, which must outlive this, lines for a person to standard
  /// error, everything else nowhere.
  explicit Reporter(std::vector<std::string>& warnings);

  /// A line for a person.
  void say(std::string_view line) const;
  /// A stable line that tests wait for: "vhdboot[stage1]: checkpoint=NAME uptime=SECONDS", as the kernel counts them;
  /// to the log and the serial lines only.
  void checkpoint(std::string_view name) const;
  void warn(std::string_view sentence) const;
  /// A line for the kernel's log alone.
  void log(std::string_view line) const;
  /// Reaches the consoles whatever the audience.
  void error(std::string_view sentence) const;

  /// Of the kernel's log; -1 when there is none.
  [[nodiscard]] int descriptor() const { return kernel_log_.get(); }

  /// The consoles as they are, for menus.
  void print(std::string_view text) const;

  struct Key {
    char value = 0;
    std::string terminal;
  };
  /// Prints `prompt`, then takes the next key on any console, without echo; nothing when the deadline passes.
  [[nodiscard]] Key wait_for_key(std::string_view prompt, Deadline deadline) const;

 private:
  void log_at(int level, std::string_view line) const;
  void to_consoles(std::string_view line, bool serial_only) const;

  std::string stage_;
  Audience audience_;
  std::vector<std::string>* warnings_ = nullptr;
  Fd kernel_log_;  // kept open: a keeper outlives the /dev it was started with
};

/// A terminal that hands over each key as it is pressed; put back as it was at the end.
class RawTerminal {
 public:
  explicit RawTerminal(Fd fd);
  RawTerminal(const RawTerminal&) = delete;
  RawTerminal& operator=(const RawTerminal&) = delete;
  RawTerminal(RawTerminal&& other) noexcept
      : fd_(std::move(other.fd_)), before_(other.before_), changed_(std::exchange(other.changed_, false)) {}
  ~RawTerminal();
  [[nodiscard]] int get() const { return fd_.get(); }

 private:
  Fd fd_;
  termios before_{};
  bool changed_ = false;
};

/// The keys that are pressed while something else goes on, on every console: between start() and stop() each comes at
/// once, without an echo. What was pressed before is lost.
class KeyWatch {
 public:
  void start();
  void stop() { terminals_.clear(); }

  /// Whether the menu was asked for, see asks_for_menu(), by what was typed since the last call.
  [[nodiscard]] bool asked_for_menu() const;

 private:
  std::vector<RawTerminal> terminals_;
};

/// Whether Esc, another key that begins with it, or the space bar is among what was typed. A terminal's answer to a
/// question for its size is no key.
[[nodiscard]] bool asks_for_menu(std::string_view typed);

}  // namespace vhdboot::sys
