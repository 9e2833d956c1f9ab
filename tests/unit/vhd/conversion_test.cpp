// SPDX-License-Identifier: GPL-2.0-or-later
#include "vhd/conversion.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/vhd/disks.h"
#include "vhd/image.h"

namespace vhdboot::vhd {
namespace {

using test::kBirthday;
using test::SparseFile;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr Guid kFresh = "11111111-2222-4333-8444-555555555555"_guid;
constexpr Guid kChosen = "aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee"_guid;

ConversionOptions options() {
  ConversionOptions out;
  out.fresh_uuid = kFresh;
  out.now = kBirthday + 1000;
  out.file_name = "d.vhd";
  return out;
}

Conversion run(SparseFile& file, const ConversionOptions& with = options()) {
  auto plan = plan_conversion(file, with);
  EXPECT_TRUE(plan) << plan.error().error.message();
  if (!plan) return {};
  const auto done = convert(file, *plan);
  EXPECT_TRUE(done) << done.error().error.message();
  EXPECT_EQ(file.size(), plan->new_file_size);
  const auto info = identify(file);
  EXPECT_TRUE(info) << info.error().message();
  EXPECT_EQ(info->format, Format::FixedVhd);
  EXPECT_EQ(info->payload_size, plan->payload_size);
  EXPECT_EQ(info->footer, plan->footer);
  return *plan;
}

void expect_refused(const SparseFile& file, Reason reason, std::string_view says,
                    const ConversionOptions& with = options()) {
  const auto plan = plan_conversion(file, with);
  ASSERT_FALSE(plan);
  EXPECT_EQ(plan.error().reason, reason) << plan.error().error.message();
  EXPECT_THAT(plan.error().error.message(), HasSubstr(says));
}

// Every test that converts also checks that a second run has nothing to do.
void expect_idempotent(SparseFile& file) {
  const SparseFile before = file;
  const auto again = run(file);
  EXPECT_EQ(again.change, Change::None);
  EXPECT_THAT(again.writes, IsEmpty());
  EXPECT_TRUE(file == before);
}

TEST(Create, WritesOneSectorBehindTheImage) {
  SparseFile file(10 * kMiB);
  file.put(1000, "the guest's data");
  const SparseFile raw = file;
  const auto done = run(file);
  EXPECT_EQ(done.change, Change::Created);
  EXPECT_EQ(done.payload_size, 10 * kMiB);
  EXPECT_EQ(done.footer.uuid, kFresh);
  EXPECT_EQ(done.footer.timestamp, kBirthday + 1000 - kVhdEpoch);
  ASSERT_EQ(done.writes.size(), 1u);
  EXPECT_EQ(done.writes[0].offset, 10 * kMiB);
  EXPECT_EQ(done.writes[0].data.size(), 512u);
  expect_idempotent(file);
  ASSERT_TRUE(file.resize(10 * kMiB));
  EXPECT_TRUE(file == raw);
}

TEST(Create, TheLargestDisk) {
  SparseFile file(kMaxPayload);
  EXPECT_EQ(run(file).payload_size, kMaxPayload);
  expect_refused(SparseFile(kMaxPayload + 512), Reason::TooLarge, "2040 GiB");
}

TEST(Create, ReadsLittleWhateverTheSize) {
  for (const std::uint64_t size : {16 * kMiB, kGiB, kTiB, kMaxPayload}) {
    const SparseFile file = test::gpt_image(size);
    EXPECT_TRUE(plan_conversion(file, options()));
    EXPECT_LE(file.reads, 50u);
    EXPECT_LE(file.bytes_read, 40 * kKiB);
  }
}

TEST(Create, ChosenUuid) {
  SparseFile file(kMiB);
  auto with = options();
  with.uuid = kChosen;
  EXPECT_EQ(run(file, with).footer.uuid, kChosen);
  const auto again = plan_conversion(file, with);
  ASSERT_TRUE(again);
  EXPECT_THAT(again->writes, IsEmpty());
}

TEST(Create, SizesThatAreNoSectors) {
  expect_refused(SparseFile(0), Reason::WrongSize, "empty");
  expect_refused(SparseFile(1000), Reason::WrongSize, "--pad fills it up with 24 zeros");
  auto with = options();
  with.pad = true;
  expect_refused(SparseFile(0), Reason::WrongSize, "empty", with);
  for (const std::uint64_t size : {1, 511, 1000, 1048577}) {
    SparseFile file(size);
    file.put(0, "x");
    const auto done = run(file, with);
    EXPECT_EQ(done.payload_size, align_up(size, 512));
    EXPECT_EQ(done.writes.size(), 1u) << "padding and footer are one write";
    expect_idempotent(file);
  }
}

TEST(Create, PadIsForOddSizesOnly) {
  SparseFile file(kMiB);
  auto with = options();
  with.pad = true;
  EXPECT_EQ(run(file, with).writes[0].data.size(), 512u);
}

TEST(Create, TheRoomForAFooterBehindAGptIsUsed) {
  // truncate -s +512, or an append of which only the size reached the disk
  SparseFile file = test::gpt_image(16 * kMiB);
  ASSERT_TRUE(file.resize(16 * kMiB + 512));
  EXPECT_EQ(run(file).payload_size, 16 * kMiB);
  SparseFile used = test::gpt_image(16 * kMiB);
  used.put(16 * kMiB, std::vector<std::byte>(512, std::byte{1}));
  EXPECT_EQ(run(used).payload_size, 16 * kMiB + 512);
}

TEST(Create, AFileThatWasCutOffIsRefused) {
  SparseFile file = test::gpt_image(16 * kMiB);
  ASSERT_TRUE(file.resize(60 * 512));
  expect_refused(file, Reason::Damaged, "partitions reach to byte 65536");
}

TEST(Create, FootersThatAreDamaged) {
  SparseFile file(kMiB);
  test::append_footer(file);
  file.put(kMiB + 300, "x");
  expect_refused(file, Reason::Damaged, "truncate -s -512 \"d.vhd\"");
}

TEST(Create, OtherFormats) {
  SparseFile qcow2(kMiB);
  qcow2.put(0, "QFI\xFB");
  expect_refused(qcow2, Reason::OtherFormat, "qemu-img convert -p -f qcow2 -O raw \"d.vhd\" \"d.vhd.raw\"");
  SparseFile odd(kMiB + 7);
  odd.put(0, "vhdxfile");
  expect_refused(odd, Reason::OtherFormat, "VHDX");
  for (const auto& [type, advice] :
       {std::pair{DiskType::Dynamic, "-f vpc"}, {DiskType::Differencing, "vhdtool cat \"d.vhd\" > \"d.vhd.raw\""}}) {
    Footer footer = *make_fixed_footer(kGiB, kChosen, 0);
    footer.type = type;
    SparseFile vhd(kMiB);
    vhd.put(0, serialise(footer));
    expect_refused(vhd, Reason::OtherFormat, advice);
    vhd.put(kMiB, serialise(footer));
    expect_refused(vhd, Reason::OtherFormat, advice);
  }
}

TEST(Existing, AFixedVhdOfAnotherProgramStays) {
  Footer footer = *make_fixed_footer(kMiB, kChosen, kBirthday);
  footer.creator = {'v', 'b', 'o', 'x'};
  footer.geometry = {1, 2, 3};
  footer.data_offset = 0xFFFFFFFF;
  SparseFile file(kMiB);
  file.put(kMiB, serialise(footer));
  EXPECT_THAT(run(file).writes, IsEmpty());
}

TEST(Existing, AnotherUuidRewritesTheFooterOnly) {
  SparseFile file(kMiB);
  run(file);
  auto with = options();
  with.uuid = kChosen;
  const auto done = run(file, with);
  EXPECT_EQ(done.change, Change::Resized);
  ASSERT_EQ(done.writes.size(), 1u);
  EXPECT_EQ(done.writes[0].offset, kMiB);
  EXPECT_EQ(done.footer.uuid, kChosen);
  EXPECT_EQ(done.footer.timestamp, kBirthday + 1000 - kVhdEpoch);
}

TEST(Existing, AFooterThatNamesAnotherSizeIsRewritten) {
  SparseFile file(2 * kMiB);
  file.put(2 * kMiB, serialise(*make_fixed_footer(kMiB, kChosen, kBirthday)));
  const auto done = run(file);
  EXPECT_EQ(done.change, Change::Resized);
  EXPECT_EQ(done.old_payload_size, kMiB);
  EXPECT_EQ(done.payload_size, 2 * kMiB);
  EXPECT_EQ(done.footer.uuid, kChosen);
  expect_idempotent(file);
}

TEST(Existing, AnOldFooterOfAnotherDiskIsData) {
  SparseFile file = test::gpt_image(64 * kMiB);
  test::put_gpt(file, {.disk_size = 16 * kMiB});
  test::append_footer(file);
  Footer stranger = *make_fixed_footer(16 * kMiB, kChosen, kBirthday + 7);
  file.put(16 * kMiB, serialise(stranger));
  EXPECT_THAT(run(file).writes, IsEmpty());
  stranger.uuid = test::kUuid;
  file.put(16 * kMiB, serialise(stranger));
  EXPECT_EQ(run(file).writes.size(), 1u);
}

TEST(Existing, TheShortFooterOfOldProgramsIsCompleted) {
  SparseFile file(kMiB);
  test::append_footer(file);
  ASSERT_TRUE(file.resize(kMiB + 511));
  expect_refused(file, Reason::WrongSize, "--pad");
  auto with = options();
  with.pad = true;
  EXPECT_EQ(run(file, with).payload_size, kMiB);
  expect_idempotent(file);
}

TEST(Existing, AFooterBehindAnOddDiskIsNotBuriedInIt) {
  Footer footer = *make_fixed_footer(512, kChosen, 0);
  footer.current_size = 1000;
  SparseFile file(1000);
  file.put(1000, serialise(footer));
  for (const bool pad : {false, true}) {
    auto with = options();
    with.pad = pad;
    expect_refused(file, Reason::Damaged, "truncate -s -512", with);
  }
}

struct Growth {
  std::string_view what;
  std::uint64_t old_payload;
  std::uint64_t new_file_size;  // what truncate makes of it
  std::uint64_t new_payload;
};

class Grow : public ::testing::TestWithParam<Growth> {};

TEST_P(Grow, ByWhatThePersonAsked) {
  const Growth& growth = GetParam();
  SparseFile file = test::gpt_image(growth.old_payload);
  test::append_footer(file);
  ASSERT_TRUE(file.resize(growth.new_file_size));
  const auto done = run(file);
  EXPECT_EQ(done.change, Change::Grown);
  EXPECT_EQ(done.old_payload_size, growth.old_payload);
  EXPECT_EQ(done.payload_size, growth.new_payload);
  EXPECT_EQ(done.footer.uuid, test::kUuid);
  EXPECT_EQ(done.footer.timestamp, kBirthday - kVhdEpoch);
  EXPECT_EQ(done.footer.original_size, growth.new_payload);
  EXPECT_EQ(file.bytes(growth.old_payload, 512), std::vector<std::byte>(512)) << "the old footer is wiped";
  EXPECT_EQ(file.bytes(64 * 512, 5), test::gpt_image(16 * kMiB).bytes(64 * 512, 5));
  EXPECT_THAT(done.hints, ElementsAre(HasSubstr("--relocate-gpt")));
  expect_idempotent(file);
}

INSTANTIATE_TEST_SUITE_P(
    Sizes, Grow,
    ::testing::Values(Growth{"truncate -s +10G", 16 * kMiB, 16 * kMiB + 512 + 10 * kGiB, 16 * kMiB + 10 * kGiB},
                      Growth{"truncate -s +10GB", 16 * kMiB, 16 * kMiB + 512 + 10'000'000'000,
                             16 * kMiB + 10'000'000'000},
                      Growth{"truncate -s +512", 16 * kMiB, 16 * kMiB + 1024, 16 * kMiB + 512},
                      Growth{"truncate -s +1M", 20'000'768, 20'000'768 + 512 + kMiB, 20'000'768 + kMiB},
                      Growth{"truncate -s 20G", 16 * kMiB, 20 * kGiB, 20 * kGiB},
                      Growth{"truncate -s 17M", 16 * kMiB, 17 * kMiB, 17 * kMiB},
                      Growth{"truncate -s 100000K", 16 * kMiB, 100'000 * kKiB, 100'000 * kKiB},
                      Growth{"truncate -s 21GB", 16 * kMiB, 21'000'000'000, 21'000'000'000},
                      Growth{"truncate -s 20GB", 16 * kMiB, 20'000'000'000, 20'000'000'000},
                      // A file that was round with its footer, as some programs make them, stays so.
                      Growth{"truncate -s 2G", kGiB - 512, 2 * kGiB, 2 * kGiB - 512},
                      Growth{"truncate -s +11G", kGiB - 512, 12 * kGiB, 12 * kGiB - 512},
                      Growth{"to the limit", 16 * kMiB, kMaxPayload, kMaxPayload},
                      Growth{"to the limit", 16 * kMiB, kMaxPayload + 512, kMaxPayload}));

TEST(Grown, TooFar) {
  SparseFile file = test::gpt_image(16 * kMiB);
  test::append_footer(file);
  ASSERT_TRUE(file.resize(16 * kMiB + 512 + kMaxPayload));
  expect_refused(file, Reason::TooLarge, "2040 GiB");
}

TEST(Grown, AnMbrDiskIsKnownByThePlacesBehindItsPartitions) {
  SparseFile file(16 * kMiB);
  file.put(0, test::mbr(0x83, 2048, 12'345));
  test::append_footer(file);
  ASSERT_TRUE(file.resize(48 * kMiB + 512));
  const auto done = run(file);
  EXPECT_EQ(done.change, Change::Grown);
  EXPECT_EQ(done.payload_size, 48 * kMiB);
  EXPECT_EQ(done.footer.uuid, test::kUuid);
  expect_idempotent(file);
}

TEST(Grown, ADiskWithoutPartitionsIsKnownByWhereItsDataEnds) {
  for (const std::uint64_t old_payload : {16 * kMiB, 16 * kMiB + 512, std::uint64_t{20'000'768}}) {
    SparseFile file(old_payload);
    test::append_footer(file);
    ASSERT_TRUE(file.resize(old_payload + 512 + 32 * kMiB));
    for (const std::uint64_t unit : {512, 4096, 65536}) {
      SparseFile copy = file;
      copy.block = unit;
      EXPECT_EQ(run(copy).payload_size, old_payload + 32 * kMiB);
      expect_idempotent(copy);
    }
    EXPECT_EQ(run(file).change, Change::Created) << "without that knowledge it is a raw image";
  }
}

TEST(Grown, TheFooterNeverTakesWhatThePartitionTableClaims) {
  // Grown, used as a raw disk, and its table moved to the very end there.
  SparseFile file(16 * kMiB);
  test::put_gpt(file, {.disk_size = 16 * kMiB, .last = 30'000});
  test::append_footer(file);
  ASSERT_TRUE(file.resize(48 * kMiB + 512));
  test::put_gpt(file, {.disk_size = 48 * kMiB + 512, .last = 30'000});
  const auto done = run(file);
  EXPECT_EQ(done.change, Change::Grown);
  EXPECT_EQ(done.payload_size, 48 * kMiB + 512);
  EXPECT_EQ(file.bytes(48 * kMiB, 512), test::gpt_header({.disk_size = 48 * kMiB + 512, .last = 30'000}, false));
}

TEST(Grown, TheFooterNeverTakesASectorInUse) {
  SparseFile file = test::gpt_image(16 * kMiB);
  test::append_footer(file);
  ASSERT_TRUE(file.resize(48 * kMiB + 512));
  file.put(48 * kMiB + 100, "something");
  const SparseFile before = file;
  const auto done = run(file);
  EXPECT_EQ(done.payload_size, 48 * kMiB + 512);
  EXPECT_EQ(file.bytes(48 * kMiB, 512), before.bytes(48 * kMiB, 512));
}

TEST(Grown, AFooterInAPartitionIsTheGuestsBusiness) {
  SparseFile file(16 * kMiB);
  test::put_gpt(file, {.disk_size = 16 * kMiB});
  test::append_footer(file);
  ASSERT_TRUE(file.resize(48 * kMiB));
  // The guest has moved its table and grown its partition over the place.
  test::put_gpt(file, {.disk_size = 48 * kMiB, .last = 60'000});
  file.block = 512;
  const auto done = run(file);
  EXPECT_EQ(done.change, Change::Created);
  EXPECT_EQ(done.writes.size(), 1u);
}

TEST(Grown, AFooterThatNamesAnotherPlaceIsData) {
  SparseFile file = test::gpt_image(16 * kMiB);
  file.put(16 * kMiB, serialise(*make_fixed_footer(8 * kMiB, kChosen, 0)));
  ASSERT_TRUE(file.resize(48 * kMiB));
  EXPECT_EQ(run(file).change, Change::Created);
}

TEST(Grown, OldFootersOfSeveralGrowthsAreAllWiped) {
  SparseFile file(16 * kMiB);
  test::put_gpt(file, {.disk_size = 16 * kMiB});
  test::append_footer(file);
  file.put(32 * kMiB, serialise(*make_fixed_footer(32 * kMiB, test::kUuid, kBirthday)));
  ASSERT_TRUE(file.resize(64 * kMiB + 512));
  file.block = 4096;
  const auto done = run(file);
  EXPECT_EQ(done.old_payload_size, 32 * kMiB);
  EXPECT_EQ(done.writes.size(), 3u);
  EXPECT_EQ(file.bytes(16 * kMiB, 512), std::vector<std::byte>(512));
  EXPECT_EQ(file.bytes(32 * kMiB, 512), std::vector<std::byte>(512));
}

TEST(Grown, BySmallStepsAgainAndAgain) {
  SparseFile file = test::gpt_image(16 * kMiB);
  run(file);
  auto with = options();
  with.relocate_gpt = true;
  std::uint64_t payload = 16 * kMiB;
  for (std::uint64_t step = 512; step < 80 * 512; step += 3 * 512) {
    ASSERT_TRUE(file.resize(file.size() + step));
    payload += step;
    const auto done = run(file, with);
    EXPECT_EQ(done.payload_size, payload);
    EXPECT_EQ(done.footer.uuid, kFresh);
    EXPECT_EQ(file.bytes(512, 512), test::gpt_header({.disk_size = payload}, true));
    EXPECT_EQ(file.bytes(payload - 512, 512), test::gpt_header({.disk_size = payload}, false));
    EXPECT_EQ(file.bytes(payload - 33 * 512, 32 * 512), test::gpt_entries({}));
    expect_idempotent(file);
  }
}

TEST(RelocateGpt, WorksOnEachKindOfFile) {
  auto with = options();
  with.relocate_gpt = true;
  for (const bool vhd : {false, true}) {
    SparseFile file = test::gpt_image(16 * kMiB);
    if (vhd) test::append_footer(file);
    ASSERT_TRUE(file.resize(64 * kMiB));
    EXPECT_THAT(run(file, with).hints, IsEmpty());
    EXPECT_EQ(file.bytes(512, 512), test::gpt_header({.disk_size = 64 * kMiB}, true));
    EXPECT_EQ(file.bytes(64 * kMiB - 512, 512), test::gpt_header({.disk_size = 64 * kMiB}, false));
    expect_idempotent(file);
  }
}

TEST(RelocateGpt, LaterOnAVhdThatWasGrownWithout) {
  SparseFile file = test::gpt_image(16 * kMiB);
  test::append_footer(file);
  ASSERT_TRUE(file.resize(64 * kMiB));
  run(file);
  auto with = options();
  with.relocate_gpt = true;
  const auto done = run(file, with);
  EXPECT_EQ(done.change, Change::None);
  EXPECT_EQ(done.writes.size(), 4u);
  EXPECT_EQ(file.bytes(512, 512), test::gpt_header({.disk_size = 64 * kMiB}, true));
}

TEST(RelocateGpt, SaysThatThereIsNothingToMove) {
  auto with = options();
  with.relocate_gpt = true;
  SparseFile file(kMiB);
  EXPECT_THAT(run(file, with).hints, ElementsAre(HasSubstr("no GPT")));
}

TEST(RelocateGpt, ADamagedTableIsRefusedAndOtherwiseIgnored) {
  SparseFile file = test::gpt_image(16 * kMiB);
  file.put(512 + 60, "x");
  auto with = options();
  with.relocate_gpt = true;
  expect_refused(file, Reason::Damaged, "gdisk", with);
  EXPECT_EQ(run(file).change, Change::Created);
}

TEST(Convert, AFullFileSystemLeavesTheFileAsItWas) {
  for (const std::uint64_t size : {std::uint64_t{kMiB}, std::uint64_t{kMiB + 5}}) {
    SparseFile file(size);
    auto with = options();
    with.pad = true;
    const SparseFile before = file;
    const auto plan = plan_conversion(file, with);
    ASSERT_TRUE(plan);
    file.fail_write = 0;
    const auto done = convert(file, *plan);
    ASSERT_FALSE(done);
    EXPECT_EQ(done.error().reason, Reason::NoRoom);
    EXPECT_THAT(done.error().error.text, HasSubstr("footer"));
    EXPECT_TRUE(file == before);
  }
}

}  // namespace
}  // namespace vhdboot::vhd
