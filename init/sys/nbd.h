// SPDX-License-Identifier: GPL-2.0-or-later
// A block device that another process serves over a socket, here on the same machine (kernel: drivers/block/nbd.c and
// include/uapi/linux/nbd.h, nbd-netlink.h). The kernel waits for a server that is stopped or gone, for as long as it
// takes, until another one takes over.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "base/bytes.h"
#include "base/fd.h"
#include "base/result.h"

namespace vhdboot::sys {

/// Both ends of a connection between the kernel and a server. The kernel's may be closed here once it has it.
struct NbdSockets {
  Fd kernel;
  Fd server;

  [[nodiscard]] static Result<NbdSockets> make();
};

/// The device; disconnected when the object ends.
class NbdDevice {
 public:
  /// Of `size` bytes, in logical blocks of 512 bytes. The server must be there already: the kernel looks for
  /// partitions. Unless it `flushes` when it is asked to, what it has answered is on stable storage. Needs /sys and the
  /// kernel's module nbd.
  [[nodiscard]] static Result<NbdDevice> connect(const Fd& kernel, std::uint64_t size, bool flushes = false);
  NbdDevice(NbdDevice&& other) noexcept
      : netlink_(std::move(other.netlink_)),
        family_(other.family_),
        number_(std::exchange(other.number_, std::nullopt)),
        numbers_(std::move(other.numbers_)),
        send_again_(other.send_again_),
        io_timeout_(std::move(other.io_timeout_)),
        max_sectors_(std::move(other.max_sectors_)) {}
  NbdDevice& operator=(NbdDevice&&) = delete;
  ~NbdDevice();

  [[nodiscard]] std::string name() const;                                ///< "nbd0"
  [[nodiscard]] const std::string& numbers() const { return numbers_; }  ///< "43:0"

  /// Another server takes over, for what was not answered, too. Needs no /sys.
  [[nodiscard]] Result<void> reconnect(const Fd& kernel) const;

  [[nodiscard]] Result<void> disconnect();

 private:
  NbdDevice(Fd netlink, std::uint16_t family, std::uint32_t number)
      : netlink_(std::move(netlink)), family_(family), number_(number) {}

  [[nodiscard]] Result<void> open_settings();
  void set_limits() const;

  Fd netlink_;
  std::uint16_t family_;
  std::optional<std::uint32_t> number_;
  std::string numbers_;
  std::string_view send_again_;
  Fd io_timeout_;
  Fd max_sectors_;
};

/// What the kernel asks of a server.
struct NbdRequest {
  enum class Kind : std::uint8_t { Read, Write, Flush, Disconnect, Other };
  Kind kind = Kind::Other;
  std::uint64_t cookie = 0;  ///< comes back with the answer
  std::uint64_t offset = 0;  ///< bytes
  std::uint32_t length = 0;  ///< bytes; a write has as many behind it
};

/// The server's end. Errors mean that nobody is there any more, or that what comes makes no sense.
class NbdServer {
 public:
  explicit NbdServer(Fd socket) : socket_(std::move(socket)) {}

  /// For poll(2).
  [[nodiscard]] int descriptor() const { return socket_.get(); }
  [[nodiscard]] Result<NbdRequest> next() const;
  /// Fills `data` with what a write has.
  [[nodiscard]] Result<void> receive(MutableBytes data) const;
  /// `errno_value` 0: it is done; of a read `data` has what was asked for.
  [[nodiscard]] Result<void> answer(const NbdRequest& request, int errno_value, Bytes data = {}) const;

 private:
  Fd socket_;
};

}  // namespace vhdboot::sys
