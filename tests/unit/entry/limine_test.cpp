// SPDX-License-Identifier: GPL-2.0-or-later
#include "entry/limine.h"

#include <gmock/gmock.h>

#include <algorithm>

#include "base/text.h"
#include "tests/unit/base/error_matchers.h"

namespace vhdboot::entry {
namespace {

using disk::Selector;
using test::Fails;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

LimineMenu parse(std::string_view text, LimineStyle style = LimineStyle::Conf) {
  const auto menu = parse_limine(text, style);
  EXPECT_TRUE(menu) << menu.error().text;
  return menu.value_or(LimineMenu());
}

std::string usual(std::string_view text, LimineStyle style = LimineStyle::Conf) {
  const LimineMenu menu = parse(text, style);
  return menu.usual ? menu.entries[*menu.usual].title : "";
}

std::string linux_entry(std::string_view title) {
  return concat(title, "\n  protocol: linux\n  path: boot():/vmlinuz\n");
}

TEST(Limine, AsArchsToolsWriteIt) {
  const LimineMenu menu = parse(
      "timeout: 3\n# a comment\ndefault_entry: 2\n\n/+Arch Linux\ncomment: Arch\n"
      "comment: machine-id=4f\n\n  //linux-zen\n  comment: 6.11 \n  protocol: linux\n"
      "  module_path: boot():/4f/linux-zen/initramfs#b0a7\n  module_path: boot():/more\n"
      "  path: boot():/4f/linux-zen/vmlinuz#00ff\n  cmdline: quiet root=UUID=1 # rw\n\n"
      "  //Snapshots\n   ///2026\n    protocol: linux\n    kernel_path: boot():/old\n    kernel_cmdline: x\n\r\n"
      "/Windows\n  protocol: efi\n  path: guid(B71C):/EFI/Microsoft/Boot/bootmgfw.efi\n");
  ASSERT_EQ(menu.entries.size(), 5U);
  EXPECT_EQ(menu.entries[0], (LimineEntry{.title = "Arch Linux", .is_folder = true, .is_expanded = true}));
  EXPECT_EQ(menu.entries[1], (LimineEntry{.title = "linux-zen",
                                          .parent = 0,
                                          .program = {.path = "/4f/linux-zen/vmlinuz", .partition = {}},
                                          .modules = {{.path = "/4f/linux-zen/initramfs", .partition = {}},
                                                      {.path = "/more", .partition = {}}},
                                          .cmdline = "quiet root=UUID=1 # rw"}));
  EXPECT_EQ(menu.entries[3].parent, 2U);
  EXPECT_EQ(menu.entries[3].program.path, "/old");
  EXPECT_EQ(menu.entries[3].cmdline, "x");
  EXPECT_EQ(menu.entries[4].program.path, "/EFI/Microsoft/Boot/bootmgfw.efi");
  EXPECT_EQ(menu.usual, 1U);
}

TEST(Limine, TheFileOfVersionsBefore8) {
  const LimineMenu menu = parse(
      "TIMEOUT=5\nDEFAULT_ENTRY=2\n:Other\nPROTOCOL=limine\nKERNEL_PATH=boot:///kernel.elf\n"
      ":Alpine\n    PROTOCOL=linux\n    KERNEL_PATH=boot:///vmlinuz-lts\n    CMDLINE=root=UUID=1 a=b\n"
      "    MODULE_PATH=boot://2/initramfs-lts\n",
      LimineStyle::Cfg);
  ASSERT_EQ(menu.entries.size(), 2U);
  EXPECT_EQ(menu.entries[0].program.path, "");  // of Limine's own protocol
  EXPECT_EQ(menu.entries[1].program.path, "/vmlinuz-lts");
  EXPECT_EQ(menu.entries[1].cmdline, "root=UUID=1 a=b");
  ASSERT_EQ(menu.entries[1].modules.size(), 1U);
  EXPECT_EQ(menu.entries[1].modules[0].path, "/initramfs-lts");
  EXPECT_EQ(menu.entries[1].modules[0].partition.at(0).number, 2U);
  EXPECT_EQ(menu.usual, 1U);
}

TEST(Limine, TheDefaultIsCountedAmongWhatIsSeen) {
  const std::string closed =
      concat("/Closed\n", linux_entry("//a"), linux_entry("//b"), linux_entry("/c"), linux_entry("/d"));
  EXPECT_EQ(usual(concat("default_entry: 2\n", closed)), "c");
  EXPECT_EQ(usual(concat("default_entry: 3\n", closed)), "d");
  EXPECT_EQ(usual(closed), "a");  // the first one is a folder, whose menu it would show
  const std::string open =
      concat("/+Open\n", linux_entry("//a"), linux_entry("//b"), linux_entry("/c"), "default_entry: 3\n");
  EXPECT_EQ(usual(open), "b");
  EXPECT_EQ(usual(concat("default_entry: Closed/b\n", closed)), "b");
  EXPECT_EQ(usual(concat("default_entry: c\n", closed)), "c");
  for (const char* nothing : {"0", "9", "b", "Closed/", "/c"})
    EXPECT_EQ(usual(concat("default_entry: ", nothing, '\n', closed)), "") << nothing;
  // A folder without Linux says nothing of what stands behind it.
  EXPECT_EQ(usual(concat("/Windows\n//w\nprotocol: efi_chainload\n", linux_entry("/c"))), "");
}

TEST(Limine, PartitionsOfPaths) {
  const auto file = [](std::string_view path) {
    return parse(concat("/a\nprotocol: linux\npath: ", path, '\n')).entries.at(0).program;
  };
  EXPECT_EQ(file("boot(3):/k"), (LimineFile{.path = "/k", .partition = {{.by = Selector::By::Number, .number = 3}}}));
  EXPECT_EQ(file("hdd(1:2):/k"), (LimineFile{.path = "/k", .partition = {{.by = Selector::By::Number, .number = 2}}}));
  EXPECT_EQ(file("fslabel(ARCH (1)):/k"),
            (LimineFile{.path = "/k", .partition = {{.by = Selector::By::Label, .value = "ARCH (1)"}}}));
  for (const char* resource : {"guid", "UUID"})
    EXPECT_EQ(file(concat(resource, "(AB-CD):/k")),
              (LimineFile{.path = "/k",
                          .partition = {{.by = Selector::By::Uuid, .value = "AB-CD"},
                                        {.by = Selector::By::PartUuid, .value = "AB-CD"}}}));
  for (const char* elsewhere : {"tftp():/k", "odd(1:1):/k", "hdd(1:):/k", "hdd():/k", "boot(0):/k", "boot(x):/k",
                                "guid():/k", "boot():", "/k", "boot(:/k", "$boot():/k", ""})
    EXPECT_EQ(file(elsewhere).path, "") << elsewhere;
}

TEST(Limine, AnImageHasNoModules) {
  const LimineMenu menu =
      parse("/a\nprotocol: efi\npath: boot():/EFI/Linux/a.efi\nmodule_path: boot():/i\ncmdline: quiet\n");
  EXPECT_EQ(menu.entries.at(0).program.path, "/EFI/Linux/a.efi");
  EXPECT_TRUE(menu.entries[0].is_efi);
  EXPECT_THAT(menu.entries[0].modules, IsEmpty());
  EXPECT_EQ(menu.entries[0].cmdline, "quiet");
}

TEST(Limine, MacrosArePutIn) {
  const LimineMenu menu = parse(
      "${OPTS}=first\n${OPTS}=root=UUID=1 ${ARCH}\n${EMPTY}=\n"
      "/a ${ARCH}\nprotocol: linux\npath: boot():/k${NONE}${EMPTY}\ncmdline: ${OPTS} end\n");
  EXPECT_EQ(menu.entries.at(0).title, "a x86-64");
  EXPECT_EQ(menu.entries[0].program.path, "/k");
  EXPECT_EQ(menu.entries[0].cmdline, "root=UUID=1 ${ARCH} end");  // once
}

TEST(Limine, Caps) {
  EXPECT_THAT(parse_limine(std::string(kMaxLimine + 1, '#'), LimineStyle::Conf), Fails(Code::Corrupt, "at most"));
  std::string entries;
  for (std::size_t i = 0; i <= kMaxLimineEntries; ++i) entries += "/a\n";
  EXPECT_THAT(parse_limine(entries, LimineStyle::Conf), Fails(Code::Corrupt, "1024 entries"));
  EXPECT_TRUE(parse_limine(std::string_view(entries).substr(3), LimineStyle::Conf));
  std::string macros;
  for (std::size_t i = 0; i < kMaxLimineMacros; ++i) macros += concat("${M", i, "}=x\n");
  EXPECT_THAT(parse_limine(macros, LimineStyle::Conf), Fails(Code::Corrupt, "256 macros"));
  std::string bomb = concat("${A}=", std::string(2000, 'x'), "\ncmdline: ");
  for (int i = 0; i < 40; ++i) bomb += "${A}";
  EXPECT_THAT(parse_limine(bomb, LimineStyle::Conf), Fails(Code::Corrupt, "more than 65536 bytes"));
  std::string many = concat("${A}=", std::string(60000, 'x'), "\n");
  for (int i = 0; i < 20; ++i) many += "# ${A}\n";
  EXPECT_THAT(parse_limine(many, LimineStyle::Conf), Fails(Code::Corrupt, "with its macros"));
  std::string modules = "/a\n";
  for (std::size_t i = 0; i <= kMaxLimineModules; ++i) modules += "module_path: boot():/i\n";
  EXPECT_THAT(parse_limine(modules, LimineStyle::Conf), Fails(Code::Corrupt, "64 modules"));
  EXPECT_THAT(parse_limine("/a ${B", LimineStyle::Conf), Fails(Code::Corrupt, "does not end"));
}

TEST(Limine, ADeepTreeEnds) {
  std::string text = concat("default_entry: ", std::string(kMaxLimineEntries, '/'), '\n');
  for (std::size_t i = 1; i <= kMaxLimineEntries; ++i) text += std::string(i, '/') + "\n";
  const LimineMenu menu = parse(text);
  EXPECT_EQ(menu.entries.size(), kMaxLimineEntries);
  EXPECT_FALSE(menu.usual);
}

}  // namespace
}  // namespace vhdboot::entry
