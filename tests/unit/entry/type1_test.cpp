// SPDX-License-Identifier: GPL-2.0-or-later
#include "entry/type1.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace vhdboot::entry {
namespace {

using ::testing::ElementsAre;

TEST(EntryFile, AllKeys) {
  const EntryFile entry = parse_entry_file(
      "# by hand\r\n"
      "title      Fedora 19 (Rawhide)\r\n"
      "sort-key   fedora\n"
      "machine-id 6a9857a393724b7a981ebb5b8495b9ea\n"
      "version\t3.8.0-2.fc19.x86_64\n"
      "options    root=UUID=6d3376e4 quiet\n"
      "options    ro\n"
      "linux      /6a98/linux\n"
      "initrd     /6a98/ucode\n"
      "initrd     /6a98/initrd\n"
      "unknown    value\n"
      "title\n");
  EXPECT_EQ(entry.title, "Fedora 19 (Rawhide)");
  EXPECT_EQ(entry.sort_key, "fedora");
  EXPECT_EQ(entry.machine_id, "6a9857a393724b7a981ebb5b8495b9ea");
  EXPECT_EQ(entry.version, "3.8.0-2.fc19.x86_64");
  EXPECT_EQ(entry.options, "root=UUID=6d3376e4 quiet ro");
  EXPECT_EQ(entry.kernel, "/6a98/linux");
  EXPECT_THAT(entry.initrds, ElementsAre("/6a98/ucode", "/6a98/initrd"));
}

TEST(EntryFile, KeysOfNewerSpecifications) {
  const EntryFile entry = parse_entry_file(
      "architecture x64\ndevicetree /a.dtb\ndevicetree-overlay /b.dtbo\nuki /EFI/Linux/a.efi\nprofile 2\n"
      "extra /x.addon.efi\nextra /y.cred\ngrub_users $grub_users\ngrub_arg --unrestricted\ngrub_class fedora\n");
  EXPECT_EQ(entry.architecture, "x64");
  EXPECT_EQ(entry.devicetree, "/a.dtb");
  EXPECT_EQ(entry.program, EntryProgram::Uki);
  EXPECT_EQ(entry.profile, 2U);
  EXPECT_THAT(entry.extras, ElementsAre("/x.addon.efi", "/y.cred"));
  EXPECT_EQ(entry.options, "");
  EXPECT_EQ(parse_entry_file("profile x").profile, 0U);
  EXPECT_EQ(parse_entry_file("profile 99999999999").profile, 0U);
}

TEST(EntryFile, Names) {
  for (const auto name : {"a.conf", "A.CONF", "a+3.conf"}) EXPECT_TRUE(is_entry_file_name(name)) << name;
  for (const auto name : {".conf", ".a.conf", "a.efi", "a.conf.old", "conf"})
    EXPECT_FALSE(is_entry_file_name(name)) << name;
}

TEST(EntryFile, AsABootEntry) {
  const auto entry =
      type1_entry("/loader/entries/6a98-6.1+2-1.conf",
                  parse_entry_file("title F\nversion 6.1\nmachine-id 6a98\nsort-key f\nlinux 6a98\\linux\n"
                                   "initrd //6a98/./ucode\ninitrd /6a98/initrd\noptions a\narchitecture X64"));
  ASSERT_TRUE(entry) << entry.error().text;
  BootEntry expected;
  expected.kind = EntryKind::Type1;
  expected.path = "/loader/entries/6a98-6.1+2-1.conf";
  expected.id = "6a98-6.1.conf";
  expected.count = BootCount{2, 1};
  expected.title = "F";
  expected.sort_key = "f";
  expected.version = "6.1";
  expected.machine_id = "6a98";
  expected.kernel = "/6a98/linux";
  expected.initrds = {"/6a98/ucode", "/6a98/initrd"};
  expected.options = "a";
  EXPECT_EQ(*entry, expected);
  const auto image = type1_entry("/loader/entries/a.conf", parse_entry_file("uki /a.efi\nprofile 1\nextra x"));
  ASSERT_TRUE(image) << image.error().text;
  EXPECT_TRUE(image->unified);
  EXPECT_EQ(image->profile, 1U);
  EXPECT_EQ(image->title, "a.conf");
  EXPECT_THAT(image->extras, ElementsAre("/x"));
}

TEST(EntryFile, WhatIsNoBootEntry) {
  const auto refused = [](std::string_view text) {
    const auto entry = type1_entry("/loader/entries/a.conf", parse_entry_file(text));
    return entry ? "accepted" : std::string(name(entry.error().code)) + ": " + entry.error().text;
  };
  const std::string unsupported(name(Code::Unsupported));
  const std::string corrupt(name(Code::Corrupt));
  EXPECT_EQ(refused("linux /a\narchitecture aa64"), unsupported + ": it is for the architecture aa64, not for x64");
  EXPECT_EQ(refused("title x"), corrupt + ": it has neither `linux` nor `uki`");
  EXPECT_EQ(refused("linux /a/../b"), corrupt + ": the path \"/a/../b\" has a \"..\"");
  EXPECT_EQ(refused("linux /a\ninitrd ..\\b"), corrupt + ": the path \"..\\b\" has a \"..\"");
  EXPECT_EQ(refused("linux /"), corrupt + ": \"/\" is no path of a file");
  EXPECT_EQ(refused("linux /a\x01"), corrupt + ": \"/a?\" is no path of a file");
}

TEST(EntryFile, GrubVariables) {
  const GrubVariables variables{{"kernelopts", "root=UUID=1 ro"}, {"tuned_initrd", "/t /u"}};
  GrubSubstitution substitution(variables);
  const EntryFile file =
      with_grub_variables(
          parse_entry_file(
              "linux /a\ninitrd /i $tuned_initrd\ninitrd /with blank\noptions $kernelopts $tuned_params x"),
          substitution)
          .value();
  EXPECT_EQ(file.options, "root=UUID=1 ro  x");
  EXPECT_THAT(file.initrds, ElementsAre("/i", "/t", "/u", "/with blank"));
  EXPECT_THAT(substitution.unknown(), ElementsAre("tuned_params"));
  const GrubVariables none;
  GrubSubstitution without(none);
  EXPECT_THAT(with_grub_variables(parse_entry_file("initrd /i $tuned_initrd"), without)->initrds, ElementsAre("/i"));
}

TEST(EntryFile, WhoseEntryHasVariables) {
  const auto has = [](std::string_view text) { return has_grub_variables(parse_entry_file(text)); };
  EXPECT_TRUE(has("options root=x $tuned_params"));
  EXPECT_TRUE(has("initrd /i $tuned_initrd"));
  EXPECT_FALSE(has("options hash=$6$salt$x"));  // systemd-boot passes it on as it is
}

TEST(EntryFile, TheEfiStubTakesInitrdsOfTheOptions) {
  const auto entry = type1_entry("/loader/entries/a.conf",
                                 parse_entry_file("efi /vmlinuz\ninitrd /a\noptions root=x initrd=\\b\\c.img quiet"));
  ASSERT_TRUE(entry) << entry.error().text;
  EXPECT_THAT(entry->initrds, ElementsAre("/a", "/b/c.img"));
  const auto none = type1_entry("/loader/entries/a.conf", parse_entry_file("linux /v\noptions initrd= initrd=.. x"));
  ASSERT_TRUE(none) << none.error().text;
  EXPECT_THAT(none->initrds, ElementsAre());
}

TEST(EntryFile, GrubVariablesHaveABudget) {
  const GrubVariables variables{{"x", std::string(1024, 'v')}};
  const auto options = [](std::size_t count, std::string_view key) {
    std::string text = "linux /a\n";
    for (std::size_t i = 0; i < count; ++i) text += std::string(key) + " $x\n";
    return parse_entry_file(text);
  };
  const std::size_t most = kMaxGrubSubstitution / 1024;
  for (const auto key : {"options", "initrd"}) {
    GrubSubstitution enough(variables);
    GrubSubstitution too_little(variables);
    EXPECT_TRUE(with_grub_variables(options(most, key), enough)) << key;
    const auto refused = with_grub_variables(options(most + 1, key), too_little);
    ASSERT_FALSE(refused) << key;
    EXPECT_EQ(refused.error().code, Code::Unsupported);
  }
}

TEST(EntryFile, TheNumberOfPathsIsCapped) {
  std::string text = "linux /a\n";
  for (std::size_t i = 0; i < kMaxEntryPaths; ++i) text += "initrd /i\nextra /e\n";
  EXPECT_TRUE(type1_entry("/loader/entries/a.conf", parse_entry_file(text)));
  for (const auto line : {"initrd /i", "extra /e"})
    EXPECT_EQ(type1_entry("/loader/entries/a.conf", parse_entry_file(text + line)).error().code, Code::Unsupported);
}

TEST(EntryFile, OtherKindsOfPrograms) {
  EXPECT_EQ(parse_entry_file("efi /EFI/tool.efi").kernel, "/EFI/tool.efi");
  EXPECT_EQ(parse_entry_file("  uki   /EFI/Linux/a.efi  ").kernel, "/EFI/Linux/a.efi");
  EXPECT_EQ(parse_entry_file(""), EntryFile());
}

}  // namespace
}  // namespace vhdboot::entry
