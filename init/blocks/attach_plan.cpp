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

  const bool gate = needs_flush_gate(view, read_only, kernel);
  AttachPlan plan{.view = std::move(view),
                  .read_only = read_only,
                  .writer = {},
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
  return {{.kind = RowKind::Snapshot, .length = last.start + last.length, .device = 0, .store = 1}};
}

std::vector<std::string> modules_of(const AttachPlan& plan) {
  // linear and error are part of device-mapper itself.
  std::vector<std::string> modules{"dm_mod"};
  if (std::ranges::find(plan.view.rows, RowKind::Zero, &Row::kind) != plan.view.rows.end())
    modules.emplace_back("dm_zero");
  if (plan.forgets()) modules.emplace_back("dm_snapshot");
  modules.emplace_back("loop");
  return modules;
}

}  // namespace vhdboot::blocks
