// SPDX-License-Identifier: GPL-2.0-or-later
#include "init/blocks/attach_plan.h"

#include "base/text.h"

namespace vhdboot::blocks {

Result<AttachPlan> plan_attachment(const AttachRequest& request) {
  const auto& payload = request.payload;
  if (request.guest_block != 512 && request.guest_block != 4096)
    return fail(Code::Unsupported, concat("the guest disk has logical blocks of ", request.guest_block,
                                          " bytes, only 512 and 4096 are supported"));
  if (payload.offset > request.file_size || payload.size > request.file_size - payload.offset)
    return fail(Code::Corrupt, concat("the disk in the image would end at byte ", payload.offset, " + ", payload.size,
                                      ", the file ends at ", request.file_size));
  if (payload.size == 0 || payload.size % request.guest_block != 0)
    return fail(Code::Corrupt, concat("the disk in the image has ", payload.size,
                                      " bytes, which are not whole blocks of ", request.guest_block, " bytes"));
  if (payload.offset % request.guest_block != 0)
    return fail(Code::Corrupt, concat("the disk in the image begins at byte ", payload.offset,
                                      ", which is not on a block of ", request.guest_block, " bytes"));

  AttachPlan plan{.read_only = request.read_only,
                  .loop_size = payload.size,
                  .loop_block = request.guest_block,
                  .direct_io = request.guest_block >= request.device.logical_block};
  plan.rows = TRY(linear_table(request.extents, payload, request.device));
  if (!plan.direct_io)
    plan.warnings.push_back(concat("the disk has logical blocks of ", request.device.logical_block,
                                   " bytes and the guest disk of ", request.guest_block,
                                   ": direct I/O is not possible, the page cache will be used twice"));
  return plan;
}

}  // namespace vhdboot::blocks
