// SPDX-License-Identifier: GPL-2.0-or-later
#include "init/blocks/host_device.h"

#include <algorithm>
#include <bit>

#include "base/text.h"

namespace vhdboot::blocks {
namespace {

constexpr std::uint64_t kMaxCluster = kGiB;  // far above those of NTFS (2 MiB) and exFAT (32 MiB)

// Bytes of the partition, in whole logical blocks.
struct Place {
  std::uint64_t begin = 0;
  std::uint64_t end = 0;
};

Result<void> check_partition(const LowerDevice& partition) {
  const bool known_cluster = partition.cluster_size == 0 || std::has_single_bit(partition.cluster_size);
  if ((partition.logical_block != 512 && partition.logical_block != 4096) || !known_cluster ||
      partition.cluster_size > kMaxCluster || partition.size > UINT64_MAX / 2)
    return fail(Code::Unsupported, concat("a partition of ", partition.size, " bytes with logical blocks of ",
                                          partition.logical_block, " and clusters of ", partition.cluster_size));
  return {};
}

Result<void> add_places(const MappedFile& file, const LowerDevice& partition, std::vector<Place>& places) {
  const std::uint64_t block = partition.logical_block;
  const std::uint64_t size = partition.size / block * block;
  for (const Extent& extent : file.extents) {
    if (extent.physical > partition.size || extent.length > partition.size - extent.physical)
      return fail(Code::Corrupt, concat("a file would lie at byte ", extent.physical, " of the host volume with ",
                                        extent.length, " bytes, past its end at ", partition.size));
    if (extent.length == 0) continue;
    const std::uint64_t clusters = align_up(extent.length, std::max(partition.cluster_size, block));
    places.push_back({extent.physical / block * block, std::min(align_up(extent.physical + clusters, block), size)});
  }
  return {};
}

Result<std::vector<Place>> hidden_places(const View& view, std::size_t device) {
  std::vector<Place> places;
  for (const MappedFile& file : view.files)
    if (file.device == device) TRY(add_places(file, view.devices[device], places));
  std::ranges::sort(places, {}, &Place::begin);
  return places;
}

}  // namespace

Result<std::vector<Row>> host_device_rows(const View& view, std::size_t device) {
  if (device >= view.devices.size()) return fail(Code::Invalid, concat("the view has no device ", device));
  const LowerDevice& partition = view.devices[device];
  TRY(check_partition(partition));
  std::vector<Row> rows;
  std::uint64_t position = 0;
  const auto go_to = [&](std::uint64_t end, RowKind kind) {
    if (end <= position) return;
    const std::uint64_t sector = position / kSectorSize;
    const bool linear = kind == RowKind::Linear;
    append_row(rows, {.kind = kind,
                      .start = sector,
                      .length = (end - position) / kSectorSize,
                      .device = linear ? device : 0,
                      .device_sector = linear ? sector : 0});
    position = end;
  };
  for (const Place& place : TRY(hidden_places(view, device))) {
    go_to(place.begin, RowKind::Linear);
    go_to(place.end, RowKind::Error);
  }
  go_to(partition.size / partition.logical_block * partition.logical_block, RowKind::Linear);
  if (rows.size() > kMaxHostRows)
    return fail(Code::Unsupported,
                concat("the files of this boot lie in so many pieces that it would take ", rows.size(),
                       " rows, more than ", kMaxHostRows, ": defragment them (in Windows: contig, or defrag)"));
  return rows;
}

}  // namespace vhdboot::blocks
