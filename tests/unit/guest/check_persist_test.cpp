// SPDX-License-Identifier: GPL-2.0-or-later
#include "init/guest/check_persist.h"

#include <gmock/gmock.h>

#include "base/text.h"
#include "tests/unit/base/error_matchers.h"
#include "tests/unit/disk/memory_disk.h"

namespace vhdboot::guest {
namespace {

using test::Fails;
using test::MemoryPartition;

TEST(CheckPersist, OneFileSystem) {
  const MemoryPartition partition{.type = "ext4", .files = {}, .bytes = {}};
  EXPECT_EQ(*persist_partition({.scheme = disk::Scheme::None}), 0U);
  EXPECT_EQ(*persist_partition(test::table_of({partition})), 1U);
  EXPECT_THAT(persist_partition(test::table_of({})), Fails(Code::Unsupported, "it must have one file system"));
  EXPECT_THAT(persist_partition(test::table_of({partition, partition})), Fails(Code::Unsupported, "one file system"));
}

TEST(CheckPersist, OfLinux) {
  EXPECT_TRUE(check_persist_type("ext4"));
  EXPECT_TRUE(check_persist_type("btrfs"));
  EXPECT_THAT(check_persist_type(""), Fails(Code::Unsupported, "it holds nothing, and no file system"));
  for (const auto* wrong : {"vfat", "ntfs", "exfat", "swap", "LVM2_member", "crypto_LUKS"})
    EXPECT_THAT(check_persist_type(wrong), Fails(Code::Unsupported, concat("it holds ", wrong, ", and no file system")))
        << wrong;
}

TEST(CheckPersist, NotTakenForTheGuestsOwn) {
  const std::vector<MemoryPartition> one{{.type = "ext4", .files = {}, .label = "root", .bytes = {}}};
  const std::vector<MemoryPartition> two{{.type = "vfat", .files = {}, .bytes = {}},
                                         {.type = "ext4", .files = {}, .label = "root", .bytes = {}}};
  const auto table = test::table_of(one);
  const auto own_table = test::table_of(two);
  const test::MemoryDisk own(own_table, two);
  const test::MemoryDisk copy(table, one);
  EXPECT_THAT(check_persist(copy, own, {}), Fails(Code::Unsafe, "it has the UUID or label of partition 1"));
  EXPECT_THAT(check_persist(own, copy, {}), Fails(Code::Unsupported, "one file system"));
}

TEST(CheckPersist, NotTakenForAFurtherDisk) {
  const std::vector<MemoryPartition> one{{.type = "ext4", .files = {}, .label = "keep", .bytes = {}}};
  const auto table = test::table_of(one);
  const auto no_table = test::table_of({});
  const test::MemoryDisk persist(table, one);
  const test::MemoryDisk own(no_table, {});
  EXPECT_TRUE(check_persist(persist, own, {{.path = "data.vhd", .identity = {.label = "data"}, .disk = 1}}));
  EXPECT_THAT(check_persist(persist, own, {{.path = "data.vhd", .identity = {.label = "keep"}, .disk = 1}}),
              Fails(Code::Unsafe, "it has the UUID or label of data.vhd"));
}

TEST(CheckPersist, DirectoriesOfTheGuest) {
  EXPECT_TRUE(check_persist_paths("/home", {}));
  EXPECT_THAT(check_persist_paths("/home", {.has_other_init = true}),
              Fails(Code::Unsupported, "needs a guest with systemd"));
  const RootTables tables{.fstab = {{.spec = "LABEL=home", .file = "/home/"}}};
  EXPECT_THAT(check_persist_paths("/var/log /home", tables),
              Fails(Code::Unsupported, "`persist-paths` names /home, where the guest's fstab mounts something"));
  EXPECT_TRUE(check_persist_paths("/home/me /var", tables));
}

}  // namespace
}  // namespace vhdboot::guest
