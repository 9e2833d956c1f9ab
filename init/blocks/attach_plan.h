// SPDX-License-Identifier: GPL-2.0-or-later
// What it takes to make an image a block device, decided before anything is touched.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/range.h"
#include "base/result.h"
#include "init/blocks/view.h"
#include "init/blocks/writer.h"

namespace vhdboot::blocks {

/// The view by device-mapper, perhaps with a gate for flushes (init/blocks/flush_gate.h), and a loop device with
/// partitions of its size on top.
struct AttachPlan {
  View view;
  bool read_only = true;    ///< nothing of what the view lies on is written
  Writer writer;            ///< but for Image: above a view that is read-only
  std::vector<Row> store;   ///< of File: its store on the view's devices
  std::vector<Range> kept;  ///< bytes of a disk that forgets: what is written there goes to the image all the same
  bool flush_gate = false;
  bool grows = false;                 ///< what is not whole in the image becomes new blocks of it (new_blocks.h), above
                                      ///< a view that is read-only
  bool arrives = false;               ///< what is missing comes while the guest runs, above a view that is read-only
  bool trim = true;                   ///< TRIM may reach the disks, where they have it
  std::uint32_t loop_block = 512;     ///< logical block of the loop device: the guest disk's, 512 or 4096
  bool direct_io = true;              ///< false where the kernel would refuse it: guest blocks below a disk's
  std::vector<std::string> warnings;  ///< sentences for people

  [[nodiscard]] bool forgets() const { return writer.kind != WriterKind::Image; }
  /// Whether the disk itself can be written to.
  [[nodiscard]] bool takes_writes() const { return !read_only || forgets() || needs_keeper(); }
  /// A program lives on in the guest, on which its disk depends.
  [[nodiscard]] bool needs_keeper() const { return grows || arrives; }

  friend bool operator==(const AttachPlan&, const AttachPlan&) = default;
};

/// `guest_block`: logical block of the guest disk, from its partition table. `kernel`: what `uname -r` prints.
/// Unsupported when that is not 512 or 4096, Corrupt for a view that is empty or not in whole guest blocks; Unsafe, for
/// writing, when some of it is on another device than the image.
[[nodiscard]] Result<AttachPlan> plan_attachment(View view, bool read_only, std::uint32_t guest_block,
                                                 std::string_view kernel);

/// The device above a read-only view that takes what is written. Its device 0 is the view's, 1 the store.
[[nodiscard]] std::vector<Row> writer_rows(const View& view);

/// The device above that of one that keeps some of its bytes. Its device 0 is the snapshot, the view's follow.
/// Unsupported when such bytes do not lie in whole logical blocks, or not in a file; Invalid when they are out of order
/// or beyond the disk.
[[nodiscard]] Result<std::vector<Row>> kept_rows(const View& view, std::span<const Range> kept);

/// The kernel modules that it takes to attach it: "dm_mod", "loop".
[[nodiscard]] std::vector<std::string> modules_of(const AttachPlan& plan);

}  // namespace vhdboot::blocks
