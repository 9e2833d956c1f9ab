// SPDX-License-Identifier: GPL-2.0-or-later
#include "init/volume/exfat_fat.h"

#include <algorithm>
#include <utility>

#include "base/text.h"
#include "init/volume/extents.h"

namespace vhdboot::volume {
namespace {
constexpr std::uint32_t kEndOfChain = 0xFFFFFFFF;
constexpr std::uint32_t kBadCluster = 0xFFFFFFF7;
}  // namespace

Result<void> ExfatFat::load(Window& window, std::uint32_t index) {
  const std::uint64_t total = std::uint64_t{geometry_.cluster_count} + 2;
  const std::uint64_t start = std::uint64_t{index} * kWindowEntries;
  const auto entries = static_cast<std::uint32_t>(std::min<std::uint64_t>(kWindowEntries, total - start));
  if (!window.bytes) window.bytes = std::make_unique_for_overwrite<std::byte[]>(kWindowEntries * 4);
  window.entries = 0;
  TRY_IN("reading the FAT", partition_.read(geometry_.fat_offset + start * 4, {window.bytes.get(), entries * 4ul}));
  window.index = index;
  window.entries = entries;
  return {};
}

Result<std::uint32_t> ExfatFat::next(std::uint32_t cluster) {
  const std::uint32_t index = cluster / kWindowEntries;
  Window& window = windows_[index % kWindows];
  if (window.entries == 0 || window.index != index) TRY(load(window, index));
  return *load_le<std::uint32_t>({window.bytes.get(), window.entries * 4ul}, cluster % kWindowEntries * 4ul);
}

Result<std::vector<Extent>> ExfatFat::extents(const ExfatStream& stream) {
  if (stream.size == 0) return std::vector<Extent>{};
  if (stream.size > geometry_.heap_size())
    return fail(Code::Corrupt, concat("its size of ", stream.size, " bytes is more than the volume has"));
  const std::uint64_t cluster_size = geometry_.cluster_size;
  if (!geometry_.in_heap(stream.first_cluster))
    return fail(Code::Corrupt, concat("its first cluster is ", stream.first_cluster, ", which does not exist"));
  ExtentList list(stream.size, geometry_.volume_size);
  if (stream.contiguous) {
    const std::uint64_t start = std::uint64_t{stream.first_cluster - 2} * cluster_size;
    if (stream.size > geometry_.heap_size() - start)
      return fail(Code::Corrupt, "its clusters go past the end of the volume");
    TRY(list.add(0, geometry_.offset_of(stream.first_cluster), stream.size));
    return std::move(list).finish();
  }
  const std::uint64_t clusters = (stream.size + cluster_size - 1) / cluster_size;
  std::uint32_t start = stream.first_cluster;  // of the run that is being gathered
  std::uint64_t start_index = 0;
  std::uint32_t cluster = start;
  for (std::uint64_t i = 1; i < clusters; ++i) {
    const std::uint32_t following = TRY(next(cluster));
    if (!geometry_.in_heap(following)) {
      if (following == kBadCluster) return fail(Code::Corrupt, concat("its cluster ", i, " is marked bad"));
      return fail(Code::Corrupt, concat("its chain ends after ", i, " of ", clusters, " clusters"));
    }
    if (following != cluster + 1) {
      TRY(list.add(start_index * cluster_size, geometry_.offset_of(start), (i - start_index) * cluster_size));
      start = following;
      start_index = i;
    }
    cluster = following;
  }
  TRY(list.add(start_index * cluster_size, geometry_.offset_of(start), (clusters - start_index) * cluster_size));
  return std::move(list).finish();
}

Result<std::vector<Extent>> ExfatFat::extents_to_end(std::uint32_t first, std::uint64_t cap) {
  const std::uint64_t most = std::max<std::uint64_t>(1, cap / geometry_.cluster_size);
  ExtentList list(most * geometry_.cluster_size, geometry_.volume_size);
  std::uint32_t cluster = first;
  for (std::uint64_t i = 0;; ++i) {
    if (!geometry_.in_heap(cluster)) return fail(Code::Corrupt, "its chain leaves the volume");
    if (i >= most) return fail(Code::Corrupt, "its chain does not end");
    TRY(list.add(i * geometry_.cluster_size, geometry_.offset_of(cluster), geometry_.cluster_size));
    cluster = TRY(next(cluster));
    if (cluster == kEndOfChain) break;
  }
  return std::move(list).finish();
}

}  // namespace vhdboot::volume
