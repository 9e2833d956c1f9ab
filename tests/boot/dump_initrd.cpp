// SPDX-License-Identifier: GPL-2.0-or-later
// An init for extra_test.py: writes to the second serial port what this kernel was given, and powers the machine off.
// Behind a line "BEGIN DUMP" each part is a line "NAME SIZE", then SIZE bytes: the command line; the initrd, which
// retain_initrd keeps; and a line for each file below /.extra: mode, size, time, FNV-1a of the contents, path.
#include <fcntl.h>
#include <ftw.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>

#include <cstdint>
#include <cstdio>
#include <string>

namespace {

std::string list;

void write_all(int out, const char* data, std::size_t size) {
  while (size > 0) {
    const ssize_t count = write(out, data, size);
    if (count <= 0) return;
    data += count;
    size -= static_cast<std::size_t>(count);
  }
}

std::string read_all(const char* path) {
  std::string text;
  const int file = open(path, O_RDONLY);
  if (file < 0) return text;
  static char buffer[65536];
  for (ssize_t count; (count = read(file, buffer, sizeof buffer)) > 0;)
    text.append(buffer, static_cast<std::size_t>(count));
  close(file);
  return text;
}

int note(const char* path, const struct stat* status, int, FTW*) {
  std::uint64_t hash = 0xcbf29ce484222325;
  if (S_ISREG(status->st_mode))
    for (const char c : read_all(path)) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3;
  char line[512];
  std::snprintf(line, sizeof line, "%o %lld %lld %016llx %s\n", status->st_mode,
                S_ISREG(status->st_mode) ? static_cast<long long>(status->st_size) : 0,
                static_cast<long long>(status->st_mtime), static_cast<unsigned long long>(hash), path);
  list += line;
  return 0;
}

void put(int out, const char* name, const std::string& data) {
  const std::string head = std::string(name) + ' ' + std::to_string(data.size()) + '\n';
  write_all(out, head.data(), head.size());
  write_all(out, data.data(), data.size());
}

}  // namespace

int main() {
  for (const char* folder : {"/proc", "/sys", "/dev"}) mkdir(folder, 0755);
  mount("proc", "/proc", "proc", 0, nullptr);
  mount("sysfs", "/sys", "sysfs", 0, nullptr);
  mount("devtmpfs", "/dev", "devtmpfs", 0, nullptr);
  const int out = open("/dev/ttyS1", O_RDWR | O_NOCTTY);
  termios settings{};
  tcgetattr(out, &settings);
  cfmakeraw(&settings);
  cfsetspeed(&settings, B115200);
  tcsetattr(out, TCSANOW, &settings);
  nftw("/.extra", note, 8, FTW_PHYS);
  // The firmware has used this port as a console of its own.
  write_all(out, "\nBEGIN DUMP\n", 12);
  put(out, "cmdline", read_all("/proc/cmdline"));
  put(out, "initrd", read_all("/sys/firmware/initrd"));
  put(out, "list", list);
  tcdrain(out);
  write_all(STDOUT_FILENO, "init is done\n", 13);
  tcdrain(STDOUT_FILENO);
  reboot(RB_POWER_OFF);
  for (;;) pause();
}
