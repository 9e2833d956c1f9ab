// SPDX-License-Identifier: GPL-2.0-or-later
#include "tools/vhdboot/next_boot.h"

#include "tests/unit/base/error_matchers.h"
#include "tests/unit/command/fake_system.h"

namespace vhdboot::command {
namespace {

using test::Fails;
using test::FakeSystem;
using testing::ElementsAre;
using testing::Field;
using testing::HasSubstr;

constexpr std::string_view kConfig = R"(
if [ -s $prefix/grubenv ]; then
  load_env
fi
if [ "${next_entry}" ] ; then
   set default="${next_entry}"
   set next_entry=
   save_env next_entry
fi
menuentry 'Debian' --id debian { linux /vmlinuz }
submenu 'Advanced options' --id advanced {
  menuentry 'Debian, old' --id old { linux /vmlinuz.old }
}
menuentry 'Twice' { linux /a }
submenu 'Other' { menuentry 'Twice' { linux /b } }
)";

std::string block(std::string text) {
  text.insert(0, "# GRUB Environment Block\n");
  text.resize(1024, '#');
  return text;
}

class NextBootTest : public testing::Test {
 protected:
  void SetUp() override {
    fake_.boot_entry(0, "Windows Boot Manager", "/EFI/Microsoft/Boot/bootmgfw.efi");
    fake_.boot_entry(3, "Ventoy", "/EFI/BOOT/BOOTX64.EFI");
    fake_.boot_entry(0xA, "A copy", "/EFI/vhdboot/debian.efi");
    fake_.global("BootOrder", pack_boot_numbers({3, 0}));
    fake_.global("BootCurrent", pack_boot_numbers({3}));
    fake_.global("OsIndicationsSupported", pack_u64(1));
  }
  void with_loader(std::uint64_t features) {
    fake_.loader("LoaderInfo", efi_text("systemd-boot 252"));
    fake_.loader("LoaderFeatures", pack_u64(features));
    auto list = efi_text("arch.conf");
    const auto second = efi_text("auto-windows");
    list.insert(list.end(), second.begin(), second.end());
    fake_.loader("LoaderEntries", list);
  }
  void with_grub(std::string_view file_system = "ext4", std::string_view source = "/dev/sda2") {
    fake_.write("/boot/grub/grub.cfg", kConfig);
    fake_.write("/boot/grub/grubenv", block("saved_entry=x\n"));
    fake_.write("/proc/self/mountinfo", concat("22 1 8:2 / / rw - ", file_system, ' ', source, " rw\n"));
  }
  [[nodiscard]] NextBootFacts facts() const { return read_next_boot_facts(fake_.system()); }
  [[nodiscard]] Result<NextBoot> choose(std::string_view name) const {
    return choose_next_boot(fake_.system(), facts(), name);
  }
  void set(std::string_view name) {
    const auto next = choose(name);
    ASSERT_TRUE(next) << next.error().message();
    const auto done = set_next_boot(fake_.system(), facts(), *next);
    ASSERT_TRUE(done) << done.error().message();
    EXPECT_THAT(set_next_boots(facts()), ElementsAre(*next));
    const auto cleared = clear_next_boot(fake_.system(), facts(), *next);
    ASSERT_TRUE(cleared) << cleared.error().message();
    EXPECT_THAT(set_next_boots(facts()), ElementsAre());
  }

