// SPDX-License-Identifier: GPL-2.0-or-later
// Tells when a device appears: the kernel's uevents (netlink, NETLINK_KOBJECT_UEVENT).
#pragma once

#include "base/fd.h"
#include "base/result.h"
#include "init/sys/deadline.h"

namespace vhdboot::sys {

class DeviceMonitor {
 public:
  /// Listens from now on: open it before the first look at the devices, so that none is missed in between.
  [[nodiscard]] static Result<DeviceMonitor> open();

  /// Waits until a block device appears or changes; false when the deadline passes first. Events that came since the
  /// last call count. Lost events (a full socket) count as a change: the caller looks again anyway.
  [[nodiscard]] Result<bool> wait_for_block_device(Deadline deadline) const;

 private:
  explicit DeviceMonitor(Fd socket) : socket_(std::move(socket)) {}
  Fd socket_;
};

}  // namespace vhdboot::sys
