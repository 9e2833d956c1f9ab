// SPDX-License-Identifier: GPL-2.0-or-later
#include "init/guest/root_device.h"

#include "tests/unit/base/error_matchers.h"

namespace vhdboot::guest {
namespace {

using test::Fails;
using ::testing::HasSubstr;

constexpr std::uint64_t kNoAuto = 1ULL << 63;

PartitionFacts partition(unsigned number, std::string_view partuuid, std::string_view fs_uuid) {
  return {.number = number, .partuuid = std::string(partuuid), .fs_type = "ext4", .fs_uuid = std::string(fs_uuid)};
}

DiskFacts gpt() {
  return {.scheme = disk::Scheme::Gpt, .partitions = {partition(1, "p-1", "1234-ABCD"), partition(2, "p-2", "f-2")}};
}

DiskFacts gpt_with_root() {
  DiskFacts disk = gpt();
  disk.partitions[1].type = disk::kRootX8664Type;
  return disk;
}

Result<RootChange> map(std::string_view line, const DiskFacts& disk) {
  return map_root(kexec::CommandLine::parse(line), disk);
}

std::string root_of(std::string_view line, const DiskFacts& disk) {
  const auto change = map(line, disk);
  if (!change) return change.error().text;
  return change->root.value_or("unchanged") + change->append;
}

TEST(MapRoot, DeviceNames) {
  for (const auto root : {"root=/dev/sda2", "quiet root=/dev/nvme0n1p2 ro", "root=\"/dev/vda2\"",
                          "root=block:/dev/hda2", "root=UUID=x root=/dev/mmcblk0p2"})
    EXPECT_EQ(root_of(root, gpt()), "UUID=f-2") << root;
  EXPECT_THAT(map("root=/dev/sda3", gpt()),
              Fails(Code::NotFound, "\"/dev/sda3\", but its disk has the partitions 1, 2"));
  EXPECT_THAT(map("root=/dev/sda", gpt()), Fails(Code::NotFound, "the whole disk"));
  EXPECT_THAT(map("root=/dev/sdb2", gpt()), Fails(Code::NotFound, "only one disk is there"));
  EXPECT_THAT(map("root=/dev/vdb", gpt()), Fails(Code::NotFound, "only one disk is there"));
  EXPECT_THAT(map("root=/dev/nvme1n1p2", gpt()), Fails(Code::NotFound, "only one disk is there"));
}

TEST(MapRoot, WhatIsFoundByContentStays) {
  for (const auto root : {"root=UUID=f-2", "root=LABEL=x", "root=PARTUUID=p-2", "root=/dev/mapper/vg-root",
                          "root=/dev/vg/lv", "root=/dev/disk/by-uuid/f-2", "root=/dev/dm-0", "root=ZFS=a/b", "root=nfs",
                          "root=tmpfs", "root=PARTUUID=x/PARTNROFF=1", "root=10.0.0.1:/x"})
    EXPECT_EQ(root_of(root, gpt_with_root()), "unchanged") << root;
}

TEST(MapRoot, Numbers) {
  for (const auto root : {"root=08:02", "root=8:2:0", "root=0802", "root=802", "root=0x802", "root=fe01"})
    EXPECT_THAT(map(root, gpt()), Fails(Code::Unsupported, "by number")) << root;
}

TEST(MapRoot, WithoutAPartuuid) {
  DiskFacts disk{.scheme = disk::Scheme::Mbr, .partitions = {partition(1, "00000000-01", "f-1"), partition(2, "", "")}};
  EXPECT_EQ(root_of("root=/dev/sda1", disk), "UUID=f-1");
  EXPECT_THAT(map("root=/dev/sda2", disk), Fails(Code::Unsupported, "no UUID to find it by"));
}

TEST(MapRoot, BareFileSystem) {
  DiskFacts disk{.scheme = disk::Scheme::None, .partitions = {}, .fs_type = "ext4", .fs_uuid = "f-0"};
  EXPECT_EQ(root_of("root=/dev/sda", disk), "UUID=f-0");
  EXPECT_THAT(map("root=/dev/sda1", disk), Fails(Code::NotFound, "no partition table"));
  EXPECT_EQ(root_of("root=UUID=dead", disk), "unchanged") << "it may be a /boot, or a person says so";
  disk.holds_system = true;
  // As WSL's own kernel has it, and as its images say.
  for (const char* root :
       {"root=/dev/sda1", "root=/dev/sdd", "root=LABEL=cloudimg-rootfs", "root=UUID=dead", "boot=local", "ro", ""})
    EXPECT_EQ(root_of(root, disk), "UUID=f-0") << root;
  for (const char* live : {"boot=live", "boot=casper root=/dev/sda1", "root=live:CDLABEL=x", "root=/dev/ram0",
                           "root=fstab", "root=/dev/mapper/x", "root=tmpfs", "root=UUID=x roothash=00", "loop=x"})
    EXPECT_NE(map(live, disk).value_or(RootChange{}).root, "UUID=f-0") << live;
  disk.holds_system = false;
  disk.fs_uuid.clear();
  EXPECT_THAT(map("root=/dev/vda", disk), Fails(Code::Unsupported, "without a UUID"));
  disk.fs_type.clear();
  EXPECT_THAT(map("root=/dev/vda", disk), Fails(Code::Unsupported, "no file system"));
}

TEST(MapRoot, AFileOnAnotherVolume) {
  const DiskFacts bare{.scheme = disk::Scheme::None, .partitions = {}, .fs_type = "ext4", .fs_uuid = "f-0"};
  const RootChange image{.root = "UUID=f-0", .append = "", .remove = "loop"};
  for (const char* root : {"UUID=0123456789ABCDEF", "/dev/sda1", "PARTUUID=12345678-01"})
    EXPECT_EQ(map(std::string("ro loop=/ubuntu/disks/root.disk root=") + root, bare).value(), image) << root;
  EXPECT_THAT(map("root=UUID=0123456789ABCDEF loop=/root.disk", gpt()),
              Fails(Code::Unsupported, "was the file \"/root.disk\""));
  // It is about something else.
  EXPECT_EQ(root_of("root=UUID=f-0 loop=/live.squashfs", bare), "unchanged");
  EXPECT_EQ(root_of("root=UUID=f-2 loop=/live.squashfs", gpt()), "unchanged");
  EXPECT_EQ(root_of("root=UUID=0123456789ABCDEF loop=max", bare), "unchanged");
  EXPECT_EQ(root_of("root=LABEL=x loop=/y", bare), "unchanged");
  auto line = kexec::CommandLine::parse("ro root=UUID=x loop=/root.disk quiet");
  ASSERT_TRUE(apply(image, line));
  EXPECT_EQ(line.text(), "ro root=UUID=f-0 quiet");
}

TEST(MapRoot, WhereTheImageWasMade) {
  EXPECT_EQ(root_of("root=/dev/loop7p2", gpt()), root_of("root=/dev/sda2", gpt()));
  EXPECT_EQ(root_of("root=/dev/mapper/loop0p2", gpt()), root_of("root=/dev/sda2", gpt()));
}

TEST(MapRoot, Discovered) {
  EXPECT_EQ(root_of("quiet", gpt_with_root()), "UUID=f-2");
  EXPECT_EQ(root_of("root=gpt-auto", gpt_with_root()), "UUID=f-2");
  EXPECT_EQ(root_of("root=", gpt_with_root()), "UUID=f-2");
  EXPECT_EQ(root_of("roothash=0123", gpt_with_root()), "unchanged");
  EXPECT_EQ(root_of("quiet", gpt()), "unchangedrd.systemd.gpt_auto=0");
  EXPECT_THAT(map("root=gpt-auto", gpt()), Fails(Code::NotFound, "has no partition of the type"));
  DiskFacts disk = gpt_with_root();
  disk.partitions[1].attributes = kNoAuto;
  EXPECT_EQ(root_of("quiet", disk), "unchangedrd.systemd.gpt_auto=0");
  disk = gpt_with_root();
  disk.scheme = disk::Scheme::Mbr;
  EXPECT_EQ(discoverable_root(disk), nullptr);
}

TEST(MapRoot, DiscoveredAndEncrypted) {
  DiskFacts disk = gpt_with_root();
  disk.partitions[1].fs_type = "crypto_LUKS";
  EXPECT_EQ(map("quiet", disk).value(), (RootChange{"/dev/mapper/root", "rd.luks.name=f-2=root"}));
  EXPECT_EQ(map("rd.luks.name=F-2=main rd.luks.name=other=swap", disk).value(), (RootChange{"/dev/mapper/main", ""}));
  EXPECT_EQ(map("rd.luks.name=other=swap", disk).value(), (RootChange{"/dev/mapper/root", "rd.luks.name=f-2=root"}));
  disk.partitions[1].fs_uuid.clear();
  EXPECT_THAT(map("quiet", disk), Fails(Code::Unsupported, "partition 2 is encrypted"));
}

TEST(MapRoot, Applied) {
  auto line = kexec::CommandLine::parse("quiet root=/dev/sda2 rd.luks.name=other=swap -- 3");
  ASSERT_TRUE(apply(RootChange{"/dev/mapper/root", "rd.luks.name=f-2=root"}, line));
  EXPECT_EQ(line.text(), "quiet root=/dev/mapper/root rd.luks.name=other=swap rd.luks.name=f-2=root -- 3");
  ASSERT_TRUE(apply(RootChange{}, line));
  EXPECT_THAT(line.text(), HasSubstr("root=/dev/mapper/root"));
}

TEST(MapRoot, OtherParameters) {
  EXPECT_EQ(name_by_content("/dev/sda1", gpt()).value(), "UUID=1234-ABCD");
  EXPECT_EQ(name_by_content("LABEL=swap", gpt()).value(), std::nullopt);
}

TEST(MapRoot, AUuidThatACloneHasTooNamesNothing) {
  DiskFacts disk = gpt();
  disk.partitions[0].fs_uuid = disk.partitions[1].fs_uuid;
  EXPECT_EQ(root_of("root=/dev/sda2", disk), "PARTUUID=p-2");
}

TEST(MapRoot, WhereTheDiskWasBefore) {
  for (const auto* root : {"root=/dev/disk/by-id/ata-X-part2", "root=/dev/disk/by-path/pci-0-part2"})
    EXPECT_THAT(map(root, gpt()), Fails(Code::Unsupported, "the disk that it was on before")) << root;
  EXPECT_EQ(root_of("root=/dev/disk/by-uuid/f-2", gpt()), "unchanged");
}

TEST(MapRoot, WithoutAFileSystemUuidByThePartitions) {
  DiskFacts disk = gpt();
  disk.partitions[1].fs_uuid.clear();
  EXPECT_EQ(root_of("root=/dev/sda2", disk), "PARTUUID=p-2");
}

TEST(DiskFacts, FromATable) {
  disk::PartitionTable table{.scheme = disk::Scheme::Gpt};
  table.partitions = {{.number = 3, .type = disk::kRootX8664Type, .partuuid = "p-3", .attributes = kNoAuto}};
  const DiskFacts disk = facts_of(table);
  EXPECT_EQ(disk.scheme, disk::Scheme::Gpt);
  ASSERT_EQ(disk.partitions.size(), 1U);
  EXPECT_EQ(disk.partitions[0],
            (PartitionFacts{.number = 3, .partuuid = "p-3", .type = disk::kRootX8664Type, .attributes = kNoAuto}));
}

}  // namespace
}  // namespace vhdboot::guest
