// SPDX-License-Identifier: GPL-2.0-or-later
#include "init/stage/attach.h"

#include <sys/utsname.h>
#include <unistd.h>

#include <string>
#include <utility>

#include "base/text.h"
#include "init/blocks/check_writer.h"
#include "init/blocks/flush_gate.h"
#include "init/sys/file.h"
#include "init/sys/pages.h"
#include "vhd/pieces.h"

namespace vhdboot::stage {
namespace {

std::string kernel_release() {
  utsname kernel{};
  (void)::uname(&kernel);
  return kernel.release;
}

// Where nothing is written to the volume.
Result<void> warn_of_dirt(const HostVolume& volume, blocks::AttachPlan& plan) {
  if (volume::is_only_dirty(TRY(volume.reader->state())))
    plan.warnings.push_back(concat(volume.description(), " is marked dirty, and what is read of it may be wrong: ",
                                   "nothing is written to it, let Windows check it with \"chkdsk /f\""));
  return {};
}

}  // namespace

Result<void> check_writer(const FoundImage& image, const record::Config& config) {
  const bool keeps = config.forgets() && config.writes_image();
  if (image.arriving && config.forgets())
    return fail(Code::Unsupported, concat(printable(image.path.text()),
                                          " is not complete, and what comes is kept: bring "
                                          "the rest with `vhdtool fetch`, or leave out `ephemeral`"));
  TRY_IN(printable(image.path.text()),
         keeps ? blocks::check_in_place(*image.disk) : blocks::check_writer(*image.disk, !config.writes_image()));
  return {};
}

Result<blocks::AttachPlan> plan_attachment(const FoundImage& image, bool read_only, std::uint32_t guest_block) {
  if (!read_only) TRY(blocks::check_writer(*image.disk, false));
  const bool grows = !read_only && !TRY(vhd::is_whole(*image.disk));
  const bool arrives = !read_only && image.arriving != nullptr;
  auto view = read_only && image.arriving ? blocks::with_missing(image.view, image.arriving->missing()) : image.view;
  auto plan =
      TRY(blocks::plan_attachment(std::move(view), read_only || grows || arrives, guest_block, kernel_release()));
  plan.grows = grows;
  plan.arrives = arrives;
  return plan;
}

Result<blocks::AttachPlan> plan_to_forget(const FoundImage& image, const record::Ephemeral& ephemeral,
                                          std::vector<Range> kept, std::uint32_t guest_block) {
  auto plan = TRY(plan_attachment(image, true, guest_block));
  if (!kept.empty()) {
    TRY(blocks::check_in_place(*image.disk));
    plan.flush_gate = blocks::needs_flush_gate(plan.view, false, kernel_release());
    plan.kept = std::move(kept);
  }
  const auto memory = sys::total_memory();
  if (!memory) return fail(Code::Unsupported, "the kernel does not tell how much memory there is");
  if (image.scratch) {
    const volume::PlacedFile& file = *image.scratch;
    plan.writer = TRY_IN(printable(file.path.text()), blocks::file_writer(file.layout.size, *memory));
    const blocks::MappedFile mapped{
        .size = file.layout.size, .extents = file.layout.extents, .device = 0, .name = file.path.text()};
    plan.store = TRY(blocks::flat_view(mapped, plan.view.devices.front(), plan.writer.store_size)).rows;
    return plan;
  }
  plan.writer = TRY(blocks::memory_writer(ephemeral.most(*memory), *memory));
  for (const HostVolume* volume : {image.volume, image.other_volume()})
    if (volume != nullptr) TRY(warn_of_dirt(*volume, plan));
  return plan;
}

Result<blocks::AttachPlan> plan_folder(const FoundImage& image, std::uint32_t guest_block) {
  auto plan = TRY(blocks::plan_attachment(image.view, true, guest_block, kernel_release()));
  TRY(warn_of_dirt(*image.volume, plan));
  return plan;
}

Result<blocks::AttachPlan> plan_for_guest(const FoundImage& image, const record::Config& config,
                                          std::uint32_t guest_block) {
  const auto warn_of_read_only = [&](blocks::AttachPlan& plan) {
    if (config.host_mount && !config.host_mount->read_only)
      plan.warnings.push_back(
          concat("the guest finds the volume read-only at ", config.host_mount->path, ", since ",
                 image.is_folder() ? "its root is a folder of it" : "`ephemeral` lets nothing be written to it"));
  };
  if (image.is_folder()) {
    auto plan = TRY(plan_folder(image, guest_block));
    warn_of_read_only(plan);
    return plan;
  }
  if (!config.forgets()) {
    auto plan = TRY(plan_attachment(image, true, guest_block));
    plan.grows = !TRY(vhd::is_whole(*image.disk));
    plan.arrives = image.arriving != nullptr;
    return plan;
  }
  auto plan = TRY(plan_to_forget(image, *config.ephemeral, {}, guest_block));
  if (config.writes_nothing()) warn_of_read_only(plan);
  return plan;
}

blocks::AttachPlan read_only(blocks::AttachPlan plan) {
  plan.read_only = true;
  plan.writer = {};
  plan.kept = {};
  plan.flush_gate = false;
  plan.grows = false;
  plan.arrives = false;
  return plan;
}

Result<sys::AttachedDisk> attach_image(const blocks::AttachPlan& plan, const FoundImage& image) {
  return sys::AttachedDisk::attach(
      plan, {.map = kMapName, .map_uuid = concat("VHDBOOT-", image.volume->identity.uuid), .image = image.path.text()});
}

Result<sys::AttachedDisk> attach_above(const blocks::AttachPlan& plan, const FoundImage& image,
                                       const std::string& device) {
  return sys::AttachedDisk::attach_above(plan, device, image.path.text());
}

Result<sys::AttachedDisk> attach_to_look(const blocks::AttachPlan& plan, const FoundImage& image, std::size_t number) {
  const std::string own = concat(::getpid(), '-', number);
  const HostVolume* first = plan.view.rows.front().device == 0 ? image.volume : image.other_volume();
  return sys::AttachedDisk::attach_to_look(
      plan, first->device.path,
      {.map = concat(kMapName, "-look-", own), .map_uuid = concat("VHDBOOT-LOOK-", own), .image = image.path.text()});
}

Result<sys::MappedStack> hold_other_volume(const FoundImage& image) {
  constexpr std::uint64_t kOneBlock = 8;  // sectors, of any disk
  sys::MappedStack held;
  const HostVolume* other = image.other_volume();
  if (other == nullptr) return held;
  TRY(sys::make_read_only(other->device.path));
  if (!TRY(sys::is_read_only(other->device.path)))
    return fail(Code::Unsafe, concat(other->device.path, " can be written to all the same"));
  held.add(TRY_IN(other->description(),
                  sys::MappedDevice::claim(concat(kMapName, "-parents"), concat("VHDBOOT-", kMapName, "-parents"),
                                           blocks::Row{.length = kOneBlock}, other->device.numbers)));
  return held;
}

Result<void> add_host_device(sys::AttachedDisk& disk, const blocks::AttachPlan& plan, const FoundImage& image,
                             bool read_only) {
  constexpr std::size_t kHostVolume = 0;
  disk.keep(TRY(
      sys::HostDevice::make(plan.view, kHostVolume, concat("VHDBOOT-HOST-", image.volume->identity.uuid), read_only)));
  return {};
}

}  // namespace vhdboot::stage
