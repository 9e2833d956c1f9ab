// SPDX-License-Identifier: GPL-2.0-or-later
#include "init/sys/messages.h"

#include <poll.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <cstdint>

#include "base/text.h"

namespace vhdboot::sys {
namespace {

constexpr std::size_t kLength = sizeof(std::uint32_t);

// Whether there is anything to do before the deadline.
bool wait_for(int socket, short events, Deadline deadline) {
  pollfd wait{.fd = socket, .events = events, .revents = 0};
  return ::poll(&wait, 1, deadline.poll_timeout()) != 0 && !deadline.passed(Deadline::Clock::now());
}

}  // namespace

Result<void> Messages::send(Bytes message, Deadline deadline) const {
  wire::Writer frame;
  frame.reserve(kLength + message.size());
  frame.put(static_cast<std::uint32_t>(message.size()));
  frame.put(message);
  return send_bytes(std::move(frame).message(), deadline);
}

Result<void> Messages::send_bytes(Bytes rest, Deadline deadline) const {
  while (!rest.empty()) {
    const ssize_t put = ::send(socket_.get(), rest.data(), rest.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    if (put >= 0) {
      rest = rest.subspan(static_cast<std::size_t>(put));
      continue;
    }
    if (errno != EAGAIN && errno != EINTR) return fail(Code::Io, "the other end is closed");
    if (!wait_for(socket_.get(), POLLOUT, deadline)) return fail(Code::Timeout, "the message was not taken");
  }
  return {};
}

Result<wire::Message> Messages::receive(std::size_t most, Deadline deadline) const {
  std::array<std::byte, kLength> length{};
  TRY(receive_bytes(length, deadline));
  const std::uint32_t size = *load_le<std::uint32_t>(length, 0);
  if (size > most) return fail(Code::Corrupt, concat(size, " bytes long"));
  wire::Message message(size);
  TRY(receive_bytes(message, deadline));
  return message;
}

Result<void> Messages::receive_bytes(MutableBytes out, Deadline deadline) const {
  while (!out.empty()) {
    const ssize_t got = ::recv(socket_.get(), out.data(), out.size(), MSG_DONTWAIT);
    if (got > 0) {
      out = out.subspan(static_cast<std::size_t>(got));
      continue;
    }
    if (got == 0 || (errno != EAGAIN && errno != EINTR)) return fail(Code::Io, "the other end is closed");
    if (!wait_for(socket_.get(), POLLIN, deadline)) return fail(Code::Timeout, "no message has come");
  }
  return {};
}

}  // namespace vhdboot::sys
