// SPDX-License-Identifier: GPL-2.0-or-later
// An NTFS volume, as tests/support/sparse_encoding.h writes it.
#include <cstdlib>

#include "init/volume/lx_file.h"
#include "init/volume/ntfs3g.h"
#include "init/volume/ntfs_tree.h"
#include "init/volume/volume.h"
#include "tests/support/sparse_encoding.h"

namespace {

using namespace vhdboot;
using namespace vhdboot::volume;

constexpr unsigned kMaxFiles = 50;
constexpr std::uint64_t kReadCap = 256 * 1024;

const std::vector<std::byte>& usual_upcase() {
  static const std::vector<std::byte> table = [] {
    ntfschar* units = nullptr;
    const u32 count = ntfs_upcase_build_default(&units);
    std::vector<std::byte> out(count * sizeof(ntfschar));
    std::memcpy(out.data(), units, out.size());
    std::free(units);
    return out;
  }();
  return table;
}

/// The library wants the first records of the MFT to be the same in its mirror: a mutation of one of them has to reach
/// what comes after that check.
void mirror_mft(test::SparseImage& image) {
  const std::uint64_t cluster = std::uint64_t{image.get<std::uint16_t>(11)} * image.get<std::uint8_t>(13);
  const std::uint64_t mft = image.get<std::uint64_t>(48);
  const std::uint64_t mirror = image.get<std::uint64_t>(56);
  if (cluster == 0 || mft > image.size() / cluster || mirror > image.size() / cluster) return;
  std::vector<std::byte> records(4 * 1024);
  if (image.read(mft * cluster, records)) image.write(mirror * cluster, records);
}

void expect_within(const FileLayout& layout, std::uint64_t volume_size) {
  std::uint64_t next = 0;
  for (const Extent& extent : layout.extents) {
    if (extent.length == 0 || extent.logical < next || extent.logical + extent.length > layout.size) std::abort();
    if (extent.physical > volume_size || extent.length > volume_size - extent.physical) std::abort();
    next = extent.logical + extent.length;
  }
  if (layout.valid_size > layout.size) std::abort();
}

void walk(HostVolume& volume, const Path& directory, unsigned depth, unsigned& files) {
  const auto list = volume.list(directory);
  if (!list) return;
  for (const DirEntry& entry : *list) {
    if (++files > kMaxFiles) return;
    const auto path = directory.child(entry.name);
    if (!path) continue;
    if (const auto layout = volume.layout(*path)) {
      expect_within(*layout, volume.volume_size());
      (void)check_mappable(*layout, *path);
      if (!layout->directory) (void)volume.check_allocation(*path);
    }
    (void)volume.read_file(*path, kReadCap);
    if (entry.directory && depth < 3) walk(volume, *path, depth + 1, files);
  }
}

/// The same volume as something that goes through all of a folder reads it.
void walk_records(NtfsTree& tree, std::uint64_t reference, unsigned depth, unsigned& files) {
  const auto names = tree.names(reference);
  if (!names) return;
  for (const NtfsName& name : *names) {
    if (++files > kMaxFiles) return;
    const auto node = tree.node(name.reference);
    if (!node) continue;
    if (node->extended_attributes.size() > 65536 || node->reparse_point.size() > 65536) std::abort();
    (void)lx_file(*node, LxGeneration::WslFs);
    if (node->directory) {
      if (depth < 3) walk_records(tree, name.reference, depth + 1, files);
      continue;
    }
    const auto contents = tree.contents(name.reference);
    if (!contents) continue;
    std::uint64_t next = 0;
    for (const Range& range : contents->data) {
      if (range.length == 0 || range.offset < next || range.end() > contents->bytes->size()) std::abort();
      next = range.end();
    }
    if (contents->data.empty()) continue;
    std::vector<std::byte> bytes(std::min(contents->data.front().length, kReadCap));
    (void)contents->bytes->read(contents->data.front().offset, bytes);
  }
}

}  // namespace

/// The library forgets some memory when a volume cannot be mounted. That is little, and happens once a boot.
extern "C" const char* __asan_default_options() {
  return "detect_leaks=0";
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  test::SparseImage image = test::decode_sparse({reinterpret_cast<const std::byte*>(data), size}, usual_upcase());
  mirror_mft(image);
  auto volume = HostVolume::open(image);
  if (!volume || (*volume)->kind() != Kind::Ntfs) return 0;
  if (const auto state = (*volume)->state()) (void)describe(*state);
  unsigned files = 0;
  walk(**volume, Path(), 0, files);
  (void)(*volume)->layout(*parse_path("/boot/debian.vhd"));
  (void)(*volume)->spelling(*parse_path("/BOOT/Debian.vhd"));
  files = 0;
  if (auto tree = NtfsTree::of(**volume, image))
    if (const auto root = tree->find(Path())) walk_records(*tree, *root, 0, files);
  return 0;
}
