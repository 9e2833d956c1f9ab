// SPDX-License-Identifier: GPL-2.0-or-later
#include "init/stage/rescue.h"

#include "base/text.h"
#include "init/sys/file.h"
#include "init/sys/power.h"
#include "init/sys/process.h"

namespace vhdboot::stage {
namespace {

using namespace std::chrono_literals;

constexpr auto kUntilRestart = 30s;
constexpr char kShell[] = "/bin/sh";

std::string keys(bool menu, bool shell, bool restarting) {
  return concat("\r\n  [t] try again   ", menu ? "[c] choose another image   " : "", shell ? "[s] shell   " : "",
                "[r] restart   [p] power off\r\n", restarting ? "  restarting in 30 seconds\r\n" : "");
}

}  // namespace

void offer_shell(const std::string& terminal, std::string_view written, const sys::Reporter& report) {
  report.print(concat("\r\nA shell. ", written, " `inspect` shows the disks; `exit` comes back here.\r\n"));
  const auto status = sys::run_on_terminal({kShell, "-i"}, terminal);
  if (!status) report.error(status.error().message());
}

void tell_person(const Error& error, std::string_view written, record::RescueChoice choice,
                 const sys::Reporter& report) {
  report.error(error.message());
  if (written != kNothingWritten) report.print(concat(written, "\r\n"));
  if (choice == record::RescueChoice::Shell && sys::exists(kShell))
    offer_shell(sys::console_terminals().back(), written, report);
}

Wish ask_person(const Error& error, std::string_view written, record::RescueChoice choice, bool has_menu,
                const sys::Reporter& report) {
  tell_person(error, written, choice, report);
  const bool shell = sys::exists(kShell);
  for (;;) {
    const bool restarting = choice == record::RescueChoice::Reboot;
    const auto deadline = restarting ? sys::Deadline::in(kUntilRestart) : sys::Deadline::in(24h);
    const auto key = report.wait_for_key(keys(has_menu, shell, restarting), deadline);
    if (key.value == 't') return Wish::TryAgain;
    if (key.value == 'c' && has_menu) return Wish::Menu;
    if (key.value == 's' && shell) {
      choice = record::RescueChoice::Menu;
      offer_shell(key.terminal, written, report);
    } else if (key.value == 'p') {
      report.error(sys::power_off().message());
    } else if (key.value == 'r' || (key.value == 0 && restarting)) {
      report.error(sys::reboot().message());
    }
  }
}

}  // namespace vhdboot::stage
