// SPDX-License-Identifier: GPL-2.0-or-later
// The names that a kernel gives to disks and partitions, by the order in which it finds them.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace vhdboot::disk {

/// A disk or partition by the name that the kernel gave it.
struct DeviceNode {
  std::string disk;                   ///< without "/dev/": "sda", "nvme0n1"
  std::optional<unsigned> partition;  ///< the 2 of sda2; absent for the whole disk

  friend bool operator==(const DeviceNode&, const DeviceNode&) = default;
};

/// Reads /dev/sda2, hda, vda, xvda, nvme0n1p2, mmcblk0p2, loop0p2 and, as kpartx(8) has it, mapper/loop0p2. Nothing for
/// every other text: what is found by content (/dev/disk/by-uuid/...), device-mapper, LVM and RAID do not depend on
/// where a disk is connected. (By-id, by-path and by-diskseq do.)
[[nodiscard]] std::optional<DeviceNode> parse_device_node(std::string_view text);

/// Whether it is the first disk of its kind: a guest that has one disk only calls it so. A loop device is where the
/// image was made, whatever its number.
[[nodiscard]] bool is_first_disk(const DeviceNode& node);

}  // namespace vhdboot::disk
