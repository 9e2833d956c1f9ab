// SPDX-License-Identifier: GPL-2.0-or-later
#include "init/guest/other_kernel.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <fstream>
#include <sstream>

#include "tests/unit/base/error_matchers.h"
#include "tests/unit/disk/memory_disk.h"

namespace vhdboot::guest {
namespace {

using test::Fails;
using test::Files;
using test::MemoryDisk;
using test::MemoryPartition;
using test::MemoryTree;
using test::to_buffer;
using testing::HasSubstr;

const MemoryPartition kRoot{.type = "ext4", .files = {{"/etc/fstab", to_buffer("")}}, .gpt_type = {}};

Result<std::string> options_for(std::vector<MemoryPartition> partitions, std::string_view configured = "") {
  const auto table = test::table_of(partitions);
  MemoryDisk disk(table, std::move(partitions));
  return other_kernel_options(disk, configured);
}

TEST(OtherKernelOptions, TheGuestsRoot) {
  EXPECT_THAT(options_for({kRoot}).value(), testing::StartsWith("root=UUID=f51 rw noresume "));
  EXPECT_THAT(options_for({kRoot, kRoot}), Fails(Code::Unsupported, "several root file systems: with `kernel`, say"));
  EXPECT_THAT(options_for({}), Fails(Code::Unsupported, "no root file system"));
  EXPECT_THAT(options_for({kRoot, kRoot}, "root=UUID=f52").value(), testing::StartsWith("rw noresume "));
}

class OtherKernelFiles : public testing::Test {
 protected:
  Result<std::vector<GuestFile>> files_for(Files guest, const disk::GuestPartition& partition,
                                           const std::string& release = "6.1", std::string_view flags = "subvol=@",
                                           bool makes_folder = false) {
    guest_ = std::make_unique<MemoryTree>(std::move(guest), reads_);
    const disk::Folder root(*guest_);
    const ModuleFolder modules{root, disk::Folder(*guest_, "/usr/lib/modules/" + release), release, &partition};
    std::ifstream file(SOURCE_FOLDER "/fs-skeleton/kernel");
    std::ostringstream text;
    text << file.rdbuf();
    return other_kernel_files(root, makes_folder, modules, flags, text.str());
  }
  static std::string script(const std::vector<GuestFile>& files) {
    const auto found = std::ranges::find(files, "vhdboot/kernel.sh", &GuestFile::name);
    return found == files.end() ? "" : found->text;
  }

  const disk::Partition entry{.number = 2, .partuuid = {}, .name = {}};
  const disk::GuestPartition ext4{.entry = &entry, .device = {}, .type = "ext4", .identity = {}};
  const disk::GuestPartition whole{.device = {}, .type = "btrfs", .identity = {}};

 private:
  std::map<std::string, unsigned> reads_;
  std::unique_ptr<MemoryTree> guest_;
};

TEST_F(OtherKernelFiles, OverTheFolderOfItsRelease) {
  const auto files = files_for({{"/lib/modules/6.1/x", {}}}, ext4);
  ASSERT_TRUE(files);
  EXPECT_THAT(script(*files), HasSubstr("mount -t 'ext4' -o 'ro,noload' \"$(cat /run/vhdboot/kernel-disk)\"p2 $place\n"
                                        "test -d '/lib/modules/6.1'\n"
                                        "mount --bind $place'/usr/lib/modules/6.1' '/lib/modules/6.1'\n"));
}

TEST_F(OtherKernelFiles, OverOneThatIsMadeInARootThatForgets) {
  for (const Files& guest : {Files{{"/etc/x", {}}}, Files{{"/lib/modules/x", {}}}, Files{{"/lib/modules/6.1/x", {}}}}) {
    const auto files = files_for(guest, ext4, "6.1", "", true);
    ASSERT_TRUE(files);
    EXPECT_THAT(script(*files), HasSubstr("mkdir -p '/lib/modules/6.1'\n"
                                          "mount --bind $place'/usr/lib/modules/6.1' '/lib/modules/6.1'\n"));
  }
}

TEST_F(OtherKernelFiles, OverThatOfAll) {
  const auto files = files_for({{"/lib/modules/6.6-WSL2/x", {}}}, whole);
  ASSERT_TRUE(files);
  EXPECT_THAT(script(*files), HasSubstr("mount -t 'btrfs' -o 'ro,rescue=nologreplay,subvol=@' "
                                        "\"$(cat /run/vhdboot/kernel-disk)\"  $place\n"
                                        "test -d '/lib/modules'\n"
                                        "mount --bind $place'/usr/lib/modules' '/lib/modules'\n"));
}

TEST_F(OtherKernelFiles, WhatCannotBeShown) {
  EXPECT_THAT(files_for({{"/etc/x", {}}}, ext4), Fails(Code::Unsupported, "the guest has no folder /lib/modules"));
  const disk::GuestPartition volume{.device = {}, .type = "ext4", .identity = {}, .group = "g", .volume = "root"};
  EXPECT_THAT(files_for({{"/lib/modules/6.1/x", {}}}, volume), Fails(Code::Unsupported, "its modules lie on LVM"));
}

TEST_F(OtherKernelFiles, NothingForeignIsPutIntoAScript) {
  const Files guest{{"/lib/modules/x", {}}};
  EXPECT_TRUE(files_for(guest, ext4, "6.1.0-1+deb12~bpo_x"));
  for (const char* release : {"6.1;reboot", "6.1'", "$(x)", "6 1", "`x`"})
    EXPECT_THAT(files_for(guest, ext4, release), Fails(Code::Unsupported, "characters that cannot be passed on"));
  for (const char* flags : {"subvol=@'", "subvol=$x", "subvol=a b"})
    EXPECT_THAT(files_for(guest, whole, "6.1", flags), Fails(Code::Unsupported, "characters that cannot be passed on"));
}

}  // namespace
}  // namespace vhdboot::guest
