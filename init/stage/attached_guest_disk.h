// SPDX-License-Identifier: GPL-2.0-or-later
// The guest disk as stage 1 reads it: attached, its file systems mounted.
#pragma once

#include "disk/guest_disk.h"
#include "init/sys/loop.h"

namespace vhdboot::stage {

class AttachedGuestDisk final : public disk::GuestDisk {
 public:
  /// `disk` is attached and shows its partitions; both must outlive this.
  AttachedGuestDisk(const sys::LoopDevice& disk, const disk::PartitionTable& table);

 private:
  [[nodiscard]] Result<std::unique_ptr<disk::FileTree>> open_files(const disk::GuestPartition& partition,
                                                                   const std::string& root_flags) override;
};

}  // namespace vhdboot::stage
