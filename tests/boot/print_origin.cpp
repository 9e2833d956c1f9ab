// SPDX-License-Identifier: GPL-2.0-or-later
// An init for the tests of the stub: prints what the stub handed over and powers the machine off.
#include <fcntl.h>
#include <sys/reboot.h>
#include <termios.h>
#include <unistd.h>

#include <cstring>

namespace {

void say(const char* text) {
  (void)!write(STDOUT_FILENO, text, std::strlen(text));
}

void print_file(const char* path) {
  say("BEGIN ");
  say(path);
  const int file = open(path, O_RDONLY);
  if (file < 0) {
    say(" MISSING\n");
    return;
  }
  say("\n");
  char buffer[4096];
  for (ssize_t count; (count = read(file, buffer, sizeof buffer)) > 0;)
    (void)!write(STDOUT_FILENO, buffer, static_cast<std::size_t>(count));
  say("END\n");
  close(file);
}

}  // namespace

int main() {
  print_file("/vhdboot/origin");
  print_file("/vhdboot/origin.conf");
  print_file("/embedded");
  say("init is done\n");
  tcdrain(STDOUT_FILENO);
  reboot(RB_POWER_OFF);
  for (;;) pause();
}
