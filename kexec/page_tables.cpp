// SPDX-License-Identifier: GPL-2.0-or-later
#include "kexec/page_tables.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "base/bytes.h"
#include "base/units.h"

namespace vhdboot::kexec {

namespace {

constexpr std::uint64_t kPresent = 1U << 0;
constexpr std::uint64_t kWritable = 1U << 1;
constexpr std::uint64_t kAccessed = 1U << 5;
constexpr std::uint64_t kDirty = 1U << 6;
constexpr std::uint64_t kLargePage = 1U << 7;
constexpr std::uint64_t kTable = kPresent | kWritable | kAccessed;
constexpr std::uint64_t kPage = kTable | kDirty | kLargePage;

constexpr std::uint64_t kMapped = 2 * kMiB;  // by an entry of the lowest of the three tables
constexpr std::uint64_t kEnd = 1ULL << 47;

// Memory types of EFI (UEFI 2.10, 7.2.1): where the tables lie that outlive the firmware.
constexpr std::uint32_t kRuntimeCode = 5;
constexpr std::uint32_t kRuntimeData = 6;

// Of the firmware's tables only the address is known.
constexpr std::uint64_t kFirmwareTable = 64 * kKiB;

class Tables {
 public:
  explicit Tables(std::uint64_t address) : address_(address), bytes_(kPageSize) {}

  /// False when that takes too many tables.
  [[nodiscard]] bool map(std::uint64_t page) {
    const auto middle = below(entry(0, page, 39));
    const auto low = middle ? below(entry(*middle, page, 30)) : std::nullopt;
    return low && store_le(MutableBytes(bytes_), entry(*low, page, 21), page | kPage);
  }

  [[nodiscard]] std::vector<std::byte> finish() && { return std::move(bytes_); }

 private:
  static std::size_t entry(std::size_t table, std::uint64_t page, unsigned shift) {
    return table + static_cast<std::size_t>(page >> shift & 511) * sizeof(std::uint64_t);
  }

  /// Where the table is that this entry leads to; made when there is none yet.
  std::optional<std::size_t> below(std::size_t entry) {
    if (const std::uint64_t value = load_le<std::uint64_t>(bytes_, entry).value_or(0); value != 0)
      return static_cast<std::size_t>((value & ~(kPageSize - 1)) - address_);
    const std::size_t table = bytes_.size();
    if (table == kMaxPageTablesSize) return std::nullopt;
    bytes_.resize(table + kPageSize);
    if (!store_le(MutableBytes(bytes_), entry, (address_ + table) | kTable)) return std::nullopt;
    return table;
  }

  std::uint64_t address_;
  std::vector<std::byte> bytes_;
};

}  // namespace

Result<std::vector<std::byte>> make_page_tables(std::span<const MemoryRange> ranges, std::uint64_t address) {
  Tables tables(address);
  for (const MemoryRange& range : ranges) {
    if (range.length == 0) continue;
    if (range.length > kEnd || range.start > kEnd - range.length)
      return fail(Code::Unsupported, "memory beyond what four levels of page tables reach");
    for (std::uint64_t page = range.start & ~(kMapped - 1); page < range.end(); page += kMapped)
      if (!tables.map(page)) return fail(Code::Unsupported, "memory in too many places for its page tables");
  }
  return std::move(tables).finish();
}

std::vector<MemoryRange> early_memory(const MachineFacts& facts) {
  std::vector<MemoryRange> ranges;
  for (const MemoryRange& range : facts.firmware_map) {
    if (range.type == MemoryType::Acpi || range.type == MemoryType::Nvs) ranges.push_back(range);
    if (range.type == MemoryType::Ram && range.start < 4 * kGiB)
      ranges.push_back({range.start, std::min(range.end(), 4 * kGiB) - range.start, range.type});
  }
  if (!facts.efi) return ranges;
  for (const EfiRegion& region : facts.efi->regions)
    if (region.type == kRuntimeCode || region.type == kRuntimeData)
      ranges.push_back({region.physical, region.pages * kPageSize, MemoryType::Reserved});
  for (const std::uint64_t table : {facts.efi->configuration, facts.efi->acpi})
    if (table != 0) ranges.push_back({table, kFirmwareTable, MemoryType::Reserved});
  return ranges;
}

}  // namespace vhdboot::kexec
