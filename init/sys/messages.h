// SPDX-License-Identifier: GPL-2.0-or-later
// Messages between two processes of one boot, over a stream socket: each behind its length in 32 bits.
#pragma once

#include <cstddef>

#include "base/bytes.h"
#include "base/fd.h"
#include "base/result.h"
#include "base/wire.h"
#include "init/sys/deadline.h"

namespace vhdboot::sys {

/// One end. After an error other than a Timeout of receive() before anything has come it is of no use any more.
class Messages {
 public:
  Messages() = default;
  explicit Messages(Fd socket) : socket_(std::move(socket)) {}

  /// Timeout when the other end does not take it, Io when there is none any more.
  [[nodiscard]] Result<void> send(Bytes message, Deadline deadline) const;
  /// The next message. Timeout when it has not come, Io when the other end is closed, Corrupt when it has more than
  /// `most` bytes.
  [[nodiscard]] Result<wire::Message> receive(std::size_t most, Deadline deadline) const;

  /// Bytes that a message has announced: they are not copied. Errors as above.
  [[nodiscard]] Result<void> send_bytes(Bytes rest, Deadline deadline) const;
  [[nodiscard]] Result<void> receive_bytes(MutableBytes out, Deadline deadline) const;

  /// For poll(2).
  [[nodiscard]] int descriptor() const { return socket_.get(); }

 private:
  Fd socket_;
};

}  // namespace vhdboot::sys
