// SPDX-License-Identifier: GPL-2.0-or-later
#include "tools/vhdtool/check_image.h"

#include <gmock/gmock.h>

#include <filesystem>
#include <fstream>

#include "base/units.h"
#include "tests/unit/disk/disk_image.h"
#include "tests/unit/kexec/builders.h"
#include "tools/vhdtool/check_entry.h"
#include "tools/vhdtool/check_report.h"
#include "vhd/footer.h"

namespace vhdboot::vhdtool {
namespace {

using test::Disk;
using test::have_in_sbin;
using test::make_disk;
using test::make_kernel;
using test::PeBuilder;
using ::testing::AllOf;
using ::testing::Contains;
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
  builder.add(".cmdline", "root=/dev/mapper/root rootflags=subvol=a").add(".osrel", "ID=small\nPRETTY_NAME=Small\n");
  return builder;
}

test::Buffer good_uki() {
  return uki().add(".initrd", "initrd").build();
}

struct EspFile {
  std::string path;  // its folder is there or one of the two of boot entries
  test::Buffer content;
};

constexpr char kEspTable[] = "printf 'label: gpt\\nstart=2048, size=8192, type=U\\n' | sfdisk -q $DISK; ";

// A GPT disk of 8 MiB with an ESP that holds `files`.
Disk disk_with(const std::vector<EspFile>& files, const std::string& table = kEspTable) {
  const vhdboot::test::ScratchFolder folder;
  std::string commands = table +
                         "F=$DISK.fat; truncate -s 4M $F; mkfs.vfat -i 12345678 $F; mmd -i $F ::EFI ::EFI/Linux "
                         "::loader ::loader/entries; ";
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
      if (!have_in_sbin(tool)) GTEST_SKIP() << tool << " is not installed";
  }
  struct Checked {
    std::uint64_t payload_size = 0;
    std::optional<BootChoice> choice;
  };
  // By somebody who may not mount anything.
  Checked check(const Disk& disk, std::string_view name = "disk.img") {
    findings_ = {};
    const MemorySource file(disk);
    const CheckedImage image = check_image(file, name, {}, findings_);
    Checked checked{.payload_size = image.payload_size, .choice = {}};
    if (!image.table) return checked;
    InspectedDisk inspected(*image.disk, *image.table, fail(Code::Unsupported, "run this as root to look into it"));
    checked.choice = check_entries(inspected, config_, judge_, findings_);
    return checked;
  }
  const std::vector<Finding>& found() { return findings_.all(); }
  Findings findings_;
  record::Config config_;
  JudgeBoot judge_ = [](const BootChoice&, Findings&) { return Result<void>(); };
};

TEST_F(CheckImage, OneThatBoots) {
  const auto checked = check(disk_with({{"/EFI/Linux/small.efi", good_uki()}}));
  EXPECT_EQ(findings_.worst(), Severity::Ok) << ::testing::PrintToString(found().size());
  EXPECT_EQ(checked.payload_size, 8 * kMiB);
  ASSERT_TRUE(checked.choice);
  EXPECT_EQ(checked.choice->id, "small.efi");
  EXPECT_EQ(checked.choice->release, "6.12.1-test");
  EXPECT_EQ(checked.choice->line.find("root"), "/dev/mapper/root");
  EXPECT_EQ(checked.choice->line.find("rootflags"), "subvol=a");
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
  EXPECT_THAT(found(), Contains(is_error("entry", "nothing to boot on the guest disk (no partition table)")));
  check(disk_with({}));
  EXPECT_THAT(found(), Contains(is_error("entry", "nothing to boot on the guest disk (GPT, 1 partition)")));
  Disk formatless = disk_with({});
  std::fill_n(formatless.begin() + kMiB, 4096, std::byte{0});
  check(formatless);
  EXPECT_THAT(found(), Contains(is_error("entry", "partition 1 of the guest disk holds no file system that is known")));
}

