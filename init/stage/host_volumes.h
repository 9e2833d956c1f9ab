// SPDX-License-Identifier: GPL-2.0-or-later
// The NTFS and exFAT volumes of this machine, as they appear.
#pragma once

#include <list>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "base/result.h"
#include "disk/selector.h"
#include "init/sys/block.h"
#include "init/sys/console.h"
#include "init/sys/deadline.h"
#include "init/sys/device_monitor.h"
#include "init/sys/file.h"
#include "init/volume/volume.h"

namespace vhdboot::stage {

/// A volume that was opened for reading. The reader borrows the source, so the two move together.
struct HostVolume {
  sys::BlockDevice device;
  disk::Identity identity;
  std::unique_ptr<sys::FdSource> source;
  std::unique_ptr<volume::HostVolume> reader;

  /// For people: "/dev/sda2 (NTFS \"Data\")".
  [[nodiscard]] std::string description() const;
};

/// Two volumes that nothing tells apart, a disk and its clone: the sentence that refuses both.
[[nodiscard]] std::string twins(const HostVolume& one, const HostVolume& other);

/// Opens the volume on `device`.
[[nodiscard]] Result<HostVolume> open_host_volume(const sys::BlockDevice& device);

class HostVolumes {
 public:
  /// Listens for devices from now on and looks at those that are there.
  [[nodiscard]] static Result<HostVolumes> watch();

  /// Those that were found so far and are still there; stable references, also to one that was unplugged since.
  [[nodiscard]] std::list<HostVolume>& all() { return volumes_; }
  /// When watching began: what one wait takes of the configured time, the next one does not have.
  [[nodiscard]] sys::Deadline::Clock::time_point began() const { return began_; }

  /// What is on the partitions that could not be opened, one clause each: BitLocker, damaged volumes.
  [[nodiscard]] const std::vector<std::string>& unreadable() const { return unreadable_; }

  /// Waits for a new device and looks at it; false when the deadline passes first.
  [[nodiscard]] Result<bool> wait(sys::Deadline deadline);

  /// Waits until no device has appeared for a moment, or `limit` has passed. No device says that it is the last one,
  /// but the slowest ones, USB disks, follow each other within that time.
  [[nodiscard]] Result<void> settle(sys::Deadline limit);

 private:
  explicit HostVolumes(sys::DeviceMonitor monitor) : monitor_(std::move(monitor)) {}
  void look();
  void forget_unplugged(const std::vector<sys::BlockDevice>& present);

  sys::DeviceMonitor monitor_;
  sys::Deadline::Clock::time_point began_ = sys::Deadline::Clock::now();
  std::list<HostVolume> volumes_;
  std::list<HostVolume> unplugged_;
  std::vector<std::string> unreadable_;
  std::set<std::string> seen_;
};

/// Waits for volumes until they have been watched for so many seconds, and tells a person for what when that takes
/// longer than a moment.
class PatientWait {
 public:
  PatientWait(HostVolumes& volumes, unsigned seconds, const sys::Reporter& report);

  /// Waits for a new device and looks at it; false when the deadline has passed. `what` is told once.
  [[nodiscard]] Result<bool> wait(std::string_view what);
  [[nodiscard]] sys::Deadline deadline() const { return deadline_; }

 private:
  HostVolumes& volumes_;
  const sys::Reporter& report_;
  unsigned seconds_;
  sys::Deadline deadline_;
  bool told_ = false;
};

}  // namespace vhdboot::stage
