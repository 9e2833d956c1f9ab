// SPDX-License-Identifier: GPL-2.0-or-later
// The cylinders, heads and sectors that a VHD footer must name (Virtual Hard Disk Image Format Specification,
// appendix "CHS Calculation"). Nobody addresses by them any more, but tools compare them.
#pragma once

#include <cstdint>

#include "base/units.h"

namespace vhdboot::vhd {

struct Geometry {
  std::uint16_t cylinders = 0;
  std::uint8_t heads = 0;
  std::uint8_t sectors_per_track = 0;

  friend constexpr bool operator==(const Geometry&, const Geometry&) = default;
  [[nodiscard]] constexpr std::uint64_t sectors() const { return std::uint64_t{cylinders} * heads * sectors_per_track; }
};

/// The geometry of a disk of `payload_size` bytes; it covers at most that many, often fewer.
[[nodiscard]] constexpr Geometry geometry_of(std::uint64_t payload_size) {
  constexpr std::uint64_t kLargest = std::uint64_t{65535} * 16 * 255;
  std::uint64_t sectors = payload_size / kSectorSize;
  if (sectors > kLargest) sectors = kLargest;

  std::uint64_t per_track = 255;
  std::uint64_t heads = 16;
  std::uint64_t tracks = sectors / per_track;  // "cylinder times heads" in the specification
  if (sectors < std::uint64_t{65535} * 16 * 63) {
    per_track = 17;
    tracks = sectors / per_track;
    heads = (tracks + 1023) / 1024;
    if (heads < 4) heads = 4;
    if (tracks >= heads * 1024 || heads > 16) {
      per_track = 31;
      heads = 16;
      tracks = sectors / per_track;
    }
    if (tracks >= heads * 1024) {
      per_track = 63;
      heads = 16;
      tracks = sectors / per_track;
    }
  }
  return {static_cast<std::uint16_t>(tracks / heads), static_cast<std::uint8_t>(heads),
          static_cast<std::uint8_t>(per_track)};
}

}  // namespace vhdboot::vhd
