// SPDX-License-Identifier: GPL-2.0-or-later
#include "init/sys/attached_disk.h"

#include <fcntl.h>
#include <unistd.h>

#include "base/text.h"
#include "base/units.h"
#include "init/blocks/flush_gate.h"
#include "init/blocks/host_device.h"
#include "init/record/host_mount.h"
#include "init/sys/file.h"

namespace vhdboot::sys {
namespace {

LoopOptions loop_options(const blocks::AttachPlan& plan) {
  return {.read_only = plan.read_only,
          .direct_io = plan.direct_io,
          .size_limit = plan.view.size,
          .block_size = plan.loop_block};
}

Result<MappedStack> map_view(const blocks::AttachPlan& plan, const DiskNames& names) {
  MappedStack maps;
  auto devices = blocks::device_numbers(plan.view);
  const std::string lower = plan.flush_gate ? "-rows" : "";
  maps.add(
      TRY(MappedDevice::create(names.map + lower, names.map_uuid + lower, plan.view.rows, devices, plan.read_only)));
  if (!plan.flush_gate) return maps;
  // Where that is refused flushes are many, and still all of them.
  (void)maps.top().forget_flushes();
  devices.insert(devices.begin(), maps.top().numbers());
  maps.add(TRY(
      MappedDevice::create(names.map, names.map_uuid, blocks::flush_gate_rows(plan.view), devices, plan.read_only)));
  return maps;
}

}  // namespace

Result<HostDevice> HostDevice::make(const blocks::View& view, std::size_t device, const std::string& map_uuid,
                                    bool read_only) {
  const auto rows = TRY(blocks::host_device_rows(view, device));
  HostDevice host(TRY(MappedDevice::create(std::string(record::kHostDeviceName), map_uuid, rows,
                                           blocks::device_numbers(view), read_only)));
  const std::string path(record::kHostDevicePath);
  TRY(make_directories(path.substr(0, path.rfind('/'))));
  ::unlink(path.c_str());  // of an earlier try
  if (::symlink(concat("../", host.map_.node()).c_str(), path.c_str()) < 0) return fail_errno(path);
  host.named_ = true;
  return host;
}

HostDevice::~HostDevice() {
  if (named_) ::unlink(std::string(record::kHostDevicePath).c_str());
}

Result<void> HostDevice::remove() {
  const std::string path(record::kHostDevicePath);
  if (std::exchange(named_, false) && ::unlink(path.c_str()) < 0) return fail_errno(concat("removing ", path));
  return map_.remove();
}

Result<AttachedDisk> AttachedDisk::attach(const blocks::AttachPlan& plan, const DiskNames& names) {
  auto maps = TRY(map_view(plan, names));
  const Fd backing = TRY(open_file(maps.top().path(), plan.read_only ? O_RDONLY : O_RDWR));
  auto loop = TRY(LoopDevice::attach(backing, names.image, loop_options(plan)));
  // A loop device makes zeroes of TRIM (drivers/block/loop.c: FALLOC_FL_PUNCH_HOLE), and a disk without TRIM would
  // write them, all of the free space at each fstrim.
  if (!plan.read_only && (!plan.trim || !maps.top().trims())) TRY(loop.refuse_trim());
  return AttachedDisk(std::move(maps), std::move(loop));
}

Result<AttachedDisk> AttachedDisk::attach_to_look(const blocks::AttachPlan& plan, const std::string& device_path,
                                                  const DiskNames& names) {
  const auto& rows = plan.view.rows;
  if (rows.size() == 1 && rows.front().kind == blocks::RowKind::Linear) {
    const Fd device = TRY(open_file(device_path, O_RDONLY));
    LoopOptions options = loop_options(plan);
    options.read_only = true;
    options.auto_clear = true;
    options.offset = rows.front().device_sector * kSectorSize;
    return AttachedDisk(MappedStack(), TRY(LoopDevice::attach(device, names.image, options)));
  }
  blocks::AttachPlan look = plan;
  look.read_only = true;
  return TRY_IN(concat("the image lies in ", rows.size(), " pieces, and to look at it takes device-mapper"),
                attach(look, names));
}

Result<void> AttachedDisk::detach() {
  Result<void> done;
  const auto step = [&done](Result<void> result) {
    if (done) done = std::move(result);
  };
  if (host_) step(host_->remove());
  step(loop_.detach());
  step(maps_.remove());
  return done;
}

}  // namespace vhdboot::sys
