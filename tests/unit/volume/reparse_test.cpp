// SPDX-License-Identifier: GPL-2.0-or-later
#include "init/volume/reparse.h"

#include <gmock/gmock.h>

#include "tests/unit/volume/lx_bytes.h"

namespace vhdboot::volume {
namespace {

using test::le;
using test::reparse;

std::string wide(std::string_view text) {
  std::string out;
  for (const char c : text) out += std::string{c, '\0'};
  return out;
}

std::string symlink(std::string_view target, std::uint16_t offset = 0) {
  const std::string name = wide(target);
  const auto length = static_cast<std::uint16_t>(name.size());
  return le(offset) + le(length) + le(std::uint16_t{0}) + le(std::uint16_t{0}) + le(1u) + std::string(offset, 'x') +
         name;
}

Result<std::string> windows(std::uint32_t tag, std::string_view data) {
  return windows_link_target({tag, as_bytes(data)});
}

TEST(Reparse, EveryCutOfAPointIsSeen) {
  const std::string point = reparse(kTagLxFifo, "") + "more is no harm";
  EXPECT_EQ(parse_reparse_point(as_bytes(point))->tag, kTagLxFifo);
  EXPECT_TRUE(parse_reparse_point(as_bytes(point))->data.empty());
  const std::string link = reparse(kTagLxSymlink, "12345");
  for (std::size_t size = 0; size < link.size(); ++size)
    EXPECT_FALSE(parse_reparse_point(as_bytes(std::string_view(link).substr(0, size)))) << size;
  EXPECT_FALSE(parse_reparse_point(as_bytes(reparse(0, "12345"))));
}

TEST(Reparse, LinksOfWsl) {
  const auto target = [](const std::string& data) { return lx_symlink_target(as_bytes(data)); };
  EXPECT_EQ(*target(le(2u) + "../a\\x2db"), "../a\\x2db");
  EXPECT_FALSE(target(le(1u) + "a"));
  EXPECT_FALSE(target(le(2u)));
  EXPECT_FALSE(target(le(2u) + std::string("a\0b", 3)));
  EXPECT_FALSE(target("\2\0"));
  EXPECT_TRUE(target(le(2u) + std::string(4095, 'a')));
  EXPECT_FALSE(target(le(2u) + std::string(4096, 'a')));
}

TEST(Reparse, LinksOfWindows) {
  EXPECT_EQ(*windows(kTagSymlink, symlink("..\\a\\b")), "../a/b");
  EXPECT_EQ(*windows(kTagSymlink, symlink("\\??\\C:\\Users\\me", 4)), "/mnt/c/Users/me");
  EXPECT_EQ(*windows(kTagSymlink, symlink("\\??\\UNC\\server\\share")), "//server/share");
  const std::string name = wide("\\??\\D:\\x");
  const std::string junction = le(std::uint16_t{0}) + le(static_cast<std::uint16_t>(name.size())) + le(0u) + name;
  EXPECT_EQ(*windows(kTagMountPoint, junction), "/mnt/d/x");
  EXPECT_FALSE(windows(kTagMountPoint, le(0u) + le(0u)));
  for (std::size_t size = 0; size < junction.size(); ++size)
    EXPECT_FALSE(windows(kTagMountPoint, std::string_view(junction).substr(0, size))) << size;
}

}  // namespace
}  // namespace vhdboot::volume
