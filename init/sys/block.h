// SPDX-License-Identifier: GPL-2.0-or-later
// Block devices as sysfs lists them.
#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "base/result.h"

namespace vhdboot::sys {

struct BlockDevice {
  std::string name;              ///< as in /sys/class/block: "sda1"
  std::string path;              ///< "/dev/sda1"
  std::string numbers;           ///< "8:1", as device-mapper and sysfs write it
  std::string sysfs;             ///< canonical, its place in the hardware: "/sys/devices/pci0000:00/…/block/sda/sda1"
  std::string sequence;          ///< of the disk: another one whenever a disk appears, also in the same place
  std::uint64_t size = 0;        ///< bytes
  unsigned partition = 0;        ///< partition number; 0 for a whole disk
  unsigned logical_block = 512;  ///< bytes, of the disk
  bool read_only = false;        ///< nothing can be written: a switch at the card, a write blocker
};

/// Every block device with a size, in name order; the order has no meaning for a person.
[[nodiscard]] std::vector<BlockDevice> block_devices();

/// The device of that name; NotFound when it is not there.
[[nodiscard]] Result<BlockDevice> block_device(const std::string& name);

/// True for a disk that is no hardware, that only shows what memory or another device holds: loop, device-mapper, md,
/// RAM disks, zram, nbd.
[[nodiscard]] bool is_virtual(const BlockDevice& device);

/// Whether the kernel lets nobody write to the device at `path`.
[[nodiscard]] Result<bool> is_read_only(const std::string& path);

/// Sees to that (BLKROSET), until the device goes or somebody with every right takes it back.
[[nodiscard]] Result<void> make_read_only(const std::string& path);

/// How long a disk may take to answer one question. The kernel tries a failing one again for minutes.
inline constexpr auto kDiskAnswerTime = std::chrono::seconds(120);

/// What the partitions of one disk have in common, and no other disk has, nor another one that appears in its place.
[[nodiscard]] std::string disk_of(const BlockDevice& device);

}  // namespace vhdboot::sys
