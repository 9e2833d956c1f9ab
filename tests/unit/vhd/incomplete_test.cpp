// SPDX-License-Identifier: GPL-2.0-or-later
#include "vhd/incomplete.h"

#include <gmock/gmock.h>

#include <vector>

#include "base/byte_source.h"
#include "tests/unit/base/error_matchers.h"
#include "vhd/disk.h"
#include "vhd/image.h"

namespace vhdboot::vhd {
namespace {

using test::Fails;

const IncompleteMark kMark{.id = {std::byte{3}, std::byte{4}}, .starts = 12};

TEST(Incomplete, IsReadAsItWasWritten) {
  auto sector = serialise(kMark);
  EXPECT_EQ(parse_incomplete(sector), kMark);
  EXPECT_TRUE(as_text(sector).contains("vhdtool fetch")) << "for who looks at the end of the file";
  sector[130] ^= std::byte{1};
  EXPECT_FALSE(parse_incomplete(sector));
  EXPECT_TRUE(is_incomplete(sector)) << "it is no image all the same";
  EXPECT_FALSE(parse_incomplete(Bytes(sector).first(511)));
  EXPECT_FALSE(is_incomplete(std::vector<std::byte>(kIncompleteSize)));
}

TEST(Incomplete, IsNoImageToAnybody) {
  std::vector<std::byte> file(1 << 20);
  const auto sector = serialise(kMark);
  std::ranges::copy(sector, file.end() - kIncompleteSize);
  const MemorySource source(file);
  EXPECT_EQ(*foreign_format(source), Format::Incomplete);
  EXPECT_EQ(recognise(source)->format, Format::Incomplete);
  EXPECT_THAT(identify(source), Fails(Code::Unsupported, "bring the rest with `vhdtool fetch`"));
  EXPECT_THAT(open_disk(source, "a.vhd"), Fails(Code::Unsupported, "bring the rest with `vhdtool fetch`"));
  EXPECT_THAT(open_disk(source, "a.img"), Fails(Code::Unsupported, "bring the rest with `vhdtool fetch`"));
}

}  // namespace
}  // namespace vhdboot::vhd
