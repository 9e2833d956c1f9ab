// SPDX-License-Identifier: GPL-2.0-or-later
#include "init/blocks/flush_gate.h"

#include <algorithm>

#include "base/kernel_release.h"

namespace vhdboot::blocks {
namespace {

const Row* first_row_on(const View& view, std::size_t device) {
  const auto row = std::ranges::find_if(
      view.rows, [&](const Row& one) { return one.kind == RowKind::Linear && one.device == device; });
  return row == view.rows.end() ? nullptr : &*row;
}

}  // namespace

bool needs_flush_gate(const View& view, bool read_only, std::string_view kernel) {
  constexpr KernelRelease kOneFlushADevice{6, 11};
  const auto release = parse_kernel_release(kernel);
  return !read_only && view.rows.size() > 1 && release && *release < kOneFlushADevice;
}

std::vector<Row> flush_gate_rows(const View& view) {
  constexpr std::uint64_t kGate = 8;  // sectors: a block of any disk
  std::vector<Row> rows;
  if (view.rows.empty()) return rows;
  const std::uint64_t end = view.rows.back().start + view.rows.back().length;
  rows.push_back({.start = 0, .length = end, .device = 0, .device_sector = 0});
  for (std::size_t device = 0; device < view.devices.size(); ++device) {
    // Within the image, where a write would do no harm to anybody else.
    const Row* row = first_row_on(view, device);
    if (row == nullptr) continue;
    const Row& last = rows.back();
    rows.push_back({.start = last.start + last.length,
                    .length = std::min(kGate, row->length),
                    .device = 1 + device,
                    .device_sector = row->device_sector});
  }
  return rows;
}

}  // namespace vhdboot::blocks
