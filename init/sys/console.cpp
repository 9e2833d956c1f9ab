// SPDX-License-Identifier: GPL-2.0-or-later
#include "init/sys/console.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/klog.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <ctime>

#include "base/text.h"
#include "init/sys/file.h"

namespace vhdboot::sys {
namespace {

// Priorities of <linux/kern_levels.h>.
constexpr int kLogWarning = 4;
constexpr int kLogNotice = 5;

bool is_serial(std::string_view terminal) {
  const std::string_view name = terminal.substr(terminal.rfind('/') + 1);
  return !name.starts_with("tty") || name.starts_with("ttyS") || name.starts_with("ttyUSB");
}

// How long the kernel runs, in seconds to the millisecond.
std::string uptime() {
  timespec now{};
  ::clock_gettime(CLOCK_BOOTTIME, &now);
  std::string fraction = concat(now.tv_nsec / 1'000'000 + 1000);
  return concat(now.tv_sec, '.', fraction.substr(1));
}

}  // namespace

std::vector<std::string> console_terminals() {
  std::vector<std::string> terminals;
  const std::string active = read_attribute("/sys/class/tty/console/active");
  for (const std::string_view name : split_words(active)) terminals.push_back(concat("/dev/", name));
  if (terminals.empty()) terminals.emplace_back("/dev/console");
  return terminals;
}

std::vector<std::string> lines_of_stages() {
  constexpr int kReadAll = 3;  // SYSLOG_ACTION_READ_ALL, syslog(2)
  constexpr std::size_t kMost = 1 << 20;
  std::string log(kMost, '\0');
  const int size = ::klogctl(kReadAll, log.data(), static_cast<int>(log.size()));
  log.resize(static_cast<std::size_t>(std::max(size, 0)));
  std::vector<std::string> lines;
  for (const std::string_view line : split_lines(log))
    if (const std::size_t voice = line.find("vhdboot["); voice != std::string_view::npos)
      lines.emplace_back(line.substr(voice));
  return lines;
}

Reporter::Reporter(std::string stage, Audience audience)
    : stage_(std::move(stage)), audience_(audience), kernel_log_(open_file("/dev/kmsg", O_WRONLY).value_or(Fd())) {}

Reporter::Reporter(std::vector<std::string>& warnings) : audience_(Audience::KernelLog), warnings_(&warnings) {}

void Reporter::log_at(int level, std::string_view line) const {
  if (warnings_ != nullptr) return;
  (void)write_all(kernel_log_, as_bytes(concat('<', level, ">vhdboot[", stage_, "]: ", line, '\n')));
}

void Reporter::to_consoles(std::string_view line, bool serial_only) const {
  for (const std::string& terminal : console_terminals()) {
    if (serial_only && !is_serial(terminal)) continue;
    const auto fd = open_file(terminal, O_WRONLY | O_NOCTTY | O_NONBLOCK);
    if (fd) (void)write_all(*fd, as_bytes(line));
  }
}

void Reporter::say(std::string_view line) const {
  if (warnings_ != nullptr) {
    ::dprintf(STDERR_FILENO, "%.*s\n", static_cast<int>(line.size()), line.data());
    return;
  }
  log_at(kLogNotice, line);
  if (audience_ == Audience::Consoles) to_consoles(concat(line, "\r\n"), false);
}

void Reporter::log(std::string_view line) const {
  log_at(kLogNotice, line);
}

void Reporter::checkpoint(std::string_view name) const {
  const std::string line = concat("checkpoint=", name, " uptime=", uptime());
  log_at(kLogNotice, line);
  if (audience_ == Audience::Consoles) to_consoles(concat("vhdboot[", stage_, "]: ", line, "\r\n"), true);
}

void Reporter::warn(std::string_view sentence) const {
  if (warnings_ != nullptr) {
    warnings_->emplace_back(sentence);
    return;
  }
  log_at(audience_ == Audience::KernelLog ? kLogWarning : kLogNotice, concat("warning: ", sentence));
  if (audience_ == Audience::Consoles) to_consoles(concat("vhdboot[", stage_, "]: warning: ", sentence, "\r\n"), false);
}

void Reporter::error(std::string_view sentence) const {
  log_at(kLogNotice, concat("error: ", sentence));
  to_consoles(concat("\r\nvhdboot[", stage_, "]: error: ", sentence, "\r\n"), false);
}

void Reporter::print(std::string_view text) const {
  to_consoles(text, false);
}

RawTerminal::RawTerminal(Fd fd) : fd_(std::move(fd)) {
  if (::tcgetattr(fd_.get(), &before_) < 0) return;
  termios raw = before_;
  raw.c_lflag &= ~static_cast<tcflag_t>(ICANON | ECHO);
  raw.c_cc[VMIN] = 1;
  raw.c_cc[VTIME] = 0;
  changed_ = ::tcsetattr(fd_.get(), TCSANOW, &raw) == 0;
}

RawTerminal::~RawTerminal() {
  if (changed_) ::tcsetattr(fd_.get(), TCSANOW, &before_);
}

Reporter::Key Reporter::wait_for_key(std::string_view prompt, Deadline deadline) const {
  const std::vector<std::string> names = console_terminals();
  std::vector<RawTerminal> terminals;
  std::vector<pollfd> waits;
  for (const std::string& name : names) {
    auto fd = open_file(name, O_RDONLY | O_NOCTTY | O_NONBLOCK);
    // A terminal that cannot be read stays in the list, so that indexes match; poll ignores a negative descriptor.
    terminals.emplace_back(fd ? std::move(*fd) : Fd());
    waits.push_back({.fd = terminals.back().get(), .events = POLLIN, .revents = 0});
  }
  // Only now: a key that answers at once must find the terminals ready.
  print(prompt);
  while (!deadline.passed(Deadline::Clock::now())) {
    if (::poll(waits.data(), waits.size(), deadline.poll_timeout()) <= 0) continue;
    for (std::size_t i = 0; i < waits.size(); ++i) {
      char key = 0;
      if ((waits[i].revents & POLLIN) != 0 && ::read(waits[i].fd, &key, 1) == 1) return {key, names[i]};
      if ((waits[i].revents & (POLLERR | POLLHUP | POLLNVAL)) != 0) waits[i].fd = -1;
    }
    // With no terminal left only the time passes.
    if (std::ranges::all_of(waits, [](const pollfd& wait) { return wait.fd < 0; }))
      ::poll(nullptr, 0, deadline.poll_timeout());
  }
  return {};
}

void KeyWatch::start() {
  stop();
  for (const std::string& name : console_terminals())
    if (auto fd = open_file(name, O_RDONLY | O_NOCTTY | O_NONBLOCK)) terminals_.emplace_back(*std::move(fd));
}

bool KeyWatch::asked_for_menu() const {
  bool asked = false;
  for (const RawTerminal& terminal : terminals_) {
    std::array<char, 256> typed;
    const ssize_t count = ::read(terminal.get(), typed.data(), typed.size());
    if (count > 0) asked |= asks_for_menu({typed.data(), static_cast<std::size_t>(count)});
  }
  return asked;
}

bool asks_for_menu(std::string_view typed) {
  while (!typed.empty()) {
    const char c = typed.front();
    typed.remove_prefix(1);
    if (c == ' ') return true;
    if (c != '\x1b') continue;
    // "ESC [ 24 ; 80 R" (ECMA-48, CPR).
    const std::size_t end = typed.starts_with('[') ? typed.find_first_not_of("0123456789;", 1) : 0;
    if (end >= typed.size() || typed[end] != 'R') return true;
    typed.remove_prefix(end + 1);
  }
  return false;
}

}  // namespace vhdboot::sys
