// SPDX-License-Identifier: GPL-2.0-or-later
// What it takes to make the payload of an image a block device, decided before anything is touched.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/extent.h"
#include "base/result.h"
#include "init/blocks/dm_table.h"

namespace vhdboot::blocks {

/// What is known of the image and of the disk it lies on.
struct AttachRequest {
  bool read_only = true;
  Payload payload;
  std::uint64_t file_size = 0;
  std::vector<Extent> extents;      ///< of the whole file
  LowerDevice device;               ///< the host partition
  std::uint32_t guest_block = 512;  ///< logical block of the guest disk, 512 or 4096, from its partition table
};

struct AttachPlan {
  bool read_only = true;
  std::vector<LinearRow> rows;        ///< of the device below the loop device
  std::uint64_t loop_size = 0;        ///< bytes: LOOP_CONFIGURE's sizelimit, always the payload's size
  std::uint32_t loop_block = 512;     ///< logical block of the loop device
  bool direct_io = true;              ///< false where the kernel would refuse it: guest blocks below the disk's
  std::vector<std::string> warnings;  ///< sentences for people

  friend bool operator==(const AttachPlan&, const AttachPlan&) = default;
};

/// Corrupt or Unsupported as linear_table says; Corrupt for a payload that is empty, not in whole guest blocks, or not
/// within the file.
[[nodiscard]] Result<AttachPlan> plan_attachment(const AttachRequest& request);

}  // namespace vhdboot::blocks