TEST_F(CheckImage, WhatOnlyRootCanLookInto) {
  if (!have_in_sbin("mke2fs")) GTEST_SKIP() << "mke2fs is not installed";
  const std::string format = "truncate -s 4M $DISK.ext; mke2fs -q -t ext4 $DISK.ext; dd if=$DISK.ext of=$DISK ";
  const auto whole = make_disk(4 * kMiB, format + "conv=notrunc");
  ASSERT_TRUE(whole);
  EXPECT_FALSE(check(*whole).choice);
  EXPECT_EQ(findings_.worst(), Severity::Warning);
  EXPECT_TRUE(findings_.open());
  EXPECT_THAT(found(), Contains(is_warning("unread", "the guest disk: it holds ext4: run this as root")));
  EXPECT_THAT(found(), Contains(is_warning("entry", "as far as this could look into it")));
  EXPECT_THAT(check_text("a", findings_), HasSubstr("a: may boot or not"));

  // An image on the ESP is booted whatever else there is.
  const std::string two =
      "printf 'label: gpt\\nstart=2048, size=8192, type=U\\nstart=10240, size=4096\\n' | sfdisk -q $DISK; " + format +
      "bs=1M seek=5 count=2 conv=notrunc; ";
  EXPECT_TRUE(check(disk_with({{"/EFI/Linux/small.efi", good_uki()}}, two)).choice);
  EXPECT_EQ(findings_.worst(), Severity::Ok);
  check(disk_with({{"/EFI/Linux/a.efi", test::to_buffer("no program")}}, two));
  EXPECT_EQ(findings_.worst(), Severity::Warning);
  EXPECT_THAT(found(), Contains(is_warning("entry", "/EFI/Linux/a.efi")));
}

TEST_F(CheckImage, EntriesThatDoNotBoot) {
  check(disk_with({{"/EFI/Linux/a.efi", test::to_buffer("no program")}}));
  EXPECT_THAT(found(), Contains(is_error("entry", "/EFI/Linux/a.efi")));

  check(disk_with({{"/EFI/Linux/a.efi", uki().build()}}));
  EXPECT_THAT(found(),
              Contains(is_error("initrd", "a.efi: there is no initrd, and root=/dev/mapper/root is no partition")));

  PeBuilder other;
  other.add(".linux", "an ARM kernel, perhaps");
  check(disk_with({{"/EFI/Linux/a.efi", other.build()}}));
  EXPECT_THAT(found(), Contains(is_error("entry", "a.efi: the kernel in it: ")));

  PeBuilder nameless;
  nameless.add({.name = ".linux", .data = make_kernel(""), .virtual_size = {}}).add(".initrd", "initrd");
  check(disk_with({{"/EFI/Linux/a.efi", nameless.build()}}));
  EXPECT_THAT(found(), Contains(is_error("kernel", "the release of its kernel is not known")));
  config_.modules = record::ModuleSource::Guest;
  EXPECT_TRUE(check(disk_with({{"/EFI/Linux/a.efi", nameless.build()}})).choice);
  EXPECT_EQ(findings_.worst(), Severity::Ok);
}

TEST_F(CheckImage, ARootThatVhdbootMounts) {
  PeBuilder bare;
  bare.add({.name = ".linux", .data = make_kernel(), .virtual_size = {}}).add(".cmdline", "root=/dev/sda1");
  const auto checked = check(disk_with({{"/EFI/Linux/a.efi", bare.build()}}));
  ASSERT_TRUE(checked.choice);
  EXPECT_EQ(checked.choice->root_type, "vfat");
  EXPECT_THAT(*checked.choice->line.find("root"), ::testing::StartsWith("UUID="));
  EXPECT_THAT(found(), Contains(is(Severity::Ok, "initrd", "vhdboot mounts its root, partition 1 (vfat)")));
  EXPECT_THAT(found(), Contains(is(Severity::Ok, "root", "root=/dev/sda1 becomes UUID=")));
}

TEST_F(CheckImage, ARootThatIsNotOnThisDisk) {
  config_.options = "root=/dev/sdb2";
  EXPECT_FALSE(check(disk_with({{"/EFI/Linux/small.efi", good_uki()}})).choice);
  EXPECT_THAT(found(), Contains(is_error("root", "small.efi: root=: the guest names \"/dev/sdb2\", a further disk")));
}

TEST_F(CheckImage, ARootThatNothingOnThisDiskCanBe) {
  config_.options = "root=UUID=deadbeef";
  EXPECT_FALSE(check(disk_with({{"/EFI/Linux/small.efi", good_uki()}})).choice);
  EXPECT_THAT(found(), Contains(is_error("root", "small.efi: root=UUID=deadbeef is nothing on the guest disk")));
}

