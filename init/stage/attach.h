// SPDX-License-Identifier: GPL-2.0-or-later
// The image as a disk, and the volume without the image.
#pragma once

#include <optional>
#include <span>
#include <string>

#include "base/extent.h"
#include "base/result.h"
#include "init/blocks/attach_plan.h"
#include "init/stage/find_image.h"
#include "init/sys/device_mapper.h"
#include "init/sys/loop.h"

namespace vhdboot::stage {

/// The guest disk; detached when the object ends, the loop device before what it lies on.
class AttachedDisk {
 public:
  /// Through the extents of the file: device-mapper over the host partition, a loop device with partitions on top.
  [[nodiscard]] static Result<AttachedDisk> attach_extents(const blocks::AttachPlan& plan, const HostVolume& volume,
                                                           const std::string& image_name);
  /// For a look beside a running system, which may have a guest disk attached under the name that a boot gives it. An
  /// image in one piece needs no device-mapper, and can be looked at while the host volume is mounted.
  [[nodiscard]] static Result<AttachedDisk> attach_to_look(const blocks::AttachPlan& plan, const HostVolume& volume,
                                                           const std::string& image_name);
  [[nodiscard]] const sys::LoopDevice& disk() const { return loop_; }

  /// Detaches now and says whether that worked.
  [[nodiscard]] Result<void> detach();
  /// Leaves it attached, for the guest.
  void release();

 private:
  [[nodiscard]] static Result<AttachedDisk> attach_map(const blocks::AttachPlan& plan, const HostVolume& volume,
                                                       const std::string& image_name, const std::string& map_name,
                                                       const std::string& map_uuid);
  AttachedDisk(std::optional<sys::MappedDevice> map, sys::LoopDevice loop)
      : map_(std::move(map)), loop_(std::move(loop)) {}
  std::optional<sys::MappedDevice> map_;
  sys::LoopDevice loop_;
};

/// The plan for a found image.
[[nodiscard]] Result<blocks::AttachPlan> plan_attachment(const FoundImage& image, bool read_only,
                                                         std::uint32_t guest_block);

/// Makes the host device, see init/blocks/host_device.h, of the partition of `volume` without `mapped`. Gives it its
/// name in /dev, for guests without udev too: every devtmpfs is the same.
[[nodiscard]] Result<sys::MappedDevice> make_host_device(const HostVolume& volume, std::span<const Extent> mapped,
                                                         bool read_only);

}  // namespace vhdboot::stage
