// SPDX-License-Identifier: GPL-2.0-or-later
#include "vhd/growth.h"

#include <gtest/gtest.h>

#include "tests/unit/vhd/disks.h"
#include "vhd/conversion.h"
#include "vhd/gpt.h"
#include "vhd/image.h"

namespace vhdboot::vhd {
namespace {

using test::SparseFile;

constexpr std::uint64_t kOld = 16 * kMiB;
constexpr std::uint64_t kNew = 48 * kMiB;

SparseFile plain_vhd() {
  SparseFile file(kOld);
  file.put(4096, "data");
  test::append_footer(file);
  return file;
}

SparseFile gpt_vhd() {
  SparseFile file = test::gpt_image(kOld);
  test::append_footer(file);
  return file;
}

/// As vhdtool does it, from whatever an earlier run left.
Attempt<void> grow(SparseFile& file, std::uint64_t size) {
  GrowthStart start = TRY(find_growth_start(file, "disk.vhd"));
  if (start.payload_size == size && !start.interrupted) {
    ConversionOptions options;
    options.relocate_gpt = true;
    TRY(convert(file, TRY(plan_conversion(file, options))));
    return {};
  }
  TRY(check_growth(file, start, size));
  TRY(file.resize(size));
  for (const DiskWrite& write : TRY(plan_growth(file, start, size))) TRY(file.write(write.offset, write.data));
  return {};
}

void check_grown(const SparseFile& file, const SparseFile& before, std::uint64_t size) {
  const auto info = recognise(file);
  ASSERT_TRUE(info) << info.error().text;
  EXPECT_EQ(info->format, Format::FixedVhd);
  EXPECT_EQ(info->payload_size, size);
  EXPECT_EQ(info->footer->uuid, test::kUuid);
  EXPECT_EQ(file.bytes(4096, 8), before.bytes(4096, 8));
  const auto gpt = read_gpt(SliceSource(file, 0, size));
  ASSERT_TRUE(gpt);
  if (*gpt) {
    EXPECT_EQ((*gpt)->disk_end(), size);
    const auto backup = file.bytes(size - kSectorSize, 8);
    EXPECT_EQ(as_text(backup), "EFI PART");
  }
}

TEST(Growth, MovesFooterAndTable) {
  for (const SparseFile& before : {plain_vhd(), gpt_vhd()}) {
    SparseFile file = before;
    ASSERT_TRUE(grow(file, kNew));
    check_grown(file, before, kNew);
    EXPECT_EQ(file.bytes(kOld, 512), std::vector<std::byte>(512)) << "the old footer is gone";
  }
}

TEST(Growth, PowerLossAtAnySectorIsMended) {
  for (const SparseFile& before : {plain_vhd(), gpt_vhd()}) {
    for (std::size_t sectors = 0; sectors < 45; ++sectors) {
      SparseFile file = before;
      file.sectors_until_power_loss = sectors;
      static_cast<void>(grow(file, kNew));
      SparseFile after = file;  // what is on the disk
      // Nobody has lost anything: there is one disk in it, the old or the new one.
      const auto start = find_growth_start(after, "disk.vhd");
      ASSERT_TRUE(start) << sectors << ": " << start.error().error.text;
      EXPECT_EQ(start->footer.uuid, test::kUuid);
      EXPECT_TRUE(read_gpt(SliceSource(after, 0, start->payload_size)));
      const auto again = grow(after, kNew);
      ASSERT_TRUE(again) << sectors << ": " << again.error().error.text;
      check_grown(after, before, kNew);
    }
  }
}

TEST(Growth, FindsItsFooterBehindZerosOfAnyLength) {
  for (const std::uint64_t more : {1u, 511u, 512u, 5000u, 3u * 1024 * 1024 + 7}) {
    SparseFile file = plain_vhd();
    static_cast<void>(file.resize(file.size() + more));
    const auto start = find_growth_start(file, "disk.vhd");
    ASSERT_TRUE(start) << more;
    EXPECT_TRUE(start->interrupted);
    EXPECT_EQ(start->payload_size, kOld);
  }
}

TEST(Growth, KnowsAnUnfinishedOne) {
  SparseFile file = gpt_vhd();
  const auto start = find_growth_start(file, "disk.vhd");
  static_cast<void>(file.resize(kNew));
  const auto writes = plan_growth(file, *start, kNew);
  ASSERT_TRUE(file.write(writes->front().offset, writes->front().data));
  const auto now = find_growth_start(file, "disk.vhd");
  ASSERT_TRUE(now);
  EXPECT_EQ(now->payload_size, kNew);
  EXPECT_TRUE(is_unfinished_growth(file, *now, kOld));
  EXPECT_FALSE(is_unfinished_growth(file, *now, kOld + 512));
  for (const DiskWrite& write : *writes) ASSERT_TRUE(file.write(write.offset, write.data));
  EXPECT_FALSE(is_unfinished_growth(file, *find_growth_start(file, "disk.vhd"), kOld));
}

TEST(Growth, Refuses) {
  const SparseFile file = gpt_vhd();
  const auto start = find_growth_start(file, "disk.vhd");
  ASSERT_TRUE(start);
  EXPECT_EQ(check_growth(file, *start, kOld - kMiB).error().reason, Reason::WrongSize);
  EXPECT_EQ(check_growth(file, *start, kOld + kMiB).error().reason, Reason::WrongSize);
  EXPECT_EQ(check_growth(file, *start, kMaxPayload + 512).error().reason, Reason::TooLarge);
  EXPECT_TRUE(check_growth(file, *start, kMaxPayload));

  EXPECT_EQ(find_growth_start(test::gpt_image(kOld), "raw.img").error().reason, Reason::OtherFormat);
  EXPECT_FALSE(find_growth_start(SparseFile(0), "empty"));
  EXPECT_FALSE(find_growth_start(SparseFile(kMiB), "zeros"));
  SparseFile damaged = gpt_vhd();
  damaged.put(kOld + 20, "x");
  EXPECT_EQ(find_growth_start(damaged, "damaged").error().reason, Reason::Damaged);
  SparseFile table = gpt_vhd();
  table.put(512 + 40, "x");
  EXPECT_EQ(check_growth(table, *find_growth_start(table, "table"), kNew).error().reason, Reason::Damaged);
}

}  // namespace
}  // namespace vhdboot::vhd