TEST_F(CheckImage, ATypeOneEntryAndItsCounter) {
  const auto conf = test::to_buffer("title Small\nlinux /small\ninitrd /initrd\noptions root=UUID=1234-5678\n");
  const std::vector<EspFile> files{{"/small", make_kernel()}, {"/initrd", test::to_buffer("initrd")}};
  auto with = [&](const std::string& name) {
    auto all = files;
    all.push_back({"/loader/entries/" + name, conf});
    return disk_with(all);
  };
  const auto checked = check(with("small+2.conf"));
  ASSERT_TRUE(checked.choice);
  EXPECT_EQ(checked.choice->id, "small.conf");
  EXPECT_EQ(checked.choice->line.find("root"), "UUID=1234-5678");
  EXPECT_THAT(found(), Contains(is(Severity::Ok, "tries", "2 tries left")));
  EXPECT_EQ(findings_.worst(), Severity::Ok);
  check(with("small+0-3.conf"));
  EXPECT_THAT(found(), Contains(is_warning("tries", "no tries left")));
  check(disk_with({{"/loader/entries/small.conf", conf}}));
  EXPECT_THAT(found(), Contains(is_error("entry", "small.conf: /small is not there")));
}

TEST_F(CheckImage, AProfileThatIsConfigured) {
  PeBuilder builder = uki();
  builder.add(".initrd", "i").add(".profile", "ID=main\n").add(".profile", "ID=rescue\n");
  const Disk disk = disk_with({{"/EFI/Linux/a.efi", builder.add(".cmdline", "root=UUID=1234-5678").build()}});
  EXPECT_EQ(check(disk).choice->line.find("root"), "/dev/mapper/root");
  config_.entry = "a.efi@rescue";
  const auto checked = check(disk);
  ASSERT_TRUE(checked.choice);
  EXPECT_EQ(checked.choice->id, "a.efi@rescue");
  EXPECT_EQ(checked.choice->line.find("root"), "UUID=1234-5678");
  config_.entry = "a.efi@none";
  EXPECT_FALSE(check(disk).choice);
  EXPECT_THAT(found(), Contains(is_error("entry", "none")));
}

TEST_F(CheckImage, WhatIsNotTheDefaultOnlyWarns) {
  PeBuilder old = uki();
  old.add(".uname", "5.1.0");
  check(disk_with({{"/EFI/Linux/a-5.efi", old.build()},
                   {"/EFI/Linux/b-6.efi", uki().add(".initrd", "i").add(".uname", "6.1.0").build()},
                   {"/EFI/Linux/c.efi", test::to_buffer("no program")}}));
  EXPECT_EQ(findings_.worst(), Severity::Warning);
  EXPECT_THAT(found(), Contains(is_warning("initrd", "a-5.efi: there is no initrd")));
  EXPECT_THAT(found(), Contains(is_warning("entry", "/EFI/Linux/c.efi")));
  EXPECT_THAT(found(), Contains(is(Severity::Ok, "kernel",
                                   "b-6.efi: Small, kernel 6.12.1-test, is booted by default (the order of")));
}

TEST_F(CheckImage, TheConfiguredEntryIsTheOneThatCounts) {
  const Disk disk = disk_with({{"/EFI/Linux/a-5.efi", uki().add(".uname", "5.1.0").build()},
                               {"/EFI/Linux/b-6.efi", uki().add(".initrd", "i").add(".uname", "6.1.0").build()},
                               {"/EFI/Linux/c-4.efi", uki().add(".initrd", "i").add(".uname", "4.1.0").build()}});
  EXPECT_EQ(check(disk).choice->id, "b-6.efi");
  config_.entry = "c-*";
  config_.options = "root=/dev/mapper/other";
  const auto checked = check(disk);
  ASSERT_TRUE(checked.choice);
  EXPECT_EQ(checked.choice->id, "c-4.efi");
  EXPECT_EQ(checked.choice->line.find("root"), "/dev/mapper/other");
  EXPECT_THAT(found(), Contains(is(Severity::Ok, "kernel", "c-4.efi: Small, kernel 6.12.1-test, is booted as conf")));
  EXPECT_THAT(found(), Contains(is_warning("initrd", "a-5.efi: there is no initrd, and root=/dev/mapper/other")));
  config_.entry = "a-*";
  EXPECT_FALSE(check(disk).choice);
  EXPECT_THAT(found(), Contains(is_error("initrd", "a-5.efi: there is no initrd")));
  config_.entry = "none";
  EXPECT_FALSE(check(disk).choice);
  EXPECT_THAT(found(), Contains(is_error("entry", "none")));
}

}  // namespace
}  // namespace vhdboot::vhdtool
