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
  make({kRoot});
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

TEST_F(Boots, TheFstabOfTheRootThatIsNamed) {
  make({kRoot, root_with("6.1", "UUID=f53 /home ext4\n"), {.type = "crypto_LUKS", .files = {}, .gpt_type = {}}});
  const auto first_file = [&](std::string_view line) {
    const auto fstab = root_fstab(*disk_, kexec::CommandLine::parse(line));
    return !fstab ? "unknown" : fstab->empty() ? "none" : fstab->front().file;
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
  const auto told = [&](unsigned partition, const std::optional<std::vector<entry::FstabEntry>>& fstab) {
    return loader_partuuid(*disk_, disk_->partitions()[partition - 1], fstab).value_or("nothing");
  };
  const auto mounted = [](std::string place) { return std::vector<entry::FstabEntry>{{.file = std::move(place)}}; };
  EXPECT_EQ(told(2, mounted("/")), "part2");
  EXPECT_EQ(told(3, std::vector<entry::FstabEntry>()), "part2");
  EXPECT_EQ(told(1, mounted("/")), "nothing");  // GRUB tells nothing
  EXPECT_EQ(told(2, std::nullopt), "nothing");
  for (const char* place : {"/boot", "/efi", "/boot/efi/"}) EXPECT_EQ(told(2, mounted(place)), "nothing") << place;
}

TEST_F(Boots, ModulesOfTheLikeliestRoot) {
  MemoryPartition root = kRoot;
  root.files["/usr/lib/modules/6.1/modules.dep"] = to_buffer("loop.ko:\n");
  make({{.type = "crypto_LUKS", .files = {}, .gpt_type = disk::kRootX8664Type}, kEsp});
  const ModuleRequest request{.release = "6.1", .root_option = "UUID=f52", .root_flags = ""};
  auto search = find_module_folder(*disk_, {}, {.release = "6.1", .root_option = "", .root_flags = ""});
  ASSERT_TRUE(search);
  EXPECT_FALSE(search->folder);
  EXPECT_EQ(search->reason, "partition 1 of the guest disk is encrypted");
  make({kRoot, root});
  search = find_module_folder(*disk_, {}, request);
  ASSERT_TRUE(search && search->folder);
  EXPECT_THAT(disk_->opened, ElementsAre(2));
  EXPECT_TRUE(read_index(*search->folder)->has("loop"));
  EXPECT_THAT(find_module_folder(*disk_, {}, {.release = "../6.1", .root_option = "", .root_flags = ""}),
              Fails(Code::Invalid, "kernel release"));
}

}  // namespace
}  // namespace vhdboot::guest
