// SPDX-License-Identifier: GPL-2.0-or-later
#include "init/sys/terminal.h"

#include <fcntl.h>
#include <linux/input-event-codes.h>
#include <linux/kd.h>
#include <linux/keyboard.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <array>
#include <utility>

#include "base/text.h"
#include "init/menu/keys.h"
#include "init/sys/file.h"

namespace vhdboot::sys {
namespace {

// Remembers the cursor, goes as far as it can, asks where it is, goes back.
constexpr std::string_view kAskSize =
    "\x1B"
    "7\x1B[999;999H\x1B[6n\x1B"
    "8";

termios settings(termios now, Terminal::Input input) {
  now.c_oflag |= OPOST | ONLCR;
  if (input == Terminal::Input::Lines) {
    now.c_iflag |= ICRNL;
    now.c_lflag |= ICANON | ECHO | ECHOE;
    now.c_cc[VEOF] = _POSIX_VDISABLE;  // it would end what is read
    return now;
  }
  // Enter is CR then. Flow control stays for slow terminals; any key goes on after Ctrl-S.
  now.c_iflag &= ~static_cast<tcflag_t>(ICRNL | INLCR | IGNCR | ISTRIP);
  now.c_iflag |= IXANY;
  now.c_lflag &= ~static_cast<tcflag_t>(ICANON | ECHO | ISIG | IEXTEN);
  now.c_cc[VMIN] = 1;
  now.c_cc[VTIME] = 0;
  return now;
}

bool is_virtual_terminal(const Fd& fd) {
  char type = 0;
  return ::ioctl(fd.get(), KDGKBTYPE, &type) == 0;
}

// False when the deadline passes.
Result<bool> wait_for(const Fd& fd, short events, Deadline deadline) {
  pollfd wait{.fd = fd.get(), .events = events, .revents = 0};
  const int ready = ::poll(&wait, 1, deadline.poll_timeout());
  if (ready < 0 && errno != EINTR) return fail_errno("waiting for the terminal");
  if (ready > 0 && (wait.revents & (POLLERR | POLLHUP | POLLNVAL)) != 0) return fail(Code::Io, "the terminal is gone");
  return ready > 0;
}

}  // namespace

Result<Terminal> Terminal::open(const std::string& path, Input input) {
  Terminal terminal(TRY(open_file(path, O_RDWR | O_NOCTTY | O_NONBLOCK)), input);
  if (::tcgetattr(terminal.fd_.get(), &terminal.before_) < 0) return fail_errno(concat("asking ", path));
  const termios wanted = settings(terminal.before_, input);
  if (::tcsetattr(terminal.fd_.get(), TCSANOW, &wanted) < 0) return fail_errno(concat("setting up ", path));
  terminal.changed_ = true;
  terminal.virtual_ = is_virtual_terminal(terminal.fd_);
  return terminal;
}

Terminal::Terminal(Terminal&& other) noexcept
    : fd_(std::move(other.fd_)),
      input_(other.input_),
      virtual_(other.virtual_),
      changed_(std::exchange(other.changed_, false)),
      before_(other.before_),
      kept_(std::move(other.kept_)) {}

Terminal::~Terminal() {
  if (changed_) ::tcsetattr(fd_.get(), TCSANOW, &before_);
}

menu::Capability Terminal::capability() const {
  if (input_ == Input::Lines) return menu::Capability::Plain;
  return virtual_ ? menu::Capability::Linux : menu::Capability::Vt;
}

Terminal::Size Terminal::size(Deadline deadline) {
  winsize told{};
  if (::ioctl(fd_.get(), TIOCGWINSZ, &told) == 0 && told.ws_col > 0 && told.ws_row > 0)
    return {.columns = told.ws_col, .rows = told.ws_row, .known = true};
  if (input_ == Input::Lines || !write(kAskSize, deadline)) return {};

  menu::KeyDecoder decoder;
  std::string since_key;  // the bytes after the last whole key
  Size size;
  while (!size.known) {
    const auto wait = wait_for(fd_, POLLIN, deadline);
    if (!wait || (!*wait && deadline.passed(Deadline::Clock::now()))) break;
    char byte = 0;
    if (::read(fd_.get(), &byte, 1) != 1) continue;
    since_key += byte;
    const auto key = decoder.feed(byte);
    if (!key) continue;
    if (key->kind == menu::Key::Kind::CursorReport)
      size = {.columns = key->column, .rows = key->row, .known = true};
    else
      kept_ += since_key;
    since_key.clear();
  }
  kept_ += since_key;
  return size;
}

Result<void> Terminal::write(std::string_view text, Deadline deadline) const {
  while (!text.empty()) {
    const ssize_t put = ::write(fd_.get(), text.data(), text.size());
    if (put > 0) {
      text.remove_prefix(static_cast<std::size_t>(put));
      continue;
    }
    if (put < 0 && errno != EAGAIN && errno != EINTR) return fail_errno("writing to the terminal");
    const bool ready = TRY(wait_for(fd_, POLLOUT, deadline));
    if (!ready && deadline.passed(Deadline::Clock::now()))
      return fail(Code::Timeout, "the terminal takes no more text");
  }
  return {};
}

Result<std::string> Terminal::read(Deadline deadline) {
  if (!kept_.empty()) return std::exchange(kept_, {});
  for (;;) {
    std::array<char, 1024> bytes{};
    const ssize_t got = ::read(fd_.get(), bytes.data(), bytes.size());
    if (got > 0) return std::string(bytes.data(), static_cast<std::size_t>(got));
    if (got == 0) return fail(Code::Io, "the terminal is gone");
    if (errno != EAGAIN && errno != EINTR) return fail_errno("reading from the terminal");
    const bool ready = TRY(wait_for(fd_, POLLIN, deadline));
    if (!ready && deadline.passed(Deadline::Clock::now())) return std::string();
  }
}

Result<void> Terminal::set_font(const char* name) const {
  // The kernel copies a name of at most 31 bytes.
  std::array<char, 32> buffer{};
  std::string_view(name).copy(buffer.data(), buffer.size() - 1);
  console_font_op op{};
  op.op = KD_FONT_OP_SET_DEFAULT;
  op.data = reinterpret_cast<unsigned char*>(buffer.data());
  if (::ioctl(fd_.get(), KDFONTOP, &op) < 0) return fail_errno(concat("taking font ", name));
  return {};
}

void Terminal::set_keys(std::span<const menu::KeyBinding> bindings) const {
  if (!virtual_) return;
  for (const menu::KeyBinding& binding : bindings) {
    kbentry entry{.kb_table = binding.table, .kb_index = binding.key, .kb_value = binding.value};
    (void)::ioctl(fd_.get(), KDSKBENT, &entry);
  }
}

void Terminal::bind_buttons() const {
  constexpr auto kButtons =
      std::to_array<menu::KeyBinding>({{.table = K_NORMTAB, .key = KEY_VOLUMEUP, .value = K_UP},
                                       {.table = K_NORMTAB, .key = KEY_VOLUMEDOWN, .value = K_DOWN},
                                       {.table = K_NORMTAB, .key = KEY_POWER, .value = K_ENTER}});
  set_keys(kButtons);
}

std::optional<Pixels> frame_buffer_size() {
  const std::string text = read_attribute("/sys/class/graphics/fb0/virtual_size");
  const auto numbers = split(text, ',');
  if (numbers.size() != 2) return std::nullopt;
  const auto width = parse_u64(numbers[0]);
  const auto height = parse_u64(numbers[1]);
  if (!width || !height || *width == 0 || *height == 0) return std::nullopt;
  return Pixels{.width = static_cast<std::size_t>(*width), .height = static_cast<std::size_t>(*height)};
}

}  // namespace vhdboot::sys
