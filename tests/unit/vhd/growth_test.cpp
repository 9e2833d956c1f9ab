// SPDX-License-Identifier: GPL-2.0-or-later
#include "vhd/growth.h"

#include <gtest/gtest.h>

#include <limits>

#include "disk/gpt.h"
#include "tests/unit/vhd/disks.h"
#include "vhd/conversion.h"
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
    if (!TRY(unfinished_growths(file, start)).empty()) return write_growth(file, start, size);
    ConversionOptions options;
    options.relocate_gpt = true;
    TRY(convert(file, TRY(plan_conversion(file, options))));
    return {};
  }
  TRY(check_growth(file, start, size));
  TRY(file.resize(size));
  return write_growth(file, start, size);
}

SparseFile mbr_vhd() {
  SparseFile file(kOld);
  file.put(0, test::mbr(0x83, 2048, kOld / kSectorSize - 2048));
  file.put(kMiB, "data");
  test::append_footer(file);
  return file;
}

/// Nothing after the new footer has reached the disk.
SparseFile without_last_steps(const SparseFile& before, std::uint64_t size) {
  SparseFile file = before;
  file.sectors_until_power_loss = 1;
  static_cast<void>(grow(file, size));
  file.sectors_until_power_loss = std::numeric_limits<std::size_t>::max();
  return file;
}

void check_grown(const SparseFile& file, const SparseFile& before, std::uint64_t size) {
  const auto info = recognise(file);
  ASSERT_TRUE(info) << info.error().text;
  EXPECT_EQ(info->format, Format::FixedVhd);
  EXPECT_EQ(info->payload_size, size);
  EXPECT_EQ(info->footer->uuid, test::kUuid);
  EXPECT_EQ(file.bytes(4096, 8), before.bytes(4096, 8));
  const auto gpt = disk::read_gpt(SliceSource(file, 0, size));
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
      EXPECT_TRUE(disk::read_gpt(SliceSource(after, 0, start->payload_size)));
      const auto again = grow(after, kNew);
      ASSERT_TRUE(again) << sectors << ": " << again.error().error.text;
      check_grown(after, before, kNew);
    }
  }
}

TEST(Growth, PowerLossLeavesNoOldFooterOnceItRanAgain) {
  for (const SparseFile& before : {mbr_vhd(), gpt_vhd()}) {
    for (std::size_t sectors = 1; sectors < 45; ++sectors) {
      SparseFile file = before;
      file.sectors_until_power_loss = sectors;
      static_cast<void>(grow(file, kNew));
      SparseFile after = file;
      ASSERT_TRUE(grow(after, kNew));
      EXPECT_EQ(after.bytes(kOld, 512), std::vector<std::byte>(512)) << sectors;
      check_grown(after, before, kNew);
    }
  }
}

TEST(Growth, AnotherSizeWipesWhatAnUnfinishedOneLeft) {
  SparseFile file = without_last_steps(gpt_vhd(), kNew);
  EXPECT_NE(file.bytes(kOld, 512), std::vector<std::byte>(512));
  ASSERT_TRUE(grow(file, 2 * kNew));
  EXPECT_EQ(file.bytes(kOld, 512), std::vector<std::byte>(512));
  EXPECT_EQ(file.bytes(kNew, 512), std::vector<std::byte>(512));
  check_grown(file, gpt_vhd(), 2 * kNew);
}

TEST(Growth, FindsAnUnfinishedOneOfADiskOfAnOddSize) {
  constexpr std::uint64_t kOdd = kOld + 37 * kSectorSize;
  SparseFile small(kOdd);
  small.put(0, test::mbr(0x83, 2048, kOld / kSectorSize - 2048));
  test::append_footer(small);
  const SparseFile file = without_last_steps(small, kNew);
  const auto start = find_growth_start(file, "disk.vhd");
  ASSERT_TRUE(start);
  EXPECT_EQ(unfinished_growths(file, *start).value(), std::vector<std::uint64_t>{kOdd});
}

