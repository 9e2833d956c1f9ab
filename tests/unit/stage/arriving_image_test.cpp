// SPDX-License-Identifier: GPL-2.0-or-later
#include "init/stage/arriving_image.h"

#include <gmock/gmock.h>

#include "init/arrive/hash_tree.h"
#include "init/stage/attach.h"
#include "tests/unit/base/error_matchers.h"
#include "tests/unit/stage/fake_devices.h"
#include "vhd/footer.h"
#include "vhd/incomplete.h"

namespace vhdboot::stage {
namespace {

using arrive::kBlock;
using test::Fails;
using test::FakeDevices;
using testing::SizeIs;

constexpr std::uint64_t kBlocks = 6;

std::string text_of(Bytes bytes) {
  return std::string(as_text(bytes));
}

class ArrivingImageTest : public testing::Test {
 protected:
  ArrivingImageTest() {
    header.data_blocks = kBlocks;
    header.root.fill(std::byte{0x11});
    const auto footer = vhd::serialise(*vhd::make_fixed_footer(kBlocks * kBlock, {}, 0));
    std::ranges::copy(footer, header.tail.begin());
    header.salt = arrive::salt_of(header.size(), header.tail);
    image.resize(kBlocks * kBlock);
    image += as_text(vhd::serialise(vhd::IncompleteMark{.id = copy.id}));
  }

  // Blocks 0, 1 and 4 are there.
  Result<FoundImage> open(const std::optional<record::Arrival>& arrival) {
    map = text_of(arrive::serialise(header, copy));
    map.resize(arrive::MapLayout(kBlocks).size());
    map[kBlock] = 0b010011;
    devices = std::make_unique<FakeDevices>();
    devices->plug("sda1", test::make_exfat(0x1234ABCD, u"DATA",
                                           {{"/boot/a.vhd", image},
                                            {with_map ? "/boot/a.vhd.map" : "/boot/other", map},
                                            {"/boot/a.vhd.verity", std::string(2 * kBlock, 'v')}})
                              .bytes);
    volumes.emplace(*devices);
    return examine_image(volumes->all().front(), *volume::parse_path("/boot/a.vhd"), Writes::Kept, ParentVolume(),
                         arrival);
  }

  const record::Arrival from{
      .source = "http://10.0.2.2/a.vhd", .root_hash = "11" + std::string(62, '1'), .address = ""};
  arrive::MapCopy copy{.id = {std::byte{7}}};
  arrive::MapHeader header;
  std::string image;
  std::string map;
  bool with_map = true;
  std::unique_ptr<FakeDevices> devices;
  std::optional<HostVolumes> volumes;
};

TEST_F(ArrivingImageTest, IsAFixedVhdOfWhichSomeIsMissing) {
  const auto found = open(from);
  ASSERT_TRUE(found) << found.error().message();
  ASSERT_TRUE(found->arriving);
  EXPECT_EQ(found->info().format, vhd::Format::FixedVhd);
  EXPECT_EQ(found->info().size, kBlocks * kBlock);
  EXPECT_EQ(found->arriving->missing(), (std::vector<Range>{{2 * kBlock, 2 * kBlock}, {5 * kBlock, kBlock}}));
  EXPECT_THAT(found->view.files, SizeIs(3)) << "so that the host device leaves them out";
  std::vector<std::byte> block(kBlock);
  EXPECT_TRUE(found->disk->read(kBlock, block));
  EXPECT_THAT(found->disk->read(2 * kBlock, block), Fails(Code::Unsupported, "`vhdtool fetch`"));
  // To look at it, rows that fail; to run from it, a program.
  const auto look = plan_attachment(*found, true, 512);
  ASSERT_TRUE(look);
  EXPECT_FALSE(look->arrives);
  EXPECT_EQ(std::ranges::count(look->view.rows, blocks::RowKind::Error, &blocks::Row::kind), 2);
  const auto run = plan_attachment(*found, false, 512);
  ASSERT_TRUE(run);
  EXPECT_TRUE(run->arrives && run->read_only && run->takes_writes());
  EXPECT_EQ(std::ranges::count(run->view.rows, blocks::RowKind::Error, &blocks::Row::kind), 0);
  record::Config forgets;
  forgets.ephemeral = record::kForgetting;
  EXPECT_THAT(check_writer(*found, forgets), Fails(Code::Unsupported, "leave out `ephemeral`"));
  EXPECT_TRUE(check_writer(*found, record::Config()));
}

TEST_F(ArrivingImageTest, WithoutTheKeysItIsNoImage) {
  EXPECT_THAT(open(std::nullopt), Fails(Code::Unsupported, "it is not complete"));
}

TEST_F(ArrivingImageTest, WithoutAMapItIsNoImage) {
  with_map = false;
  EXPECT_THAT(open(from), Fails(Code::Unsupported, "it is not complete"));
}

TEST_F(ArrivingImageTest, OneThatIsCompleteIsLikeAnyOther) {
  image.replace(kBlocks * kBlock, arrive::kTail, text_of(header.tail));
  const auto found = open(from);
  ASSERT_TRUE(found) << found.error().message();
  EXPECT_FALSE(found->arriving);
  EXPECT_THAT(found->view.files, SizeIs(1));
}

TEST_F(ArrivingImageTest, OfAnotherImage) {
  auto other = from;
  other.root_hash[5] = '2';
  EXPECT_THAT(open(other), Fails(Code::Unsafe, "another root hash"));
  header.data_blocks = kBlocks + 1;
  EXPECT_THAT(open(from), Fails(Code::Corrupt, "that of another image"));
}

TEST_F(ArrivingImageTest, WithTheMapOfAnotherCopy) {
  copy.starts = 1;
  EXPECT_THAT(open(from), Fails(Code::Unsafe, "another copy of this image"));
  copy = {.id = {std::byte{8}}};
  EXPECT_THAT(open(from), Fails(Code::Unsafe, "another copy of this image"));
}

TEST_F(ArrivingImageTest, WithAFooterThatTheRootHashDoesNotStandFor) {
  header.tail[100] ^= std::byte{1};
  EXPECT_THAT(open(from), Fails(Code::Corrupt, "does not fit its root hash"));
}

TEST_F(ArrivingImageTest, WithASourceThatCannotBeAsked) {
  auto other = from;
  other.source = "http://10.0.2.300/a.vhd";
  EXPECT_FALSE(open(other));
}

}  // namespace
}  // namespace vhdboot::stage
