// SPDX-License-Identifier: GPL-2.0-or-later
// The oracle is cpio.
#include "efi/origin_archive.h"

#include <gtest/gtest.h>

#include <vector>

#include "tests/unit/base/oracle.h"

namespace vhdboot::efi {
namespace {

using vhdboot::test::have;
using vhdboot::test::output_of;
using vhdboot::test::ScratchFolder;

std::vector<std::byte> archive(const Origin& origin) {
  std::vector<std::byte> bytes(origin_archive_size(origin));
  EXPECT_TRUE(write_origin_archive(origin, bytes));
  EXPECT_EQ(bytes.size() % 4, 0u);
  return bytes;
}

std::optional<std::string> member(const Origin& origin, std::string_view name) {
  const ScratchFolder scratch;
  return output_of("cpio --quiet --to-stdout -i " + std::string(name) + " < " +
                   scratch.write("a", archive(origin)).string());
}

std::optional<std::string> listing(const Origin& origin) {
  const ScratchFolder scratch;
  return output_of("cpio --quiet -it < " + scratch.write("a", archive(origin)).string());
}

class OriginArchive : public testing::Test {
 protected:
  void SetUp() override {
    if (!have("cpio")) GTEST_SKIP() << "needs cpio";
  }
};

TEST_F(OriginArchive, TellsAllThatIsKnown) {
  const Origin origin{.partuuid = "0badcafe-01",
                      .serial = "0123456789ABCDEF",
                      .path = "/boot/b\u00fccher.efi",
                      .options = "image=/a.vhd x=\"1 2\"",
                      .one_shot = "b\u00fccher 2",
                      .conf = as_bytes("image /a.vhd\r\n"),
                      .place = as_bytes(std::string_view("\1\1\6\0\2\x1f", 6))};
  EXPECT_EQ(listing(origin), "vhdboot\nvhdboot/origin\nvhdboot/origin.conf\nvhdboot/origin.place\n");
  EXPECT_EQ(member(origin, "vhdboot/origin.place"), std::string("\1\1\6\0\2\x1f", 6));
  EXPECT_EQ(member(origin, "vhdboot/origin"),
            "partuuid 0badcafe-01\n"
            "serial 0123456789ABCDEF\n"
            "path /boot/b\u00fccher.efi\n"
            "options image=/a.vhd x=\"1 2\"\n"
            "one-shot b\u00fccher 2\n");
  EXPECT_EQ(member(origin, "vhdboot/origin.conf"), "image /a.vhd\r\n");
}

TEST_F(OriginArchive, LeavesOutWhatIsNotKnown) {
  EXPECT_EQ(listing({}), "vhdboot\nvhdboot/origin\n");
  EXPECT_EQ(member({}, "vhdboot/origin"), "");
  EXPECT_EQ(member({.path = "/a.efi"}, "vhdboot/origin"), "path /a.efi\n");
  EXPECT_EQ(listing({.conf = Bytes()}), "vhdboot\nvhdboot/origin\nvhdboot/origin.conf\n") << "an empty file is a file";
}

TEST_F(OriginArchive, WantsExactlyItsSize) {
  const Origin origin{.path = "/a.efi"};
  std::vector<std::byte> small(origin_archive_size(origin) - 1), large(origin_archive_size(origin) + 1);
  EXPECT_FALSE(write_origin_archive(origin, small));
  EXPECT_FALSE(write_origin_archive(origin, large));
}

}  // namespace
}  // namespace vhdboot::efi