TEST(Growth, LeavesAnOldFooterAloneThatAPartitionCovers) {
  SparseFile file = without_last_steps(mbr_vhd(), kNew);
  const auto start = find_growth_start(file, "disk.vhd");
  ASSERT_TRUE(start);
  ASSERT_TRUE(is_unfinished_growth(file, *start, kOld));
  file.put(0, test::mbr(0x83, 2048, kOld / kSectorSize - 2047));  // the guest has enlarged it by one sector
  EXPECT_FALSE(is_unfinished_growth(file, *start, kOld));
  EXPECT_TRUE(unfinished_growths(file, *start).value().empty());
}

TEST(Growth, LeavesAFooterAloneThatIsNotOfThisDisk) {
  const auto other = "aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee"_guid;
  for (const bool same_place : {true, false}) {
    SparseFile file = without_last_steps(mbr_vhd(), kNew);
    // A footer of another disk at its own place, and one of this disk at a place that it does not name.
    file.put(kOld, serialise(*make_fixed_footer(same_place ? kOld : kOld + 512, same_place ? other : test::kUuid, 0)));
    const auto start = find_growth_start(file, "disk.vhd");
    ASSERT_TRUE(start);
    EXPECT_FALSE(is_unfinished_growth(file, *start, kOld));
    EXPECT_TRUE(unfinished_growths(file, *start).value().empty());
  }
}

class FailingFile final : public ByteFile {
 public:
  FailingFile(SparseFile& file, std::uint64_t fail_at) : file_(file), fail_at_(fail_at) {}
  [[nodiscard]] std::uint64_t size() const override { return file_.size(); }
  [[nodiscard]] Result<void> read(std::uint64_t offset, MutableBytes out) const override {
    return file_.read(offset, out);
  }
  [[nodiscard]] Result<void> write(std::uint64_t offset, Bytes data) override {
    if (offset != fail_at_) return file_.write(offset, data);
    file_.put(offset, data.first(data.size() / 2));
    return fail_errno("writing", ENOSPC);
  }
  [[nodiscard]] Result<void> resize(std::uint64_t size) override {
    return resizable ? file_.resize(size) : Result<void>(fail_errno("changing the size", EIO));
  }
  bool resizable = true;

 private:
  SparseFile& file_;
  std::uint64_t fail_at_;
};

TEST(Growth, AFooterThatCannotBeWrittenLeavesTheFileAsItWas) {
  for (const SparseFile& before : {plain_vhd(), gpt_vhd()}) {
    SparseFile file = before;
    const auto start = find_growth_start(file, "disk.vhd");
    ASSERT_TRUE(file.resize(kNew));
    FailingFile failing(file, kNew);
    const auto written = write_growth(failing, *start, kNew);
    ASSERT_FALSE(written);
    EXPECT_EQ(written.error().reason, Reason::NoRoom);
    EXPECT_EQ(written.error().error.text.find("run the same"), std::string::npos);
    EXPECT_TRUE(file == before);
  }
}

TEST(Growth, SaysWhenTheOldSizeCannotBeRestored) {
  SparseFile file = plain_vhd();
  const auto start = find_growth_start(file, "disk.vhd");
  ASSERT_TRUE(file.resize(kNew));
  FailingFile failing(file, kNew);
  failing.resizable = false;
  const auto written = write_growth(failing, *start, kNew);
  ASSERT_FALSE(written);
  EXPECT_NE(written.error().error.text.find("could not get its old size back"), std::string::npos);
}

TEST(Growth, ALaterFailureKeepsTheNewSizeAndCanBeCompleted) {
  SparseFile file = gpt_vhd();
  const auto start = find_growth_start(file, "disk.vhd");
  ASSERT_TRUE(file.resize(kNew));
  FailingFile failing(file, kOld);  // zeros over the old footer
  const auto written = write_growth(failing, *start, kNew);
  ASSERT_FALSE(written);
  EXPECT_NE(written.error().error.text.find("run the same command again"), std::string::npos);
  EXPECT_EQ(file.size(), kNew + kFooterSize);
  // Also when the footer, which is there by now, is what fails in the next run.
  auto again = *start;
  FailingFile footer(file, kNew);
  EXPECT_FALSE(write_growth(footer, again, kNew));
  EXPECT_EQ(file.size(), kNew + kFooterSize);
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
  for (const disk::DiskWrite& write : *writes) ASSERT_TRUE(file.write(write.offset, write.data));
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
