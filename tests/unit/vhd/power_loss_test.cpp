// SPDX-License-Identifier: GPL-2.0-or-later
// What conversion.h promises: power may go after any sector, and the file is as it was, or a valid VHD; running again
// completes it.
#include <gtest/gtest.h>

#include <functional>

#include "disk/gpt.h"
#include "tests/unit/vhd/disks.h"
#include "vhd/conversion.h"
#include "vhd/image.h"

namespace vhdboot::vhd {
namespace {

using test::SparseFile;

struct Scenario {
  const char* name;
  std::function<SparseFile()> file;
  bool pad = false;
  bool relocate_gpt = false;
  bool new_uuid = false;
  bool appends = false;    // the file becomes longer
  bool moves_far = false;  // a backup table is moved, by more than its own size
};

SparseFile raw_with_gpt() {
  return test::gpt_image(16 * kMiB);
}

SparseFile grown_to(std::uint64_t size) {
  SparseFile file = raw_with_gpt();
  test::append_footer(file);
  static_cast<void>(file.resize(size));
  return file;
}

const std::vector<Scenario>& scenarios() {
  static const std::vector<Scenario> all{
      {.name = "create", .file = [] { return SparseFile(kMiB); }, .appends = true},
      {.name = "create_padded", .file = [] { return SparseFile(kMiB + 100); }, .pad = true, .appends = true},
      {.name = "create_with_gpt", .file = raw_with_gpt, .appends = true},
      {.name = "create_relocating",
       .file =
           [] {
             SparseFile file = raw_with_gpt();
             static_cast<void>(file.resize(64 * kMiB));
             return file;
           },
       .relocate_gpt = true,
       .appends = true,
       .moves_far = true},
      {.name = "grow_by", .file = [] { return grown_to(64 * kMiB + 512); }},
      {.name = "grow_to", .file = [] { return grown_to(64 * kMiB); }, .appends = true},
      {.name = "grow_by_relocating",
       .file = [] { return grown_to(64 * kMiB + 512); },
       .relocate_gpt = true,
       .moves_far = true},
      {.name = "grow_to_relocating",
       .file = [] { return grown_to(64 * kMiB); },
       .relocate_gpt = true,
       .appends = true,
       .moves_far = true},
      {.name = "grow_by_little_relocating", .file = [] { return grown_to(16 * kMiB + 5 * 512); }, .relocate_gpt = true},
      {.name = "grow_with_new_uuid",
       .file = [] { return grown_to(64 * kMiB); },
       .relocate_gpt = true,
       .new_uuid = true,
       .appends = true,
       .moves_far = true},
      {.name = "grow_without_partitions",
       .file =
           [] {
             SparseFile file(16 * kMiB);
             file.block = 4096;
             test::append_footer(file);
             static_cast<void>(file.resize(64 * kMiB + 512));
             return file;
           }},
  };
  return all;
}

std::size_t sectors_of(const std::vector<disk::DiskWrite>& writes) {
  std::size_t sectors = 0;
  for (const disk::DiskWrite& write : writes) sectors += (write.offset % 512 + write.data.size() + 511) / 512;
  return sectors;
}

class PowerLoss : public ::testing::TestWithParam<Scenario> {
 protected:
  const Scenario& scenario() const { return GetParam(); }

  ConversionOptions options() const {
    ConversionOptions out;
    out.fresh_uuid = "11111111-2222-4333-8444-555555555555"_guid;
    out.now = test::kBirthday + 1000;
    out.pad = scenario().pad;
    out.relocate_gpt = scenario().relocate_gpt;
    if (scenario().new_uuid) out.uuid = "aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee"_guid;
    return out;
  }

