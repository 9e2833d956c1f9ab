// SPDX-License-Identifier: GPL-2.0-or-later
#include "init/sys/process.h"

#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <new>

#include <gmock/gmock.h>

#include "base/text.h"
#include "init/sys/file.h"
#include "tests/unit/base/error_matchers.h"

namespace vhdboot::sys {
namespace {

using namespace std::chrono_literals;
using test::Fails;
using Answer = Result<std::string>;

TEST(TerminalType, OfScreensAndLines) {
  for (const char* screen : {"/dev/tty0", "/dev/tty1", "/dev/tty12", "/dev/tty", "/dev/console"})
    EXPECT_STREQ(terminal_type(screen), "linux") << screen;
  for (const char* line : {"/dev/ttyS0", "/dev/ttyUSB0", "/dev/ttyAMA0", "/dev/hvc0"})
    EXPECT_STREQ(terminal_type(line), "vt220") << line;
}

std::string children() {
  return read_attribute(concat("/proc/self/task/", ::getpid(), "/children"));
}

Answer ask(const std::function<Answer()>& work) {
  const std::string before = children();
  auto answer = ask_apart("the child", work, Deadline::in(60s));
  EXPECT_EQ(children(), before) << "a child is left";
  return answer;
}

TEST(AskApart, AnswersComeThroughAsTheyAre) {
  for (const std::string& text :
       {std::string(), std::string("x"), std::string("a\0b\xFF\n", 5), std::string(kMostAnswer, 'z')})
    EXPECT_EQ(ask([&]() -> Answer { return text; }), text);
}

TEST(AskApart, ErrorsToo) {
  const auto failed = ask([]() -> Answer { return fail_errno("opening /dev/sdx", ENOMEDIUM); });
  ASSERT_FALSE(failed);
  EXPECT_EQ(failed.error().message(), sys_error("opening /dev/sdx", ENOMEDIUM).message());
  EXPECT_EQ(failed.error().sys_errno, ENOMEDIUM);
  for (const Code code : {Code::NotFound, Code::Corrupt, Code::Timeout, Code::NoMemory})
    EXPECT_THAT(ask([&]() -> Answer { return fail(code, "so it is"); }), Fails(code, "so it is"));
}

TEST(AskApart, WhatIsFitForNoTerminalIsMadeSo) {
  const auto failed = ask([]() -> Answer { return fail(Code::Io, "\x1B[2Jgone"); });
  ASSERT_FALSE(failed);
  EXPECT_EQ(failed.error().text.find('\x1B'), std::string::npos);
}

TEST(AskApart, AChildThatBreaks) {
  EXPECT_THAT(ask([]() -> Answer { ::_exit(0); }), Fails(Code::Io, "the child ended without an answer"));
  EXPECT_THAT(ask([]() -> Answer { ::_exit(3); }), Fails(Code::Io, "status 3"));
  EXPECT_THAT(ask([]() -> Answer { throw std::bad_alloc(); }), Fails(Code::Io, "status 1"));
  EXPECT_THAT(ask([]() -> Answer {
                ::raise(SIGKILL);
                return "";
              }),
              Fails(Code::Io, "status 137"));
}

TEST(AskProgram, OneThatGivesNoAnswerOrCannotBeStarted) {
  EXPECT_THAT(ask_program("the child", {"/bin/true"}, Deadline::in(60s)),
              Fails(Code::Io, "the child ended without an answer (status 0)"));
  EXPECT_THAT(ask_program("the child", {"/bin/echo", "so it is"}, Deadline::in(60s)),
              Fails(Code::Io, "ended without an answer"));
  EXPECT_THAT(ask_program("the child", {"/nonexistent/reader"}, Deadline::in(60s)),
              Fails(Code::NotFound, "starting /nonexistent/reader"));
}

TEST(AskApart, AChildThatHangsIsLeft) {
  const auto started = Deadline::Clock::now();
  const auto late = ask_apart(
      "the child",
      []() -> Answer {
        for (;;) ::pause();
      },
      Deadline::in(50ms));
  EXPECT_THAT(late, Fails(Code::Timeout, "the child did not end in time"));
  EXPECT_LT(Deadline::Clock::now() - started, 30s);
  int status = 0;
  while (::waitpid(-1, &status, 0) < 0 && errno == EINTR) continue;
  EXPECT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
}

TEST(AskApart, AnAnswerIsNoLongerThanItMayBe) {
  const auto answer = ask([]() -> Answer { return std::string(kMostAnswer + 1, 'x'); });
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->size(), kMostAnswer);
}

}  // namespace
}  // namespace vhdboot::sys
