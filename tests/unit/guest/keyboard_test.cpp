// SPDX-License-Identifier: GPL-2.0-or-later
#include "init/guest/keyboard.h"

#include <gtest/gtest.h>

#include "tests/unit/disk/memory_disk.h"
#include "tests/unit/kexec/builders.h"

namespace vhdboot::guest {
namespace {

using test::MemoryDisk;
using test::MemoryPartition;
using test::to_buffer;

std::string layout_of(std::vector<MemoryPartition> partitions) {
  const disk::PartitionTable table = test::table_of(partitions);
  MemoryDisk disk(table, std::move(partitions));
  return keyboard_layout(disk);
}

MemoryPartition partition(std::string type, test::Files files) {
  return {.type = std::move(type), .files = std::move(files)};
}

std::string with(const std::string& path, std::string_view text) {
  return layout_of(
      {partition("vfat", {}), partition("ext4", {{"/etc/fstab", to_buffer("x")}, {path, to_buffer(text)}})});
}

TEST(KeyboardLayout, WhatDebianSays) {
  constexpr char kFile[] = "/etc/default/keyboard";
  EXPECT_EQ(with(kFile, "# comment\nXKBMODEL=\"pc105\"\nXKBLAYOUT=\"de\"\nXKBVARIANT=\"\"\n"), "de");
  EXPECT_EQ(with(kFile, "XKBLAYOUT=ch\nXKBVARIANT=fr\n"), "ch(fr)");
  EXPECT_EQ(with(kFile, "XKBLAYOUT=\"us,ru\"\nXKBVARIANT=\"dvorak,\"\n"), "us(dvorak)");
  EXPECT_EQ(with(kFile, "XKBLAYOUT=\"\"\n"), "");
}

TEST(KeyboardLayout, WhatSystemdSays) {
  EXPECT_EQ(with("/etc/vconsole.conf", "KEYMAP=de-latin1\nFONT=x\n"), "de-latin1");
  EXPECT_EQ(with("/etc/vconsole.conf", "KEYMAP='fr'\n"), "fr");
  EXPECT_EQ(with("/etc/vconsole.conf", "KEYMAP=" + std::string(1000, 'x')), std::string(64, 'x'));
}

TEST(KeyboardLayout, WhereNobodySays) {
  EXPECT_EQ(layout_of({}), "");
  EXPECT_EQ(with("/etc/hostname", "x"), "");
  EXPECT_EQ(layout_of({partition("ext4", {{"/etc/vconsole.conf", to_buffer("KEYMAP=de")}})}), "") << "no root";
}

}  // namespace
}  // namespace vhdboot::guest
