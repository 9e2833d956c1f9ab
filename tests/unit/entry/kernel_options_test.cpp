// SPDX-License-Identifier: GPL-2.0-or-later
#include "entry/kernel_options.h"

#include "entry/grub_cfg.h"
#include "tests/unit/base/error_matchers.h"

namespace vhdboot::entry {
namespace {

using test::Fails;

constexpr std::string_view kGrub =
    "set default=0\nmenuentry a {\n linux /boot/vmlinuz-2 root=UUID=1 ro quiet\n}\n"
    "menuentry b {\n linux /boot/vmlinuz-1 root=UUID=1 ro old\n}\n";

const FitsDisk kAnything = [](const std::string&) { return true; };

std::optional<BootMenu> menu_of(std::string_view grub_cfg, const GrubVariables& environment = {}) {
  auto menu = parse_grub_cfg(grub_cfg, environment);
  return menu ? std::optional(*std::move(menu)) : std::nullopt;
}

Result<KernelOptions> options_for(const OptionTexts& texts, std::string_view kernel, const FitsDisk& fits = kAnything) {
  return kernel_options(read_option_files(texts), kernel, fits);
}

TEST(KernelOptions, WhatTheMenuPassesToThisKernelFirst) {
  OptionTexts texts{.kernel_cmdline = "root=UUID=2", .menu = menu_of(kGrub), .fstab = "UUID=3 / ext4"};
  EXPECT_EQ(options_for(texts, "vmlinuz-2").value(), (KernelOptions{"root=UUID=1 ro quiet", "grub.cfg"}));
  EXPECT_EQ(options_for(texts, "vmlinuz-1").value(), (KernelOptions{"root=UUID=1 ro old", "grub.cfg"}));
  EXPECT_EQ(options_for(texts, "vmlinuz-9")->text, "root=UUID=2");
  texts.kernel_cmdline.reset();
  EXPECT_EQ(options_for(texts, "vmlinuz-9")->text, "root=UUID=1 ro quiet");
}

TEST(KernelOptions, ThenKernelCmdline) {
  OptionTexts texts{.kernel_cmdline = "# by hand\nroot=UUID=2 quiet\r\n\n  # more\n\tsplash \n",
                    .menu = std::nullopt,
                    .fstab = "UUID=3 / ext4"};
  EXPECT_EQ(options_for(texts, "vmlinuz-2").value(),
            (KernelOptions{"root=UUID=2 quiet splash", "/etc/kernel/cmdline"}));
  texts.kernel_cmdline = "# nothing\n";
  EXPECT_EQ(options_for(texts, "vmlinuz-2")->source, "/etc/fstab");
  texts.kernel_cmdline = std::string(kMaxKernelCmdlineBytes + 1, 'x');
  EXPECT_EQ(options_for(texts, "vmlinuz-2")->source, "/etc/fstab");
}

TEST(KernelOptions, WhatElseTheMenuSays) {
  OptionTexts texts{.kernel_cmdline = std::nullopt, .menu = std::nullopt, .fstab = "UUID=3 / ext4"};
  const auto source = [&](std::string_view grub_cfg) {
    texts.menu = menu_of(grub_cfg);
    return options_for(texts, "v")->source;
  };
  texts.menu = menu_of(
      "load_env\nset default=\"${saved_entry}\"\nmenuentry a { linux /v-a $x }\nmenuentry b { linux /v-b $x }\n",
      {{"saved_entry", "b"}, {"x", "from the block"}});
  EXPECT_EQ(options_for(texts, "v-c")->text, "from the block");
  texts.menu = menu_of("insmod blscfg\nblscfg\nset kernelopts=\"root=UUID=4 ro\"\n");
  EXPECT_EQ(options_for(texts, "v").value(), (KernelOptions{"root=UUID=4 ro", "grub.cfg"}));
  EXPECT_EQ(source("set kernelopts=\"root=UUID=4 ro\"\n"), "/etc/fstab");
  EXPECT_EQ(source("menuentry w { chainloader /w.efi }\n"), "/etc/fstab");
}

TEST(KernelOptions, TheFirstWhoseRootIsThere) {
  OptionTexts texts{
      .kernel_cmdline = "root=UUID=2 quiet", .menu = std::nullopt, .fstab = "LABEL=cloudimg-rootfs / ext4"};
  texts.found_root = "UUID=5";
  texts.found_root_flags = "subvol=/@";
  const auto with = [&](std::string_view what) {
    return options_for(texts, "v", [what](const std::string& options) { return options.contains(what); }).value();
  };
  EXPECT_THAT(with("UUID=2").warnings, ::testing::IsEmpty());
  EXPECT_EQ(
      with("cloudimg"),
      (KernelOptions{"root=LABEL=cloudimg-rootfs rootfstype=ext4 ro",
                     "/etc/fstab",
                     {"what /etc/kernel/cmdline of the guest says of the root is nothing on its disk: /etc/fstab is "
                      "taken instead"}}));
  EXPECT_EQ(with("UUID=5").text, "root=UUID=5 rootflags=subvol=/@ ro");
  EXPECT_EQ(with("nothing").text, "root=UUID=2 quiet");
  texts.kernel_cmdline.reset();
  texts.fstab = "# UNCONFIGURED FSTAB FOR BASE SYSTEM\n";
  EXPECT_EQ(with("UUID=5"), (KernelOptions{"root=UUID=5 rootflags=subvol=/@ ro", "the file system with its /etc"}));
}

TEST(KernelOptions, ARootThatOnlyGrubKnowsIsFstabs) {
  OptionTexts texts;
  texts.menu = menu_of("probe -u $root --set=u\nmenuentry a { linux /v root=UUID=$u rootflags=x quiet }\n");
  texts.fstab = "UUID=3 / btrfs subvol=/@\n";
  const auto options = [&] { return options_for(texts, "v"); };
  EXPECT_EQ(options().value(), (KernelOptions{"rootflags=x quiet root=UUID=3", "grub.cfg"}));
  texts.menu = menu_of("probe -u $root --set=u\nmenuentry a { linux /v root=UUID=1 rootflags=subvol=$u quiet }\n");
  EXPECT_EQ(options()->text, "root=UUID=1 quiet rootflags=subvol=/@");
  texts.fstab = "rpool / zfs\n";
  EXPECT_THAT(options(), Fails(Code::Unsupported, "which no root= can name"));
  texts.fstab.reset();
  EXPECT_THAT(options(), Fails(Code::NotFound, "has GRUB find out the rootflags= of v when it runs, and there is no"));
  texts.found_root = "UUID=5";
  EXPECT_EQ(options()->text, "root=UUID=5 ro");
}

Result<KernelOptions> from_fstab(std::string_view fstab) {
  OptionTexts texts;
  texts.fstab = std::string(fstab);
  return options_for(texts, "vmlinuz-1");
}

TEST(KernelOptions, ThenFstab) {
  const auto text = [](std::string_view fstab) { return from_fstab(fstab).value().text; };
  EXPECT_EQ(text("UUID=3 / ext4 errors=remount-ro,noatime 0 1\nUUID=4 /home ext4"), "root=UUID=3 rootfstype=ext4 ro");
  EXPECT_EQ(text("UUID=3 / btrfs rw,noatime,compress=zstd:1,subvol=/@,x-systemd.growfs"),
            "root=UUID=3 rootflags=compress=zstd:1,subvol=/@ rootfstype=btrfs ro");
  EXPECT_EQ(text("LABEL=my\\040root / ext4 defaults"), "root=\"LABEL=my root\" rootfstype=ext4 ro");
  EXPECT_EQ(text("UUID=\"3\" / ext4"), "root=UUID=3 rootfstype=ext4 ro");
  EXPECT_EQ(text("PARTLABEL='x' / ext4 data=journal,usrquota"),
            "root=PARTLABEL=x rootflags=data=journal rootfstype=ext4 ro");
  EXPECT_EQ(text("/dev/sda2 / xfs defaults,usrquota"), "root=/dev/sda2 rootflags=usrquota rootfstype=xfs ro");
  EXPECT_EQ(from_fstab("UUID=3 / ext4")->source, "/etc/fstab");
  EXPECT_EQ(text("UUID=3 / auto"), "root=UUID=3 ro");
}

TEST(KernelOptions, Refusals) {
  EXPECT_THAT(options_for({}, "vmlinuz-1"), Fails(Code::NotFound, "vmlinuz-1 starts, and there is no /etc/fstab"));
  EXPECT_THAT(from_fstab("UUID=3 /home ext4"),
              Fails(Code::NotFound, "has no \"/\": write them to /etc/kernel/cmdline"));
  EXPECT_THAT(from_fstab(std::string(kMaxFstabBytes + 1, '\n')), Fails(Code::NotFound, "is no fstab"));
  EXPECT_THAT(from_fstab("\nrpool/ROOT / zfs"),
              Fails(Code::Unsupported, "line 2 of the guest's /etc/fstab has \"rpool/ROOT\""));
  EXPECT_THAT(from_fstab("LABEL=a\\042b / ext4"), Fails(Code::Invalid, "the guest's /etc/fstab: "));
}

}  // namespace
}  // namespace vhdboot::entry
