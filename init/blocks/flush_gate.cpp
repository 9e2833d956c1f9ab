// SPDX-License-Identifier: GPL-2.0-or-later
#include "init/blocks/flush_gate.h"

#include <algorithm>

#include "base/kernel_release.h"

namespace vhdboot::blocks {
namespace {

const Row* first_row_on(std::span<const Row> rows, std::size_t device) {
  const auto row =
      std::ranges::find_if(rows, [&](const Row& one) { return one.kind == RowKind::Linear && one.device == device; });
  return row == rows.end() ? nullptr : &*row;
}

std::size_t count_devices(std::span<const Row> rows) {
  std::size_t count = 0;
  for (const Row& row : rows) count = std::max(count, row.device + 1);
  return count;
}

}  // namespace

bool needs_flush_gate(const View& view, bool read_only, std::string_view kernel) {
  constexpr KernelRelease kOneFlushADevice{6, 11};
  const auto release = parse_kernel_release(kernel);
  return !read_only && view.rows.size() > 1 && release && *release < kOneFlushADevice;
}

std::vector<Row> flush_gate_rows(std::span<const Row> rows, std::size_t first) {
  constexpr std::uint64_t kGate = 8;  // sectors: a block of any disk
  std::vector<Row> gate;
  if (rows.empty()) return gate;
  const std::uint64_t end = rows.back().start + rows.back().length;
  gate.push_back({.start = 0, .length = end, .device = 0, .device_sector = 0});
  for (std::size_t device = first; device < count_devices(rows); ++device) {
    // Within what may be written anyway, where a write would do no harm to anybody else.
    const Row* row = first_row_on(rows, device);
    if (row == nullptr) continue;
    const Row& last = gate.back();
    gate.push_back({.start = last.start + last.length,
                    .length = std::min(kGate, row->length),
                    .device = 1 + device - first,
                    .device_sector = row->device_sector});
  }
  return gate;
}

}  // namespace vhdboot::blocks
