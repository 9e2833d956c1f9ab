// SPDX-License-Identifier: GPL-2.0-or-later
#include "vhd/tool/ntfs_runs.h"

#include <algorithm>
#include <limits>

namespace vhdboot::tool {
namespace {

// No volume has more clusters; so no sum of two overflows.
constexpr std::int64_t kMaxCluster = std::numeric_limits<std::int64_t>::max() / 2;

/// The least bytes that hold a signed number.
std::size_t signed_size(std::int64_t value) {
  std::size_t size = 1;
  while (size < 8 && (value < -(std::int64_t{1} << (8 * size - 1)) || value >= (std::int64_t{1} << (8 * size - 1))))
    ++size;
  return size;
}

void put(std::vector<std::byte>& out, std::int64_t value, std::size_t size) {
  for (std::size_t i = 0; i < size; ++i)
    out.push_back(static_cast<std::byte>(static_cast<std::uint64_t>(value) >> 8 * i));
}

std::int64_t get(Bytes bytes) {
  std::uint64_t value = 0;
  for (std::size_t i = 0; i < bytes.size(); ++i) value |= std::to_integer<std::uint64_t>(bytes[i]) << 8 * i;
  const std::size_t unused = 64 - 8 * bytes.size();
  return static_cast<std::int64_t>(value << unused) >> unused;
}

std::unexpected<Error> damaged() {
  return fail(Code::Corrupt, "where it lies is damaged");
}

}  // namespace

void append_run(NtfsRuns& runs, std::int64_t lcn, std::uint64_t length, std::uint64_t first) {
  if (length == 0) return;
  if (runs.empty()) {
    runs.push_back({first, lcn, length});
    return;
  }
  NtfsRun& last = runs.back();
  const bool continues =
      lcn == NtfsRun::kHole ? last.hole() : !last.hole() && last.lcn + static_cast<std::int64_t>(last.length) == lcn;
  if (continues)
    last.length += length;
  else
    runs.push_back({last.end(), lcn, length});
}

bool has_hole(std::span<const NtfsRun> runs) {
  return std::ranges::any_of(runs, &NtfsRun::hole);
}

NtfsRuns first_holes(std::span<const NtfsRun> runs, std::uint64_t most) {
  NtfsRuns holes;
  for (const NtfsRun& run : runs) {
    if (most == 0) break;
    if (!run.hole()) continue;
    holes.push_back({run.vcn, NtfsRun::kHole, std::min(run.length, most)});
    most -= holes.back().length;
  }
  return holes;
}

NtfsRuns place_holes(std::span<const NtfsRun> holes, std::span<const NtfsRun> places) {
  NtfsRuns filled;
  std::size_t place = 0;
  std::uint64_t used = 0;  // of the place
  for (const NtfsRun& hole : holes) {
    for (std::uint64_t done = 0; done < hole.length && place < places.size();) {
      const std::uint64_t length = std::min(hole.length - done, places[place].length - used);
      filled.push_back({hole.vcn + done, places[place].lcn + static_cast<std::int64_t>(used), length});
      done += length;
      used += length;
      if (used == places[place].length) {
        ++place;
        used = 0;
      }
    }
  }
  return filled;
}

NtfsRuns fill_runs(std::span<const NtfsRun> runs, std::span<const NtfsRun> filled) {
  NtfsRuns out;
  if (runs.empty()) return out;
  const std::uint64_t first = runs.front().vcn;
  std::size_t next = 0;
  for (const NtfsRun& run : runs) {
    if (!run.hole()) {
      append_run(out, run.lcn, run.length, first);
      continue;
    }
    std::uint64_t at = run.vcn;
    for (; next < filled.size() && filled[next].end() <= run.end(); ++next) {
      append_run(out, NtfsRun::kHole, filled[next].vcn - at, first);
      append_run(out, filled[next].lcn, filled[next].length, first);
      at = filled[next].end();
    }
    append_run(out, NtfsRun::kHole, run.end() - at, first);
  }
  return out;
}

MappingPairs encode_mapping_pairs(std::span<const NtfsRun> runs, std::size_t room) {
  MappingPairs out;
  std::int64_t previous = 0;
  for (const NtfsRun& run : runs) {
    const auto length = static_cast<std::int64_t>(run.length);
    const std::size_t length_size = signed_size(length);
    const std::size_t lcn_size = run.hole() ? 0 : signed_size(run.lcn - previous);
    if (out.bytes.size() + 1 + length_size + lcn_size + 1 > room) break;
    out.bytes.push_back(static_cast<std::byte>(lcn_size << 4 | length_size));
    put(out.bytes, length, length_size);
    if (!run.hole()) {
      put(out.bytes, run.lcn - previous, lcn_size);
      previous = run.lcn;
    }
    ++out.runs;
  }
  out.bytes.push_back(std::byte{0});
  return out;
}

Result<NtfsRuns> decode_mapping_pairs(Bytes pairs, std::uint64_t first) {
  if (first > static_cast<std::uint64_t>(kMaxCluster)) return damaged();
  NtfsRuns runs;
  std::uint64_t vcn = first;
  std::int64_t previous = 0;
  for (std::size_t at = 0;;) {
    const auto head = load_le<std::uint8_t>(pairs, at);
    if (!head) return damaged();
    if (*head == 0) return runs;
    const std::size_t length_size = *head & 15U;
    const std::size_t lcn_size = *head >> 4U;
    if (length_size == 0 || length_size > 8 || lcn_size > 8) return damaged();
    const auto length_bytes = slice(pairs, at + 1, length_size);
    const auto lcn_bytes = slice(pairs, at + 1 + length_size, lcn_size);
    if (!length_bytes || !lcn_bytes) return damaged();
    at += 1 + length_size + lcn_size;
    const std::int64_t length = get(*length_bytes);
    if (length <= 0 || length > kMaxCluster || vcn + static_cast<std::uint64_t>(length) > kMaxCluster) return damaged();
    NtfsRun run{vcn, NtfsRun::kHole, static_cast<std::uint64_t>(length)};
    if (lcn_size > 0) {
      const std::int64_t change = get(*lcn_bytes);
      if (change > kMaxCluster || change < -kMaxCluster) return damaged();
      run.lcn = previous + change;
      if (run.lcn < 0 || run.lcn > kMaxCluster) return damaged();
      previous = run.lcn;
    }
    vcn += run.length;
    runs.push_back(run);
  }
}

}  // namespace vhdboot::tool
