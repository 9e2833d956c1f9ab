// SPDX-License-Identifier: GPL-2.0-or-later
#include "init/blocks/attach_plan.h"

#include <algorithm>
#include <utility>

#include "base/text.h"
#include "init/blocks/flush_gate.h"

namespace vhdboot::blocks {

Result<AttachPlan> plan_attachment(View view, bool read_only, std::uint32_t guest_block, std::string_view kernel) {
  if (guest_block != 512 && guest_block != 4096)
    return fail(Code::Unsupported, concat("the guest disk has logical blocks of ", guest_block,
                                          " bytes, only 512 and 4096 are supported"));
  if (view.size == 0 || view.size % guest_block != 0)
    return fail(Code::Corrupt, concat("the disk in the image has ", view.size, " bytes, which are not whole blocks of ",
                                      guest_block, " bytes"));

  const auto is_foreign = [&](const Row& row) {
    return row.kind == RowKind::Linear && !view.files.empty() && row.device != view.files.front().device;
  };
  if (!read_only && std::ranges::any_of(view.rows, is_foreign))
    return fail(Code::Unsafe, "a part of the disk would be written on the volume of a parent");

  const bool gate = needs_flush_gate(view, read_only, kernel);
  AttachPlan plan{.view = std::move(view),
                  .read_only = read_only,
                  .writer = {},
                  .store = {},
                  .kept = {},
                  .flush_gate = gate,
                  .loop_block = guest_block,
                  .direct_io = true,
                  .warnings = {}};
  const auto& devices = plan.view.devices;
  const auto larger =
      std::ranges::find_if(devices, [&](const LowerDevice& device) { return device.logical_block > guest_block; });
  if (larger != devices.end()) {
    plan.direct_io = false;
    plan.warnings.push_back(concat("the disk has logical blocks of ", larger->logical_block,
                                   " bytes and the guest disk of ", guest_block,
                                   ": direct I/O is not possible, the page cache will be used twice"));
  }
  return plan;
}

std::vector<Row> writer_rows(const View& view) {
  if (view.rows.empty()) return {};
  const Row& last = view.rows.back();
  return {{.kind = RowKind::Snapshot,
           .length = last.start + last.length,
           .device = 0,
           .store = 1,
           .chunk = kStorePiece / kSectorSize}};
}

Result<std::vector<Row>> kept_rows(const View& view, std::span<const Range> kept) {
  if (view.rows.empty()) return fail(Code::Invalid, "a view of nothing keeps nothing");
  std::vector<Row> rows;
  std::uint64_t position = 0;  // sectors
  const auto forget_up_to = [&](std::uint64_t end) {
    append_row(rows, {.start = position, .length = end - position, .device = 0, .device_sector = position});
    position = end;
  };
  for (const Range& range : kept) {
    const std::uint64_t begin = range.offset / kSectorSize;
    if (range.empty() || sum_overflows(range.offset, range.length) || range.end() > view.size || begin < position)
      return fail(Code::Invalid, concat("bytes ", range.offset, " to ", range.offset + range.length,
                                        " cannot be kept of a disk of ", view.size));
    for (const LowerDevice& device : view.devices)
      if (range.offset % device.logical_block != 0 || range.length % device.logical_block != 0)
        return fail(Code::Unsupported,
                    concat("what is to be kept begins or ends at byte ", range.offset, " or ", range.end(),
                           ", which is not on a logical block of the disk (", device.logical_block, " bytes)"));
    forget_up_to(begin);
    const std::uint64_t end = range.end() / kSectorSize;
    for (const Row& row : view.rows) {
      const std::uint64_t from = std::max(row.start, begin);
      const std::uint64_t to = std::min(row.start + row.length, end);
      if (from >= to) continue;
      if (row.kind != RowKind::Linear)
        return fail(Code::Unsupported,
                    concat("what is to be kept has no place in the image at byte ", from * kSectorSize));
      append_row(rows, {.start = from,
                        .length = to - from,
                        .device = 1 + row.device,
                        .device_sector = row.device_sector + (from - row.start)});
    }
    position = end;
  }
  const Row& last = view.rows.back();
  forget_up_to(last.start + last.length);
  return rows;
}

std::vector<std::string> modules_of(const AttachPlan& plan) {
  // linear and error are part of device-mapper itself.
  std::vector<std::string> modules{"dm_mod"};
  if (plan.grows || std::ranges::find(plan.view.rows, RowKind::Zero, &Row::kind) != plan.view.rows.end())
    modules.emplace_back("dm_zero");
  if (plan.grows || plan.forgets()) modules.emplace_back("dm_snapshot");
  if (plan.needs_keeper()) modules.emplace_back("nbd");
  if (plan.arrives) modules.emplace_back("macvlan");
  modules.emplace_back("loop");
  return modules;
}

}  // namespace vhdboot::blocks
