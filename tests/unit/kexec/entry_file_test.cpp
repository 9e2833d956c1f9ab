// SPDX-License-Identifier: GPL-2.0-or-later
#include "kexec/entry_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace vhdboot::kexec {
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

TEST(EntryFile, OtherKindsOfPrograms) {
  EXPECT_EQ(parse_entry_file("efi /EFI/tool.efi").kernel, "/EFI/tool.efi");
  EXPECT_EQ(parse_entry_file("  uki   /EFI/Linux/a.efi  ").kernel, "/EFI/Linux/a.efi");
  EXPECT_EQ(parse_entry_file(""), EntryFile());
}

}  // namespace
}  // namespace vhdboot::kexec
