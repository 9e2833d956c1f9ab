// SPDX-License-Identifier: GPL-2.0-or-later
#include "init/stage/attach.h"

#include <sys/utsname.h>
#include <unistd.h>

#include "base/text.h"

namespace vhdboot::stage {
namespace {

constexpr char kMapName[] = "vhdboot";

}  // namespace

Result<blocks::AttachPlan> plan_attachment(const FoundImage& image, bool read_only, std::uint32_t guest_block) {
  const sys::BlockDevice& device = image.volume->device;
  auto view = TRY(blocks::flat_view({.size = image.layout.size, .extents = image.layout.extents, .device = 0},
                                    {.numbers = device.numbers,
                                     .size = device.size,
                                     .logical_block = device.logical_block,
                                     .cluster_size = image.volume->reader->cluster_size()},
                                    image.info.payload_size));
  utsname kernel{};
  (void)::uname(&kernel);
  return blocks::plan_attachment(std::move(view), read_only, guest_block, kernel.release);
}

Result<sys::AttachedDisk> attach_image(const blocks::AttachPlan& plan, const FoundImage& image) {
  return sys::AttachedDisk::attach(
      plan, {.map = kMapName, .map_uuid = concat("VHDBOOT-", image.volume->identity.uuid), .image = image.path.text()});
}

Result<sys::AttachedDisk> attach_to_look(const blocks::AttachPlan& plan, const FoundImage& image) {
  return sys::AttachedDisk::attach_to_look(plan, image.volume->device.path,
                                           {.map = concat(kMapName, "-look-", ::getpid()),
                                            .map_uuid = concat("VHDBOOT-LOOK-", ::getpid()),
                                            .image = image.path.text()});
}

Result<void> add_host_device(sys::AttachedDisk& disk, const blocks::AttachPlan& plan, const FoundImage& image,
                             bool read_only) {
  constexpr std::size_t kHostVolume = 0;
  disk.keep(TRY(
      sys::HostDevice::make(plan.view, kHostVolume, concat("VHDBOOT-HOST-", image.volume->identity.uuid), read_only)));
  return {};
}

}  // namespace vhdboot::stage
