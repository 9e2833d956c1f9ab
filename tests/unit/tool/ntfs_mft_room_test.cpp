// SPDX-License-Identifier: GPL-2.0-or-later
// When a record may be taken of the MFT, as ntfs_mft_room.h promises it.
#include "vhd/tool/ntfs_mft_room.h"

#include <gtest/gtest.h>

namespace vhdboot::tool {
namespace {

constexpr NtfsMftRoom kFull{.records = 1024, .bits = 1024, .bits_with_clusters = 4096, .used = 1024, .room = 0};

TEST(NtfsMftRoom, WithAFreeRecordNothingBecomesLonger) {
  NtfsMftRoom mft = kFull;
  mft.used = 1024 - 65;
  EXPECT_TRUE(can_give_record(mft));
  mft.used = 1024 - 64;
  EXPECT_FALSE(can_give_record(mft)) << "the library does not give the first 64";
}

TEST(NtfsMftRoom, ALongerMftNeedsRoomForWhereItLies) {
  NtfsMftRoom mft = kFull;
  EXPECT_FALSE(can_give_record(mft));
  mft.room = 31;
  EXPECT_FALSE(can_give_record(mft));
  mft.room = 32;
  EXPECT_TRUE(can_give_record(mft));
}

TEST(NtfsMftRoom, ALongerBitmapNeedsItLikewise) {
  NtfsMftRoom mft{.records = 8192, .bits = 4096, .bits_with_clusters = 4096, .used = 4096, .room = 0};
  EXPECT_FALSE(can_give_record(mft)) << "the MFT itself has clusters for more";
  mft.room = 32;
  EXPECT_TRUE(can_give_record(mft));
  mft.records = 4096;
  EXPECT_FALSE(can_give_record(mft)) << "both become longer";
  mft.room = 64;
  EXPECT_TRUE(can_give_record(mft));
}

TEST(NtfsMftRoom, ABitmapThatHasClustersForMoreNeedsNone) {
  NtfsMftRoom mft{.records = 8192, .bits = 1024, .bits_with_clusters = 4096, .used = 1024, .room = 0};
  EXPECT_TRUE(can_give_record(mft));
  mft.bits_with_clusters = 1024 + 63;
  EXPECT_FALSE(can_give_record(mft));
}

TEST(NtfsMftRoom, BitsBehindTheEndOfTheMftAreNoRecords) {
  NtfsMftRoom mft = kFull;
  mft.bits = 4096;
  EXPECT_FALSE(can_give_record(mft));
  mft.room = 32;
  EXPECT_TRUE(can_give_record(mft));
}

}  // namespace
}  // namespace vhdboot::tool
