// SPDX-License-Identifier: GPL-2.0-or-later
#include "init/modules/depmod_index.h"

#include <gmock/gmock.h>

#include <fstream>
#include <set>

#include "base/text.h"
#include "tests/unit/base/error_matchers.h"
#include "tests/unit/base/oracle.h"
#include "tests/unit/modules/elf_module.h"

namespace vhdboot::modules {
namespace {

using namespace std::string_literals;
using test::Fails;
using testing::ElementsAre;
using testing::IsEmpty;

std::string be32(std::uint32_t number) {
  std::string bytes;
  for (int shift = 24; shift >= 0; shift -= 8) bytes += static_cast<char>(number >> shift & 255);
  return bytes;
}

std::string index(std::uint32_t root, const std::string& rest) {
  return be32(0xB007F457) + be32(0x00020001) + be32(root) + rest;
}

Result<std::vector<IndexEntry>> read(const std::string& bytes) {
  return read_depmod_index(as_bytes(bytes));
}

TEST(DepmodIndex, OneNode) {
  EXPECT_THAT(*read(index(0, "")), IsEmpty());
  const std::string node = "dm_mod\0"s + be32(2) + be32(1) + "one\0"s + be32(2) + "\0"s;
  EXPECT_THAT(*read(index(0xC000000C, node)), ElementsAre(IndexEntry{"dm_mod", "one"}, IndexEntry{"dm_mod", ""}));
}

TEST(DepmodIndex, Children) {
  // "lo" with "op" below, and a value of its own; the letters n to p, of which only one is there.
  const std::string leaf = "p\0"s + be32(1) + be32(0) + "loop.ko:\0"s;
  const std::string root = "l\0"s + "no" + be32(0) + be32(0xC000000C) + be32(1) + be32(0) + "l.ko:\0"s;
  EXPECT_THAT(*read(index(0xE000000C + static_cast<std::uint32_t>(leaf.size()), leaf + root)),
              ElementsAre(IndexEntry{"l", "l.ko:"}, IndexEntry{"lop", "loop.ko:"}));
}

TEST(DepmodIndex, Damage) {
  EXPECT_THAT(read(""), Fails(Code::Corrupt, "ends early"));
  EXPECT_THAT(read(be32(0xB007F458) + be32(0x00020001) + be32(0)), Fails(Code::Corrupt, "no index of depmod"));
  EXPECT_THAT(read(be32(0xB007F457) + be32(0x00010001) + be32(0)), Fails(Code::Corrupt, "no index of depmod"));
  EXPECT_THAT(read(index(0xC0000FFF, "")), Fails(Code::Corrupt, "without an end"));
  EXPECT_THAT(read(index(0x80000000 + 12, "abc")), Fails(Code::Corrupt, "without an end"));
  EXPECT_THAT(read(index(0x40000000 + 12, be32(1000) + be32(0) + "a\0"s)), Fails(Code::Corrupt, "ends early"));
  EXPECT_THAT(read(index(0x80000000 + 12, std::string(kMaxAliasBytes + 1, 'k') + "\0"s)),
              Fails(Code::Corrupt, "too long"));
  for (const std::string& letters : {"\0a"s, "a\x80"s})
    EXPECT_THAT(read(index(0x20000000 + 12, letters + std::string(600, '\0'))), Fails(Code::Corrupt, "other letters"));
  // A node that has itself below it.
  EXPECT_THAT(read(index(0x20000000 + 12, "aa" + be32(0x20000000 + 12))), Fails(Code::Corrupt, "overlap"));
}

// Each of them takes memory, even when it is empty.
TEST(DepmodIndex, EntriesAreCapped) {
  const std::uint32_t count = kMaxIndexBytes / sizeof(IndexEntry) + 1;
  std::string node = be32(count);
  for (std::uint32_t i = 0; i < count; ++i) node += std::string(5, '\0');
  EXPECT_THAT(read(index(0x40000000 + 12, node)), Fails(Code::NoMemory, "more than"));
}

TEST(DepmodIndex, OtherFiles) {
  EXPECT_EQ(text_of_index("modules.symbols.bin"), nullptr);
  EXPECT_EQ(text_of_index("modules.dep"), nullptr);
  EXPECT_THAT(index_as_text("modules.symbols.bin", {}), Fails(Code::Unsupported, "modules.symbols.bin"));
}

std::string contents(const std::filesystem::path& file) {
  std::ifstream in(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

std::multiset<std::string> lines(std::string_view text, bool has_comments = false) {
  std::multiset<std::string> found;
  for (const std::string_view line : split_lines(text))
    if (!has_comments || !line.starts_with('#')) found.emplace(line);
  return found;
}

// What it writes as text and as an index is the same.
TEST(DepmodIndex, AsDepmodWritesIt) {
  if (!test::have("/usr/sbin/depmod")) GTEST_SKIP() << "needs kmod";
  const test::ScratchFolder folder;
  const auto modules = folder.path() / "lib/modules/6.1";
  std::filesystem::create_directories(modules / "kernel");
  const auto module = [&](const std::string& name, const std::string& modinfo) {
    const auto file = modules / "kernel" / (name + ".ko");
    const auto bytes = test::elf_module("name="s + name + "\0"s + modinfo);
    std::ofstream(file, std::ios::binary)
        .write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
  };
  module("nvme", "alias=pci:v*d*sv*sd*bc01sc08i02*\0alias=pci:v0000106Bd00002001sv*sd*bc*sc*i*\0"s);
  module("nvme_core", "");
  module("sd_mod", "alias=scsi:t-0x00*\0alias=block-major-8-*\0"s);
  for (int i = 0; i < 300; ++i) module(concat("m", i), concat("alias=usb:v", i, "p*") + "\0"s);
  std::ofstream(modules / "modules.order");
  std::ofstream(modules / "modules.builtin") << "kernel/drivers/block/loop.ko\nkernel/fs/ext4/ext4.ko\n";
  std::ofstream(modules / "modules.builtin.modinfo")
      << "ext4.alias=fs-ext4\0ext4.license=GPL\0loop.alias=devname:loop-control\0"s;
  ASSERT_TRUE(test::output_of(concat("/usr/sbin/depmod -b ", folder.path().string(), " 6.1 2>&1")));

  const auto text = [&](const std::string& file) {
    const std::string bytes = contents(modules / file);
    return index_as_text(file, as_bytes(bytes));
  };
  EXPECT_EQ(lines(*text("modules.dep.bin")), lines(contents(modules / "modules.dep")));
  std::string alias = contents(modules / "modules.alias");
  std::ranges::replace(alias, '-', '_');
  EXPECT_EQ(lines(*text("modules.alias.bin")), lines(alias, true));
  EXPECT_EQ(lines(*text("modules.builtin.bin")), lines("ext4\nloop\n"));
  const std::string builtin = *text("modules.builtin.alias.bin");
  EXPECT_THAT(split(builtin, '\0'), ElementsAre("loop.alias=devname:loop_control", "ext4.alias=fs_ext4", ""));

  const auto index = ModuleIndex::parse({.dep = *text("modules.dep.bin"),
                                         .alias = *text("modules.alias.bin"),
                                         .builtin = *text("modules.builtin.bin"),
                                         .builtin_modinfo = builtin});
  ASSERT_TRUE(index);
  EXPECT_EQ(index->file("sd_mod"), "kernel/sd_mod.ko");
  EXPECT_TRUE(index->is_builtin("loop"));
  EXPECT_THAT(index->by_alias("scsi:t-0x00"), ElementsAre("sd_mod"));
  EXPECT_THAT(index->by_alias("pci:v1d2sv3sd4bc01sc08i02"), ElementsAre("nvme"));
  EXPECT_THAT(index->by_alias("fs-ext4"), ElementsAre("ext4"));
}

}  // namespace
}  // namespace vhdboot::modules
