// SPDX-License-Identifier: GPL-2.0-or-later
// The guest disk as stage 1 reads it: attached, its file systems mounted.
#pragma once

#include <map>
#include <memory>
#include <string>

#include "disk/guest_disk.h"
#include "init/sys/console.h"
#include "init/sys/device_mapper.h"
#include "init/sys/devices.h"
#include "init/sys/loop.h"
#include "init/sys/memory_snapshot.h"

namespace vhdboot::stage {

class AttachedGuestDisk final : public disk::GuestDisk {
 public:
  /// `disk` is attached and shows its partitions; all must outlive this.
  AttachedGuestDisk(const sys::LoopDevice& disk, const disk::PartitionTable& table, const sys::Devices& devices,
                    const sys::Reporter& report);

  [[nodiscard]] Result<void> read(const disk::GuestPartition& partition, std::uint64_t offset,
                                  MutableBytes out) const override;

 private:
  using Snapshot = std::shared_ptr<const sys::MemorySnapshot>;
  using Volume = std::shared_ptr<const sys::MappedDevice>;
  // What a mounted file system lies on; the last one is on top.
  struct Layers {
    Volume volume;
    Snapshot snapshot;
  };

  [[nodiscard]] Result<std::unique_ptr<disk::FileTree>> open_files(const disk::GuestPartition& partition,
                                                                   const std::string& root_flags) override;
  /// Adds what is known of `partition`, which is the device `name`.
  void look_at(disk::GuestPartition partition, const std::string& name);
  void look_at_volumes();
  /// Whether it can be read at all, of what nothing is known; a warning when not.
  [[nodiscard]] bool can_be_read(const disk::GuestPartition& partition) const;
  [[nodiscard]] Volume volume_of(const disk::GuestPartition& partition) const;
  /// The same, but for what is said of an error.
  [[nodiscard]] Result<std::unique_ptr<disk::FileTree>> open_as_it_is(const disk::GuestPartition& partition,
                                                                      const std::string& root_flags);
  /// As the guest will find it: with the journal replayed, in memory.
  [[nodiscard]] Result<std::unique_ptr<disk::FileTree>> open_replayed(const disk::GuestPartition& partition,
                                                                      const std::string& root_flags);

  const sys::Devices& devices_;
  const sys::Reporter& report_;
  std::uint64_t memory_left_;                                                  // bytes, for snapshots
  std::map<std::string, std::weak_ptr<const sys::MemorySnapshot>> snapshots_;  // by device; one for all its mounts
  std::map<std::string, Volume> volumes_;                                      // by device
};

}  // namespace vhdboot::stage
