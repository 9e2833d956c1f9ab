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

Result<std::vector<Place>> hidden_places(std::span<const Extent> mapped, const LowerDevice& partition) {
  const std::uint64_t block = partition.logical_block;
  const std::uint64_t size = partition.size / block * block;
  std::vector<Place> places;
  for (const Extent& extent : mapped) {
    if (extent.physical > partition.size || extent.length > partition.size - extent.physical)
      return fail(Code::Corrupt, concat("a file would lie at byte ", extent.physical, " of the host volume with ",
                                        extent.length, " bytes, past its end at ", partition.size));
    if (extent.length == 0) continue;
    const std::uint64_t clusters = align_up(extent.length, std::max(partition.cluster_size, block));
    places.push_back({extent.physical / block * block, std::min(align_up(extent.physical + clusters, block), size)});
  }
  std::ranges::sort(places, {}, &Place::begin);
  return places;
}

}  // namespace

Result<std::vector<HostRow>> host_device_rows(std::span<const Extent> mapped, const LowerDevice& partition) {
  TRY(check_partition(partition));
  std::vector<HostRow> rows;
  std::uint64_t position = 0;
  const auto go_to = [&](std::uint64_t end, bool hidden) {
    if (end <= position) return;
    const std::uint64_t length = (end - position) / kSectorSize;
    if (!rows.empty() && rows.back().hidden == hidden)
      rows.back().length += length;
    else
      rows.push_back({.start = position / kSectorSize, .length = length, .hidden = hidden});
    position = end;
  };
  for (const Place& place : TRY(hidden_places(mapped, partition))) {
    go_to(place.begin, false);
    go_to(place.end, true);
  }
  go_to(partition.size / partition.logical_block * partition.logical_block, false);
  if (rows.size() > kMaxHostRows)
    return fail(Code::Unsupported,
                concat("the files of this boot lie in so many pieces that it would take ", rows.size(),
                       " rows, more than ", kMaxHostRows, ": defragment them (in Windows: contig, or defrag)"));
  return rows;
}

std::vector<std::byte> pack_host_targets(std::span<const HostRow> rows, std::string_view device) {
  std::vector<std::byte> packed;
  for (const HostRow& row : rows)
    append_target(packed, row.start, row.length, row.hidden ? "error" : "linear",
                  row.hidden ? std::string() : concat(device, ' ', row.start));
  return packed;
}

}  // namespace vhdboot::blocks
