// SPDX-License-Identifier: GPL-2.0-or-later
#include "init/stage/attach.h"

#include <fcntl.h>
#include <unistd.h>

#include "base/text.h"
#include "base/units.h"
#include "init/blocks/host_device.h"
#include "init/record/host_mount.h"
#include "init/sys/file.h"

namespace vhdboot::stage {
namespace {

constexpr char kMapName[] = "vhdboot";

sys::LoopOptions loop_options(const blocks::AttachPlan& plan) {
  return {.read_only = plan.read_only,
          .direct_io = plan.direct_io,
          .size_limit = plan.loop_size,
          .block_size = plan.loop_block};
}

int access_mode(const blocks::AttachPlan& plan) {
  return plan.read_only ? O_RDONLY : O_RDWR;
}

}  // namespace

Result<AttachedDisk> AttachedDisk::attach_extents(const blocks::AttachPlan& plan, const HostVolume& volume,
                                                  const std::string& image_name) {
  return attach_map(plan, volume, image_name, kMapName, concat("VHDBOOT-", volume.identity.uuid));
}

Result<AttachedDisk> AttachedDisk::attach_to_look(const blocks::AttachPlan& plan, const HostVolume& volume,
                                                  const std::string& image_name) {
  if (plan.rows.size() == 1) {
    const Fd device = TRY(sys::open_file(volume.device.path, O_RDONLY));
    sys::LoopOptions options = loop_options(plan);
    options.read_only = true;
    options.auto_clear = true;
    options.offset = plan.rows.front().device_sector * kSectorSize;
    return AttachedDisk(std::nullopt, TRY(sys::LoopDevice::attach(device, image_name, options)));
  }
  const std::string name = concat(kMapName, "-look-", ::getpid());
  return TRY_IN(concat("the image lies in ", plan.rows.size(), " pieces, and to look at it takes device-mapper"),
                attach_map(plan, volume, image_name, name, concat("VHDBOOT-LOOK-", ::getpid())));
}

Result<AttachedDisk> AttachedDisk::attach_map(const blocks::AttachPlan& plan, const HostVolume& volume,
                                              const std::string& image_name, const std::string& map_name,
                                              const std::string& map_uuid) {
  auto map =
      TRY(sys::MappedDevice::create(map_name, map_uuid, blocks::pack_linear_targets(plan.rows, volume.device.numbers),
                                    plan.rows.size(), plan.read_only));
  const Fd backing = TRY(sys::open_file(map.path(), access_mode(plan)));
  auto loop = TRY(sys::LoopDevice::attach(backing, image_name, loop_options(plan)));
  return AttachedDisk(std::move(map), std::move(loop));
}

Result<void> AttachedDisk::detach() {
  TRY(loop_.detach());
  if (map_) TRY(map_->remove());
  return {};
}

void AttachedDisk::release() {
  loop_.release();
  if (map_) map_->release();
}

Result<blocks::AttachPlan> plan_attachment(const FoundImage& image, bool read_only, std::uint32_t guest_block) {
  return blocks::plan_attachment({.read_only = read_only,
                                  .payload = image.payload(),
                                  .file_size = image.layout.size,
                                  .extents = image.layout.extents,
                                  .device = {.size = image.volume->device.size,
                                             .logical_block = image.volume->device.logical_block,
                                             .cluster_size = image.volume->reader->cluster_size()},
                                  .guest_block = guest_block});
}

Result<sys::MappedDevice> make_host_device(const HostVolume& volume, std::span<const Extent> mapped, bool read_only) {
  const auto rows = TRY(blocks::host_device_rows(mapped, {.size = volume.device.size,
                                                          .logical_block = volume.device.logical_block,
                                                          .cluster_size = volume.reader->cluster_size()}));
  const auto targets = blocks::pack_host_targets(rows, volume.device.numbers);
  auto map =
      TRY(sys::MappedDevice::create(std::string(record::kHostDeviceName), concat("VHDBOOT-HOST-", volume.identity.uuid),
                                    targets, rows.size(), read_only));
  const std::string path(record::kHostDevicePath);
  TRY(sys::make_directories(path.substr(0, path.rfind('/'))));
  ::unlink(path.c_str());  // of an earlier try
  if (::symlink(concat("../", map.node()).c_str(), path.c_str()) < 0) return fail_errno(path);
  return map;
}

}  // namespace vhdboot::stage
