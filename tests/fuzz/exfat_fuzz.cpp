// SPDX-License-Identifier: GPL-2.0-or-later
// An exFAT volume, as tests/support/sparse_encoding.h writes it. Checksums that only guard what is then read are made
// right first, or no mutation would ever get past them.
#include <cstdlib>

#include "init/volume/exfat_volume.h"
#include "tests/support/sparse_encoding.h"

namespace {

using namespace vhdboot;
using namespace vhdboot::volume;

constexpr unsigned kMaxFiles = 50;
constexpr std::uint64_t kReadCap = 256 * 1024;

void seal_boot_region(test::SparseImage& image) {
  const unsigned shift = image.get<std::uint8_t>(108);
  if (shift < 9 || shift > 12) return;
  const std::size_t sector = std::size_t{1} << shift;
  std::vector<std::byte> region(11 * sector);
  if (!image.read(0, region)) return;
  std::uint32_t sum = 0;
  for (std::size_t i = 0; i < region.size(); ++i)
    if (i != 106 && i != 107 && i != 112)
      sum = ((sum & 1) ? 0x80000000u : 0) + (sum >> 1) + std::to_integer<std::uint32_t>(region[i]);
  for (std::size_t i = 0; i < sector; i += 4) image.put(11 * sector + i, sum);
}

void expect_within(const std::vector<Extent>& extents, std::uint64_t size, std::uint64_t volume_size) {
  std::uint64_t next = 0;
  for (const Extent& extent : extents) {
    if (extent.length == 0 || extent.logical < next || extent.logical + extent.length > size) std::abort();
    if (extent.physical > volume_size || extent.length > volume_size - extent.physical) std::abort();
    next = extent.logical + extent.length;
  }
}

/// Every set of entries of the root directory, with a right checksum or not.
void walk_streams(const ByteSource& image) {
  const auto geometry = read_exfat_boot(image);
  if (!geometry) return;
  ExfatFat fat(image, *geometry);
  auto root = fat.extents_to_end(geometry->root_cluster, 1 << 20);
  if (!root) return;
  std::uint64_t size = 0;
  for (const Extent& extent : *root) size += extent.length;
  const FileSource contents(image, std::move(*root), size, size);
  ExfatDirectory directory(contents);
  for (unsigned i = 0; i < kMaxFiles; ++i) {
    const auto file = directory.next_file();
    if (!file || !*file) break;
    if (const auto extents = fat.extents((*file)->stream))
      expect_within(*extents, (*file)->stream.size, geometry->volume_size);
  }
}

void walk(HostVolume& volume, const Path& directory, unsigned depth, unsigned& files) {
  const auto list = volume.list(directory);
  if (!list) return;
  for (const DirEntry& entry : *list) {
    if (++files > kMaxFiles) return;
    const auto path = directory.child(entry.name);
    if (!path) continue;
    if (const auto layout = volume.layout(*path)) {
      expect_within(layout->extents, layout->size, volume.volume_size());
      (void)check_mappable(*layout, *path);
      if (!layout->directory) (void)volume.check_allocation(*path);
    }
    (void)volume.read_file(*path, kReadCap);
    if (entry.directory && depth < 4) walk(volume, *path, depth + 1, files);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  test::SparseImage image = test::decode_sparse({reinterpret_cast<const std::byte*>(data), size});
  seal_boot_region(image);
  walk_streams(image);
  const auto volume = ExfatVolume::open(image);
  if (!volume) return 0;
  (void)describe(*(*volume)->state());
  unsigned files = 0;
  walk(**volume, Path(), 0, files);
  (void)(*volume)->layout(*parse_path("/boot/debian.vhd"));
  (void)(*volume)->spelling(*parse_path("/BOOT/Debian.vhd"));
  return 0;
}