  FakeSystem fake_;
};

TEST_F(NextBootTest, TheFirmwaresMenu) {
  const auto by = [&](std::string_view name) { return choose(name).value_or(NextBoot{}).number; };
  EXPECT_EQ(by("windows"), 0);
  EXPECT_EQ(by("ventoy"), 3);
  EXPECT_EQ(by("Boot0003"), 3);
  EXPECT_EQ(by("000a"), 0xA);
  EXPECT_EQ(by("debian"), 0xA);  // by its file
  EXPECT_EQ(choose("windows")->text, "Windows Boot Manager (Boot0000), once, by the firmware's BootNext");
  EXPECT_THAT(choose("arch"), Fails(Code::NotFound, "\"Windows Boot Manager\", \"Ventoy\", \"A copy\""));
  set("windows");
}

TEST_F(NextBootTest, OneTitleTwice) {
  fake_.boot_entry(7, "ventoy", "/x.efi");
  EXPECT_THAT(choose("Ventoy"), Fails(Code::Invalid, "Boot0003 Ventoy and Boot0007 ventoy have that name"));
}

TEST_F(NextBootTest, TheFirmwaresSetup) {
  set("firmware");
  fake_.global("OsIndicationsSupported", pack_u64(0));
  EXPECT_THAT(choose("firmware"), Fails(Code::Unsupported, "press its key"));
}

TEST_F(NextBootTest, ABootLoaderThatSpeaksTheInterface) {
  with_loader(LoaderFacts::kEntryOneShot | LoaderFacts::kTimeoutOneShot);
  EXPECT_THAT(choose("arch").value(), Field(&NextBoot::entry, "arch.conf"));
  set("arch");
  set("menu");
}

TEST_F(NextBootTest, VhdbootAsTheBootLoader) {
  fake_.loader("LoaderInfo", efi_text("vhdboot 0.2.0"));
  fake_.loader("LoaderFeatures", pack_u64(LoaderFacts::kEntryOneShot));
  fake_.loader("LoaderEntries", efi_text("auto-vhdboot-arch"));
  EXPECT_THAT(choose("arch").value(), Field(&NextBoot::entry, "auto-vhdboot-arch"));
  EXPECT_THAT(choose("arch")->text, HasSubstr("when the next start comes to vhdboot by itself"));
  EXPECT_THAT(choose("vhdboot-other").value(), Field(&NextBoot::entry, "vhdboot-other"));
  EXPECT_THAT(choose("menu").value(), Field(&NextBoot::entry, "auto-vhdboot-menu"));
  EXPECT_THAT(choose("other"), Fails(Code::NotFound, "auto-vhdboot-arch"));
  set("arch");
}

TEST_F(NextBootTest, ABootLoaderThatCannot) {
  with_loader(0);
  EXPECT_THAT(choose("arch"), Fails(Code::Unsupported, "cannot be told to start \"arch.conf\" once"));
  EXPECT_THAT(choose("menu"), Fails(Code::Unsupported, "systemd-boot 252 does not know how to"));
}

TEST_F(NextBootTest, Grub) {
  with_grub();
  EXPECT_EQ(choose("Debian, old").value_or(NextBoot{}).entry, "advanced>old");
  EXPECT_EQ(choose("advanced>old").value_or(NextBoot{}).entry, "advanced>old");
  set("Debian, old");
  EXPECT_THAT(choose("twice"), Fails(Code::Invalid, "\"Twice\" and \"Other>Twice\""));
}

TEST_F(NextBootTest, WhatInstallHasPutIntoGrubsMenu) {
  with_grub();
  fake_.write("/boot/grub/custom.cfg", "menuentry 'In a file' --id 'vhdboot-arch' {\n chainloader /boot/arch.efi\n}\n");
  EXPECT_THAT(choose("In a file"), Fails(Code::NotFound, ""));  // this grub.cfg does not read it
  fake_.write("/boot/grub/grub.cfg", concat(kConfig, "source $prefix/custom.cfg\n"));
  EXPECT_EQ(choose("In a file").value_or(NextBoot{}).entry, "vhdboot-arch");
  EXPECT_EQ(choose("arch").value_or(NextBoot{}).entry, "vhdboot-arch");
  fake_.write("/boot/grub/custom.cfg", "menuentry 'In a file' --id 'vhdboot-old' { true\n}\n");
  EXPECT_EQ(choose("old").value_or(NextBoot{}).entry, "advanced>old");  // its own name comes first
  set("in a file");
}

TEST_F(NextBootTest, WhereGrubCannotWrite) {
  with_grub("btrfs");
  EXPECT_THAT(choose("old"), Fails(Code::Unsupported, "is on btrfs, where GRUB cannot write"));
  with_grub("ext4", "/dev/mapper/vg-root");
  EXPECT_THAT(choose("old"), Fails(Code::Unsupported, "(LVM, RAID or encrypted)"));
  with_grub("ext4", "/dev/dm-1");
  fake_.write("/sys/dev/block/8:2/dm/uuid", "LVM-abc\n");
  EXPECT_THAT(choose("old"), Fails(Code::Unsupported, "(LVM, RAID or encrypted)"));
  with_grub();
  fake_.write("/boot/grub/grub.cfg", "menuentry 'Old' --id old { linux /vmlinuz }\n");
  EXPECT_THAT(choose("old"), Fails(Code::Unsupported, "does not ask for next_entry"));
}

TEST_F(NextBootTest, TheGrubInAnImageStartsNothing) {
  with_grub();
  fake_.write("/proc/cmdline", "ro vhdboot.image=/boot/debian.vhd\n");
  EXPECT_THAT(choose("old"), Fails(Code::Unsupported, "which does not start this machine"));
}

TEST_F(NextBootTest, VentoyKnowsNoOnce) {
  fake_.write("/proc/self/mountinfo",
              "22 1 8:2 / /stick rw - exfat /dev/sdb1 rw\n23 1 8:3 / /data rw - ntfs3 /dev/sda3 rw\n");
  fake_.write("/stick/iso/Live.iso", "");
  fake_.write("/data/iso/Live.iso", "");
  EXPECT_THAT(choose("/stick/iso/Live.iso"), Fails(Code::NotFound, "on no mounted volume of Ventoy's"));
  fake_.write("/stick/ventoy/ventoy.json", "{ }\n");
  set("/stick/iso/Live.iso");
  EXPECT_FALSE(fake_.has("/stick/ventoy/ventoy.json"));  // nothing else was in it
  fake_.write("/stick/ventoy/readme", "");
  const auto next = choose("/stick/iso/Live.iso");
  ASSERT_TRUE(next) << next.error().message();
  EXPECT_FALSE(next->is_once());
  EXPECT_EQ(next->text,
            "/iso/Live.iso, at every start until it is cleared, by VTOY_DEFAULT_IMAGE in /stick/ventoy/ventoy.json");
  set("/stick/iso/Live.iso");
  fake_.write("/stick/ventoy/ventoy.json", R"({"control": [{"VTOY_MENU_TIMEOUT": "0"}]})");
  EXPECT_THAT(choose("/stick/iso/Live.iso"), Fails(Code::Unsupported, "nobody could choose another one"));
  EXPECT_THAT(choose("/stick/iso/live.iso"), Fails(Code::NotFound, "upper and lower case"));
  EXPECT_THAT(choose("/stick/ventoy/readme"), Fails(Code::Unsupported, "no files of this kind"));
  EXPECT_THAT(choose("/data/iso/Live.iso"), Fails(Code::NotFound, "on no mounted volume of Ventoy's"));
}

TEST_F(NextBootTest, WithoutUefi) {
  FakeSystem bios;
  const auto facts = read_next_boot_facts(bios.system());
  EXPECT_FALSE(facts.has_firmware);
  EXPECT_THAT(choose_next_boot(bios.system(), facts, "firmware"), Fails(Code::Unsupported, "no EFI variables"));
  EXPECT_THAT(choose_next_boot(bios.system(), facts, "x"), Fails(Code::NotFound, "nothing that can be named"));
}

TEST(WithVariable, ChangesThatOneAlone) {
  const std::string text = block("a=1\nnext_entry=x\\\ny\nb=2\n");
  const auto set = with_variable(text, "next_entry", "c\\d");
  ASSERT_TRUE(set);
  EXPECT_EQ(*set, block("a=1\nb=2\nnext_entry=c\\\\d\n"));
  EXPECT_EQ(with_variable(*set, "next_entry", std::nullopt), block("a=1\nb=2\n"));
  EXPECT_EQ(with_variable(*set, "next", std::nullopt), *set);
  EXPECT_THAT(with_variable(text, "b", std::string(1000, 'x')), Fails(Code::NoMemory, "is full"));
  EXPECT_THAT(with_variable("x", "b", "y"), Fails(Code::Corrupt, ""));
  // A last line without an end.
  EXPECT_EQ(with_variable("# GRUB Environment Block\nb=1234567890\na=1", "b", "2"),
            "# GRUB Environment Block\na=1\nb=2\n########");
}

}  // namespace
}  // namespace vhdboot::command
