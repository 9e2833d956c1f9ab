// SPDX-License-Identifier: GPL-2.0-or-later
#include "kexec/machine_facts.h"

#include <gmock/gmock.h>

#include "tests/unit/kexec/machine.h"

namespace vhdboot::kexec {
namespace {

using test::FakeMachine;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

void expect_unsupported(const FakeMachine& machine, std::string_view sentence) {
  const auto facts = machine.facts();
  ASSERT_FALSE(facts) << sentence;
  EXPECT_EQ(facts.error().code, Code::Unsupported);
  EXPECT_THAT(facts.error().text, HasSubstr(std::string(sentence)));
}

TEST(MachineFacts, AreGathered) {
  const auto facts = FakeMachine().facts();
  ASSERT_TRUE(facts) << facts.error().text;
  EXPECT_EQ(facts->firmware_map.size(), 6U);
  EXPECT_EQ(facts->firmware_map[1], (MemoryRange{0x100000, 0x3E9A0000, MemoryType::Ram}));
  EXPECT_EQ(facts->firmware_map[4].type, MemoryType::Nvs);
  EXPECT_EQ(facts->system_ram.size(), 5U);
  EXPECT_EQ(facts->system_ram[1], (MemoryRange{0x100000, 0x3DF13018, MemoryType::Ram}));
  EXPECT_EQ(facts->running_kernel, (MemoryRange{0x1600000, 0x1034000, MemoryType::Ram}));
  EXPECT_EQ(facts->framebuffer, 0xC0000000);
  EXPECT_FALSE(facts->five_level_paging);
  ASSERT_TRUE(facts->efi);
  EXPECT_EQ(facts->efi->vendor, 0x3FB2C998U);
  EXPECT_EQ(facts->efi->configuration, 0x3F52AA18U);
  EXPECT_EQ(facts->efi->smbios, 0x3F52C000U);
  EXPECT_EQ(facts->efi->acpi, 0x3F77D014U);
  ASSERT_EQ(facts->efi->regions.size(), 2U);
  EXPECT_EQ(facts->efi->regions[1].virtual_address, 0xFFFFFFFEFE19C000);
  EXPECT_EQ(facts->efi->regions[1].attribute, 0x800000000000000F);
}

TEST(MachineFacts, WithoutEfi) {
  FakeMachine machine;
  machine.files["/sys/kernel/boot_params/data"] = std::string(kBootParamsSize, '\0');
  const auto facts = machine.facts();
  ASSERT_TRUE(facts) << facts.error().text;
  EXPECT_FALSE(facts->efi);
}

TEST(MachineFacts, FiveLevelPaging) {
  FakeMachine machine;
  machine.files["/proc/cpuinfo"] = "bugs : la57\nflags\t\t: fpu la57\n";
  EXPECT_TRUE(machine.facts()->five_level_paging);
}

TEST(MachineFacts, AnIncompletePictureIsUnsupported) {
  for (const auto& [path, contents] : FakeMachine().files) {
    FakeMachine machine;
    machine.files.erase(path);
    // What a numbered folder lacks ends the list, when it is the file that is read first.
    if (path.ends_with("/type") && !path.ends_with("/0/type")) continue;
    const auto facts = machine.facts();
    ASSERT_FALSE(facts) << path;
    EXPECT_EQ(facts.error().code, Code::Unsupported) << path;
  }
}

TEST(MachineFacts, WhatIsUnknownIsUnsupported) {
  FakeMachine machine;
  machine.add_memory(0x100000000, 0x1FFFFFFFF, "Unknown E820 type");
  expect_unsupported(machine, "memory of the unknown type \"Unknown E820 type\"");

  machine = FakeMachine();
  machine.add_memory(0x200000, 0x2FFFFF, "Reserved");
  expect_unsupported(machine, "the firmware's memory map has overlapping entries");

  machine = FakeMachine();
  machine.add_memory(0x100000000, 0xFFFFFFFF, "Reserved");
  expect_unsupported(machine, "is no range of memory");

  machine = FakeMachine();
  machine.files["/sys/firmware/memmap/0/start"] = "nonsense\n";
  expect_unsupported(machine, "says \"nonsense\"");

  machine = FakeMachine();
  machine.files["/proc/iomem"] = "00000000-00000000 : System RAM\n00000000-00000000 : Reserved\n";
  expect_unsupported(machine, "/proc/iomem shows no memory");

  machine = FakeMachine();
  machine.files["/sys/kernel/boot_params/data"].replace(0x1C0, 4, "EL32");
  expect_unsupported(machine, "32-bit EFI");
  machine.files["/sys/kernel/boot_params/data"].pop_back();
  expect_unsupported(machine, "4095 bytes");
}

TEST(MachineFacts, ListsAreSortedAndOnlyTopLevelMemoryCounts) {
  FakeMachine machine;
  machine.files["/proc/iomem"] =
      "100000000-1ffffffff : System RAM\n00100000-3fffffff : System RAM\n  00200000-002fffff : System RAM\nx\n-- : y\n";
  const auto facts = machine.facts();
  ASSERT_TRUE(facts) << facts.error().text;
  EXPECT_THAT(facts->system_ram, ElementsAre(MemoryRange{0x100000, 0x3FF00000, MemoryType::Ram},
                                             MemoryRange{0x100000000, 0x100000000, MemoryType::Ram}));
  EXPECT_EQ(facts->running_kernel, std::nullopt);
  EXPECT_EQ(facts->framebuffer, std::nullopt);
}

}  // namespace
}  // namespace vhdboot::kexec
