// SPDX-License-Identifier: GPL-2.0-or-later
#include "init/sys/attached_disk.h"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <span>
#include <utility>
#include <vector>

#include "base/text.h"
#include "base/units.h"
#include "init/blocks/flush_gate.h"
#include "init/blocks/host_device.h"
#include "init/record/host_mount.h"
#include "init/sys/file.h"

namespace vhdboot::sys {
namespace {

constexpr char kLower[] = "-rows";
constexpr char kForgets[] = "-forgets";
constexpr char kKeeps[] = "-keeps";
constexpr char kStore[] = "-store";

LoopOptions loop_options(const blocks::AttachPlan& plan) {
  return {.read_only = !plan.takes_writes(),
          .direct_io = plan.direct_io,
          .size_limit = plan.view.size,
          .block_size = plan.loop_block};
}

// With the rows on top, and their gate where the plan has one; `lower`: what is added to the name of the rows then.
// `devices`: those of the rows, of which the view's are the last.
Result<MappedStack> with_top(MappedStack maps, const blocks::AttachPlan& plan, const DiskNames& names,
                             std::string lower, std::span<const blocks::Row> rows, std::span<const std::string> devices,
                             bool read_only) {
  if (!plan.flush_gate) lower.clear();
  maps.add(TRY(MappedDevice::create(names.map + lower, names.map_uuid + lower, rows, devices, read_only)));
  if (plan.forgets()) TRY(maps.top().check(rows, devices, read_only));
  if (!plan.flush_gate) return maps;
  // Where that is refused flushes are many, and still all of them.
  (void)maps.top().forget_flushes();
  const std::size_t first = devices.size() - plan.view.devices.size();
  std::vector<std::string> below{maps.top().numbers()};
  below.insert(below.end(), devices.begin() + static_cast<std::ptrdiff_t>(first), devices.end());
  const auto gate = blocks::flush_gate_rows(rows, first);
  maps.add(TRY(MappedDevice::create(names.map, names.map_uuid, gate, below, read_only)));
  if (plan.forgets()) TRY(maps.top().check(gate, below, read_only));
  return maps;
}

// Empty: what an earlier boot has left there is not found any more. Nothing in it is worth a flush.
Result<MappedDevice> map_scratch_file(const blocks::AttachPlan& plan, const DiskNames& names,
                                      std::span<const std::string> devices) {
  constexpr std::array<std::byte, 4096> kNoHeader{};
  auto map = TRY(MappedDevice::create(names.map + kStore, names.map_uuid + kStore, plan.store, devices, false));
  TRY(map.check(plan.store, devices, false));
  const Fd device = TRY(open_file(map.path(), O_WRONLY));
  TRY_IN(map.path(), write_all(device, kNoHeader));
  if (::fsync(device.get()) < 0) return fail_errno(concat("writing to ", map.path()));
  (void)map.forget_flushes();
  return map;
}

// What is written is in the store, and what lies below stays as it is: the kernel is asked whether that is so. Only the
// rows of what is kept reach past it.
Result<MappedStack> map_to_forget(const blocks::AttachPlan& plan, const DiskNames& names,
                                  const std::optional<MemoryStore>& memory) {
  MappedStack maps;
  auto devices = blocks::device_numbers(plan.view);
  if (!memory) maps.add(TRY(map_scratch_file(plan, names, devices)));
  const std::string store = memory ? memory->numbers() : maps.top().numbers();
  maps.add(TRY(MappedDevice::create(names.map + kLower, names.map_uuid + kLower, plan.view.rows, devices, true)));
  TRY(maps.top().check(plan.view.rows, devices, true));
  const auto rows = blocks::writer_rows(plan.view);
  const std::array two{maps.top().numbers(), store};
  const std::string forgets = plan.kept.empty() ? "" : kForgets;
  maps.add(TRY(MappedDevice::create(names.map + forgets, names.map_uuid + forgets, rows, two, false)));
  TRY(maps.top().check(rows, two, false));
  if (plan.kept.empty()) return maps;
  devices.insert(devices.begin(), maps.top().numbers());
  const auto kept = TRY(blocks::kept_rows(plan.view, plan.kept));
  return with_top(std::move(maps), plan, names, kKeeps, kept, devices, false);
}

Result<MappedStack> map_view(const blocks::AttachPlan& plan, const DiskNames& names) {
  return with_top({}, plan, names, kLower, plan.view.rows, blocks::device_numbers(plan.view), plan.read_only);
}

}  // namespace

Result<HostDevice> HostDevice::make(const blocks::View& view, std::size_t device, const std::string& map_uuid,
                                    bool read_only) {
  const auto rows = TRY(blocks::host_device_rows(view, device));
  const auto devices = blocks::device_numbers(view);
  HostDevice host(TRY(MappedDevice::create(std::string(record::kHostDeviceName), map_uuid, rows, devices, read_only)));
  if (read_only) TRY(host.map_.check(rows, devices, true));
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
  std::optional<MemoryStore> store;
  if (plan.writer.kind == blocks::WriterKind::Memory)
    store = TRY(MemoryStore::make(names.map + kStore, plan.writer.store_size));
  auto maps = TRY(plan.forgets() ? map_to_forget(plan, names, store) : map_view(plan, names));
  const Fd backing = TRY(open_file(maps.top().path(), plan.takes_writes() ? O_RDWR : O_RDONLY));
  auto loop = TRY(LoopDevice::attach(backing, names.image, loop_options(plan)));
  // A loop device makes zeroes of TRIM (drivers/block/loop.c: FALLOC_FL_PUNCH_HOLE), and a disk without TRIM would
  // write them, all of the free space at each fstrim.
  if (plan.takes_writes() && (!plan.trim || !maps.top().trims())) TRY(loop.refuse_trim());
  return AttachedDisk(std::move(store), std::move(maps), std::move(loop));
}

Result<AttachedDisk> AttachedDisk::attach_above(const blocks::AttachPlan& plan, const std::string& path,
                                                const std::string& name) {
  const Fd backing = TRY(open_file(path, O_RDWR));
  auto loop = TRY(LoopDevice::attach(backing, name, loop_options(plan)));
  // Neither the image's table nor the kernel's snapshot would take it.
  TRY(loop.refuse_trim());
  return AttachedDisk({}, MappedStack(), std::move(loop));
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
    return AttachedDisk({}, MappedStack(), TRY(LoopDevice::attach(device, names.image, options)));
  }
  blocks::AttachPlan look = plan;
  look.read_only = true;
  look.writer = {};
  look.kept = {};
  look.flush_gate = false;
  look.grows = false;
  return TRY_IN(concat("the image lies in ", rows.size(), " pieces, and to look at it takes device-mapper"),
                attach(look, names));
}

void AttachedDisk::leave() {
  loop_.leave();
  maps_.leave();
  if (store_) store_->leave();
}

Result<void> AttachedDisk::detach() {
  Result<void> done;
  const auto step = [&done](Result<void> result) {
    if (done) done = std::move(result);
  };
  if (host_) step(host_->remove());
  step(loop_.detach());
  step(maps_.remove());
  if (store_) step(store_->detach());
  return done;
}

}  // namespace vhdboot::sys
