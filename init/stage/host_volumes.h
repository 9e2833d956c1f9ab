// SPDX-License-Identifier: GPL-2.0-or-later
// The NTFS and exFAT volumes of this machine, as they appear.
#pragma once

#include <list>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/result.h"
#include "disk/selector.h"
#include "init/sys/console.h"
#include "init/sys/devices.h"
#include "init/volume/volume.h"

namespace vhdboot::stage {

/// A volume that was opened for reading. The reader borrows the source, so the two move together.
struct HostVolume {
  sys::BlockDevice device;
  disk::Identity identity;
  sys::Hardware hardware;
  std::unique_ptr<ByteSource> source;
  std::unique_ptr<volume::HostVolume> reader;

  /// For people: "/dev/sda2 (NTFS \"Data\")".
  [[nodiscard]] std::string description() const;
};

/// How well the place of a volume's disk agrees with one of `places`.
[[nodiscard]] disk::SamePlace place_of(const HostVolume& volume, const std::vector<disk::HardwarePath>& places);

/// Of volumes with one identity, a disk and its clones, the one that hangs where it was said.
struct Picked {
  HostVolume* volume = nullptr;                ///< the best; null when there is none that may hang there
  disk::SamePlace same = disk::SamePlace::No;  ///< how well its place agrees
  HostVolume* twin = nullptr;                  ///< that nothing tells from the best
  HostVolume* elsewhere = nullptr;             ///< of that identity, but certainly not there

  /// No other disk can be meant.
  [[nodiscard]] bool certain() const { return same == disk::SamePlace::Yes && twin == nullptr; }
};
[[nodiscard]] Picked pick(const std::vector<HostVolume*>& volumes, const std::vector<disk::HardwarePath>& places);

/// The sentence that refuses both.
[[nodiscard]] std::string twins(const HostVolume& one, const HostVolume& other);

/// Opens the volume on `device`. NotFound when it holds neither NTFS nor exFAT.
[[nodiscard]] Result<HostVolume> open_host_volume(const sys::Devices& devices, const sys::BlockDevice& device);

/// Logs when this kernel cannot hold a reader process to a list of system calls.
void log_missing_filter(const sys::Reporter& report);

class HostVolumes {
 public:
  /// Looks at the devices that are there. `devices` must outlive this.
  explicit HostVolumes(sys::Devices& devices) : devices_(devices), began_(devices.now()) { look(); }

  /// Those that were found so far and are still there; stable references, also to one that was unplugged since.
  [[nodiscard]] std::list<HostVolume>& all() { return volumes_; }
  /// When watching began: what one wait takes of the configured time, the next one does not have.
  [[nodiscard]] sys::Devices::Clock::time_point began() const { return began_; }
  [[nodiscard]] const sys::Devices& devices() const { return devices_; }

  /// What is on the partitions that are there and could not be opened, one clause each: BitLocker, damaged volumes,
  /// disks that cannot be read.
  [[nodiscard]] std::vector<std::string> unreadable() const;
  /// The first of them that may hold any file, as far as anybody can tell: one that is damaged or fails. Not one that
  /// is well and of a kind that no image is booted from.
  [[nodiscard]] std::optional<Error> doubt() const;
  /// All that was looked at, for a message.
  [[nodiscard]] std::string account() const;

  /// Waits for an event and looks at the devices; false when the deadline passes first.
  [[nodiscard]] Result<bool> wait(sys::Deadline deadline);

  /// Waits until no device has come or gone for a moment, which may have passed already, or `limit` has passed. No
  /// device says that it is the last one, but the slowest ones, USB disks, follow each other within that time.
  [[nodiscard]] Result<void> settle(sys::Deadline limit);

 private:
  struct Unreadable {
    sys::BlockDevice device;
    Error error;
  };
  void look();
  void forget_unplugged(const std::vector<sys::BlockDevice>& present);

  sys::Devices& devices_;
  sys::Devices::Clock::time_point began_;
  sys::Devices::Clock::time_point changed_ = began_;  // when a device came or went last
  std::list<HostVolume> volumes_;
  std::list<HostVolume> unplugged_;
  std::map<std::string, Unreadable> unreadable_;  // by key
  std::set<std::string> present_;                 // keys of the devices that are there
  std::set<std::string> slow_disks_;              // on which a reader waited in vain
  std::set<std::string> seen_;                    // those that need no other look
};

/// A file that is there.
struct Sighting {
  HostVolume* volume = nullptr;  ///< borrowed
  volume::Path path;
};

/// The first of `paths` that exists on `volume`; nothing when none does. An error when that cannot be told: a place on
/// the way there is damaged, or the disk fails.
[[nodiscard]] Result<std::optional<Sighting>> look_on(HostVolume& volume, const std::vector<volume::Path>& paths);

struct Sightings {
  std::vector<Sighting> found;  ///< at most one a volume
  std::optional<Error> doubt;   ///< the first volume or disk on which there may be one, for all that can be told
};

/// look_on() all volumes that are there.
[[nodiscard]] Sightings look_on_all(HostVolumes& volumes, const std::vector<volume::Path>& paths);

/// Waits for volumes until they have been watched for so many seconds, and tells a person for what when that takes
/// longer than a moment.
class PatientWait {
 public:
  PatientWait(HostVolumes& volumes, unsigned seconds, const sys::Reporter& report);

  /// Waits for an event and looks at the devices; false when the deadline has passed. `what` is told once.
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
