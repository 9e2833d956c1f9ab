// SPDX-License-Identifier: GPL-2.0-or-later
#include "init/guest/lvm_config.h"

#include <gmock/gmock.h>

#include "base/text.h"
#include "disk/lvm_text.h"

namespace vhdboot::guest {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

disk::LvmSection made(std::string_view config, std::string_view local) {
  const auto parsed = disk::parse_lvm_text(lvm_overrides(read_lvm_config(config, local), {"/dev/loop0"}, {"guest"}));
  EXPECT_TRUE(parsed) << parsed.error().text;
  return parsed.value_or(disk::LvmSection());
}

constexpr const char* kOurs = "a|^/dev/loop0(p[0-9]+)?$|";
constexpr const char* kOwnMaps = "a|^/dev/(mapper/|dm-)|";
constexpr const char* kNoOther = "r|.*|";

TEST(LvmConfig, NoOtherDiskIsSeen) {
  const auto devices = *made("", "").section("devices");
  EXPECT_EQ(devices.text("devicesfile"), "vhdboot.devices");
  EXPECT_EQ(devices.value("use_devicesfile"), nullptr);  // with 0 LVM renames the guest's file
  EXPECT_THAT(devices.value("filter")->items, ElementsAre(kOurs));
  EXPECT_THAT(devices.value("global_filter")->items, ElementsAre(kOurs, kOwnMaps, kNoOther));
}

TEST(LvmConfig, FurtherDisksAreTheGuestsToo) {
  const auto config = disk::parse_lvm_text(lvm_overrides({}, {"/dev/loop0", "/dev/loop1"}, {"guest"}));
  ASSERT_TRUE(config);
  constexpr const char* kSecond = "a|^/dev/loop1(p[0-9]+)?$|";
  EXPECT_THAT(config->section("devices")->value("filter")->items, ElementsAre(kOurs, kSecond));
  EXPECT_THAT(config->section("devices")->value("global_filter")->items,
              ElementsAre(kOurs, kSecond, kOwnMaps, kNoOther));
}

TEST(LvmConfig, TheGuestsFiltersStay) {
  const auto items = [](std::string_view config, std::string_view local, std::string_view name) {
    return made(config, local).section("devices")->value(name)->items;
  };
  // LVM replaces this one, and joins the other.
  constexpr std::string_view kConfig = "devices { global_filter = [ \"r|sdb|\" ] filter = [ \"a|sda3|\" ] }";
  EXPECT_THAT(items(kConfig, "", "global_filter"), ElementsAre(kOurs, "r|sdb|", kOwnMaps, kNoOther));
  EXPECT_THAT(items(kConfig, "", "filter"), ElementsAre(kOurs));
  EXPECT_THAT(items(kConfig, "devices { filter = [ \"a|\\\\x|\" ] }", "filter"), ElementsAre(kOurs, "a|\\x|"));
  EXPECT_THAT(items(kConfig, "devices/global_filter = \"r|sdc|\"\ndevices/scan_lvs = 0\n", "global_filter"),
              ElementsAre(kOurs, "r|sdc|", kOwnMaps, kNoOther));
  EXPECT_THAT(items("{{{", "}}}", "filter"), ElementsAre(kOurs));
}

TEST(LvmConfig, ListsOfWhatIsActivated) {
  const auto items = [](std::string_view config, std::string_view local, std::string_view name) {
    return made(config, local).section("activation")->value(name)->items;
  };
  EXPECT_EQ(made("activation { x = 1 }", "").section("activation"), nullptr);
  EXPECT_THAT(items("activation { auto_activation_volume_list = [] }", "", "auto_activation_volume_list"),
              ElementsAre("guest"));
  EXPECT_THAT(items("activation { volume_list = [ \"a\" ] }\nactivation { y = 1 }",
                    "activation { volume_list = [ \"guest\", \"b\" ] }", "volume_list"),
              ElementsAre("guest", "b"));
}

TEST(LvmConfig, OnceIsTwice) {
  const std::string once = with_overrides("local { x = 1 }", lvm_overrides({}, {"/dev/loop0"}, {"guest"}));
  EXPECT_TRUE(once.starts_with("local { x = 1 }\n# From vhdboot"));
  EXPECT_EQ(with_overrides(once, lvm_overrides({}, {"/dev/loop0"}, {"guest"})), once);
  EXPECT_EQ(with_overrides(once, ""), "local { x = 1 }\n");
}

TEST(LvmConfig, WhatHides) {
  const auto hides = [](std::string_view usual, std::string_view local) {
    return hides_devices(read_lvm_config(usual, local));
  };
  EXPECT_FALSE(hides("", ""));
  EXPECT_FALSE(hides("devices { use_devicesfile = 1 dir = \"/dev\" }", "local { }"));
  EXPECT_TRUE(hides("devices { filter = [ \"a|.*|\" ] }\ndevices { x = 1 }", ""));
  EXPECT_TRUE(hides("", "devices/global_filter = \"r|sda|\"\ndevices/x = 1\n"));
  EXPECT_TRUE(hides("activation { volume_list = [ \"x\" ] }", ""));
  EXPECT_TRUE(hides("devices { devicesfile = \"mine\" }", ""));
}

TEST(LvmConfig, TheUnitsTouchNothingThatIsNotThere) {
  const auto units = lvm_units();
  ASSERT_EQ(units.size(), 2U);
  EXPECT_THAT(units[0].text, HasSubstr("\nConditionPathExists=/etc/lvm/lvmlocal.conf\n"));
  EXPECT_THAT(units[0].text, HasSubstr("test -e /etc/lvm/devices/system.devices || grep"));
  EXPECT_THAT(units[1].text, HasSubstr("\nConditionPathIsMountPoint=/etc/lvm/lvmlocal.conf\n"));
}

}  // namespace
}  // namespace vhdboot::guest
