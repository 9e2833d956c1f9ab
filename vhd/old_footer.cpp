// SPDX-License-Identifier: GPL-2.0-or-later
#include "vhd/old_footer.h"

#include <algorithm>

#include "base/units.h"

namespace vhdboot::vhd {
namespace {

// A file system tells holes apart in its own blocks; those of 64 KiB are the largest in common use.
constexpr std::uint64_t kLargestBlock = 64 * kKiB;
// A GPT in logical blocks of 4096 bytes names the end of the disk only that exactly.
constexpr std::uint64_t kLargestLogicalBlock = 4096;

void add_range(std::vector<std::uint64_t>& places, std::uint64_t start, std::uint64_t end) {
  for (std::uint64_t place = align_up(start, kSectorSize); place < end; place += kSectorSize) places.push_back(place);
}

std::vector<std::uint64_t> likely_places(const DiskFacts& facts, std::uint64_t file_size) {
  std::vector<std::uint64_t> places;
  if (facts.gpt_disk_end && *facts.gpt_disk_end < file_size)
    add_range(places, *facts.gpt_disk_end, *facts.gpt_disk_end + kLargestLogicalBlock);
  if (facts.partitions_end > 0 && facts.partitions_end < file_size)
    for (std::uint64_t unit = kSectorSize; unit <= kMaxPayload; unit *= 2)
      places.push_back(align_up(facts.partitions_end, unit));
  if (facts.data_end && *facts.data_end < file_size)
    add_range(places, *facts.data_end - std::min(*facts.data_end, kLargestBlock), *facts.data_end);
  std::ranges::sort(places);
  places.erase(std::ranges::unique(places).begin(), places.end());
  return places;
}

}  // namespace

Result<std::vector<OldFooter>> find_old_footers(const ByteSource& file, const DiskFacts& facts) {
  std::vector<OldFooter> found;
  for (const std::uint64_t place : likely_places(facts, file.size())) {
    // The last sector is where the present footer is, or will be.
    if (place == 0 || place < facts.partitions_end || place + 2 * kFooterSize > file.size()) continue;
    FooterBytes sector;
    TRY_IN("looking for an old footer", file.read(place, sector));
    const auto footer = parse_footer(sector);
    if (footer && footer->type == DiskType::Fixed && footer->current_size == place) found.push_back({place, *footer});
  }
  return found;
}

}  // namespace vhdboot::vhd
