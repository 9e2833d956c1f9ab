// SPDX-License-Identifier: GPL-2.0-or-later
// What kexec_load(2) is given for a kernel: where in memory its parts go, and the trampoline that starts it. The kernel
// does the same for kexec_file_load(2), and computes SHA-256 sums of everything on top, twice.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "kexec/bzimage.h"
#include "kexec/machine_facts.h"
#include "kexec/page_tables.h"

namespace vhdboot::kexec {

/// One segment; addresses and memory sizes are multiples of kPageSize, as the system call wants them.
struct Segment {
  Bytes contents;  ///< borrowed; the rest of the memory is zero
  MemoryRange destination;
};

struct SegmentPlan {
  std::uint64_t entry = 0;            ///< physical address of the first instruction
  std::vector<std::byte> parameters;  ///< the boot parameters and, behind them, page tables and the trampoline
  MemoryRange parameters_at;
  MemoryRange kernel_at;            ///< what the kernel needs from where it is loaded, much of it later
  std::uint64_t kernel_filled = 0;  ///< bytes of kernel_at that are written before the jump; whole pages
  MemoryRange initrd_at;            ///< of length 0 without an initrd

  /// The segments, which borrow from this plan and from the arguments of plan_segments().
  [[nodiscard]] std::vector<Segment> segments(const BzImage& header, Bytes kernel, Bytes initrd) const;
};

/// Finds a place for everything in the memory of this machine, within what both the running kernel and the firmware
/// call memory: the initrd over the running kernel if it fits there, the rest as high as possible, as kexec_file_load
/// does. `kernel` is the whole image, parsed as `header`. NoMemory: no free range is long enough. Unsupported: not this
/// kernel or not on this machine (use kexec_file_load).
[[nodiscard]] Result<SegmentPlan> plan_segments(const MachineFacts& facts, const BzImage& header, Bytes kernel,
                                                Bytes initrd, std::string_view cmdline);

}  // namespace vhdboot::kexec
