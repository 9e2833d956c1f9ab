// SPDX-License-Identifier: GPL-2.0-or-later
#include "init/guest/boot.h"

#include <gmock/gmock.h>

#include "base/text.h"
#include "entry/find_entries.h"
#include "init/guest/module_folder.h"
#include "init/guest/root.h"
#include "tests/unit/base/error_matchers.h"
#include "tests/unit/disk/memory_disk.h"

namespace vhdboot::guest {
namespace {

using test::Fails;
using test::make_kernel;
using test::MemoryDisk;
using test::MemoryPartition;
using test::to_buffer;
using ::testing::ElementsAre;

const MemoryPartition kEsp{.type = "vfat", .files = {}, .gpt_type = disk::kEspType};
const MemoryPartition kRoot{.type = "ext4",
                            .files = {{"/boot/vmlinuz-6.1", make_kernel()},
                                      {"/boot/initrd.img-6.1", to_buffer("initrd")},
                                      {"/etc/fstab", to_buffer("UUID=f52 / ext4 defaults 0 1\n")}},
                            .gpt_type = {}};

MemoryPartition root_with(const std::string& version, const std::string& fstab) {
  return {.type = "ext4",
          .files = {{"/boot/vmlinuz-" + version, make_kernel()}, {"/etc/fstab", to_buffer(fstab)}},
          .gpt_type = {}};
}

class Boots : public ::testing::Test {
 protected:
  void make(std::vector<MemoryPartition> partitions) {
    table_ = test::table_of(partitions);
    disk_ = std::make_unique<MemoryDisk>(table_, std::move(partitions));
  }
  // The first entry, open.
  Result<entry::GuestEntry> open() {
    found_ = entry::find_entries(*disk_, "");
    return TRY(choose_entry(found_, "", *disk_)).entry->open({});
  }
  disk::PartitionTable table_;
  std::unique_ptr<MemoryDisk> disk_;
  entry::FoundEntries found_;
};

TEST_F(Boots, AKernelOfDebianWithItsPlan) {
  make({kEsp, kRoot});
  auto entry = open();
  ASSERT_TRUE(entry);
  const auto line = make_command_line(*disk_, entry->parts.cmdline, {.options = "more"});
  ASSERT_TRUE(line);
  EXPECT_EQ(line->line.find("root"), "UUID=f52");
  EXPECT_TRUE(line->line.has("nohibernate"));
  EXPECT_TRUE(line->line.has("more"));
  const auto boot = plan_boot(*disk_, *entry, line->line);
  ASSERT_TRUE(boot);
  EXPECT_EQ(boot->release, "6.12.1-test");
  EXPECT_FALSE(boot->root);
}

TEST_F(Boots, ARootThatIsNotOnTheDisk) {
  for (const auto& [root, type, there] : {std::tuple("UUID=f52", "ext4", true),
                                          {"UUID=F52", "ext4", true},
                                          {"PARTUUID=part1", "ext4", true},
                                          {"UUID=deadbeef", "ext4", false},
                                          {"LABEL=cloudimg-rootfs", "ext4", false},
                                          {"/dev/disk/by-uuid/deadbeef", "ext4", false},
                                          // Only the guest knows.
                                          {"UUID=deadbeef", "crypto_LUKS", true},
                                          {"UUID=deadbeef", "LVM2_member", true},
                                          {"/dev/mapper/root", "ext4", true},
                                          {"/dev/dm-0", "ext4", true},
                                          {"/dev/block/8:1", "ext4", true},
                                          {"/dev/mapper/vg-root", "LVM2_member", true},
                                          {"/dev/md0", "linux_raid_member", true},
                                          {"ZFS=rpool", "zfs_member", true},
                                          // Nothing makes it.
                                          {"/dev/mapper/vg-root", "ext4", false},
                                          {"/dev/vg/root", "ext4", false},
                                          {"/dev/md0", "ext4", false},
                                          {"/dev/md/root", "ext4", false},
                                          {"ZFS=rpool/ROOT/x", "ext4", false},
                                          {"zfs:AUTO", "ext4", false},
                                          {"UUID=", "ext4", false},
                                          {"LABEL=", "crypto_LUKS", false},
                                          {"PARTUUID=part9/PARTNROFF=1", "ext4", true}}) {
    make({kEsp, kRoot, {.type = type, .files = {}, .gpt_type = {}}});
    auto entry = open();
    ASSERT_TRUE(entry);
    const auto boot = plan_boot(*disk_, *entry, kexec::CommandLine::parse(concat("root=", root)));
    EXPECT_EQ(boot.has_value(), there) << root << ' ' << type;
    if (!boot) {
      EXPECT_THAT(boot.error().text, ::testing::HasSubstr(concat("root=", root, " is nothing on the guest disk")));
    }
  }
}

TEST_F(Boots, ALuksVolumeThatIsNotOnTheDisk) {
  for (const auto& [options, type, lost] :
       {std::tuple("cryptdevice=UUID=dead:x root=/dev/mapper/x", "crypto_LUKS", "cryptdevice=UUID=dead:x"),
        {"rd.luks.uuid=luks-dead root=/dev/mapper/luks-dead", "crypto_LUKS", "rd.luks.uuid=luks-dead"},
        {"rd.luks.name=dead=x root=/dev/mapper/x", "crypto_LUKS", "rd.luks.name=dead=x"},
        {"luks.uuid=dead root=/dev/mapper/x", "ext4", "luks.uuid=dead"},
        {"cryptdevice=UUID=F53:x root=/dev/mapper/x", "crypto_LUKS", ""},
        {"cryptdevice=UUID=f53:x root=/dev/mapper/x", "crypto_LUKS", ""},
        {"rd.luks.uuid=luks-f5 root=/dev/mapper/luks-f53", "crypto_LUKS", ""},
        {"rd.luks.uuid=dead rd.luks.uuid=f53 root=/dev/mapper/x", "crypto_LUKS", ""},
        {"cryptdevice=/dev/sda3:x cryptdevice=UUID=dead:x root=/dev/mapper/x", "crypto_LUKS", ""},
        {"rd.luks.uuid=dead root=/dev/mapper/x", "LVM2_member", ""},
        {"rd.luks.uuid=dead root=UUID=f52", "crypto_LUKS", ""}}) {
    make({kEsp, kRoot, {.type = type, .files = {}, .gpt_type = {}}});
    auto entry = open();
    ASSERT_TRUE(entry);
    const auto boot = plan_boot(*disk_, *entry, kexec::CommandLine::parse(options));
    EXPECT_EQ(boot.has_value(), *lost == '\0') << options;
    if (!boot) {
      EXPECT_THAT(boot.error().text, ::testing::HasSubstr(concat(": ", lost, " is nothing on the guest disk")));
    }
  }
}

TEST_F(Boots, AKernelThatIsTooOld) {
  for (const auto& [version, fits] : {std::pair("5.7.19-1-amd64 (x) #1", false),
                                      {"4.19.0-27-amd64", false},
                                      {"3.10.0-1160.el7.x86_64", false},
                                      {"5.8.0-1", true},
                                      {"5.10.0-8-amd64", true},
                                      {"6.1", true},
                                      {"custom", true}}) {
    MemoryPartition root = kRoot;
    root.files["/boot/vmlinuz-6.1"] = make_kernel(version);
    make({root});
    auto entry = open();
    ASSERT_TRUE(entry);
    const auto boot = plan_boot(*disk_, *entry, kexec::CommandLine::parse("root=UUID=f51"));
    EXPECT_EQ(boot.has_value(), fits) << version;
    if (!boot) {
      EXPECT_EQ(boot.error().code, Code::Unsupported);
      EXPECT_THAT(boot.error().text, testing::HasSubstr("is too old: vhdboot needs 5.8 or newer"));
    }
  }
}

TEST_F(Boots, WithoutAnInitrdTheRootIsOurs) {
  MemoryPartition bare = kRoot;
  bare.files.erase("/boot/initrd.img-6.1");
  bare.files["/etc/fstab"] = to_buffer("/dev/sda1 / ext4 defaults 0 1\n");
  make({bare});
  auto entry = open();
  ASSERT_TRUE(entry);
  const auto line = make_command_line(*disk_, entry->parts.cmdline, {});
  ASSERT_TRUE(line);
  EXPECT_EQ(line->line.find("root"), "UUID=f51");
  const auto boot = plan_boot(*disk_, *entry, line->line);
  ASSERT_TRUE(boot && boot->root);
  EXPECT_EQ(*boot->root, (record::GuestRoot{.partition = 1, .read_only = true, .type = "ext4", .flags = ""}));
  EXPECT_EQ(boot->plan.guest_init, "/sbin/init");
}

TEST_F(Boots, TheTablesOfARoot) {
  MemoryPartition root = kRoot;
  root.files["/etc/crypttab"] = to_buffer("swap /dev/sda3 /dev/urandom swap\n");
  root.files["/var/cache/debconf/config.dat"] =
      to_buffer("Name: grub-pc/install_devices\nTemplate: x\nValue: /dev/sda\nOwners: grub-pc\n\n");
  make({root});
  auto tables = root_tables(*disk_, kexec::CommandLine::parse("root=UUID=f51")).value();
  ASSERT_TRUE(tables && tables->crypttab.size() == 1);
  EXPECT_EQ(tables->crypttab.front().device, "/dev/sda3");
  EXPECT_EQ(tables->grub_disks, "") << "the package is not there any more";
  root.files["/var/lib/dpkg/info/grub-pc.list"] = to_buffer("");
  make({root});
  tables = root_tables(*disk_, kexec::CommandLine::parse("root=UUID=f51")).value();
  EXPECT_EQ(tables->grub_disks, "/dev/sda");
}

TEST_F(Boots, WhichInitARootHas) {
  struct Init {
    bool has_systemd, has_other_init;
    bool operator==(const Init&) const = default;
  };
  const Init systemd{true, false}, other{false, true}, unknown{false, false};
  const auto init_of = [&](const std::string& options) {
    const auto tables = root_tables(*disk_, kexec::CommandLine::parse("root=UUID=f51 " + options)).value();
    return tables ? Init{tables->has_systemd, tables->has_other_init} : unknown;
  };
  MemoryPartition root = kRoot;
  root.inodes = {{"/usr/lib/systemd/systemd", 1},
                 {"/sbin/init", 1},
                 {"/sbin/openrc-init", 2},
                 {"/bin/bash", 3},
                 {"/nix/store/x/init", 4}};
  make({root});
  EXPECT_EQ(init_of(""), systemd);
  EXPECT_EQ(init_of("init=/usr/lib/systemd/systemd"), systemd);
  EXPECT_EQ(init_of("init=/sbin/openrc-init"), other);
  for (const char* told : {"init=/bin/bash", "init=/nix/store/x/init", "init=/sbin/no-init"})
    EXPECT_EQ(init_of(told), unknown) << told;
  root.inodes["/sbin/init"] = 5;
  make({root});
  EXPECT_EQ(init_of(""), other);
  root.inodes.erase("/sbin/init");
  make({root});
  EXPECT_EQ(init_of(""), unknown) << "nothing leads to the systemd that is there";
}

TEST(SparesKeeper, OnlyAnInitThatIsKnownToEndEverythingIsRefused) {
  EXPECT_TRUE(check_spares_keeper({}));
  EXPECT_THAT(check_spares_keeper({.has_other_init = true}), Fails(Code::Unsupported, "vhdtool provision --full"));
}

// What would stop the boot may stand in it.
TEST_F(Boots, ATableThatCannotBeReadIsNotEmpty) {
  const std::string long_one(entry::kMaxCrypttabBytes + 1, '#');
  for (const std::string path : {"/etc/crypttab", "/etc/fstab"}) {
    MemoryPartition root = kRoot;
    root.files[path] = to_buffer(long_one);
    make({root});
    const auto tables = root_tables(*disk_, kexec::CommandLine::parse("root=UUID=f51"));
    ASSERT_FALSE(tables);
    EXPECT_THAT(tables.error().message(), testing::HasSubstr(path));
  }
}

TEST_F(Boots, TheFstabOfTheRootThatIsNamed) {
  make({kRoot, root_with("6.1", "UUID=f53 /home ext4\n"), {.type = "crypto_LUKS", .files = {}, .gpt_type = {}}});
  const auto first_file = [&](std::string_view line) {
    const auto tables = root_tables(*disk_, kexec::CommandLine::parse(line)).value();
    return !tables ? "unknown" : tables->fstab.empty() ? "none" : tables->fstab.front().file;
  };
  EXPECT_EQ(first_file("root=UUID=f51"), "/");
  EXPECT_EQ(first_file("root=/dev/disk/by-partuuid/x root=UUID=f52"), "/home");
  for (const char* line : {"", "root=/dev/mapper/root", "root=UUID=f53", "root=UUID=f54"})
    EXPECT_EQ(first_file(line), "unknown") << line;
  make({{.type = "ext4", .files = {{"/sbin/init", to_buffer("")}}, .gpt_type = {}}});
  EXPECT_EQ(first_file("root=UUID=f51"), "none");
}

TEST_F(Boots, FromWhereSystemdIsToldThatItWasStarted) {
  MemoryPartition xbootldr = kRoot;
  xbootldr.gpt_type = disk::kXbootldrType;
  make({kRoot, kEsp, xbootldr});
  const auto told = [&](unsigned partition, const std::optional<RootTables>& tables) {
    return loader_partuuid(*disk_, disk_->partitions()[partition - 1], tables).value_or("nothing");
  };
  const auto mounted = [](std::string place) { return RootTables{.fstab = {{.file = std::move(place)}}}; };
  EXPECT_EQ(told(2, mounted("/")), "part2");
  EXPECT_EQ(told(3, RootTables()), "part2");
  EXPECT_EQ(told(1, mounted("/")), "nothing");  // GRUB tells nothing
  EXPECT_EQ(told(2, std::nullopt), "nothing");
  for (const char* place : {"/boot", "/efi", "/boot/efi/"}) EXPECT_EQ(told(2, mounted(place)), "nothing") << place;
}

TEST_F(Boots, ModulesOfTheLikeliestRoot) {
  MemoryPartition root = kRoot;
  root.files["/usr/lib/modules/6.1/modules.dep"] = to_buffer("loop.ko:\n");
  make({{.type = "crypto_LUKS", .files = {}, .gpt_type = disk::kRootX8664Type}, kEsp});
  const ModuleRequest request{.release = "6.1", .root_option = "UUID=f52", .root_flags = ""};
  auto search = find_module_folder(*disk_, nullptr, {}, {.release = "6.1", .root_option = "", .root_flags = ""});
  ASSERT_TRUE(search);
  EXPECT_FALSE(search->folder);
  EXPECT_EQ(search->reason, "partition 1 of the guest disk is encrypted");
  make({kRoot, root});
  search = find_module_folder(*disk_, nullptr, {}, request);
  ASSERT_TRUE(search && search->folder);
  EXPECT_THAT(disk_->opened, ElementsAre(2));
  EXPECT_TRUE(read_index(*search->folder)->has("loop"));
  root.files["/usr/lib/modprobe.d/a.conf"] = to_buffer("options loop max_loop=1\nblacklist a\n");
  root.files["/etc/modprobe.d/a.conf"] = to_buffer("options loop max_loop=2\n");
  root.files["/etc/modprobe.d/b.conf"] = to_buffer("options loop max_part=3\n");
  root.files["/etc/modprobe.d/c.conf.off"] = to_buffer("options loop max_part=4\n");
  make({kRoot, root});
  search = find_module_folder(*disk_, nullptr, {}, request);
  ASSERT_TRUE(search && search->folder);
  const auto modprobe = read_modprobe(*search->folder, kexec::CommandLine::parse("loop.hw_queue_depth=5"));
  EXPECT_EQ(modprobe.options_of("loop"), "max_loop=2 max_part=3 hw_queue_depth=5");
  EXPECT_THAT(modprobe.blacklist, testing::IsEmpty()) << "the file of /etc counts";
  EXPECT_THAT(find_module_folder(*disk_, nullptr, {}, {.release = "../6.1", .root_option = "", .root_flags = ""}),
              Fails(Code::Invalid, "kernel release"));
}

TEST_F(Boots, ModulesInASubvolumeThatIsNotThere) {
  make({{.type = "btrfs", .files = {}, .gpt_type = {}}});
  const auto search =
      find_module_folder(*disk_, nullptr, {}, {.release = "6.1", .root_option = "", .root_flags = "subvol=nowhere"});
  ASSERT_TRUE(search);
  EXPECT_EQ(search->reason, "partition 1 of the guest disk has no subvol=nowhere");
}

TEST_F(Boots, ModulesOfAFolderThatIsNamed) {
  MemoryPartition root = kRoot;
  root.files["/usr/lib/modules/6.1/modules.dep"] = to_buffer("ahci.ko:\n");
  make({root});
  std::map<std::string, unsigned> reads;
  const ModuleRequest request{.release = "6.1", .root_option = "UUID=f51", .root_flags = ""};
  const record::Config config{.options = {}, .modules_folder = "/vhd/modules"};
  for (const char* place : {"/vhd/modules/6.1", "/vhd/modules/usr/lib/modules/6.1", "/vhd/modules/lib/modules/6.1"}) {
    const test::MemoryTree host({{std::string(place) + "/modules.dep", to_buffer("loop.ko:\n")}}, reads);
    const auto search = find_module_folder(*disk_, &host, config, request);
    ASSERT_TRUE(search && search->folder) << place;
    EXPECT_TRUE(read_index(*search->folder)->has("loop"));
    EXPECT_FALSE(read_index(*search->folder)->has("ahci"));
  }
  const test::MemoryTree other({{"/vhd/modules/6.2/modules.dep", to_buffer("loop.ko:\n")}}, reads);
  EXPECT_EQ(find_module_folder(*disk_, &other, config, request)->reason,
            "the folder /vhd/modules on the volume has no modules of kernel 6.1");
  EXPECT_EQ(find_module_folder(*disk_, nullptr, config, request)->reason,
            "the volume with the folder of `modules-from` is not known");
  test::MemoryTree damaged({{"/vhd/modules/6.1/modules.dep", to_buffer("")}}, reads);
  damaged.damage("/vhd/modules/6.1/modules.dep");
  EXPECT_THAT(find_module_folder(*disk_, &damaged, config, request),
              Fails(Code::Io, "/vhd/modules/6.1/modules.dep: I/O error"));
  EXPECT_THAT(disk_->opened, testing::IsEmpty());
}

TEST_F(Boots, ModulesOfNixosAreBesideItsInit) {
  MemoryPartition root{.type = "ext4", .files = {}, .gpt_type = {}};
  const std::string system = "/nix/store/abc-nixos-system";
  root.files[system + "/kernel-modules/lib/modules/6.6.30/modules.dep"] = to_buffer("loop.ko:\n");
  root.files["/etc/modprobe.d/a.conf"] = to_buffer("options loop max_loop=2\n");
  make({kEsp, root});
  const auto search = find_module_folder(
      *disk_, nullptr, {}, module_request("6.6.30", kexec::CommandLine::parse("init=" + system + "/init root=fstab")));
  ASSERT_TRUE(search && search->folder) << (search ? search->reason : search.error().text);
  EXPECT_TRUE(read_index(*search->folder)->has("loop"));
  EXPECT_EQ(read_modprobe(*search->folder, {}).options_of("loop"), "max_loop=2");
  const auto none =
      find_module_folder(*disk_, nullptr, {}, module_request("6.6.30", kexec::CommandLine::parse("init=/sbin/init")));
  ASSERT_TRUE(none);
  EXPECT_EQ(none->reason, "partition 2 of the guest disk has no modules of kernel 6.6.30") << "not the ESP";
}

TEST_F(Boots, WhatOstreeDeployed) {
  MemoryPartition root{.type = "ext4", .files = {}, .gpt_type = {}};
  const std::string deployment = "/ostree/boot.1/fedora/abc/0";
  root.files[deployment + "/usr/lib/modules/6.11/modules.dep"] = to_buffer("loop.ko:\n");
  root.files[deployment + "/etc/fstab"] = to_buffer("UUID=f51 /sysroot ext4\n");
  root.files[deployment + "/usr/lib/modprobe.d/a.conf"] = to_buffer("options loop max_loop=3\n");
  make({root});
  const auto line = kexec::CommandLine::parse("root=UUID=f51 ostree=" + deployment);
  const auto search = find_module_folder(*disk_, nullptr, {}, module_request("6.11", line));
  ASSERT_TRUE(search && search->folder);
  EXPECT_EQ(read_modprobe(*search->folder, {}).options_of("loop"), "max_loop=3");
  const auto tables = root_tables(*disk_, line).value();
  ASSERT_TRUE(tables && tables->fstab.size() == 1);
  EXPECT_EQ(tables->fstab.front().file, "/sysroot");
  EXPECT_THAT(system_folders("/a/../b"), ElementsAre(""));
  EXPECT_THAT(system_folders("relative"), ElementsAre(""));
}

}  // namespace
}  // namespace vhdboot::guest
