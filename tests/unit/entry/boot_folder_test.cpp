// SPDX-License-Identifier: GPL-2.0-or-later
#include "entry/boot_folder.h"

#include <gmock/gmock.h>

#include <algorithm>

#include "base/text.h"

namespace vhdboot::entry {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

// "kernel+initrd" of each, "kernel" when it has none.
std::vector<std::string> pairs(const std::vector<std::string>& names) {
  std::vector<std::string> out;
  for (const auto& files : kernels_among(names))
    out.push_back(files.initrd ? concat(files.kernel, '+', *files.initrd) : files.kernel);
  return out;
}

TEST(BootFolder, Debian) {
  EXPECT_THAT(pairs({"System.map-6.1.0-18-amd64", "config-6.1.0-18-amd64", "efi", "grub", "initrd.img-6.1.0-18-amd64",
                     "initrd.img-6.1.0-21-amd64", "vmlinuz-6.1.0-18-amd64", "vmlinuz-6.1.0-21-amd64",
                     "vmlinuz-6.1.0-9-amd64", "initrd.img-6.1.0-21-amd64.dpkg-bak", "vmlinuz-6.1.0-22-amd64.dpkg-tmp"}),
              ElementsAre("vmlinuz-6.1.0-21-amd64+initrd.img-6.1.0-21-amd64",
                          "vmlinuz-6.1.0-18-amd64+initrd.img-6.1.0-18-amd64", "vmlinuz-6.1.0-9-amd64"));
}

TEST(BootFolder, DebiansLinks) {
  EXPECT_THAT(pairs({"vmlinuz", "vmlinuz.old", "initrd.img", "initrd.img.old"}), ElementsAre("vmlinuz+initrd.img"));
  EXPECT_THAT(pairs({"vmlinuz", "initrd"}), ElementsAre("vmlinuz+initrd"));
}

TEST(BootFolder, Fedora) {
  const std::vector<std::string> names{"vmlinuz-0-rescue-6a98",
                                       "initramfs-0-rescue-6a98.img",
                                       ".vmlinuz-6.5.6-300.fc39.x86_64.hmac",
                                       "vmlinuz-6.5.6-300.fc39.x86_64",
                                       "initramfs-6.5.6-300.fc39.x86_64.img",
                                       "initramfs-6.5.6-300.fc39.x86_64kdump.img",
                                       "symvers-6.5.6-300.fc39.x86_64.xz"};
  const auto kernels = kernels_among(names);
  ASSERT_EQ(kernels.size(), 2U);
  EXPECT_EQ(
      kernels[0],
      (KernelFiles{
          "vmlinuz-6.5.6-300.fc39.x86_64", "6.5.6-300.fc39.x86_64", "initramfs-6.5.6-300.fc39.x86_64.img", {}, false}));
  EXPECT_EQ(kernels[1],
            (KernelFiles{"vmlinuz-0-rescue-6a98", "0-rescue-6a98", "initramfs-0-rescue-6a98.img", {}, true}));
}

TEST(BootFolder, Arch) {
  const auto kernels = kernels_among({"vmlinuz-linux", "initramfs-linux.img", "initramfs-linux-fallback.img",
                                      "intel-ucode.img", "amd-ucode.img", "grub"});
  ASSERT_EQ(kernels.size(), 1U);
  EXPECT_EQ(kernels[0].initrd, "initramfs-linux.img");
  EXPECT_THAT(kernels[0].microcode, ElementsAre("intel-ucode.img", "amd-ucode.img"));
  EXPECT_THAT(pairs({"vmlinuz-linux-lts", "initramfs-linux-lts-fallback.img"}),
              ElementsAre("vmlinuz-linux-lts+initramfs-linux-lts-fallback.img"));
}

TEST(BootFolder, OpenSuse) {
  EXPECT_THAT(pairs({"vmlinuz", "initrd", "vmlinuz-6.4.0-150600.21-default", "initrd-6.4.0-150600.21-default",
                     "initrd-6.4.0-150600.21-default-kdump", "sysctl.conf-6.4.0-150600.21-default",
                     "vmlinux-6.4.0-150600.21-default.gz", ".vmlinuz-6.4.0-150600.21-default.hmac"}),
              ElementsAre("vmlinuz-6.4.0-150600.21-default+initrd-6.4.0-150600.21-default", "vmlinuz+initrd"));
}

TEST(BootFolder, GentooAlpineAndOwn) {
  EXPECT_THAT(pairs({"kernel-genkernel-x86_64-5.10.52-gentoo", "initramfs-genkernel-x86_64-5.10.52-gentoo"}),
              ElementsAre("kernel-genkernel-x86_64-5.10.52-gentoo+initramfs-genkernel-x86_64-5.10.52-gentoo"));
  EXPECT_THAT(pairs({"vmlinuz-lts", "initramfs-lts", "config-lts"}), ElementsAre("vmlinuz-lts+initramfs-lts"));
  EXPECT_THAT(pairs({"bzImage", "bzImage-6.9", "initramfs-6.9.img", "vmlinuz-6.1-gentoo.old"}),
              ElementsAre("bzImage-6.9+initramfs-6.9.img", "bzImage"));
}

TEST(BootFolder, NoKernels) {
  EXPECT_THAT(pairs({}), IsEmpty());
  EXPECT_THAT(pairs({"kernel", "kernel.img", "kernels", "vmlinuz-", "vmlinuz2", ".vmlinuz-1", "vmlinuz-1.hmac",
                     "vmlinuz-1.rpmsave", "vmlinuz-1~", "vmlinuz-1.bak", "initrd.img-1", ""}),
              IsEmpty());
}

TEST(BootFolder, Entries) {
  const KernelFiles files{"vmlinuz-1", "1", "initrd.img-1", {"amd-ucode.img"}, false};
  const BootEntry entry = kernel_entry(files, "/boot");
  EXPECT_EQ(entry.kind, EntryKind::Kernel);
  EXPECT_EQ(entry.id, "vmlinuz-1");
  EXPECT_EQ(entry.version, "1");
  EXPECT_EQ(entry.kernel, "/boot/vmlinuz-1");
  EXPECT_THAT(entry.initrds, ElementsAre("/boot/amd-ucode.img", "/boot/initrd.img-1"));
  EXPECT_EQ(kernel_entry(files, "/").kernel, "/vmlinuz-1");
  EXPECT_THAT(kernel_entry({"vmlinuz-1", "1", std::nullopt, {"amd-ucode.img"}, false}, "/boot").initrds, IsEmpty());
}

TEST(BootFolder, TheSameWhateverTheFoldersOrder) {
  std::vector<std::string> names{"vmlinuz-6_1", "vmlinuz-6=1", "kernel-6.1", "vmlinuz-6.1", "vmlinuz-0-rescue-1"};
  std::ranges::sort(names);
  const auto first = pairs(names);
  EXPECT_EQ(first.back(), "vmlinuz-0-rescue-1");
  do {
    EXPECT_EQ(pairs(names), first);
  } while (std::ranges::next_permutation(names).found);
}

}  // namespace
}  // namespace vhdboot::entry
