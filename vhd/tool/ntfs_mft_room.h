// SPDX-License-Identifier: GPL-2.0-or-later
// Whether a record can be taken of the MFT so that a loss of power does no harm.
#pragma once

#include <cstddef>
#include <cstdint>

namespace vhdboot::tool {

/// What there is of the MFT and of its bitmap.
struct NtfsMftRoom {
  std::uint64_t records = 0;             ///< that it has clusters for
  std::uint64_t bits = 0;                ///< of its bitmap, in use as such
  std::uint64_t bits_with_clusters = 0;  ///< that the bitmap can have without new clusters
  std::uint64_t used = 0;                ///< bits that are set
  std::size_t room = 0;  ///< bytes in the first record for longer run lists; 0 when that is not the only one
};

/// Where the MFT and its bitmap lie is told by its first record. As long as that is the only one and what they get fits
/// there, they become longer in one step; libntfs-3g's way of adding another record to them is several. True when one
/// of these is not needed, in doubt false.
[[nodiscard]] bool can_give_record(const NtfsMftRoom& mft);

}  // namespace vhdboot::tool
