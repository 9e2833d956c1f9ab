// SPDX-License-Identifier: GPL-2.0-or-later
#include "init/sys/logical_volumes.h"

#include <algorithm>
#include <map>
#include <utility>

#include "base/text.h"
#include "base/units.h"
#include "disk/lvm_label.h"
#include "disk/volume_group.h"
#include "init/blocks/row.h"
#include "init/sys/file.h"

namespace vhdboot::sys {
namespace {

struct Physical {
  std::string id;
  std::string numbers;
  std::uint64_t sectors = 0;
};

Result<MappedDevice> map(const disk::LogicalVolume& volume, const std::vector<Physical>& physical,
                         const std::string& name) {
  std::vector<blocks::Row> rows;
  std::vector<std::string> devices;
  for (const Physical& one : physical) devices.push_back(one.numbers);
  for (const disk::VolumePiece& piece : volume.pieces) {
    const auto on = std::ranges::find(physical, piece.physical, &Physical::id);
    if (on == physical.end()) return fail(Code::NotFound, "a physical volume of it is not on the guest disk");
    if (piece.physical_start > on->sectors || piece.length > on->sectors - piece.physical_start)
      return fail(Code::Corrupt, "a piece of it lies behind the end of its physical volume");
    blocks::append_row(rows, {.kind = blocks::RowKind::Linear,
                              .start = piece.start,
                              .length = piece.length,
                              .device = static_cast<std::size_t>(on - physical.begin()),
                              .device_sector = piece.physical_start});
  }
  return MappedDevice::create(name, concat("VHDBOOT-", name), rows, devices, true);
}

}  // namespace

LogicalVolumes map_logical_volumes(const std::vector<BlockDevice>& devices) {
  LogicalVolumes volumes;
  std::vector<Physical> physical;
  std::map<std::string, disk::VolumeGroup> groups;  // by name, the newest copy
  for (const BlockDevice& device : devices) {
    const auto source = FdSource::open(device.path);
    auto text = source ? disk::read_physical_volume(**source) : std::unexpected(source.error());
    if (!text) {
      volumes.problems.push_back(std::move(text).error().within(device.path).message());
      continue;
    }
    physical.push_back({std::move(text->id), device.numbers, device.size / kSectorSize});
    if (text->metadata.empty()) continue;
    auto group = disk::parse_volume_group(text->metadata);
    if (!group) {
      volumes.problems.push_back(std::move(group).error().within(device.path).message());
      continue;
    }
    const auto known = groups.find(group->name);
    if (known != groups.end() && known->second.seqno >= group->seqno) continue;
    std::string name = group->name;
    groups.insert_or_assign(std::move(name), *std::move(group));
  }
  for (const auto& [name, group] : groups)
    for (const disk::LogicalVolume& volume : group.volumes) {
      const std::string called = concat("the logical volume ", printable(name), '/', printable(volume.name));
      if (!volume.is_linear) {
        volumes.not_linear.push_back(concat(called, " is not linear: only LVM reads it"));
        continue;
      }
      if (volumes.mapped.size() == disk::kMaxLogicalVolumes) return volumes;
      auto mapped = map(volume, physical, concat("vhdboot-volume-", volumes.mapped.size()));
      if (mapped)
        volumes.mapped.push_back({name, volume.name, *std::move(mapped)});
      else
        volumes.problems.push_back(std::move(mapped).error().within(called).message());
    }
  return volumes;
}

}  // namespace vhdboot::sys
