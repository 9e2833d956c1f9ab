// SPDX-License-Identifier: GPL-2.0-or-later
// The block devices of a machine, as they come and go: what the stages know of disks and of time. A test has a machine
// of its own behind this.
#pragma once

#include <memory>
#include <vector>

#include "base/byte_source.h"
#include "base/fd.h"
#include "base/result.h"
#include "init/sys/block.h"
#include "init/sys/content.h"
#include "init/sys/deadline.h"
#include "init/sys/hardware.h"
#include "init/sys/reader.h"

namespace vhdboot::sys {

class Devices {
 public:
  using Clock = Deadline::Clock;

  Devices() = default;
  Devices(const Devices&) = delete;
  Devices& operator=(const Devices&) = delete;
  virtual ~Devices() = default;

  /// See block_devices().
  [[nodiscard]] virtual std::vector<BlockDevice> list() const = 0;
  /// The volume on it, for reading: see volume::HostVolume::open(). The error of a device that is not ready yet has an
  /// errno, see is_not_ready().
  [[nodiscard]] virtual Result<OpenedVolume> open_volume(const BlockDevice& device) const = 0;
  /// See sys::partition_type().
  [[nodiscard]] virtual Result<std::string> partition_type(const BlockDevice& device) const = 0;
  /// See identify().
  [[nodiscard]] virtual Result<Content> content(const BlockDevice& device) const = 0;
  /// See hardware_of().
  [[nodiscard]] virtual Hardware hardware(const BlockDevice& device) const = 0;

  /// Waits until a block device appears, changes or goes; false when the deadline passes first. Events that came since
  /// the last call count, and events that were lost too: the caller looks again anyway.
  [[nodiscard]] virtual Result<bool> wait(Deadline deadline) = 0;

  [[nodiscard]] virtual Clock::time_point now() const = 0;
  [[nodiscard]] Deadline in(std::chrono::milliseconds time) const { return Deadline::after(now(), time); }
};

/// Whether the error says that a device has nothing to read yet, and not that reading fails: no node, no medium. An
/// event will tell when that changes.
[[nodiscard]] bool is_not_ready(const Error& error);

/// The children by which disks are read, so that this process parses nothing of what lies on them.
struct DiskReaders {
  ReaderChild volumes;
  Prober contents;
};
/// Those of readers_here() (reader_process.h) are copies of this process. The program vhdboot-reader at `path`.
[[nodiscard]] DiskReaders reader_programs(const std::string& path);

/// The devices of this machine.
class MachineDevices final : public Devices {
 public:
  /// Listens to the kernel's uevents (netlink, NETLINK_KOBJECT_UEVENT) from now on.
  [[nodiscard]] static Result<std::unique_ptr<Devices>> open(DiskReaders readers);

  [[nodiscard]] std::vector<BlockDevice> list() const override;
  [[nodiscard]] Result<OpenedVolume> open_volume(const BlockDevice& device) const override;
  [[nodiscard]] Result<std::string> partition_type(const BlockDevice& device) const override;
  [[nodiscard]] Result<Content> content(const BlockDevice& device) const override;
  [[nodiscard]] Hardware hardware(const BlockDevice& device) const override;
  [[nodiscard]] Result<bool> wait(Deadline deadline) override;
  [[nodiscard]] Clock::time_point now() const override { return Clock::now(); }

 private:
  MachineDevices(Fd socket, DiskReaders readers) : socket_(std::move(socket)), readers_(std::move(readers)) {}
  Fd socket_;
  DiskReaders readers_;
};

}  // namespace vhdboot::sys
