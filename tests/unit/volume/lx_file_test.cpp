// SPDX-License-Identifier: GPL-2.0-or-later
#include "init/volume/lx_file.h"

#include <gmock/gmock.h>

#include "init/volume/reparse.h"
#include "tests/unit/volume/lx_bytes.h"

namespace vhdboot::volume {
namespace {

using test::entry;
using test::le;
using test::lxattrb;
using test::reparse;
using testing::HasSubstr;

std::vector<std::byte> bytes_of(const std::string& text) {
  return {as_bytes(text).begin(), as_bytes(text).end()};
}

NtfsNode node(const std::string& attributes, const std::string& point = "") {
  NtfsNode out;
  out.hard_links = 1;
  out.accessed = {100, 1};
  out.modified = {200, 2};
  out.extended_attributes = bytes_of(attributes);
  out.reparse_point = bytes_of(point);
  return out;
}

std::string wslfs(std::uint32_t mode, std::uint32_t uid = 1, std::uint32_t gid = 2) {
  return entry("$LXUID", le(uid)) + entry("$LXGID", le(gid)) + entry("$LXMOD", le(mode));
}

TEST(LxFile, OfWslFsByItsReparsePoint) {
  struct Row {
    std::uint32_t tag, mode;
    LxType type;
  };
  for (const Row row : {Row{kTagLxFifo, 0010644, LxType::Fifo}, Row{kTagLxSocket, 0140644, LxType::Socket},
                        Row{kTagLxCharacter, 0020644, LxType::Character}, Row{kTagLxBlock, 0060644, LxType::Block}}) {
    const auto file =
        lx_file(node(wslfs(row.mode) + entry("$LXDEV", le(8u) + le(1u)), reparse(row.tag, "")), LxGeneration::WslFs);
    ASSERT_TRUE(file) << file.error().text;
    EXPECT_EQ(file->type, row.type);
    EXPECT_EQ(file->mode, 0644u);
    EXPECT_EQ(file->damage, "");
    EXPECT_FALSE(file->without_metadata);
  }
  const auto link = lx_file(node(wslfs(0120777), reparse(kTagLxSymlink, le(2u) + "usr/bin")), LxGeneration::WslFs);
  EXPECT_EQ(link->type, LxType::Symlink);
  EXPECT_EQ(link->target, "usr/bin");
  EXPECT_EQ(link->modified, (UnixTime{200, 2}));
}

TEST(LxFile, OfLxFsByItsMode) {
  const std::string link = entry("LXATTRB", lxattrb(0120777, 1, 2, 0, 3, 4, 5, 6));
  const auto file = lx_file(node(link), LxGeneration::LxFs);
  EXPECT_EQ(file->type, LxType::Symlink);
  EXPECT_FALSE(file->target) << "its contents are";
  EXPECT_EQ(file->modified, (UnixTime{6, 4}));
  EXPECT_EQ(lx_file(node(entry("LXATTRB", lxattrb(0104755, 0, 0, 0, 0, 0, 0, 0))), LxGeneration::LxFs)->mode, 04755u);
  const auto device =
      lx_file(node(entry("LXATTRB", lxattrb(0060660, 0, 6, 259u << 20 | 1048575, 0, 0, 0, 0))), LxGeneration::LxFs);
  EXPECT_EQ(device->device, (LxDevice{259, 1048575}));
}

TEST(LxFile, WithoutMetadataItIsRoots) {
  NtfsNode file = node("");
  EXPECT_EQ(lx_file(file, LxGeneration::WslFs)->mode, 0644u);
  EXPECT_TRUE(lx_file(file, LxGeneration::WslFs)->without_metadata);
  file.read_only = true;
  EXPECT_EQ(lx_file(file, LxGeneration::WslFs)->mode, 0444u);
  file.directory = true;
  EXPECT_EQ(lx_file(file, LxGeneration::WslFs)->mode, 0555u);
  EXPECT_EQ(lx_file(file, LxGeneration::WslFs)->type, LxType::Directory);
  // Of one generation in a folder of the other.
  const auto other = lx_file(node(wslfs(0100600)), LxGeneration::LxFs);
  EXPECT_EQ(other->mode, 0644u);
  EXPECT_TRUE(other->without_metadata);
  const auto part = lx_file(node(entry("$LXUID", le(7u))), LxGeneration::WslFs);
  EXPECT_EQ(part->uid, 7u);
  EXPECT_TRUE(part->without_metadata);
}

TEST(LxFile, ContradictionsAreSaid) {
  NtfsNode folder = node(wslfs(0100600));
  folder.directory = true;
  EXPECT_EQ(lx_file(folder, LxGeneration::WslFs)->type, LxType::Directory);
  EXPECT_THAT(lx_file(folder, LxGeneration::WslFs)->damage, HasSubstr("another type"));
  EXPECT_EQ(lx_file(node(wslfs(0040755)), LxGeneration::WslFs)->type, LxType::File);
  EXPECT_THAT(lx_file(node(wslfs(0040755)), LxGeneration::WslFs)->damage, HasSubstr("another type"));
  EXPECT_THAT(lx_file(node(wslfs(0000755)), LxGeneration::WslFs)->damage, HasSubstr("another type"));
  const auto damaged = lx_file(node(entry("$LXUID", "1")), LxGeneration::WslFs);
  EXPECT_THAT(damaged->damage, HasSubstr("$LXUID"));
  EXPECT_EQ(damaged->mode, 0644u);
}

TEST(LxFile, WhatCannotBeRead) {
  const auto error = [](const NtfsNode& one) { return lx_file(one, LxGeneration::WslFs).error().text; };
  EXPECT_THAT(error(node("", reparse(kTagWof, ""))), HasSubstr("CompactOS"));
  EXPECT_THAT(error(node("", reparse(kTagDedup, ""))), HasSubstr("dedup"));
  EXPECT_THAT(error(node("", reparse(0x9000701A, ""))), HasSubstr("cloud"));
  EXPECT_THAT(error(node("", reparse(0x8000001B, ""))), HasSubstr("0x8000001b"));
  EXPECT_THAT(error(node("", "short")), HasSubstr("damaged"));
  EXPECT_THAT(error(node(wslfs(0020600), reparse(kTagLxCharacter, ""))), HasSubstr("number"));
  EXPECT_THAT(error(node(wslfs(0020600) + entry("$LXDEV", le(4096u) + le(0u)))), HasSubstr("number"));
}

TEST(LxFile, LinksOfWindowsAreLinks) {
  const std::string name("a\0\\\0b\0", 6);
  const std::string data = le(std::uint16_t{0}) + le(std::uint16_t{6}) + le(0u) + le(1u) + name;
  const auto file = lx_file(node("", reparse(kTagSymlink, data)), LxGeneration::WslFs);
  EXPECT_EQ(file->target, "a/b");
  EXPECT_TRUE(file->windows_link);
  EXPECT_EQ(file->mode, 0777u);
}

}  // namespace
}  // namespace vhdboot::volume
