// SPDX-License-Identifier: GPL-2.0-or-later
// What vhdtool check says of a guest's root file system and of the configuration.
#include <gmock/gmock.h>

#include "tools/vhdtool/check_config.h"
#include "tools/vhdtool/check_fstab.h"
#include "tools/vhdtool/check_modules.h"
#include "tools/vhdtool/check_storage.h"

namespace vhdboot::vhdtool {
namespace {

using ::testing::AllOf;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::Field;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

auto is(Severity severity, std::string_view check, const std::string& part) {
  return AllOf(Field(&Finding::severity, severity), Field(&Finding::check, check),
               Field(&Finding::text, HasSubstr(part)));
}

modules::ModuleIndex index_of(modules::ModuleTexts texts) {
  auto index = modules::ModuleIndex::parse(std::move(texts));
  EXPECT_TRUE(index);
  return *std::move(index);
}

constexpr char kAll[] =
    "k/nvme.ko:\nk/ahci.ko:\nk/sd_mod.ko:\nk/usb-storage.ko:\nk/uas.ko: k/usb-storage.ko\nk/vmd.ko:\n"
    "k/virtio_blk.ko:\nk/sdhci-pci.ko:\nk/mmc_block.ko:\n";

TEST(CheckStorage, ModulesAndBuiltin) {
  Findings findings;
  check_controllers(index_of({.dep = kAll, .builtin = "kernel/drivers/usb/host/xhci-pci.ko\nkernel/virtio_scsi.ko\n"}),
                    "kernel 6.1.0", findings);
  EXPECT_THAT(findings.all(),
              ElementsAre(is(Severity::Ok, "storage",
                             "drives NVMe, SATA (AHCI), USB (xHCI), USB attached SCSI, SD and MMC cards, Intel VMD, "
                             "virtio_blk, virtio_scsi (built in)")));
}

TEST(CheckStorage, EachOfTheFirstThreeWarns) {
  Findings findings;
  check_controllers(index_of({.dep = "k/usb-storage.ko:\nk/ahci.ko:\nk/vmd.ko:\n"}), "kernel 6.1.0-cloud", findings);
  EXPECT_EQ(findings.count(Severity::Warning), 3U);
  EXPECT_THAT(findings.all(), Contains(is(Severity::Warning, "storage", "6.1.0-cloud has no driver for NVMe (nvme)")));
  EXPECT_THAT(findings.all(), Contains(is(Severity::Warning, "storage", "SATA (AHCI) (sd_mod)")));
  EXPECT_THAT(findings.all(), Contains(is(Severity::Warning, "storage", "USB (xHCI) (xhci_pci, sd_mod)")));
  EXPECT_THAT(findings.all(), Contains(is(Severity::Ok, "storage",
                                          "drives Intel VMD; not USB attached SCSI, SD and MMC cards, virtio_blk")));
}

TEST(CheckStorage, TheDiskOfThisMachine) {
  const auto index = index_of(
      {.dep = "k/nvme.ko:\n", .alias = "alias pci:v*d*sv*sd*bc01sc08i02* nvme\n", .builtin = "kernel/sd_mod.ko\n"});
  const sys::DrivenDevice nvme{.alias = "pci:v0000144Dd0000A808sv0000144Dsd0000A801bc01sc08i02", .driver = "nvme"};
  const sys::DrivenDevice disk{.alias = "scsi:t-0x00", .driver = "sd"};
  const sys::DrivenDevice raid{.alias = "pci:v00001000d00000073sv0sd0bc01sc04i00", .driver = "megaraid_sas"};
  Findings findings;
  check_chain(index, {}, "6.1.0", findings);
  EXPECT_THAT(findings.all(), IsEmpty());
  check_chain(index, {nvme, disk}, "6.1.0", findings);
  EXPECT_THAT(findings.all(), ElementsAre(is(Severity::Ok, "disk", "nvme, sd")));
  findings = {};
  check_chain(index, {raid, disk}, "6.1.0", findings);
  EXPECT_THAT(findings.all(), ElementsAre(is(Severity::Warning, "disk", "driven by megaraid_sas here")));
}

TEST(CheckModules, TheFilesThatABootTakesAlong) {
  const auto index =
      index_of({.dep = "k/nvme.ko: k/nvme-core.ko\nk/nvme-core.ko:\nk/dm-mod.ko:\nk/loop.ko:\nk/other.ko:\n",
                .alias = "alias pci:x nvme\n"});
  EXPECT_THAT(find_modules(index, wanted_modules({{.alias = "pci:x", .driver = "nvme"}}, "")).found.files,
              ElementsAre("k/nvme-core.ko", "k/nvme.ko", "k/dm-mod.ko", "k/loop.ko"));
}

TEST(CheckModules, TheRootOfAGuestWithoutAnInitrd) {
  const auto index = index_of({.dep = "k/dm-mod.ko:\nk/loop.ko:\nk/ext4.ko:\n", .alias = "alias ext3 ext4\n"});
  EXPECT_THAT(find_modules(index, wanted_modules({}, "ext3")).found.files,
              ElementsAre("k/dm-mod.ko", "k/loop.ko", "k/ext4.ko"));
}

// What is loaded for the guest disk, with nothing said of signatures.
modules::ModuleNeeds needs_of(std::vector<std::string> files) {
  modules::ModuleNeeds needs{.wanted = {{.name = "dm_mod"}}, .found = {}};
  needs.found.reasons.resize(files.size());
  needs.found.files = std::move(files);
  return needs;
}

TEST(CheckModules, TheirKernel) {
  const auto judge = [](const std::string& file) -> Result<bool> {
    if (file == "gone.ko") return fail(Code::NotFound, "gone.ko: opening it");
    if (file == "old.ko") return fail(Code::Unsupported, "old.ko: the module was built for kernel 6.0.0");
    return true;
  };
  const auto found = [&](std::vector<std::string> files) {
    Findings findings;
    check_module_files(needs_of(std::move(files)), judge, "6.1.0", {}, [] { return std::string(); }, findings);
    return findings;
  };
  EXPECT_THAT(found({"a.ko", "b.ko"}).all(), ElementsAre(is(Severity::Ok, "vermagic", "2 modules")));
  EXPECT_THAT(found({"a.ko", "old.ko", "gone.ko"}).all(),
              ElementsAre(is(Severity::Error, "vermagic", "old.ko: the module was built for kernel")));
  EXPECT_EQ(found({"gone.ko"}).worst(), Severity::Error);
  EXPECT_THAT(found({}).all(), IsEmpty());
}

TEST(CheckModules, TheirSignatures) {
  const auto found = [](std::string_view line, std::string_view config) {
    auto needs = needs_of({"k/signed.ko", "k/dm-mod.ko", "k/soft.ko"});
    needs.found.reasons[2] = {.by = modules::LoadReason::By::SoftDependency, .of = "dm_mod"};
    Findings findings;
    check_module_files(
        needs, [](const std::string& file) -> Result<bool> { return file == "k/signed.ko"; }, "6.1.0",
        kexec::CommandLine::parse(line), [&] { return std::string(config); }, findings);
    return findings.all();
  };
  EXPECT_THAT(found("quiet", ""), ElementsAre(is(Severity::Ok, "vermagic", "3 modules")));
  EXPECT_THAT(found("lockdown=integrity", ""),
              ElementsAre(is(Severity::Ok, "vermagic", ""),
                          is(Severity::Error, "signatures", "(lockdown=integrity on its command line), and dm_mod ("),
                          is(Severity::Warning, "signatures", "soft")));
  EXPECT_THAT(found("", "CONFIG_MODULE_SIG_FORCE=y"), Contains(is(Severity::Error, "signatures", "it was built with")));
  EXPECT_THAT(
      found("", "CONFIG_LOCK_DOWN_IN_EFI_SECURE_BOOT=y"),
      ElementsAre(is(Severity::Ok, "vermagic", ""), is(Severity::Warning, "signatures", "where Secure Boot is on"),
                  is(Severity::Warning, "signatures", "soft")));
}

TEST(CheckFstab, NamesThatAreCounted) {
  Findings findings;
  check_fstab(
      "# /dev/sda1 / ext4\nUUID=1 / ext4 defaults 0 1\n/dev/sda2 /home ext4 defaults 0 2\n/dev/nvme0n1p3 none swap sw\n"
      "/dev/mmcblk0p1 /card vfat noauto,user\n/dev/mapper/a-b /b ext4\n/dev/disk/by-uuid/1 /c ext4\n/dev/sr0 /cd udf\n",
      findings);
  EXPECT_THAT(findings.all(), ElementsAre(is(Severity::Warning, "fstab",
                                             "line 3 of the guest's /etc/fstab names "
                                             "/dev/sda2 (/home)"),
                                          is(Severity::Warning, "fstab", "line 4")));
  EXPECT_THAT(findings.all(), Contains(Field(&Finding::text, HasSubstr("UUID="))));
  findings = {};
  check_fstab("LABEL=root / ext4 defaults 0 1\n", findings);
  EXPECT_EQ(findings.worst(), Severity::Ok);
  findings = {};
  check_fstab(std::string(2 * record::kMaxConfigBytes * 16, '#'), findings);
  EXPECT_THAT(findings.all(), Contains(is(Severity::Warning, "fstab", "was not checked")));
}

TEST(CheckTables, WhatWouldWriteToADiskOfTheHost) {
  Findings findings;
  check_tables(
      {.fstab = {},
       .crypttab = {{.name = "swap", .device = "/dev/sda3", .key = "/dev/urandom", .options = "swap", .line = 4}},
       .grub_disks = "/dev/sda"},
      findings);
  EXPECT_THAT(findings.all(), ElementsAre(is(Severity::Error, "crypttab",
                                             "line 4 of the guest's /etc/crypttab: /dev/sda3 is formatted"),
                                          is(Severity::Warning, "grub-pc", "would install GRUB on /dev/sda")));
  findings = {};
  check_tables({}, findings);
  EXPECT_THAT(findings.all(), IsEmpty());
}

TEST(CheckConfig, IsReadAsTheBootReadsIt) {
  Findings findings;
  const auto config = check_config("entry a-*\nrescue shell\nimgae x\n", "debian.conf", "debian.vhd", findings);
  EXPECT_EQ(config.entry, "a-*");
  EXPECT_EQ(config.rescue, record::RescueChoice::Shell);
  EXPECT_THAT(findings.all(), Contains(is(Severity::Warning, "config", "debian.conf:3: ")));
  findings = {};
  EXPECT_EQ(check_config("entry a\nrescue me\n", "debian.conf", "debian.vhd", findings), record::Config());
  EXPECT_THAT(findings.all(), ElementsAre(is(Severity::Error, "config", "debian.conf:2: ")));
  findings = {};
  (void)check_config("attach loop\n", "debian.conf", "debian.vhd", findings);
  EXPECT_THAT(findings.all(), Contains(is(Severity::Warning, "config", "debian.conf:1: attach has no effect")));
  findings = {};
  (void)check_config("image \\vm\\DEBIAN.vhd\n", "debian.conf", "debian.vhd", findings);
  EXPECT_THAT(findings.all(), Not(Contains(Field(&Finding::severity, Severity::Warning))));
  (void)check_config("image other.vhd\n", "debian.conf", "debian.vhd", findings);
  EXPECT_THAT(findings.all(), Contains(is(Severity::Warning, "config", "names the image other.vhd")));
}

}  // namespace
}  // namespace vhdboot::vhdtool
