// SPDX-License-Identifier: GPL-2.0-or-later
// The image as a disk, and the volume without the image.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/result.h"
#include "init/blocks/attach_plan.h"
#include "init/sys/device_mapper.h"
#include "init/sys/loop.h"
#include "init/sys/memory_store.h"

namespace vhdboot::sys {

/// What the devices of an attached disk are called.
struct DiskNames {
  std::string map;       ///< device-mapper name; those of lower ones have "-rows", "-store", "-forgets" or "-keeps"
                         ///< behind it, and so has what losetup shows of a store in memory
  std::string map_uuid;  ///< names it for other programs
  std::string image;     ///< what losetup shows
};

/// The host device, see init/blocks/host_device.h, with its name in /dev; both are gone when the object ends.
class HostDevice {
 public:
  /// Of the partition view.devices[device]. A name for guests without udev too: every devtmpfs is the same.
  [[nodiscard]] static Result<HostDevice> make(const blocks::View& view, std::size_t device,
                                               const std::string& map_uuid, bool read_only);
  HostDevice(HostDevice&& other) noexcept : map_(std::move(other.map_)), named_(std::exchange(other.named_, false)) {}
  HostDevice& operator=(HostDevice&&) = delete;
  ~HostDevice();

  [[nodiscard]] Result<void> remove();

 private:
  explicit HostDevice(MappedDevice map) : map_(std::move(map)) {}
  MappedDevice map_;
  bool named_ = false;
};

/// Devices that lie one on the other, the lowest first; removed in reverse.
class MappedStack {
 public:
  [[nodiscard]] const MappedDevice& top() const { return maps_.back(); }
  [[nodiscard]] bool empty() const { return maps_.empty(); }
  void add(MappedDevice map) { maps_.push_back(std::move(map)); }
  MappedStack() = default;
  MappedStack(MappedStack&&) noexcept = default;
  MappedStack& operator=(MappedStack&&) = delete;
  ~MappedStack() {
    while (!maps_.empty()) maps_.pop_back();
  }
  /// The first failure ends it.
  [[nodiscard]] Result<void> remove() {
    for (; !maps_.empty(); maps_.pop_back()) TRY(maps_.back().remove());
    return {};
  }
  /// They stay when the object ends.
  void leave() {
    for (MappedDevice& map : maps_) map.leave();
  }

 private:
  std::vector<MappedDevice> maps_;
};

/// The guest disk, as planned: device-mapper over what its image lies on, a snapshot over that when it forgets, a loop
/// device with partitions on top, and, when asked for, the host device. Undone in reverse when the object ends; it
/// stays when the process becomes another program.
class AttachedDisk {
 public:
  /// Of a plan that forgets, Unsafe unless the kernel says that it has made it so.
  [[nodiscard]] static Result<AttachedDisk> attach(const blocks::AttachPlan& plan, const DiskNames& names);
  /// Of a plan that grows, where the disk is there already, as the device at `path`. `name`: what losetup shows.
  [[nodiscard]] static Result<AttachedDisk> attach_above(const blocks::AttachPlan& plan, const std::string& path,
                                                         const std::string& name);
  /// For a look beside a running system, read-only whatever the plan says. An image in one piece needs no
  /// device-mapper, and can be looked at while the host volume is mounted: then `device_path` is opened, the plan's
  /// only device.
  [[nodiscard]] static Result<AttachedDisk> attach_to_look(const blocks::AttachPlan& plan,
                                                           const std::string& device_path, const DiskNames& names);

  [[nodiscard]] const LoopDevice& disk() const { return loop_; }

  /// Keeps the host device with the disk, to be removed with it.
  void keep(HostDevice host) { host_.emplace(std::move(host)); }

  /// Undoes all of it now, the first failure is what is told.
  [[nodiscard]] Result<void> detach();
  /// It stays when the object ends. Not of one with a host device.
  void leave();

 private:
  AttachedDisk(std::optional<MemoryStore> store, MappedStack maps, LoopDevice loop)
      : store_(std::move(store)), maps_(std::move(maps)), loop_(std::move(loop)) {}
  // Destroyed from the last to the first.
  std::optional<MemoryStore> store_;
  MappedStack maps_;
  LoopDevice loop_;
  std::optional<HostDevice> host_;
};

}  // namespace vhdboot::sys
