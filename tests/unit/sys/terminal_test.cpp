// SPDX-License-Identifier: GPL-2.0-or-later
#include "init/sys/terminal.h"

#include <fcntl.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include <cstdlib>
#include <future>

#include <gmock/gmock.h>

#include "base/text.h"
#include "tests/unit/base/error_matchers.h"

namespace vhdboot::sys {
namespace {

using namespace std::chrono_literals;
using test::Fails;

constexpr std::string_view kQuestion = "\0337\033[999;999H\033[6n\0338";

// The other end of a terminal: where a person would sit.
class Person {
 public:
  Person() : fd_(::posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC)) {
    EXPECT_EQ(::grantpt(fd_.get()), 0);
    EXPECT_EQ(::unlockpt(fd_.get()), 0);
  }
  [[nodiscard]] std::string path() const { return ::ptsname(fd_.get()); }
  void type(std::string_view text) const {
    EXPECT_EQ(::write(fd_.get(), text.data(), text.size()), static_cast<ssize_t>(text.size()));
  }
  [[nodiscard]] std::string see(std::size_t length) const {
    std::string text(length, '\0');
    std::size_t seen = 0;
    while (seen < length) {
      const ssize_t got = ::read(fd_.get(), text.data() + seen, length - seen);
      if (got <= 0) break;
      seen += static_cast<std::size_t>(got);
    }
    text.resize(seen);
    return text;
  }
  void has_size(unsigned short columns, unsigned short rows) const {
    const winsize size{.ws_row = rows, .ws_col = columns, .ws_xpixel = 0, .ws_ypixel = 0};
    EXPECT_EQ(::ioctl(fd_.get(), TIOCSWINSZ, &size), 0);
  }
  [[nodiscard]] termios settings() const {
    termios now{};
    EXPECT_EQ(::tcgetattr(fd_.get(), &now), 0);
    return now;
  }
  void leave() { fd_ = Fd(); }

 private:
  Fd fd_;
};

Terminal open(const Person& person, Terminal::Input input = Terminal::Input::Keys) {
  auto terminal = Terminal::open(person.path(), input);
  EXPECT_TRUE(terminal) << terminal.error().message();
  return std::move(*terminal);
}

TEST(Terminal, HandsOverKeysAsTheyAre) {
  const Person person;
  Terminal terminal = open(person);
  EXPECT_EQ(terminal.capability(), menu::Capability::Vt);
  person.type("a\r\003\033[A");
  std::string keys;
  while (keys.size() < 6) {
    const auto some = terminal.read(Deadline::in(10s));
    ASSERT_TRUE(some) << some.error().message();
    ASSERT_NE(*some, "");
    keys += *some;
  }
  EXPECT_EQ(keys, "a\r\003\033[A");
  EXPECT_EQ(*terminal.read(Deadline::in(0s)), "") << "nothing else has come, and nothing is echoed";
  ASSERT_TRUE(terminal.write("\nx", Deadline::in(10s)));
  EXPECT_EQ(person.see(3), "\r\nx");
}

TEST(Terminal, HandsOverLines) {
  const Person person;
  Terminal terminal = open(person, Terminal::Input::Lines);
  EXPECT_EQ(terminal.capability(), menu::Capability::Plain);
  person.type("ix");
  EXPECT_EQ(*terminal.read(Deadline::in(0s)), "");
  person.type("\177 2\r");
  EXPECT_EQ(*terminal.read(Deadline::in(10s)), "i 2\n");
}

TEST(Terminal, IsPutBackAsItWas) {
  const Person person;
  const tcflag_t before = person.settings().c_lflag;
  {
    Terminal first = open(person);
    const Terminal second = std::move(first);
    EXPECT_EQ(person.settings().c_lflag & static_cast<tcflag_t>(ICANON | ECHO | ISIG), 0u);
  }
  EXPECT_EQ(person.settings().c_lflag, before);
}

TEST(Terminal, KnowsItsSize) {
  const Person person;
  person.has_size(132, 43);
  const auto size = open(person).size(Deadline::in(0s));
  EXPECT_TRUE(size.known);
  EXPECT_EQ(size.columns, 132u);
  EXPECT_EQ(size.rows, 43u);
}

TEST(Terminal, AsksForItsSizeAndKeepsTheKeysThatCameMeanwhile) {
  const Person person;
  Terminal terminal = open(person);
  auto asked = std::async(std::launch::async, [&] { return terminal.size(Deadline::in(10s)); });
  EXPECT_EQ(person.see(kQuestion.size()), kQuestion);
  person.type("q\033[A\033[50;100Re");
  const auto size = asked.get();
  EXPECT_TRUE(size.known);
  EXPECT_EQ(size.columns, 100u);
  EXPECT_EQ(size.rows, 50u);
  EXPECT_TRUE(terminal.has_kept());
  EXPECT_EQ(*terminal.read(Deadline::in(10s)), "q\033[A");
  EXPECT_EQ(*terminal.read(Deadline::in(10s)), "e");
}

TEST(Terminal, WithoutAnAnswerItIsTheUsualSize) {
  const Person person;
  Terminal terminal = open(person);
  person.type("\033");
  const auto size = terminal.size(Deadline::in(50ms));
  EXPECT_FALSE(size.known);
  EXPECT_EQ(size.columns, 80u);
  EXPECT_EQ(size.rows, 24u);
  EXPECT_EQ(*terminal.read(Deadline::in(0s)), "\033");
}

TEST(Terminal, OneThatTakesNothingIsLeft) {
  const Person person;
  const Terminal terminal = open(person);
  EXPECT_THAT(terminal.write(std::string(1 << 20, 'x'), Deadline::in(50ms)), Fails(Code::Timeout, "takes no more"));
}

TEST(Terminal, OneThatIsGoneSaysSo) {
  Person person;
  Terminal terminal = open(person);
  person.leave();
  EXPECT_THAT(terminal.read(Deadline::in(10s)), Fails(Code::Io, ""));
}

TEST(Terminal, ALineHasNoFont) {
  const Person person;
  EXPECT_FALSE(open(person).set_font("TER16x32"));
}

TEST(Terminal, WhatIsNoneIsRefused) {
  EXPECT_FALSE(Terminal::open("/dev/null", Terminal::Input::Keys));
  EXPECT_FALSE(Terminal::open("/dev/there/is/none", Terminal::Input::Keys));
}

}  // namespace
}  // namespace vhdboot::sys
