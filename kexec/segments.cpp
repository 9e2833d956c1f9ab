// SPDX-License-Identifier: GPL-2.0-or-later
#include "kexec/segments.h"

#include <algorithm>
#include <optional>

#include "base/text.h"
#include "base/units.h"
#include "kexec/boot_params.h"
#include "kexec/trampoline.h"

namespace vhdboot::kexec {

namespace {

// Nothing of ours below: the first MiB belongs to firmware and to the next kernel's own trampolines.
constexpr std::uint64_t kLowest = kMiB;
constexpr std::uint64_t kLowestInitrd = 16 * kMiB;  // as kexec_file_load
constexpr std::uint64_t kHighest = 1ULL << 46;      // what four-level page tables map one to one
constexpr std::uint64_t kEntry64 = 0x200;           // the 64-bit entry point, from where the kernel is loaded

class Memory {
 public:
  // Whole pages that are memory to the running kernel and to the firmware's map alike.
  Memory(const std::vector<MemoryRange>& running, const std::vector<MemoryRange>& firmware) {
    for (const MemoryRange& range : running)
      for (const MemoryRange& other : firmware) {
        if (other.type != MemoryType::Ram) continue;
        const std::uint64_t start = align_up(std::max({range.start, other.start, kLowest}), kPageSize);
        const std::uint64_t end = std::min({range.end(), other.end(), kHighest}) & ~(kPageSize - 1);
        if (start < end) free_.push_back({start, end - start});
      }
  }

  /// Takes `size` bytes (whole pages), as high as possible, at or above `lowest`.
  std::optional<MemoryRange> take(std::uint64_t size, std::uint64_t alignment, std::uint64_t lowest) {
    std::optional<std::size_t> best;
    std::uint64_t best_start = 0;
    for (std::size_t i = 0; i < free_.size(); ++i) {
      if (free_[i].length < size) continue;
      const std::uint64_t start = (free_[i].end() - size) & ~(alignment - 1);
      if (start < std::max(free_[i].start, lowest)) continue;
      if (best && start < best_start) continue;
      best = i;
      best_start = start;
    }
    if (!best) return std::nullopt;
    return cut(*best, {best_start, size});
  }

  /// Takes just that range (whole pages), when all of it is free.
  std::optional<MemoryRange> take_at(const MemoryRange& wanted) {
    for (std::size_t i = 0; i < free_.size(); ++i)
      if (free_[i].start <= wanted.start && wanted.end() <= free_[i].end()) return cut(i, wanted);
    return std::nullopt;
  }

 private:
  MemoryRange cut(std::size_t index, const MemoryRange& taken) {
    const MemoryRange hole = free_[index];
    free_[index].length = taken.start - hole.start;
    if (taken.end() < hole.end()) free_.push_back({taken.end(), hole.end() - taken.end()});
    return taken;
  }

