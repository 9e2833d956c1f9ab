// SPDX-License-Identifier: GPL-2.0-or-later
#include "vhd/tool/check_image.h"

#include <gmock/gmock.h>

#include <filesystem>
#include <fstream>

#include "base/units.h"
#include "tests/unit/core/disk_image.h"
#include "tests/unit/kexec/builders.h"
#include "vhd/footer.h"

namespace vhdboot::tool {
namespace {

using core::test::Disk;
using core::test::have;
using core::test::make_disk;
using kexec::test::make_kernel;
using kexec::test::PeBuilder;
using ::testing::AllOf;
using ::testing::Contains;
using ::testing::Each;
using ::testing::Field;
using ::testing::HasSubstr;
using ::testing::Not;

auto is(Severity severity, std::string_view check, const std::string& part) {
  return AllOf(Field(&Finding::severity, severity), Field(&Finding::check, check),
               Field(&Finding::text, HasSubstr(part)));
}
auto is_error(std::string_view check, const std::string& part) {
  return is(Severity::Error, check, part);
}
auto is_warning(std::string_view check, const std::string& part) {
  return is(Severity::Warning, check, part);
}

PeBuilder uki() {
  PeBuilder builder;
  builder.add({.name = ".linux", .data = make_kernel(), .virtual_size = {}});
  builder.add(".cmdline", "root=UUID=1234 rootflags=subvol=a").add(".osrel", "ID=small\nPRETTY_NAME=Small\n");
  return builder;
}

kexec::test::Buffer good_uki() {
  return uki().add(".initrd", "initrd").build();
}

struct EspFile {
  std::string path;
  kexec::test::Buffer content;
};

constexpr char kEspTable[] = "printf 'label: gpt\\nstart=2048, size=8192, type=U\\n' | sfdisk -q $DISK; ";

// A GPT disk of 8 MiB with an ESP that holds `files`.
Disk disk_with(const std::vector<EspFile>& files, const std::string& table = kEspTable) {
  const vhdboot::test::ScratchFolder folder;
  std::string commands = table + "F=$DISK.fat; truncate -s 4M $F; mkfs.vfat $F; mmd -i $F ::EFI ::EFI/Linux; ";
  for (std::size_t i = 0; i < files.size(); ++i) {
    const auto source = folder.path() / std::to_string(i);
    std::ofstream out(source, std::ios::binary);
    out.write(reinterpret_cast<const char*>(files[i].content.data()),
              static_cast<std::streamsize>(files[i].content.size()));
    commands += "mcopy -i $F " + source.string() + " ::" + files[i].path + "; ";
  }
  commands += "dd if=$F of=$DISK bs=1M seek=1 conv=notrunc";
  return make_disk(8 * kMiB, commands).value_or(Disk{});
}

class CheckImage : public ::testing::Test {
 protected:
  void SetUp() override {
    for (const char* tool : {"sfdisk", "mkfs.vfat", "mcopy", "mmd"})
      if (!have(tool)) GTEST_SKIP() << tool << " is not installed";
  }
  CheckedImage check(const Disk& disk, std::string_view name = "disk.img") {
    findings_ = {};
    return check_image(MemorySource(disk), name, config_, findings_);
  }
  const std::vector<Finding>& found() { return findings_.all(); }
  Findings findings_;
  core::Config config_;
};

TEST_F(CheckImage, OneThatBoots) {
  const auto checked = check(disk_with({{"/EFI/Linux/small.efi", good_uki()}}));
  EXPECT_EQ(findings_.worst(), Severity::Ok) << ::testing::PrintToString(found().size());
  EXPECT_EQ(checked.payload_size, 8 * kMiB);
  ASSERT_TRUE(checked.choice);
  EXPECT_EQ(checked.choice->id, "small.efi");
  EXPECT_EQ(checked.choice->release, "6.12.1-test");
  EXPECT_EQ(checked.choice->root, "UUID=1234");
  EXPECT_EQ(checked.choice->root_flags, "subvol=a");
}

TEST_F(CheckImage, TheFooter) {
  Disk disk = disk_with({{"/EFI/Linux/small.efi", good_uki()}});
  check(disk, "folder/disk.VHD");
  EXPECT_THAT(found(), Contains(is_error("footer", "run `raw2vhd disk.VHD`")));
  const auto footer = vhd::serialise(*vhd::make_fixed_footer(disk.size(), {}, 0));
  disk.insert(disk.end(), footer.begin(), footer.end());
  EXPECT_EQ(check(disk, "disk.vhd").payload_size, 8 * kMiB);
  EXPECT_EQ(findings_.worst(), Severity::Ok);

  // Of another size, and still the rest is looked at.
  const auto wrong = vhd::serialise(*vhd::make_fixed_footer(4 * kMiB, {}, 0));
  std::ranges::copy(wrong, disk.end() - 512);
  EXPECT_TRUE(check(disk, "disk.vhd").choice);
  EXPECT_THAT(found(), Contains(is_error("footer", "raw2vhd \"disk.vhd\"")));
  EXPECT_THAT(found(), Not(Contains(Field(&Finding::check, "gpt-backup")).Times(2)));
}

TEST_F(CheckImage, OtherFormats) {
  Disk disk(kMiB);
  std::ranges::copy(as_bytes("QFI\xfb"), disk.begin());
  const auto checked = check(disk, "disk.qcow2");
  EXPECT_EQ(checked.payload_size, 0U);
  EXPECT_THAT(found(), Contains(is_error("format", "qemu-img convert -p -f qcow2 -O raw \"disk.qcow2\"")));
}

TEST_F(CheckImage, TheBackupOfTheGpt) {
  Disk disk = disk_with({{"/EFI/Linux/small.efi", good_uki()}});
  disk.resize(disk.size() + kMiB);
  check(disk);
  EXPECT_THAT(found(), Contains(is_warning("gpt-backup", "raw2vhd --relocate-gpt \"disk.img\"")));
  EXPECT_EQ(findings_.worst(), Severity::Warning);
  disk.resize(7 * kMiB);
  check(disk);
  EXPECT_THAT(found(), Contains(is_warning("gpt-backup", "cut off")));
  disk.resize(8 * kMiB);  // the backup is gone
  check(disk);
  EXPECT_THAT(found(), Contains(is_warning("gpt-backup", "sgdisk -e")));
}

TEST_F(CheckImage, ATableThatLinuxDoesNotSee) {
  Disk disk = disk_with({{"/EFI/Linux/small.efi", good_uki()}});
  Disk damaged = disk;
  damaged[512 + 60] ^= std::byte{1};
  EXPECT_TRUE(check(damaged).choice);
  EXPECT_THAT(found(), Contains(is_error("partition-table", "which Linux does not do")));
  std::fill_n(disk.begin() + 446, 66, std::byte{0});
  check(disk);
  EXPECT_THAT(found(), Contains(is_error("partition-table", "no protective MBR")));
}

TEST_F(CheckImage, Alignment) {
  check(
      disk_with({{"/EFI/Linux/small.efi", good_uki()}},
                "printf 'label: gpt\\nstart=2048, size=8192, type=U\\nstart=10241, size=1024\\n' | sfdisk -q $DISK; "));
  EXPECT_THAT(found(), Contains(is_warning("alignment", "slow: 2;")));
  EXPECT_EQ(findings_.worst(), Severity::Warning);
}

TEST_F(CheckImage, NothingToBoot) {
  check(Disk(kMiB));
  EXPECT_THAT(found(), Contains(is_error("esp", "no EFI system partition (no partition table, 0 partitions)")));
  check(disk_with({}));
  EXPECT_THAT(found(), Contains(is_error("uki", "no unified kernel image in /EFI/Linux")));
  Disk formatless = disk_with({});
  std::fill_n(formatless.begin() + kMiB, 4096, std::byte{0});
  check(formatless);
  EXPECT_THAT(found(), Contains(is_error("esp", "ESP (partition 1)")));
  EXPECT_THAT(found(), Not(Contains(Field(&Finding::check, "uki"))));
}

TEST_F(CheckImage, EntriesThatDoNotBoot) {
  check(disk_with({{"/EFI/Linux/a.efi", kexec::test::to_buffer("no program")}}));
  EXPECT_THAT(found(), Contains(is_error("uki", "/EFI/Linux/a.efi")));

  check(disk_with({{"/EFI/Linux/a.efi", uki().build()}}));
  EXPECT_THAT(found(), Contains(is_error("initrd", "a.efi has no initrd")));

  PeBuilder other;
  other.add(".linux", "an ARM kernel, perhaps");
  check(disk_with({{"/EFI/Linux/a.efi", other.build()}}));
  EXPECT_THAT(found(), Contains(is_error("kernel", "a.efi: ")));
  EXPECT_THAT(found(), Contains(is_error("initrd", "a.efi has no initrd")));
}

TEST_F(CheckImage, WhatIsNotTheDefaultOnlyWarns) {
  PeBuilder old = uki();
  old.add(".uname", "5.1.0");
  check(disk_with({{"/EFI/Linux/a-5.efi", old.build()},
                   {"/EFI/Linux/b-6.efi", uki().add(".initrd", "i").add(".uname", "6.1.0").build()},
                   {"/EFI/Linux/c.efi", kexec::test::to_buffer("no program")}}));
  EXPECT_EQ(findings_.worst(), Severity::Warning);
  EXPECT_THAT(found(), Contains(is_warning("initrd", "a-5.efi has no initrd")));
  EXPECT_THAT(found(), Contains(is_warning("uki", "/EFI/Linux/c.efi")));
  EXPECT_THAT(found(), Contains(is(Severity::Ok, "kernel", "b-6.efi: Small, kernel 6.1.0, is booted by default")));
}

TEST_F(CheckImage, TheConfiguredEntryIsTheOneThatCounts) {
  const Disk disk = disk_with({{"/EFI/Linux/a-5.efi", uki().add(".uname", "5.1.0").build()},
                               {"/EFI/Linux/b-6.efi", uki().add(".initrd", "i").add(".uname", "6.1.0").build()}});
  EXPECT_EQ(check(disk).choice->id, "b-6.efi");
  config_.entry = "a-*";
  config_.options = "root=LABEL=other";
  const auto checked = check(disk);
  ASSERT_TRUE(checked.choice);
  EXPECT_EQ(checked.choice->id, "a-5.efi");
  EXPECT_EQ(checked.choice->root, "LABEL=other");
  EXPECT_THAT(found(), Contains(is(Severity::Ok, "kernel", "kernel 5.1.0, is booted as configured")));
  EXPECT_THAT(found(), Contains(is_error("initrd", "a-5.efi has no initrd")));
  config_.entry = "none";
  EXPECT_FALSE(check(disk).choice);
  EXPECT_THAT(found(), Contains(is_error("entry", "none")));
}

}  // namespace
}  // namespace vhdboot::tool
