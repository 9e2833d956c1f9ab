// SPDX-License-Identifier: GPL-2.0-or-later
#include "vhd/tool/ntfs_mft_room.h"

#include <algorithm>

namespace vhdboot::tool {
namespace {

constexpr std::uint64_t kReserved = 64;     // the library leaves the first records to the system
constexpr std::uint64_t kMoreBits = 64;     // by which it makes the bitmap longer
constexpr std::size_t kLongerRunList = 32;  // by a run, of 17 bytes at most

}  // namespace

bool can_give_record(const NtfsMftRoom& mft) {
  if (mft.used + kReserved < std::min(mft.records, mft.bits)) return true;
  std::size_t needed = 0;
  if (mft.records <= mft.bits) needed += kLongerRunList;
  if (mft.bits <= mft.records && mft.bits + kMoreBits > mft.bits_with_clusters) needed += kLongerRunList;
  return needed <= mft.room;
}

}  // namespace vhdboot::tool
