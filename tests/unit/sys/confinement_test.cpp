// SPDX-License-Identifier: GPL-2.0-or-later
// Of a process that talks to a network. What children for foreign bytes do and must not do: reader_test.cpp.
#include "init/sys/confinement.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <functional>
#include <string>

namespace vhdboot::sys {
namespace {

// How a child ends that has given up its rights and does that: 0, or the number of the signal.
int ended(const std::function<bool()>& work) {
  const pid_t parent = ::getpid();
  const pid_t child = ::fork();
  if (child == 0) {
    if (!keep_network_rights(parent)) ::_exit(100);
    ::_exit(work() ? 0 : 1);
  }
  int status = 0;
  EXPECT_EQ(::waitpid(child, &status, 0), child);
  return WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status);
}

class NetworkRights : public testing::Test {
 protected:
  void SetUp() override {
    if (::geteuid() != 0) GTEST_SKIP() << "only root has something to give up";
    if (!can_filter()) GTEST_SKIP() << "this kernel has no filters";
  }
};

TEST_F(NetworkRights, TheNetworkIsLeft) {
  EXPECT_EQ(ended([] {
              const Fd socket(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
              sockaddr_in own{};
              own.sin_family = AF_INET;
              own.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
              own.sin_port = htons(1);  // of those that are not for everybody
              const bool bound = ::bind(socket.get(), reinterpret_cast<const sockaddr*>(&own), sizeof own) == 0;
              pollfd wait{.fd = socket.get(), .events = POLLIN, .revents = 0};
              return bound && ::poll(&wait, 1, 1) == 0;
            }),
            0);
}

TEST_F(NetworkRights, NothingElse) {
  EXPECT_EQ(ended([] { return ::open("/dev/null", O_RDONLY) >= 0; }), SIGSYS);
  EXPECT_EQ(ended([] { return ::fork() >= 0; }), SIGSYS);
  const pid_t parent = ::getpid();
  EXPECT_EQ(ended([parent] { return ::kill(parent, 0) == 0; }), SIGSYS);
  EXPECT_EQ(ended([] { return ::setuid(0) == 0; }), SIGSYS);
}

// systemd kills others when it leaves its initrd.
TEST_F(NetworkRights, IsReallyRootAndActsAsNobody) {
  int ends[2];
  ASSERT_EQ(::pipe2(ends, O_CLOEXEC), 0);
  const Fd from(ends[0]);
  Fd to(ends[1]);
  const pid_t parent = ::getpid();
  const pid_t child = ::fork();
  if (child == 0) {
    char word = keep_network_rights(parent) ? 'k' : 'n';
    pollfd wait{.fd = -1, .events = 0, .revents = 0};
    for (; ::write(to.get(), &word, 1) == 1; word = 'p') (void)::poll(&wait, 1, 100);
    ::_exit(0);
  }
  to = Fd();
  char word = 0;
  EXPECT_EQ(::read(from.get(), &word, 1), 1);
  EXPECT_EQ(word, 'k');
  struct Ids {
    unsigned real = 1, effective = 0;
  } ids;
  FILE* status = ::fopen(("/proc/" + std::to_string(child) + "/status").c_str(), "r");
  ASSERT_NE(status, nullptr);
  for (char line[256]; ::fgets(line, sizeof line, status) != nullptr;)
    (void)::sscanf(line, "Uid: %u %u", &ids.real, &ids.effective);
  ::fclose(status);
  EXPECT_EQ(ids.real, 0U);
  EXPECT_NE(ids.effective, 0U);
  // As when the machine sleeps.
  ::kill(child, SIGSTOP);
  int state = 0;
  EXPECT_EQ(::waitpid(child, &state, WUNTRACED), child);
  EXPECT_TRUE(WIFSTOPPED(state));
  ::kill(child, SIGCONT);
  for (int i = 0; i < 5; ++i) EXPECT_EQ(::read(from.get(), &word, 1), 1) << "it was killed";
  ::kill(child, SIGKILL);
  ::waitpid(child, nullptr, 0);
}

}  // namespace
}  // namespace vhdboot::sys