  // Runs again and compares with what an undisturbed run gives.
  void expect_completes(SparseFile file, const SparseFile& complete) const {
    const auto plan = plan_conversion(file, options());
    ASSERT_TRUE(plan) << plan.error().error.message();
    ASSERT_TRUE(convert(file, *plan));
    EXPECT_TRUE(file == complete);
  }
};

class PowerLossInAMove : public PowerLoss {};
class PowerLossInAnAppend : public PowerLoss {};

TEST_P(PowerLoss, AfterAnySectorTheFileIsOldOrValidAndRunningAgainCompletesIt) {
  const SparseFile before = scenario().file();
  const auto plan = plan_conversion(before, options());
  ASSERT_TRUE(plan) << plan.error().error.message();
  const std::size_t sectors = sectors_of(plan->writes);
  SparseFile complete = before;
  ASSERT_TRUE(convert(complete, *plan));
  ASSERT_FALSE(complete == before);
  const bool had_gpt = disk::read_gpt(before).value().has_value();
  // Padding before the footer is the one thing that may be there without it: zeros, on a file that has no end yet.
  const std::size_t first_valid = sectors_of({plan->writes.front()});

  for (std::size_t survived = 0; survived <= sectors; ++survived) {
    SCOPED_TRACE(survived);
    SparseFile file = before;
    file.sectors_until_power_loss = survived;
    ASSERT_TRUE(convert(file, *plan));
    file.sectors_until_power_loss = std::numeric_limits<std::size_t>::max();

    if (survived == 0) {
      EXPECT_TRUE(file == before);
    } else if (survived >= first_valid) {
      const auto info = identify(file);
      ASSERT_TRUE(info) << info.error().message();
      EXPECT_EQ(info->format, Format::FixedVhd);
      EXPECT_EQ(info->payload_size, plan->payload_size);
      EXPECT_EQ(info->footer, plan->footer);
    }
    const auto gpt = disk::read_gpt(file);
    ASSERT_TRUE(gpt) << "the primary table is valid at any moment: " << gpt.error().message();
    EXPECT_EQ(gpt->has_value(), had_gpt);
    EXPECT_EQ(file.bytes(64 * 512, 64 * 512), before.bytes(64 * 512, 64 * 512)) << "the guest's data";
    expect_completes(file, complete);
  }
}

TEST_P(PowerLossInAMove, AValidBackupExistsAtAnyMoment) {
  const SparseFile before = scenario().file();
  const auto plan = plan_conversion(before, options());
  ASSERT_TRUE(plan);
  const std::size_t sectors = sectors_of(plan->writes);
  for (std::size_t survived = 0; survived <= sectors; ++survived) {
    SparseFile file = before;
    file.sectors_until_power_loss = survived;
    ASSERT_TRUE(convert(file, *plan));
    bool valid = false;
    for (const std::uint64_t end : {std::uint64_t{16 * kMiB}, plan->payload_size}) {
      if (end > file.size()) continue;
      const auto spec = test::GptSpec{.disk_size = end};
      valid = valid || (file.bytes(end - 512, 512) == test::gpt_header(spec, false) &&
                        file.bytes(end - 33 * 512, 32 * 512) == test::gpt_entries(spec));
    }
    EXPECT_TRUE(valid) << survived;
  }
}

TEST_P(PowerLossInAnAppend, OnlyTheSizeIsLeft) {
  const SparseFile before = scenario().file();
  const auto plan = plan_conversion(before, options());
  ASSERT_TRUE(plan);
  SparseFile complete = before;
  ASSERT_TRUE(convert(complete, *plan));
  SparseFile torn = before;
  ASSERT_TRUE(torn.resize(complete.size()));
  const auto gpt = disk::read_gpt(before).value();
  if (plan->change == Change::Grown || (gpt && gpt->disk_end() == plan->payload_size)) {
    expect_completes(torn, complete);
  } else {
    // Nothing tells that the zeros are not the disk's: it has them at its end from now on, and nothing else is changed.
    const auto again = plan_conversion(torn, options());
    ASSERT_TRUE(again);
    EXPECT_EQ(again->payload_size, align_up(torn.size(), 512));
  }
}

std::vector<Scenario> those(bool Scenario::* property) {
  std::vector<Scenario> out;
  for (const Scenario& one : scenarios())
    if (one.*property) out.push_back(one);
  return out;
}

std::string scenario_name(const ::testing::TestParamInfo<Scenario>& info) {
  return info.param.name;
}

INSTANTIATE_TEST_SUITE_P(All, PowerLoss, ::testing::ValuesIn(scenarios()), scenario_name);
INSTANTIATE_TEST_SUITE_P(All, PowerLossInAMove, ::testing::ValuesIn(those(&Scenario::moves_far)), scenario_name);
INSTANTIATE_TEST_SUITE_P(All, PowerLossInAnAppend, ::testing::ValuesIn(those(&Scenario::appends)), scenario_name);

}  // namespace
}  // namespace vhdboot::vhd
