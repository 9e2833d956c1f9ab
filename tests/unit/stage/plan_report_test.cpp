// SPDX-License-Identifier: GPL-2.0-or-later
#include "init/stage/plan_report.h"

#include <gmock/gmock.h>

#include "base/text.h"
#include "base/units.h"

namespace vhdboot::stage {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

PlanReport report() {
  return {.image = {.path = "/boot/debian.vhd",
                    .format = "fixed VHD",
                    .file_size = 2 * kMiB + 512,
                    .payload_size = 2 * kMiB,
                    .extents = 3,
                    .volume = "/dev/sda2 (NTFS \"Data\")",
                    .serial = "0123456789ABCDEF",
                    .state = "clean"},
          .guest_disk = "GPT, 2 partitions, logical blocks of 512 bytes",
          .entry = {.kind = "unified kernel image",
                    .id = "debian.efi",
                    .title = "Debian",
                    .path = "/EFI/Linux/debian+3.efi",
                    .where = "partition 1 of the guest disk",
                    .tries_left = 3,
                    .counted_as = "/EFI/Linux/debian+2-1.efi",
                    .profile = "rescue"},
          .release = "6.12.5",
          .kernel_size = 8 * kMiB,
          .cmdline_from = "the image",
          .cmdline = "rdinit=/vhdboot/init root=UUID=f-2 nohibernate",
          .line_changes = {{"root=/dev/sda2 becomes root=UUID=f-2", "another disk"}, {"nohibernate", "data"}},
          .next_init = "/init",
          .initrds = {{"microcode", 4096}, {"/initrd", 30 * kMiB}},
          .modules = {{"nvme_core", 512 * kKiB, "dependency of nvme"}, {"dm_mod", 512 * kKiB, "the guest disk"}},
          .builtin = {{"loop", "the guest disk: loop devices"}},
          .missing = {"kernel 6.12.5 has no module for x"},
          .modules_not_read = {},
          .asked_of_guest = {},
          .mounted = {},
          .warnings = {"slow disk"}};
}

TEST(PlanReport, All) {
  EXPECT_THAT(
      plan_lines(report()),
      ElementsAre("image         /boot/debian.vhd",                                                            //
                  "              fixed VHD of 2 MiB, a disk of 2 MiB, in 3 pieces",                            //
                  "volume        /dev/sda2 (NTFS \"Data\"), serial 0123456789ABCDEF",                          //
                  "              clean",                                                                       //
                  "guest disk    GPT, 2 partitions, logical blocks of 512 bytes",                              //
                  "entry         unified kernel image debian.efi",                                             //
                  "              Debian",                                                                      //
                  "              /EFI/Linux/debian+3.efi on partition 1 of the guest disk",                    //
                  "              tries left: 3; a boot makes it /EFI/Linux/debian+2-1.efi",                    //
                  "              profile rescue",                                                              //
                  "kernel        6.12.5, 8 MiB",                                                               //
                  "command line  from the image",                                                              //
                  "              rdinit=/vhdboot/init root=UUID=f-2 nohibernate",                              //
                  "              * root=/dev/sda2 becomes root=UUID=f-2: another disk",                        //
                  "              * nohibernate: data",                                                         //
                  "              * rdinit=/vhdboot/init: stage 2 attaches the image and then executes /init",  //
                  "initrd        microcode, 4 KiB",                                                            //
                  "              /initrd, 30 MiB",                                                             //
                  "              vhdboot: stage 2 and 2 modules, 1 MiB",                                       //
                  "modules       nvme_core, 512 KiB: dependency of nvme",                                      //
                  "              dm_mod, 512 KiB: the guest disk",                                             //
                  "              loop, built in: the guest disk: loop devices",                                //
                  "              missing: kernel 6.12.5 has no module for x",                                  //
                  "warning       slow disk"));
}

TEST(PlanReport, ModulesOfTheGuestsInitrd) {
  PlanReport encrypted = report();
  encrypted.modules.clear();
  encrypted.builtin.clear();
  encrypted.missing.clear();
  encrypted.modules_not_read = "partition 2 is encrypted";
  encrypted.asked_of_guest = {{"dm_mod", "the guest disk: device-mapper"}};
  const auto lines = plan_lines(encrypted);
  EXPECT_THAT(lines, Contains("modules       none are taken: partition 2 is encrypted"));
  EXPECT_THAT(lines, Contains("              stage 2 asks the guest's initrd for:"));
  EXPECT_THAT(lines, Contains("                dm_mod: the guest disk: device-mapper"));
  EXPECT_THAT(lines, Contains("              vhdboot: stage 2"));
}

TEST(PlanReport, WithoutAnInitrd) {
  PlanReport bare = report();
  bare.initrds.clear();
  bare.next_init = "/sbin/init";
  bare.mounted = record::GuestRoot{.partition = 2, .read_only = true, .type = "btrfs", .flags = "subvol=@"};
  auto lines = plan_lines(bare);
  EXPECT_THAT(lines, Contains("initrd        vhdboot: stage 2 and 2 modules, 1 MiB"));
  EXPECT_THAT(lines, Contains("root          no initrd: stage 2 mounts partition 2 as btrfs, read-only"));
  EXPECT_THAT(lines, Contains("              with the options subvol=@"));
  EXPECT_THAT(lines, Contains(HasSubstr("then executes /sbin/init")));
  bare.mounted = record::GuestRoot{.partition = 0, .read_only = false, .type = "ext4", .flags = ""};
  bare.asked_of_guest = {{"loop", "the guest disk"}};
  lines = plan_lines(bare);
  EXPECT_THAT(lines, Contains("root          no initrd: stage 2 mounts the guest disk as ext4, for writing"));
  EXPECT_THAT(lines, Not(Contains(HasSubstr("with the options"))));
  EXPECT_THAT(lines, Contains(HasSubstr("must be built into the kernel")));
}

TEST(PlanReport, LittleIsKnown) {
  PlanReport bare = report();
  bare.entry = {.kind = "kernel", .id = "vmlinuz", .title = "vmlinuz", .path = "/boot/vmlinuz"};
  bare.release.clear();
  bare.image.extents = 1;
  const auto lines = plan_lines(bare);
  EXPECT_THAT(lines, Contains("              /boot/vmlinuz"));
  EXPECT_THAT(lines, Contains("kernel        of an unknown release, 8 MiB"));
  EXPECT_THAT(lines, Contains(HasSubstr("in 1 piece")));
  EXPECT_THAT(lines, Not(Contains(HasSubstr("tries"))));
  EXPECT_THAT(lines, Not(Contains(HasSubstr("profile"))));
  EXPECT_THAT(lines, Not(Contains("              vmlinuz"))) << "the title says nothing that the name does not";
}

TEST(PlanReport, NothingFromADiskReachesTheTerminalAsItIs) {
  PlanReport evil = report();
  evil.entry.title = "a\x1B[2Jb";
  evil.cmdline = "a\x1B]0;b";
  evil.modules[0].name = "a\nb";
  evil.warnings = {"\x07"};
  for (const std::string& line : plan_lines(evil)) EXPECT_EQ(line, printable(line));
}

}  // namespace
}  // namespace vhdboot::stage
