// SPDX-License-Identifier: GPL-2.0-or-later
#include "init/modules/modules.h"

#include "init/modules/needed_modules.h"
#include "tests/unit/base/error_matchers.h"

namespace vhdboot::modules {
namespace {

using namespace std::string_literals;
using test::Fails;
using testing::ElementsAre;
using testing::IsEmpty;

// An excerpt of Debian's 6.12: modules.dep has all dependencies of a module, the first to load at the end.
ModuleTexts debian() {
  return {
      .dep =
          "kernel/drivers/md/dm-mod.ko.xz:\n"
          "kernel/drivers/block/loop.ko.xz:\n"
          "kernel/fs/ntfs3/ntfs3.ko.xz:\n"
          "kernel/drivers/ata/ahci.ko.xz: kernel/drivers/ata/libahci.ko.xz kernel/drivers/ata/libata.ko.xz "
          "kernel/drivers/scsi/scsi_mod.ko.xz kernel/drivers/scsi/scsi_common.ko.xz\n"
          "kernel/drivers/ata/libahci.ko.xz: kernel/drivers/ata/libata.ko.xz kernel/drivers/scsi/scsi_mod.ko.xz "
          "kernel/drivers/scsi/scsi_common.ko.xz\n"
          "kernel/drivers/ata/libata.ko.xz: kernel/drivers/scsi/scsi_mod.ko.xz kernel/drivers/scsi/scsi_common.ko.xz\n"
          "kernel/drivers/scsi/scsi_mod.ko.xz: kernel/drivers/scsi/scsi_common.ko.xz\n"
          "kernel/drivers/scsi/scsi_common.ko.xz:\n"
          "kernel/drivers/scsi/sd_mod.ko.xz: kernel/drivers/scsi/scsi_mod.ko.xz kernel/drivers/scsi/scsi_common.ko.xz\n"
          "kernel/drivers/usb/storage/uas.ko.xz: kernel/drivers/usb/storage/usb-storage.ko.xz "
          "kernel/drivers/scsi/scsi_mod.ko.xz kernel/drivers/scsi/scsi_common.ko.xz\n"
          "kernel/drivers/usb/storage/usb-storage.ko.xz: kernel/drivers/scsi/scsi_mod.ko.xz "
          "kernel/drivers/scsi/scsi_common.ko.xz\n"
          "kernel/fs/btrfs/btrfs.ko.xz: kernel/lib/raid6.ko.xz\n"
          "kernel/lib/raid6.ko.xz:\n"
          "kernel/arch/x86/crypto/crc32c-intel.ko.xz:\n"
          "kernel/drivers/usb/host/xhci-pci.ko.xz:\n"
          "kernel/drivers/usb/host/xhci-pci-renesas.ko.xz:\n",
      .alias =
          "# Aliases extracted from modules themselves.\n"
          "alias pci:v*d*sv*sd*bc01sc06i01* ahci\n"
          "alias scsi:t-0x00* sd_mod\n"
          "alias usb:v*p*d*dc*dsc*dp*ic08isc06ip50in* usb_storage\n"
          "alias usb:v*p*d*dc*dsc*dp*ic08isc06ip* uas\n"
          "alias fs-ntfs3 ntfs3\n"
          "alias crypto-crc32c crc32c-intel\n"
          "alias pci:v*d*sv*sd*bc0Csc03i30* gone\n",
      .softdep =
          "# Soft dependencies extracted from modules themselves.\n"
          "softdep btrfs pre: crypto-crc32c not_there xor\n"
          "softdep xhci_pci pre: xhci_pci_renesas post: loop\n",
      .builtin = "kernel/drivers/nvme/host/nvme.ko\nkernel/lib/xor.ko\n",
      .builtin_modinfo = "nvme.license=GPL\0nvme.alias=pci:v*d*sv*sd*bc01sc08i02*\0nvme.file=drivers/nvme\0"s};
}

ModuleIndex index() {
  auto parsed = ModuleIndex::parse(debian());
  EXPECT_TRUE(parsed) << parsed.error().text;
  return *std::move(parsed);
}

Resolution resolve(std::vector<std::string> wanted) {
  return index().resolve(wanted);
}

TEST(Modules, Names) {
  EXPECT_EQ(module_name("kernel/drivers/usb/storage/usb-storage.ko.xz"), "usb_storage");
  EXPECT_EQ(module_name("extra/a.ko"), "a");
  EXPECT_EQ(module_name("a-b.ko.zst"), "a_b");
  EXPECT_EQ(module_name(""), "");
}

TEST(Modules, Find) {
  const auto modules = index();
  EXPECT_EQ(modules.file("usb_storage"), "kernel/drivers/usb/storage/usb-storage.ko.xz");
  EXPECT_EQ(modules.file("dm_mod"), modules.file("dm-mod"));
  EXPECT_FALSE(modules.file("dm"));
  EXPECT_TRUE(modules.is_builtin("nvme"));
  EXPECT_FALSE(modules.is_builtin("loop"));
  EXPECT_TRUE(modules.has("nvme"));
  EXPECT_TRUE(modules.has("loop"));
  EXPECT_FALSE(modules.has("exfat"));
}

TEST(Modules, ByAlias) {
  const auto modules = index();
  EXPECT_THAT(modules.by_alias("pci:v00008086d00002922sv00001AF4sd00001100bc01sc06i01"), ElementsAre("ahci"));
  EXPECT_THAT(modules.by_alias("usb:v46F4p0001d0000dc00dsc00dp00ic08isc06ip50in00"), ElementsAre("usb_storage", "uas"));
  EXPECT_THAT(modules.by_alias("pci:v00001B36d00000010sv00001AF4sd00001100bc01sc08i02"), ElementsAre("nvme"));
  EXPECT_THAT(modules.by_alias("pci:v00001B36d0000000Dsv00001AF4sd00001100bc0Csc03i30"), IsEmpty())
      << "an alias of a module that is not there";
  EXPECT_THAT(modules.by_alias(std::string(kMaxAliasBytes + 1, 'x')), IsEmpty());
}

TEST(Modules, DependenciesFirstEachOnce) {
  const auto result = resolve({"pci:v00008086d00002922sv00001AF4sd00001100bc01sc06i01", "scsi:t-0x00", "loop", "ahci"});
  EXPECT_THAT(result.files, ElementsAre("kernel/drivers/scsi/scsi_common.ko.xz", "kernel/drivers/scsi/scsi_mod.ko.xz",
                                        "kernel/drivers/ata/libata.ko.xz", "kernel/drivers/ata/libahci.ko.xz",
                                        "kernel/drivers/ata/ahci.ko.xz", "kernel/drivers/scsi/sd_mod.ko.xz",
                                        "kernel/drivers/block/loop.ko.xz"));
  EXPECT_THAT(result.missing, IsEmpty());
  EXPECT_THAT(result.builtin, IsEmpty());
}

TEST(Modules, SoftDependencies) {
  EXPECT_THAT(resolve({"xhci-pci"}).files,
              ElementsAre("kernel/drivers/usb/host/xhci-pci-renesas.ko.xz", "kernel/drivers/usb/host/xhci-pci.ko.xz",
                          "kernel/drivers/block/loop.ko.xz"));
  const auto btrfs = resolve({"btrfs"});
  EXPECT_THAT(btrfs.files, ElementsAre("kernel/lib/raid6.ko.xz", "kernel/arch/x86/crypto/crc32c-intel.ko.xz",
                                       "kernel/fs/btrfs/btrfs.ko.xz"));
  EXPECT_THAT(btrfs.missing, IsEmpty()) << "a soft dependency may be missing";
  EXPECT_THAT(btrfs.builtin, IsEmpty()) << "nobody asked for xor";
}

TEST(Modules, BuiltinAndMissing) {
  const auto result =
      resolve({"nvme", "pci:v00001B36d00000010sv00001AF4sd00001100bc01sc08i02", "exfat", "pci:nothing", "fs_ntfs3"});
  EXPECT_THAT(result.files, ElementsAre("kernel/fs/ntfs3/ntfs3.ko.xz"));
  EXPECT_THAT(result.builtin, ElementsAre("nvme"));
  EXPECT_THAT(result.missing, ElementsAre("exfat", "pci:nothing"));
}

std::vector<std::string> why(const std::vector<WantedModule>& wanted) {
  const ModuleNeeds needs = find_modules(index(), wanted);
  EXPECT_EQ(needs.found.files.size(), needs.found.reasons.size());
  EXPECT_EQ(needs.found.builtin.size(), needs.found.builtin_for.size());
  std::vector<std::string> out;
  for (std::size_t i = 0; i < needs.found.files.size(); ++i)
    out.push_back(module_name(needs.found.files[i]) + " <- " + describe(needs.found.reasons[i], needs));
  for (std::size_t i = 0; i < needs.found.builtin.size(); ++i)
    out.push_back(needs.found.builtin[i] + " == " + describe(needs.wanted[needs.found.builtin_for[i]]));
  return out;
}

constexpr auto kController = Purpose::Controller;

TEST(Modules, EachFileHasItsReason) {
  const std::string alias = "pci:v00008086d00002922sv00001AF4sd00001100bc01sc06i01";
  const std::string controller = "the controller " + alias + ", here driven by ahci";
  EXPECT_THAT(why({{alias, kController, "ahci"}, {"dm_mod"}, {"loop"}, {"scsi_mod"}}),
              ElementsAre("scsi_common <- dependency of ahci, for " + controller,
                          "scsi_mod <- dependency of ahci, for " + controller,
                          "libata <- dependency of ahci, for " + controller,
                          "libahci <- dependency of ahci, for " + controller, "ahci <- " + controller,
                          "dm_mod <- the guest disk: device-mapper", "loop <- the guest disk: loop devices"));
  EXPECT_THAT(why({{"btrfs", Purpose::GuestRoot, ""}}),
              ElementsAre("raid6 <- dependency of btrfs, for the guest's root file system: btrfs",
                          "crc32c_intel <- soft dependency of btrfs, for the guest's root file system: btrfs",
                          "btrfs <- the guest's root file system: btrfs"));
  EXPECT_THAT(
      why({{"ntfs3"}, {"xhci-pci", kController, "xhci_hcd"}}),
      ElementsAre("ntfs3 <- the guest disk: ntfs3",
                  "xhci_pci_renesas <- soft dependency of xhci_pci, for the controller xhci-pci, here driven by "
                  "xhci_hcd",
                  "xhci_pci <- the controller xhci-pci, here driven by xhci_hcd",
                  "loop <- soft dependency of xhci_pci, for the controller xhci-pci, here driven by xhci_hcd"));
}

TEST(Modules, WhatIsBuiltInHasAPurpose) {
  EXPECT_THAT(why({{"dm_mod"}, {"pci:v00001B36d00000010sv00001AF4sd00001100bc01sc08i02", kController, "nvme"}}),
              ElementsAre("dm_mod <- the guest disk: device-mapper",
                          "nvme == the controller pci:v00001B36d00000010sv00001AF4sd00001100bc01sc08i02, here driven "
                          "by nvme"));
  EXPECT_THAT(why({{"pci:untold", kController, "nvme"}}),
              ElementsAre("nvme == the controller pci:untold, here driven by nvme"))
      << "only the driver's name tells that it is built in";
}

TEST(Modules, WhatIsMissingWithoutAnInitrdIsRefused) {
  const auto missing = [](std::vector<WantedModule> wanted) { return find_modules(index(), std::move(wanted)); };
  const auto none = missing({{"loop"}, {"pci:untold", kController, "nvme"}});
  EXPECT_THAT(missing_sentences(none, "6.12"), IsEmpty());
  EXPECT_TRUE(check_missing(none, "6.12", false));

  const auto controller = missing({{"loop"}, {"pci:other", kController, "megaraid_sas"}});
  EXPECT_THAT(missing_sentences(controller, "6.12"),
              ElementsAre("kernel 6.12 has no module for the controller pci:other, here driven by megaraid_sas"));
  EXPECT_TRUE(check_missing(controller, "6.12", true)) << "the initrd may have it";
  EXPECT_THAT(check_missing(controller, "6.12", false), Fails(Code::Unsupported, "has no initrd that could bring one"));

  const auto root = missing({{"loop"}, {"xfs", Purpose::GuestRoot, ""}});
  EXPECT_TRUE(check_missing(root, "6.12", true));
  EXPECT_THAT(check_missing(root, "6.12", false), Fails(Code::Unsupported, "the guest's root file system: xfs"));
}

TEST(Modules, CirclesEnd) {
  ModuleTexts texts{.dep = "a.ko: b.ko\nb.ko: c.ko\nc.ko: a.ko\n",
                    .softdep = "softdep a pre: b post: a\nsoftdep c pre: a\n"};
  const auto modules = ModuleIndex::parse(std::move(texts));
  ASSERT_TRUE(modules);
  EXPECT_THAT(modules->resolve(std::vector{"a"s}).files, testing::UnorderedElementsAre("a.ko", "b.ko", "c.ko"));
}

TEST(Modules, ASoftCircleNeverBreaksAHardDependency) {
  // a wants b before it, b cannot do without a.
  const auto modules =
      ModuleIndex::parse({.dep = "a.ko: c.ko\nb.ko: a.ko c.ko\nc.ko:\n", .softdep = "softdep a pre: b\n"});
  ASSERT_TRUE(modules);
  const auto result = modules->resolve(std::vector{"a"s});
  EXPECT_THAT(result.files, ElementsAre("c.ko", "a.ko", "b.ko"));
  EXPECT_EQ(result.reasons.size(), 3U);
}

TEST(Modules, AChainAsLongAsTheCap) {
  std::string dep;
  for (int i = 0; i < 60'000; ++i) dep += "m" + std::to_string(i) + ".ko: m" + std::to_string(i + 1) + ".ko\n";
  const auto modules = ModuleIndex::parse({.dep = dep + "m60000.ko:\n"});
  ASSERT_TRUE(modules);
  const auto files = modules->resolve(std::vector{"m0"s}).files;
  EXPECT_EQ(files.size(), 60'001u);
  EXPECT_EQ(files.front(), "m60000.ko");
  EXPECT_EQ(files.back(), "m0.ko");
}

TEST(Modules, Deviations) {
  EXPECT_THAT(ModuleIndex::parse({.dep = "a.ko:\nb.ko\n"}), Fails(Code::Corrupt, "modules.dep:2: no module and colon"));
  EXPECT_THAT(ModuleIndex::parse({.dep = ": a.ko\n"}), Fails(Code::Corrupt, "modules.dep:1"));
  EXPECT_THAT(ModuleIndex::parse({.dep = "a/../../b.ko:\n"}), Fails(Code::Corrupt, "path with .."));
  EXPECT_THAT(ModuleIndex::parse({.dep = "a.ko: b.ko ../b.ko c.ko\n"}), Fails(Code::Corrupt, "path with .."));
  EXPECT_TRUE(ModuleIndex::parse({.dep = "a..b.ko:\n"}));
  EXPECT_THAT(ModuleIndex::parse({.alias = std::string(kMaxIndexBytes + 1, 'x')}),
              Fails(Code::NoMemory, "larger than"));
  std::string many;
  for (std::size_t i = 0; i <= kMaxModules; ++i) many += "a.ko:\n";
  EXPECT_THAT(ModuleIndex::parse({.dep = many}), Fails(Code::NoMemory, "more than 65536 modules"));
  const auto odd = ModuleIndex::parse({.dep = "a.ko: b.ko\n",
                                       .alias = "alias\nalias x\nfoo x a\nalias y a z\n",
                                       .softdep = "softdep a b c\nsoftdep\n",
                                       .builtin = "\n",
                                       .builtin_modinfo = "a.b\0.=\0=.\0"s});
  ASSERT_TRUE(odd);
  EXPECT_THAT(odd->resolve(std::vector{"a"s}).files, ElementsAre("a.ko")) << "b has no line of its own";
  EXPECT_FALSE(odd->is_builtin(""));
  EXPECT_THAT(ModuleIndex::parse({})->resolve(std::vector{""s}).missing, ElementsAre(""));
}

TEST(Modules, AMovedIndexStillAnswers) {
  auto first = ModuleIndex::parse({.dep = "a.ko:\n"});
  const ModuleIndex second = *std::move(first);
  EXPECT_EQ(second.file("a"), "a.ko");
}

TEST(NeededModules, RequestLines) {
  EXPECT_THAT(request_lines(std::vector<WantedModule>{{"pci:v00001AF4d00001001", Purpose::Controller, "virtio-pci"},
                                                      {"scsi:t-0x00", Purpose::Controller, "sd"},
                                                      {"pci:v00008086", Purpose::Controller, ""},
                                                      {"dm_mod", Purpose::GuestDisk, ""}}),
              ElementsAre("pci:v00001AF4d00001001\tvirtio-pci", "scsi:t-0x00\tsd_mod", "pci:v00008086", "dm_mod"));
}

TEST(NeededModules, CheckGuestDiskModules) {
  const std::vector<std::string> needed{"dm_mod", "loop"};
  EXPECT_TRUE(check_guest_disk_modules(index(), needed, "6.12"));
  EXPECT_THAT(check_guest_disk_modules(*ModuleIndex::parse({.dep = "loop.ko:\n"}), needed, "6.1.0-18-amd64"),
              Fails(Code::Unsupported,
                    "kernel 6.1.0-18-amd64 has no device-mapper (dm_mod), which the guest disk is made of: start the "
                    "guest with another kernel"));
  EXPECT_THAT(check_guest_disk_modules(*ModuleIndex::parse({.builtin = "dm-mod.ko\n"}), needed, "6.1"),
              Fails(Code::Unsupported, "no loop devices (loop)"));
  EXPECT_THAT(check_guest_disk_modules(index(), std::vector{"dm_unheard_of"s}, "6.12"),
              Fails(Code::Unsupported, "no dm_unheard_of (dm_unheard_of)"));
  EXPECT_TRUE(check_guest_disk_modules(*ModuleIndex::parse({}), {}, "6.12"));
}

TEST(NeededModules, Directories) {
  EXPECT_THAT(*module_directories("6.12.1-amd64"),
              ElementsAre("/usr/lib/modules/6.12.1-amd64", "/lib/modules/6.12.1-amd64"));
  for (const char* bad : {"", ".", "..", "a/b", "a\n"})
    EXPECT_THAT(module_directories(bad), Fails(Code::Invalid, "kernel release")) << bad;
}

}  // namespace
}  // namespace vhdboot::modules
