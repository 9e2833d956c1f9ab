// SPDX-License-Identifier: GPL-2.0-or-later
#include "init/blocks/host_device.h"

#include "tests/unit/base/error_matchers.h"

namespace vhdboot::blocks {
namespace {

using test::Fails;
using testing::ElementsAre;

const LowerDevice kPartition{.numbers = "8:1", .size = kMiB, .logical_block = 512, .cluster_size = 4096};
constexpr std::uint64_t kSectors = kMiB / 512;

Row shown(std::uint64_t start, std::uint64_t end) {
  return {.start = start, .length = end - start, .device_sector = start};
}
Row hidden(std::uint64_t start, std::uint64_t end) {
  return {.kind = RowKind::Error, .start = start, .length = end - start};
}

// Without a file that lies in these extents.
Result<std::vector<Row>> host_rows(std::vector<Extent> extents, const LowerDevice& partition) {
  return host_device_rows({.devices = {partition}, .files = {{.extents = std::move(extents)}}}, 0);
}

TEST(HostDevice, EverythingButTheFiles) {
  EXPECT_THAT(*host_rows({}, kPartition), ElementsAre(shown(0, kSectors)));
  EXPECT_THAT(*host_rows({{0, 8192, 4096}, {4096, 65536, 8192}}, kPartition),
              ElementsAre(shown(0, 16), hidden(16, 24), shown(24, 128), hidden(128, 144), shown(144, kSectors)));
}

TEST(HostDevice, AtTheVeryStartAndEnd) {
  EXPECT_THAT(*host_rows({{0, 0, 4096}, {4096, kMiB - 4096, 4096}}, kPartition),
              ElementsAre(hidden(0, 8), shown(8, kSectors - 8), hidden(kSectors - 8, kSectors)));
  EXPECT_THAT(*host_rows({{0, 0, kMiB}}, kPartition), ElementsAre(hidden(0, kSectors)));
}

TEST(HostDevice, InAnyOrderTwiceAndSideBySide) {
  const std::vector<Extent> extents{{8192, 65536, 4096}, {0, 8192, 4096},   {4096, 12288, 4096},
                                    {0, 12288, 8192},    {0, 16384, 4096},  {5, 900000, 0},
                                    {0, 8192, 4096},     {0, 65536, 65536}, {0, 69632, 4096}};
  EXPECT_THAT(*host_rows(extents, kPartition),
              ElementsAre(shown(0, 16), hidden(16, 40), shown(40, 128), hidden(128, 256), shown(256, kSectors)));
}

TEST(HostDevice, TheLastClusterIsHiddenAsAWhole) {
  EXPECT_THAT(*host_rows({{0, 8192, 4097}}, kPartition),
              ElementsAre(shown(0, 16), hidden(16, 32), shown(32, kSectors)));
  // Clusters need not begin at multiples of their size.
  EXPECT_THAT(*host_rows({{0, 8192 + 512, 512}}, kPartition),
              ElementsAre(shown(0, 17), hidden(17, 25), shown(25, kSectors)));
  // A last cluster that the partition has no room for.
  const LowerDevice odd{.numbers = "8:1", .size = kMiB - 2048, .logical_block = 512, .cluster_size = 4096};
  EXPECT_THAT(*host_rows({{0, kMiB - 4096, 512}}, odd),
              ElementsAre(shown(0, kSectors - 8), hidden(kSectors - 8, kSectors - 4)));
}

TEST(HostDevice, InWholeLogicalBlocks) {
  const LowerDevice disk{.numbers = "8:1", .size = kMiB + 512, .logical_block = 4096, .cluster_size = 512};
  EXPECT_THAT(*host_rows({{0, 8704, 512}}, disk), ElementsAre(shown(0, 16), hidden(16, 32), shown(32, kSectors)))
      << "clusters smaller than blocks";
  EXPECT_THAT(*host_rows({{0, kMiB, 512}}, disk), ElementsAre(shown(0, kSectors)))
      << "what lies behind the last block is not on the device";
}

TEST(HostDevice, Refused) {
  EXPECT_THAT(host_rows({{0, kMiB - 512, 1024}}, kPartition), Fails(Code::Corrupt, "past its end"));
  EXPECT_THAT(host_rows({{0, ~std::uint64_t{0}, 2}}, kPartition), Fails(Code::Corrupt, "past its end"));
  EXPECT_THAT(host_rows({{0, 512, ~std::uint64_t{0}}}, kPartition), Fails(Code::Corrupt, "past its end"));
  for (const LowerDevice& wrong :
       {LowerDevice{.numbers = "8:1", .size = kMiB, .logical_block = 1024, .cluster_size = 4096},
        LowerDevice{.numbers = "8:1", .size = kMiB, .logical_block = 512, .cluster_size = 4097},
        LowerDevice{.numbers = "8:1", .size = kMiB, .logical_block = 512, .cluster_size = 1ULL << 40},
        LowerDevice{.numbers = "8:1", .size = ~0ULL, .logical_block = 512, .cluster_size = 4096}})
    EXPECT_THAT(host_rows({}, wrong), Fails(Code::Unsupported, "a partition of"));
  std::vector<Extent> many;
  for (std::uint64_t i = 0; i <= kMaxHostRows / 2; ++i) many.push_back({i * 4096, i * 8192, 4096});
  const LowerDevice large{.numbers = "8:1", .size = kGiB, .logical_block = 512, .cluster_size = 4096};
  EXPECT_THAT(host_rows(many, large), Fails(Code::Unsupported, "defragment"));
  many.pop_back();
  EXPECT_EQ(host_rows(many, large)->size(), kMaxHostRows);
}

TEST(HostDevice, OfSeveralFilesOnSeveralDevices) {
  const View view{.devices = {kPartition, kPartition},
                  .files = {{.extents = {{0, 8192, 4096}}},
                            {.extents = {{0, 65536, 4096}}, .device = 1},
                            {.extents = {{0, 12288, 4096}}}}};
  EXPECT_THAT(*host_device_rows(view, 0), ElementsAre(shown(0, 16), hidden(16, 32), shown(32, kSectors)));
  const auto on = [](Row row) {
    row.device = 1;
    return row;
  };
  EXPECT_THAT(*host_device_rows(view, 1), ElementsAre(on(shown(0, 128)), hidden(128, 136), on(shown(136, kSectors))));
  EXPECT_THAT(host_device_rows(view, 2), Fails(Code::Invalid, "no device 2"));
}

}  // namespace
}  // namespace vhdboot::blocks
