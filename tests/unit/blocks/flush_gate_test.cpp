// SPDX-License-Identifier: GPL-2.0-or-later
#include "init/blocks/flush_gate.h"

#include <gmock/gmock.h>

namespace vhdboot::blocks {
namespace {

using testing::ElementsAre;

View two_pieces() {
  return {.devices = {{.numbers = "8:3", .size = kGiB}},
          .files = {},
          .rows = {{.start = 0, .length = 2048, .device_sector = 4096},
                   {.start = 2048, .length = 4, .device_sector = 9000}},
          .size = 2052 * kSectorSize};
}

TEST(FlushGate, WhereAFlushWouldBeManyFlushes) {
  const View view = two_pieces();
  View one = view;
  one.rows.pop_back();
  for (const char* kernel : {"5.8.0", "6.1.0-27-amd64", "6.10.14", "4.19"})
    EXPECT_TRUE(needs_flush_gate(view, false, kernel)) << kernel;
  for (const char* kernel : {"6.11.0", "6.12.48+deb13", "7.0", "10.1", "", "custom"})
    EXPECT_FALSE(needs_flush_gate(view, false, kernel)) << kernel;
  EXPECT_FALSE(needs_flush_gate(view, true, "6.1")) << "nothing is written";
  EXPECT_FALSE(needs_flush_gate(one, false, "6.1"));
}

TEST(FlushGate, AllOfTheRowsAndThenTheGate) {
  EXPECT_THAT(flush_gate_rows(two_pieces().rows),
              ElementsAre(Row{.start = 0, .length = 2052, .device = 0, .device_sector = 0},
                          Row{.start = 2052, .length = 8, .device = 1, .device_sector = 4096}));
  EXPECT_THAT(flush_gate_rows({}), ElementsAre());
}

TEST(FlushGate, OneForEachDevice) {
  View view = two_pieces();
  view.devices.push_back({.numbers = "8:19", .size = kGiB});
  view.devices.push_back({.numbers = "8:35", .size = kGiB});
  view.rows.front() = {.kind = RowKind::Zero, .start = 0, .length = 2048};
  view.rows.back().device = 2;
  EXPECT_THAT(flush_gate_rows(view.rows),
              ElementsAre(Row{.start = 0, .length = 2052, .device = 0, .device_sector = 0},
                          Row{.start = 2052, .length = 4, .device = 3, .device_sector = 9000}));
}

TEST(FlushGate, OnlyOnWhatNeedsIt) {
  // A snapshot, a kept piece on the first device of the view, the snapshot again.
  const std::vector<Row> rows{{.start = 0, .length = 2048, .device = 0, .device_sector = 0},
                              {.start = 2048, .length = 100, .device = 1, .device_sector = 9000},
                              {.start = 2148, .length = 52, .device = 0, .device_sector = 2148}};
  EXPECT_THAT(flush_gate_rows(rows, 1),
              ElementsAre(Row{.start = 0, .length = 2200, .device = 0, .device_sector = 0},
                          Row{.start = 2200, .length = 8, .device = 1, .device_sector = 9000}));
}

}  // namespace
}  // namespace vhdboot::blocks
