// SPDX-License-Identifier: GPL-2.0-or-later
// The guest disk as it is looked into from outside of a boot: FAT volumes are read here, by anybody; other file systems
// are mounted, which takes root.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/byte_source.h"
#include "base/extent.h"
#include "base/fd.h"
#include "base/result.h"
#include "disk/guest_disk.h"
#include "init/sys/loop.h"

namespace vhdboot::vhdtool {

/// Where the guest disk can be read in place: itself an image, or a volume with one. Open for reading.
struct Backing {
  Fd fd;
  std::vector<Extent> extents;
};

/// The file or device at `path`, which holds the guest disk as `extents` tell. Unsupported for who may not mount.
[[nodiscard]] Result<Backing> open_backing(const std::string& path, std::vector<Extent> extents);

/// A partition that a boot would look into.
struct Unread {
  const disk::GuestPartition* partition = nullptr;
  std::string text;           ///< which, why, and what to do, when that is known
  bool boot_may_read = true;  ///< it is for reasons of this system that it could not be read
};

class InspectedDisk final : public disk::GuestDisk {
 public:
  /// `disk` holds the bytes; both it and the table must outlive this. An error in place of the backing says why nothing
  /// can be mounted. What is mounted is attached read-only and out of sight of everybody else; the kernel undoes that
  /// with this process, however it ends.
  InspectedDisk(const ByteSource& disk, const disk::PartitionTable& table, Result<Backing> backing);

  [[nodiscard]] Result<void> read(const disk::GuestPartition& partition, std::uint64_t offset,
                                  MutableBytes out) const override;

  /// What somebody wanted to look into so far and could not.
  [[nodiscard]] const std::vector<Unread>& unread() const { return unread_; }

 private:
  [[nodiscard]] Result<std::unique_ptr<disk::FileTree>> open_files(const disk::GuestPartition& partition,
                                                                   const std::string& root_flags) override;
  using Device = std::shared_ptr<const sys::LoopDevice>;
  /// The partition as a device: one for all its mounts, since of two a btrfs would be two file systems.
  [[nodiscard]] Result<Device> attach(const disk::GuestPartition& partition);
  [[nodiscard]] Result<std::unique_ptr<disk::FileTree>> mount_files(const disk::GuestPartition& partition,
                                                                    const std::string& root_flags);
  /// Adds what is known of `partition`, which lies at `extents` of the disk.
  void look_at(disk::GuestPartition partition, std::vector<Extent> extents);
  void look_at_volumes();
  [[nodiscard]] const std::vector<Extent>& extents_of(const disk::GuestPartition& partition) const {
    return extents_.at(partition.device);
  }

  const ByteSource& disk_;
  Result<Backing> backing_;
  std::map<std::string, std::vector<Extent>> extents_;                   // on the disk, by device
  std::map<std::string, std::weak_ptr<const sys::LoopDevice>> devices_;  // by device
  std::vector<Unread> unread_;
};

}  // namespace vhdboot::vhdtool
