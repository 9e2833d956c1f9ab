// SPDX-License-Identifier: GPL-2.0-or-later
// Page tables that map memory one to one, in four levels and pages of 2 MiB (Intel SDM volume 3A, 4.5). A kernel is
// entered on them when those of the kernel before may lie where it will write.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "base/result.h"
#include "kexec/machine_facts.h"

namespace vhdboot::kexec {

inline constexpr std::uint64_t kPageSize = 4096;

/// What make_page_tables() makes at most.
inline constexpr std::size_t kMaxPageTablesSize = 24 * kPageSize;

/// The tables, the topmost first, that are to lie at the physical address `address`, a multiple of kPageSize. What lies
/// on the same 2 MiB as a range is mapped with it. Unsupported: beyond the 47 bits of an address, or more tables than
/// kMaxPageTablesSize.
[[nodiscard]] Result<std::vector<std::byte>> make_page_tables(std::span<const MemoryRange> ranges,
                                                              std::uint64_t address);

/// What a kernel may want to see before it has page tables of its own: the firmware's tables, and memory below 4 GiB;
/// not that above, which may be large.
[[nodiscard]] std::vector<MemoryRange> early_memory(const MachineFacts& facts);

}  // namespace vhdboot::kexec
