// SPDX-License-Identifier: GPL-2.0-or-later
#include "init/sys/logical_volumes.h"

#include <utility>

#include "base/text.h"
#include "disk/volume_group.h"
#include "init/blocks/row.h"
#include "init/sys/file.h"

namespace vhdboot::sys {
namespace {

Result<MappedDevice> map(const disk::LogicalVolume& volume, const disk::VolumeGroups& physical,
                         const std::vector<BlockDevice>& devices, const std::string& name) {
  std::vector<blocks::Row> rows;
  std::vector<std::string> numbers;
  for (const BlockDevice& device : devices) numbers.push_back(device.numbers);
  for (const disk::PlacedPiece& piece : TRY(physical.place(volume)))
    blocks::append_row(rows, {.kind = blocks::RowKind::Linear,
                              .start = piece.start,
                              .length = piece.length,
                              .device = piece.device,
                              .device_sector = piece.device_start});
  return MappedDevice::create(name, concat("VHDBOOT-", name), rows, numbers, true);
}

}  // namespace

LogicalVolumes map_logical_volumes(const std::vector<BlockDevice>& devices) {
  LogicalVolumes volumes;
  disk::VolumeGroups physical;
  for (const BlockDevice& device : devices) {
    const auto source = FdSource::open(device.path);
    auto added = source ? physical.add(**source) : physical.add(MemorySource({}));
    if (!source) added = std::unexpected(source.error());
    if (!added) volumes.problems.push_back(std::move(added).error().within(device.path).message());
  }
  for (const auto& [name, group] : physical.groups())
    for (const disk::LogicalVolume& volume : group.volumes) {
      const std::string called = concat("the logical volume ", printable(name), '/', printable(volume.name));
      if (!volume.is_linear) {
        volumes.not_linear.push_back(concat(called, " is not linear: only LVM reads it"));
        continue;
      }
      if (volumes.mapped.size() == disk::kMaxLogicalVolumes) return volumes;
      auto mapped = map(volume, physical, devices, concat("vhdboot-volume-", volumes.mapped.size()));
      if (mapped)
        volumes.mapped.push_back({name, volume.name, *std::move(mapped)});
      else
        volumes.problems.push_back(std::move(mapped).error().within(called).message());
    }
  return volumes;
}

}  // namespace vhdboot::sys
