// SPDX-License-Identifier: GPL-2.0-or-later
// The server's end, with a kernel of the test's own. The device itself: tests/boot/growth_test.py.
#include "init/sys/nbd.h"

#include <sys/socket.h>

#include "init/sys/file.h"
#include "tests/unit/base/error_matchers.h"

namespace vhdboot::sys {
namespace {

using test::Fails;

constexpr std::uint64_t kCookie = 0x1122334455667788;

// struct nbd_request of include/uapi/linux/nbd.h.
std::vector<std::byte> request(std::uint32_t command, std::uint64_t offset, std::uint32_t length,
                               std::uint32_t magic = 0x25609513) {
  std::vector<std::byte> bytes(28);
  EXPECT_TRUE(store_be(bytes, 0, magic) && store_be(bytes, 4, command) && store_be(bytes, 8, kCookie) &&
              store_be(bytes, 16, offset) && store_be(bytes, 24, length));
  return bytes;
}

class NbdServerTest : public testing::Test {
 protected:
  NbdServerTest()
      : sockets_(*NbdSockets::make()), kernel_(std::move(sockets_.kernel)), server_(std::move(sockets_.server)) {}

  std::vector<std::byte> receive(std::size_t size) {
    std::vector<std::byte> bytes(size);
    EXPECT_EQ(::recv(kernel_.get(), bytes.data(), size, MSG_WAITALL), static_cast<ssize_t>(size));
    return bytes;
  }

  NbdSockets sockets_;
  Fd kernel_;
  NbdServer server_;
};

TEST_F(NbdServerTest, AWriteAndItsAnswer) {
  constexpr std::uint32_t kWriteWithFua = 0x10001;
  const auto data = as_bytes("four");
  ASSERT_TRUE(write_all(kernel_, request(kWriteWithFua, 1 << 20, 4)) && write_all(kernel_, data));
  const auto asked = server_.next();
  ASSERT_TRUE(asked);
  EXPECT_EQ(asked->kind, NbdRequest::Kind::Write);
  EXPECT_EQ(asked->offset, 1U << 20);
  EXPECT_EQ(asked->length, 4);
  std::vector<std::byte> got(asked->length);
  ASSERT_TRUE(server_.receive(got));
  EXPECT_EQ(as_text(got), "four");
  ASSERT_TRUE(server_.answer(*asked, EIO));
  const auto reply = receive(16);
  EXPECT_EQ(load_be<std::uint32_t>(reply, 0), 0x67446698U);
  EXPECT_EQ(load_be<std::uint32_t>(reply, 4), static_cast<std::uint32_t>(EIO));
  EXPECT_EQ(load_be<std::uint64_t>(reply, 8), kCookie);
}

TEST_F(NbdServerTest, AReadHasItsBytesBehindTheAnswer) {
  ASSERT_TRUE(write_all(kernel_, request(0, 512, 3)));
  const auto asked = *server_.next();
  EXPECT_EQ(asked.kind, NbdRequest::Kind::Read);
  ASSERT_TRUE(server_.answer(asked, 0, as_bytes("abc")));
  EXPECT_EQ(as_text(Bytes(receive(19)).subspan(16)), "abc");
  ASSERT_TRUE(server_.answer(asked, EINVAL, as_bytes("abc")) && server_.answer(asked, 0));
  EXPECT_EQ(load_be<std::uint32_t>(Bytes(receive(32)).subspan(16), 4), 0U) << "a failed one has none";
}

TEST_F(NbdServerTest, OtherRequests) {
  ASSERT_TRUE(write_all(kernel_, request(2, 0, 0)) && write_all(kernel_, request(3, 0, 0)) &&
              write_all(kernel_, request(4, 0, 0)));
  EXPECT_EQ(server_.next()->kind, NbdRequest::Kind::Disconnect);
  EXPECT_EQ(server_.next()->kind, NbdRequest::Kind::Flush);
  EXPECT_EQ(server_.next()->kind, NbdRequest::Kind::Other);
  ASSERT_TRUE(write_all(kernel_, request(0, 0, 0, 0x12345678)));
  EXPECT_THAT(server_.next(), Fails(Code::Corrupt, "another language"));
}

TEST_F(NbdServerTest, TheKernelGoes) {
  ASSERT_TRUE(write_all(kernel_, Bytes(request(0, 0, 0)).first(10)));
  kernel_ = Fd();
  sockets_ = NbdSockets();
  EXPECT_THAT(server_.next(), Fails(Code::Io, "ended the connection"));
}

}  // namespace
}  // namespace vhdboot::sys
