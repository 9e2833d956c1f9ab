// SPDX-License-Identifier: GPL-2.0-or-later
#include "tools/common/file_extents.h"

#include <gtest/gtest.h>
#include <linux/fiemap.h>

namespace vhdboot::tools {
namespace {

using Extents = std::vector<FileExtent>;
using Ranges = std::vector<Range>;

TEST(FileExtents, MissingAreGapsAndWhatWasNeverWritten) {
  const Extents extents{{{4096, 1 << 20, 4096}, 0},
                        {{12288, 2 << 20, 4096}, FIEMAP_EXTENT_UNWRITTEN},
                        {{16384, 3 << 20, 4096}, FIEMAP_EXTENT_LAST}};
  EXPECT_EQ(missing_ranges(extents, 24000), (Ranges{{0, 4096}, {8192, 8192}, {20480, 3520}}));
  EXPECT_EQ(missing_ranges(extents, 10000), (Ranges{{0, 4096}, {8192, 1808}}));
  EXPECT_EQ(missing_ranges({}, 10), (Ranges{{0, 10}}));
  EXPECT_TRUE(missing_ranges({}, 0).empty());
  EXPECT_TRUE(missing_ranges({{{0, 4096, 4096}, 0}}, 4000).empty());
}

TEST(FileExtents, OnlyPlainDataHasAPlace) {
  EXPECT_EQ(plain_extents({{{0, 8192, 4096}, 0}, {{4096, 65536, 4096}, FIEMAP_EXTENT_LAST}}, 8000),
            (std::vector<Extent>{{0, 8192, 4096}, {4096, 65536, 4096}}));
  EXPECT_EQ(plain_extents({{{4096, 8192, 4096}, 0}}, 8192).error().code, Code::Unsupported);
  EXPECT_EQ(plain_extents({{{0, 8192, 4096}, 0}}, 8192).error().code, Code::Unsupported);
  for (const std::uint32_t flag : {FIEMAP_EXTENT_UNWRITTEN, FIEMAP_EXTENT_ENCODED, FIEMAP_EXTENT_DATA_INLINE,
                                   FIEMAP_EXTENT_UNKNOWN, FIEMAP_EXTENT_DELALLOC, FIEMAP_EXTENT_SHARED})
    EXPECT_FALSE(plain_extents({{{0, 8192, 4096}, flag}}, 4096)) << flag;
}

}  // namespace
}  // namespace vhdboot::tools
