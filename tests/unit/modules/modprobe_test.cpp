// SPDX-License-Identifier: GPL-2.0-or-later
#include "init/modules/modprobe.h"

#include <gmock/gmock.h>

#include "init/modules/needed_modules.h"

namespace vhdboot::modules {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::Pair;

ModprobeConfig of_files(std::vector<std::string> files, std::string_view line = "") {
  return read_modprobe(files, kexec::CommandLine::parse(line));
}

TEST(Modprobe, Files) {
  const auto config =
      of_files({"# options nothing a=1\n"
                "options usb-storage quirks=1234:5678:u  delay_use=3\n"
                "blacklist uas\r\n"
                "  blacklist\tpcspkr\n"
                "install cramfs /bin/true\n"
                "install nvme /sbin/modprobe --ignore-install nvme $CMDLINE_OPTS\n"
                "softdep ahci pre: a\n"
                "alias eth0  e1000e\n"
                "options libata \\\n  force=1:noncq\n"
                "options lonely\nblacklist\n"
                "options nvme_core a=0\tb=1 \\\n\tc=\"x y\"\n"
                "options odd a=\"x\ty\"\noptions odd \x01\n",
                "options usb_storage delay_use=5\n"});
  EXPECT_THAT(config.options, ElementsAre(Pair("libata", "force=1:noncq"), Pair("nvme_core", "a=0 b=1   c=\"x y\""),
                                          Pair("usb_storage", "quirks=1234:5678:u  delay_use=3 delay_use=5")));
  EXPECT_THAT(config.blacklist, ElementsAre("uas", "pcspkr", "cramfs"));
  EXPECT_EQ(config.soft_dependencies, "softdep ahci pre: a\n");
  EXPECT_EQ(config.aliases, "alias eth0 e1000e\n");
  EXPECT_EQ(config.options_of("usb-storage"), config.options_of("usb_storage"));
  EXPECT_EQ(config.options_of("nvme"), "");
}

TEST(Modprobe, TheCommandLineWins) {
  const auto config =
      of_files({"options nvme_core a=1\n"},
               "root=UUID=1.2 nvme_core.default_ps_max_latency_us=0 usb-storage.quirks=1:2:u "
               "modprobe.blacklist=uas,nouveau systemd.unit=rescue.target dm_mod.create=\"x,,,rw, 0 8\" "
               ".a=1 b.=2 c. quiet libata.noacpi -- ahci.x=1");
  EXPECT_EQ(config.options_of("nvme_core"), "a=1 default_ps_max_latency_us=0");
  EXPECT_EQ(config.options_of("usb_storage"), "quirks=1:2:u");
  EXPECT_EQ(config.options_of("dm-mod"), "create=\"x,,,rw, 0 8\"");
  EXPECT_EQ(config.options_of("libata"), "noacpi");
  EXPECT_EQ(config.options_of("ahci"), "") << "that is for init";
  EXPECT_EQ(config.options_of("root"), "");
  EXPECT_THAT(config.blacklist, ElementsAre("uas", "nouveau"));
}

// Each name becomes a line of its own.
TEST(Modprobe, ANameOfTwoLinesIsNone) {
  EXPECT_THAT(of_files({}, "modprobe.blacklist=\"uas,a\nb\"").blacklist, ElementsAre("uas"));
}

TEST(Modprobe, QuotesOnTheCommandLine) {
  const auto config =
      of_files({}, "modprobe.blacklist=\"uas,nouveau\" \"usb_storage.quirks=1:2:u\" \"dm_mod.create=a b\" \"\"");
  EXPECT_THAT(config.blacklist, ElementsAre("uas", "nouveau"));
  EXPECT_THAT(config.options, ElementsAre(Pair("dm_mod", "create=\"a b\""), Pair("usb_storage", "quirks=1:2:u")));
}

// Two drivers of a USB disk, by the interface that they want.
ModuleIndex index_with(std::string blacklist) {
  return ModuleIndex::parse({.dep = "a/uas.ko: a/usb-storage.ko\na/usb-storage.ko:\na/nvme.ko:\na/other.ko:\n",
                             .alias = "alias usb:*ip62in* uas\nalias pci:nvme nvme\nalias pci:nvme other\n",
                             .blacklist = std::move(blacklist)})
      .value();
}

TEST(Modprobe, WhatIsBlacklistedIsNotLoadedForADevice) {
  EXPECT_THAT(index_with("").by_alias("usb:ip62in00"), ElementsAre("uas"));
  EXPECT_THAT(index_with("").by_alias("pci:nvme"), ElementsAre("nvme", "other"));
  EXPECT_THAT(index_with("other\n").by_alias("pci:nvme"), ElementsAre("nvme"));
  EXPECT_THAT(index_with("uas\n").by_alias("usb:ip62in00"), ElementsAre("usb_storage")) << "it drives them all";
  // The image lies there: a guest that never had such a disk did not mean this one.
  EXPECT_THAT(index_with("nvme\nother\n").by_alias("pci:nvme"), ElementsAre("nvme", "other"));
  const std::vector<std::string> by_name{"nvme"};
  EXPECT_THAT(index_with("nvme\n").resolve(by_name).files, ElementsAre("a/nvme.ko")) << "by its name";
}

TEST(Modprobe, Directories) {
  EXPECT_EQ(modprobe_directories().front(), "/etc/modprobe.d");
  EXPECT_THAT(of_files({}).options, IsEmpty());
}

}  // namespace
}  // namespace vhdboot::modules
