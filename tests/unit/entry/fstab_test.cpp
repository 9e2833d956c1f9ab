// SPDX-License-Identifier: GPL-2.0-or-later
#include "entry/fstab.h"

#include "base/text.h"
#include "tests/unit/base/error_matchers.h"

namespace vhdboot::entry {
namespace {

using test::Fails;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

std::vector<FstabEntry> parse(std::string_view text) {
  auto entries = parse_fstab(text);
  EXPECT_TRUE(entries) << entries.error().text;
  return entries ? *std::move(entries) : std::vector<FstabEntry>{};
}

TEST(Fstab, Lines) {
  EXPECT_THAT(
      parse("# <file system> <mount point>\n"
            "UUID=0a3f-1 / ext4 errors=remount-ro 0 1\n"
            "\n"
            "  \t# indented comment /x ext4\n"
            "\tLABEL=a\\040b\t/mnt\\011x  vfat\tumask=0077,utf8  0\n"
            "/dev/sda3 none swap sw\r\n"
            "tmpfs /tmp tmpfs nosuid 0 0 # what mount(8) passes over"),
      ElementsAre(FstabEntry{"UUID=0a3f-1", "/", "ext4", "errors=remount-ro", 2, true},
                  FstabEntry{"LABEL=a b", "/mnt\tx", "vfat", "umask=0077,utf8", 5},
                  FstabEntry{"/dev/sda3", "none", "swap", "sw", 6}, FstabEntry{"tmpfs", "/tmp", "tmpfs", "nosuid", 7}));
  EXPECT_THAT(parse(""), IsEmpty());
}

TEST(Fstab, FewFields) {
  EXPECT_THAT(parse("a\na b\na b c\n"), ElementsAre(FstabEntry{"a", "b", "c", "", 3}));
}

TEST(Fstab, Escapes) {
  const auto spec = [](std::string_view text) { return parse(concat(text, " / ext4")).front().spec; };
  EXPECT_EQ(spec("a\\134040b"), "a\\040b");  // undone once
  EXPECT_EQ(spec("\\043"), "#");
  EXPECT_EQ(spec("a\\04"), "a\\04");
  EXPECT_EQ(spec("a\\"), "a\\");
  EXPECT_EQ(spec("\\080"), "\\080");
  EXPECT_EQ(spec("\\000"), "\\000");
  EXPECT_EQ(spec("\\400"), "\\400");
  EXPECT_EQ(spec("\\303\\251"), "\xC3\xA9");
}

TEST(Fstab, TheLastMountCovers) {
  const auto entries = parse("a / ext4\nb /boot/ ext4\nc // ext4\nd none swap\n");
  ASSERT_NE(find_mount(entries, "/"), nullptr);
  EXPECT_EQ(find_mount(entries, "/")->spec, "c");
  ASSERT_NE(find_mount(entries, "/boot"), nullptr);
  EXPECT_EQ(find_mount(entries, "/boot")->spec, "b");
  EXPECT_EQ(find_mount(entries, "/home"), nullptr);
}

TEST(Fstab, Caps) {
  EXPECT_THAT(parse_fstab(std::string(kMaxFstabBytes + 1, '\n')), Fails(Code::Corrupt, "is no fstab"));
  EXPECT_THAT(parse(std::string(kMaxFstabBytes, '\n')), IsEmpty());
  std::string many;
  for (std::size_t i = 0; i < kMaxFstabEntries; ++i) many += "a b c\n";
  EXPECT_EQ(parse(many).size(), kMaxFstabEntries);
  EXPECT_THAT(parse_fstab(many + "a b c\n"), Fails(Code::Corrupt, "more than 4096 entries"));
}

}  // namespace
}  // namespace vhdboot::entry
