// SPDX-License-Identifier: GPL-2.0-or-later
// Input: a byte for block and cluster size, eight for the partition's size, then extents as pairs of eight bytes: where
// and how long.
#include "init/blocks/host_device.h"

#include <cstdlib>

#include "base/bytes.h"

namespace {

using namespace vhdboot;
using namespace vhdboot::blocks;

bool is_hidden(const std::vector<Row>& rows, std::uint64_t sector) {
  for (const Row& row : rows)
    if (sector >= row.start && sector - row.start < row.length) return row.kind == RowKind::Error;
  std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 9) return 0;
  const Bytes input(reinterpret_cast<const std::byte*>(data), size);
  const LowerDevice partition{.numbers = "8:1",
                              .size = *load_le<std::uint64_t>(input, 1),
                              .logical_block = (data[0] & 1) != 0 ? 4096U : 512U,
                              .cluster_size = data[0] >> 1 == 0 ? 0 : 1ULL << (data[0] >> 3)};
  std::vector<Extent> extents;
  for (std::size_t at = 9; at + 16 <= size && extents.size() < 64; at += 16)
    extents.push_back({0, *load_le<std::uint64_t>(input, at), *load_le<std::uint64_t>(input, at + 8)});
  const auto rows = host_device_rows({.devices = {partition}, .files = {{.extents = extents}}}, 0);
  if (!rows) return 0;
  std::uint64_t end = 0;
  const std::uint64_t sectors_in_block = partition.logical_block / kSectorSize;
  for (std::size_t i = 0; i < rows->size(); ++i) {
    const Row& row = (*rows)[i];
    if (row.start != end || row.length == 0 || row.length % sectors_in_block != 0) std::abort();
    if (i > 0 && (*rows)[i - 1].kind == row.kind) std::abort();
    if (row.kind == RowKind::Linear && row.device_sector != row.start) std::abort();
    end += row.length;
  }
  if (end != partition.size / partition.logical_block * sectors_in_block) std::abort();
  // No byte of a file is shown.
  for (const Extent& extent : extents) {
    if (extent.length == 0) continue;
    const std::uint64_t first = extent.physical / kSectorSize;
    const std::uint64_t last = (extent.physical + extent.length - 1) / kSectorSize;
    if (first < end && !is_hidden(*rows, first)) std::abort();
    if (last < end && !is_hidden(*rows, last)) std::abort();
  }
  const std::vector<std::string> devices{partition.numbers};
  const auto packed = pack_rows(*rows, devices);
  if (!packed || packed->size() % 8 != 0 || packed->size() < rows->size() * 40) std::abort();
  return 0;
}