  std::vector<MemoryRange> free_;
};

Result<MemoryRange> take(Memory& memory, std::uint64_t size, std::uint64_t alignment, std::uint64_t lowest,
                         std::string_view what) {
  const auto range = memory.take(size, alignment, lowest);
  if (!range)
    return fail(Code::NoMemory, concat("the memory has no free range of ", human_size(size), " for the ", what));
  return *range;
}

std::uint64_t whole_pages(std::uint64_t size) {
  return align_up(size, kPageSize);
}

// Over the running kernel itself: no page there can hold a copy that waits to be moved, so the running kernel moves
// fewer of them out of each other's way, and needs less memory. (And an emulator that ran code from there is slow to
// let the next kernel use those pages: QEMU's TCG, more than a second.)
std::optional<MemoryRange> take_over_running_kernel(Memory& memory, const MachineFacts& facts, std::uint64_t size) {
  if (!facts.running_kernel) return std::nullopt;
  const std::uint64_t start = align_up(facts.running_kernel->start, kPageSize);
  if (start < kLowestInitrd) return std::nullopt;
  return memory.take_at({start, size});
}

}  // namespace

// The kernel's own memory is several times its file. What the running kernel is given to fill, it first collects page
// by page elsewhere, and copies three times at the jump: so only the file. But only what it is given it keeps free of
// its own page tables, and the kernel begins on those, and writes everywhere: so it gets tables of ours.
Result<SegmentPlan> plan_segments(const MachineFacts& facts, const BzImage& header, Bytes kernel, Bytes initrd,
                                  std::string_view cmdline) {
  if (facts.five_level_paging && (header.load_flags & kLoadFlagFiveLevel) == 0)
    return fail(Code::Unsupported, "the kernel cannot be entered with five-level page tables");
  if (cmdline.size() > header.cmdline_size) return fail(Code::Invalid, "the command line is too long for the kernel");
  if (kernel.size() < header.setup_bytes) return fail(Code::Corrupt, "the kernel is truncated");

  Memory memory(facts.system_ram, facts.firmware_map);
  SegmentPlan plan;
  // The parameters take the top, however little is left there: the large ones need what is aligned.
  const std::size_t tables_at = align_up(TRY(boot_params_size(facts, cmdline)), kPageSize);
  // With five levels the tables that are there stay.
  const std::size_t trampoline_at = tables_at + (facts.five_level_paging ? 0 : kMaxPageTablesSize);
  const std::uint64_t parameters_size = whole_pages(trampoline_at + trampoline_size() + kTrampolineStack);
  plan.parameters_at = TRY(take(memory, parameters_size, kPageSize, kLowest, "boot parameters"));
  const std::uint64_t initrd_size = whole_pages(initrd.size());
  if (!initrd.empty()) plan.initrd_at = take_over_running_kernel(memory, facts, initrd_size).value_or(MemoryRange{});
  const std::uint64_t kernel_size =
      whole_pages(std::max<std::uint64_t>(header.init_size, kernel.size() - header.setup_bytes));
  plan.kernel_at = TRY(take(memory, kernel_size, std::max<std::uint64_t>(header.kernel_alignment, kPageSize),
                            std::max(header.pref_address, kLowest), "kernel"));
  if (plan.initrd_at.length != initrd_size)
    plan.initrd_at = TRY(take(memory, initrd_size, kPageSize, kLowestInitrd, "initrd"));

  plan.parameters = TRY(make_boot_params(facts, header, kernel, cmdline, plan.parameters_at.start,
                                         {plan.initrd_at.start, initrd.size()}));
  TrampolineValues values{.boot_params = plan.parameters_at.start, .entry = plan.kernel_at.start + kEntry64};
  plan.kernel_filled = kernel_size;
  if (!facts.five_level_paging) {
    std::vector<MemoryRange> mapped = early_memory(facts);
    mapped.insert(mapped.end(), {plan.parameters_at, plan.kernel_at});
    values.page_tables = plan.parameters_at.start + tables_at;
    if (const auto tables = make_page_tables(mapped, values.page_tables)) {
      plan.parameters.resize(tables_at);
      plan.parameters.insert(plan.parameters.end(), tables->begin(), tables->end());
      plan.kernel_filled = whole_pages(kernel.size() - header.setup_bytes);
    } else {
      values.page_tables = 0;
    }
  }
  plan.parameters.resize(trampoline_at);
  const auto trampoline = make_trampoline(values);
  plan.parameters.insert(plan.parameters.end(), trampoline.begin(), trampoline.end());
  plan.entry = plan.parameters_at.start + trampoline_at;
  return plan;
}

std::vector<Segment> SegmentPlan::segments(const BzImage& header, Bytes kernel, Bytes initrd) const {
  std::vector<Segment> all{{parameters, parameters_at},
                           {kernel.subspan(header.setup_bytes), {kernel_at.start, kernel_filled}}};
  if (initrd_at.length != 0) all.push_back({initrd, initrd_at});
  return all;
}

}  // namespace vhdboot::kexec
