// SPDX-License-Identifier: GPL-2.0-or-later
#include "tools/common/tar.h"

#include <gmock/gmock.h>

#include <limits>

namespace vhdboot::tools {
namespace {

using testing::EndsWith;
using testing::HasSubstr;
using testing::Not;

TarEntry file(std::string path, std::uint64_t size = 0) {
  TarEntry entry;
  entry.path = std::move(path);
  entry.mode = 0644;
  entry.size = size;
  return entry;
}

TEST(Tar, WhatUstarHoldsIsOneBlock) {
  const std::string header = tar_header(file("./etc/passwd", 0777));
  ASSERT_EQ(header.size(), kTarBlock);
  EXPECT_EQ(header.substr(0, 13), std::string("./etc/passwd\0", 13));
  EXPECT_EQ(header.substr(100, 8), std::string("0000644\0", 8));
  EXPECT_EQ(header.substr(124, 12), std::string("00000000777\0", 12));
  EXPECT_EQ(header[156], '0');
  EXPECT_EQ(header.substr(257, 8), std::string("ustar\00000", 8));
  unsigned sum = 8 * ' ';
  for (std::size_t i = 0; i < header.size(); ++i)
    if (i < 148 || i >= 156) sum += static_cast<unsigned char>(header[i]);
  EXPECT_EQ(std::stoul(header.substr(148, 6), nullptr, 8), sum);
  EXPECT_EQ(header.substr(154, 2), std::string("\0 ", 2));
}

TEST(Tar, RecordsCountThemselves) {
  // 98 and 99 bytes of a path are records of 107 and 108 with it: the number of their length has three digits.
  for (std::size_t length = 101; length < 1100; ++length) {
    const std::string path(length, 'a');
    const std::string header = tar_header(file(path));
    EXPECT_EQ(header[156], 'x');
    const std::size_t size = std::stoul(header.substr(124, 11), nullptr, 8);
    const std::string record = header.substr(kTarBlock, size);
    EXPECT_EQ(std::stoul(record), size);
    EXPECT_THAT(record, EndsWith(" path=" + path + "\n"));
    EXPECT_EQ(header.size(), 2 * kTarBlock + size + tar_padding(size));
  }
}

TEST(Tar, WhatUstarCannotHoldIsARecord) {
  TarEntry entry = file("./\xC3\xA4", 1ULL << 33);
  entry.uid = 1u << 21;
  entry.gid = 4294967294u;
  entry.target = "\xC3\xB6";
  entry.modified = {1'500'000'000, 100};
  entry.accessed = {7, 0};
  entry.attributes = {{"security.capability", std::string("\1\0\2", 3)}, {"user.a=b%", "c"}};
  entry.binary = true;
  const std::string header = tar_header(entry);
  for (const char* record :
       {" hdrcharset=BINARY\n", " path=./\xC3\xA4\n", " linkpath=\xC3\xB6\n", " size=8589934592\n", " uid=2097152\n",
        " gid=4294967294\n", " mtime=1500000000.0000001\n", " atime=7\n", " SCHILY.xattr.user.a%3Db%25=c\n"})
    EXPECT_THAT(header, HasSubstr(record));
  EXPECT_THAT(header, HasSubstr(std::string(" SCHILY.xattr.security.capability=\1\0\2\n", 38)));
  EXPECT_EQ(header.size() % kTarBlock, 0u);
}

TEST(Tar, AFileWithHolesHasAMap) {
  TarEntry entry = file("./sparse", 10'000);
  entry.data = {{0, 512}, {4096, 100}};
  const std::string header = tar_header(entry);
  EXPECT_THAT(header, HasSubstr(" GNU.sparse.name=./sparse\n"));
  EXPECT_THAT(header, HasSubstr(" GNU.sparse.realsize=10000\n"));
  const std::string map("3\n0\n512\n4096\n100\n10000\n0\n");
  EXPECT_EQ(header.substr(header.size() - kTarBlock, map.size()), map);
  EXPECT_EQ(std::stoul(header.substr(header.size() - 2 * kTarBlock + 124, 11), nullptr, 8), kTarBlock + 612);
  entry.data = {{0, 10'000}};
  EXPECT_EQ(tar_header(entry).size(), kTarBlock);
  entry.size = 0;
  entry.data->clear();
  EXPECT_EQ(tar_header(entry).size(), kTarBlock);
}

TEST(Tar, Times) {
  EXPECT_EQ(tar_time({0, 0}), "0");
  EXPECT_EQ(tar_time({5, 1}), "5.000000001");
  EXPECT_EQ(tar_time({5, 500'000'000}), "5.5");
  EXPECT_EQ(tar_time({-5, 0}), "-5");
  EXPECT_EQ(tar_time({-5, 750'000'000}), "-4.25");
  EXPECT_EQ(tar_time({-1, 999'999'999}), "-0.000000001");
  EXPECT_EQ(tar_time({std::numeric_limits<std::int64_t>::min(), 0}), "-9223372036854775808");
}

}  // namespace
}  // namespace vhdboot::tools
