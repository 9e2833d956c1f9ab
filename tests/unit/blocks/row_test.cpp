// SPDX-License-Identifier: GPL-2.0-or-later
#include "init/blocks/row.h"

#include <linux/dm-ioctl.h>

#include <cstring>

#include "base/bytes.h"
#include "tests/unit/base/error_matchers.h"

namespace vhdboot::blocks {
namespace {

using test::Fails;
using testing::ElementsAre;
using testing::IsEmpty;

constexpr auto kLinear = RowKind::Linear;
const std::vector<std::string> kDevices{"8:3", "259:12"};
const std::vector<Row> kRows{{kLinear, 0, 8, 0, 16},
                             {RowKind::Zero, 8, 4'000'000'000},
                             {kLinear, 4'000'000'008, 1, 1, 123456789012},
                             {RowKind::Error, 4'000'000'009, 7}};

std::vector<Row> joined(std::initializer_list<Row> rows) {
  std::vector<Row> all;
  for (const Row& row : rows) append_row(all, row);
  return all;
}

TEST(Row, NeighboursAreMerged) {
  EXPECT_THAT(
      joined({{kLinear, 0, 8, 1, 16}, {kLinear, 8, 4, 1, 24}, {kLinear, 12, 0, 1, 99}, {kLinear, 12, 1, 1, 28}}),
      ElementsAre(Row{kLinear, 0, 13, 1, 16}));
  EXPECT_THAT(joined({{RowKind::Zero, 0, 8}, {RowKind::Zero, 8, 8}, {RowKind::Error, 16, 8}, {RowKind::Error, 24, 8}}),
              ElementsAre(Row{RowKind::Zero, 0, 16}, Row{RowKind::Error, 16, 16}));
}

TEST(Row, WhatDoesNotGoOnIsNotMerged) {
  for (const Row& next : {Row{kLinear, 8, 8, 0, 24}, Row{kLinear, 8, 8, 1, 25}, Row{kLinear, 8, 8, 1, 23},
                          Row{kLinear, 8, 8, 1, 8}, Row{kLinear, 9, 8, 1, 24}, Row{RowKind::Zero, 8, 8}})
    EXPECT_EQ(joined({{kLinear, 0, 8, 1, 16}, next}).size(), 2u) << next.start << ' ' << next.device_sector;
  EXPECT_EQ(joined({{RowKind::Zero, 0, 8}, {RowKind::Error, 8, 8}}).size(), 2u);
  EXPECT_EQ(joined({{RowKind::Zero, 8, 8}, {RowKind::Zero, 0, 8}}).size(), 2u);
}

TEST(Row, ASnapshotNamesWhatItShowsAndWhereWritesGo) {
  const Row snapshot{.kind = RowKind::Snapshot, .length = 2048, .device = 0, .store = 1, .chunk = 8};
  EXPECT_EQ(*to_text(std::vector{snapshot}, kDevices), "0 2048 snapshot 8:3 259:12 PO 8\n");
  EXPECT_THAT(to_text(std::vector{snapshot}, std::vector<std::string>{"8:3"}),
              Fails(Code::Invalid, "on device 1 of 1"));
  EXPECT_EQ(joined({snapshot, {.kind = RowKind::Snapshot, .start = 2048, .length = 8, .store = 1}}).size(), 2u);
}

TEST(Row, AsDmsetupWritesThem) {
  EXPECT_EQ(*to_text(kRows, kDevices),
            "0 8 linear 8:3 16\n8 4000000000 zero\n4000000008 1 linear 259:12 123456789012\n4000000009 7 error\n");
  EXPECT_EQ(*to_text({}, {}), "");
}

// What the kernel reads: dm-ioctl.h is the oracle.
TEST(Row, PackedAsTheKernelReadsIt) {
  const auto packed = *pack_rows(kRows, kDevices);
  const std::vector<std::pair<std::string, std::string>> expected{
      {"linear", "8:3 16"}, {"zero", ""}, {"linear", "259:12 123456789012"}, {"error", ""}};
  std::size_t at = 0;
  for (std::size_t i = 0; i < kRows.size(); ++i) {
    dm_target_spec spec{};
    ASSERT_LE(at + sizeof spec, packed.size());
    std::memcpy(&spec, packed.data() + at, sizeof spec);
    EXPECT_EQ(spec.sector_start, kRows[i].start);
    EXPECT_EQ(spec.length, kRows[i].length);
    EXPECT_EQ(spec.status, 0);
    EXPECT_EQ(spec.target_type, expected[i].first);
    EXPECT_EQ(spec.next % 8, 0u);
    ASSERT_LE(at + spec.next, packed.size());
    const std::string_view text = as_text(Bytes(packed).subspan(at + sizeof spec, spec.next - sizeof spec));
    ASSERT_NE(text.find('\0'), std::string_view::npos);
    EXPECT_EQ(text.substr(0, text.find('\0')), expected[i].second);
    at += spec.next;
  }
  EXPECT_EQ(at, packed.size());
  EXPECT_THAT(*pack_rows({}, kDevices), IsEmpty());
}

TEST(Row, OnADeviceThatIsNotThere) {
  const std::vector<Row> rows{{kLinear, 0, 8, 2, 16}};
  EXPECT_THAT(pack_rows(rows, kDevices), Fails(Code::Invalid, "device 2 of 2"));
  EXPECT_THAT(to_text(rows, kDevices), Fails(Code::Invalid, "device 2 of 2"));
}

}  // namespace
}  // namespace vhdboot::blocks
