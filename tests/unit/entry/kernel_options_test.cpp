// SPDX-License-Identifier: GPL-2.0-or-later
#include "entry/kernel_options.h"

#include "tests/unit/base/error_matchers.h"

namespace vhdboot::entry {
namespace {

using test::Fails;

constexpr std::string_view kGrub =
    "set default=0\nmenuentry a {\n linux /boot/vmlinuz-2 root=UUID=1 ro quiet\n}\n"
    "menuentry b {\n linux /boot/vmlinuz-1 root=UUID=1 ro old\n}\n";

TEST(KernelOptions, KernelCmdlineFirst) {
  OptionTexts texts{.kernel_cmdline = "# by hand\nroot=UUID=2 quiet\r\n\n  # more\n\tsplash \n",
                    .grub_cfg = std::string(kGrub),
                    .grub_environment = std::nullopt,
                    .fstab = "UUID=3 / ext4"};
  EXPECT_EQ(kernel_options(read_option_files(texts), "vmlinuz-2", true).value(),
            (KernelOptions{"root=UUID=2 quiet splash", OptionSource::KernelCmdline}));
  texts.kernel_cmdline = "# nothing\n";
  EXPECT_EQ(kernel_options(read_option_files(texts), "vmlinuz-2", true)->source, OptionSource::GrubCfg);
  texts.kernel_cmdline = std::string(kMaxKernelCmdlineBytes + 1, 'x');
  EXPECT_EQ(kernel_options(read_option_files(texts), "vmlinuz-2", true)->source, OptionSource::GrubCfg);
}

TEST(KernelOptions, ThenGrub) {
  OptionTexts texts{.kernel_cmdline = std::nullopt,
                    .grub_cfg = std::string(kGrub),
                    .grub_environment = std::nullopt,
                    .fstab = "UUID=3 / ext4"};
  EXPECT_EQ(kernel_options(read_option_files(texts), "vmlinuz-1", true).value(),
            (KernelOptions{"root=UUID=1 ro old", OptionSource::GrubCfg}));
  EXPECT_EQ(kernel_options(read_option_files(texts), "vmlinuz-9", true)->text, "root=UUID=1 ro quiet");
  texts.grub_cfg = "set default=\"${saved_entry}\"\nmenuentry a { linux /v-a $x }\nmenuentry b { linux /v-b $x }\n";
  texts.grub_environment = "# GRUB Environment Block\nsaved_entry=b\nx=from the block\n";
  EXPECT_EQ(kernel_options(read_option_files(texts), "v-c", true)->text, "from the block");
  texts.grub_environment = "broken";
  EXPECT_EQ(kernel_options(read_option_files(texts), "v-c", true).value(), (KernelOptions{"", OptionSource::GrubCfg}));
  texts.grub_cfg = "insmod blscfg\nblscfg\nset kernelopts=\"root=UUID=4 ro\"\n";
  EXPECT_EQ(kernel_options(read_option_files(texts), "v", true).value(),
            (KernelOptions{"root=UUID=4 ro", OptionSource::GrubCfg}));
  texts.grub_cfg = "set kernelopts=\"root=UUID=4 ro\"\n";
  EXPECT_EQ(kernel_options(read_option_files(texts), "v", true)->source, OptionSource::Fstab);
  texts.grub_cfg = "menuentry w { chainloader /w.efi }\n";
  EXPECT_EQ(kernel_options(read_option_files(texts), "v", true)->source, OptionSource::Fstab);
}

TEST(KernelOptions, ARootThatOnlyGrubKnowsIsFstabs) {
  OptionTexts texts;
  texts.grub_cfg = "probe -u $root --set=u\nmenuentry a { linux /v root=UUID=$u rootflags=x quiet }\n";
  texts.fstab = "UUID=3 / btrfs subvol=/@\n";
  const auto options = [&] { return kernel_options(read_option_files(texts), "v", true); };
  EXPECT_EQ(options().value(), (KernelOptions{"rootflags=x quiet root=UUID=3", OptionSource::GrubCfg}));
  texts.grub_cfg = "menuentry a { linux /v root=UUID=1 rootflags=subvol=$u quiet }\n";
  EXPECT_EQ(options()->text, "root=UUID=1 quiet rootflags=subvol=/@");
  texts.fstab = "rpool / zfs\n";
  EXPECT_THAT(options(), Fails(Code::Unsupported, "which no root= can name"));
  texts.fstab.reset();
  EXPECT_THAT(options(), Fails(Code::NotFound, "has GRUB find out the root= of v when it runs, and there is no"));
}

Result<KernelOptions> from_fstab(std::string_view fstab, bool has_initrd = true) {
  OptionTexts texts;
  texts.fstab = std::string(fstab);
  return kernel_options(read_option_files(texts), "vmlinuz-1", has_initrd);
}

TEST(KernelOptions, ThenFstab) {
  const auto text = [](std::string_view fstab) { return from_fstab(fstab).value().text; };
  EXPECT_EQ(text("UUID=3 / ext4 errors=remount-ro,noatime 0 1\nUUID=4 /home ext4"), "root=UUID=3 ro");
  EXPECT_EQ(text("UUID=3 / btrfs rw,noatime,compress=zstd:1,subvol=/@,x-systemd.growfs"),
            "root=UUID=3 rootflags=compress=zstd:1,subvol=/@ ro");
  EXPECT_EQ(text("LABEL=my\\040root / ext4 defaults"), "root=\"LABEL=my root\" ro");
  EXPECT_EQ(text("UUID=\"3\" / ext4"), "root=UUID=3 ro");
  EXPECT_EQ(text("PARTLABEL='x' / ext4 data=journal,usrquota"), "root=PARTLABEL=x rootflags=data=journal ro");
  EXPECT_EQ(text("/dev/sda2 / xfs defaults,usrquota"), "root=/dev/sda2 rootflags=usrquota ro");
  EXPECT_EQ(from_fstab("UUID=3 / ext4", true)->source, OptionSource::Fstab);
  EXPECT_EQ(from_fstab("UUID=3 / ext4", false)->text, "root=UUID=3 rootfstype=ext4 ro");
  EXPECT_EQ(from_fstab("UUID=3 / auto", false)->text, "root=UUID=3 ro");
}

TEST(KernelOptions, Refusals) {
  EXPECT_THAT(kernel_options(read_option_files({}), "vmlinuz-1", true),
              Fails(Code::NotFound, "vmlinuz-1 starts, and there is no /etc/fstab"));
  EXPECT_THAT(from_fstab("UUID=3 /home ext4"),
              Fails(Code::NotFound, "has no \"/\": write them to /etc/kernel/cmdline"));
  EXPECT_THAT(from_fstab(std::string(kMaxFstabBytes + 1, '\n')), Fails(Code::NotFound, "is no fstab"));
  EXPECT_THAT(from_fstab("\nrpool/ROOT / zfs"),
              Fails(Code::Unsupported, "line 2 of the guest's /etc/fstab has \"rpool/ROOT\""));
  EXPECT_THAT(from_fstab("LABEL=a\\042b / ext4"), Fails(Code::Invalid, "the guest's /etc/fstab: "));
}

}  // namespace
}  // namespace vhdboot::entry
