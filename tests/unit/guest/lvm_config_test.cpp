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
  const auto parsed = disk::parse_lvm_text(lvm_local_config(config, local, "/dev/loop0", {"guest"}).text);
  EXPECT_TRUE(parsed) << parsed.error().text;
  return parsed.value_or(disk::LvmSection());
}

constexpr const char* kOurs = "a|^/dev/loop0(p[0-9]+)?$|";

TEST(LvmConfig, AnotherDevicesFile) {
  for (const char* config : {"devices {\n# use_devicesfile = 1\n}\n", ""}) {
    const auto devices = *made(config, "").section("devices");
    EXPECT_EQ(devices.text("devicesfile"), "vhdboot.devices");
    EXPECT_EQ(devices.value("use_devicesfile"), nullptr);  // with 0 LVM renames the guest's file
  }
  // Of a version that knows none.
  EXPECT_EQ(made("devices { dir = \"/dev\" }\n", "").section("devices")->value("devicesfile"), nullptr);
}

TEST(LvmConfig, FiltersBeginWithTheGuestDisk) {
  const auto config = made("devices { filter = [ \"a|sda3|\", \"r|.*|\" ] }",
                           "devices { global_filter = [ \"a|\\\\x|\", \"r|.*|\" ] }\nlocal { system_id = \"s\" }");
  EXPECT_THAT(config.section("devices")->value("filter")->items, ElementsAre(kOurs));
  EXPECT_THAT(config.section("devices")->value("global_filter")->items, ElementsAre(kOurs, "a|\\x|", "r|.*|"));
  EXPECT_EQ(config.section("local")->text("system_id"), "s");
}

TEST(LvmConfig, ListsOfWhatIsActivated) {
  EXPECT_EQ(made("activation { x = 1 }", "").section("activation"), nullptr);
  EXPECT_THAT(made("activation { auto_activation_volume_list = [] }", "")
                  .section("activation")
                  ->value("auto_activation_volume_list")
                  ->items,
              ElementsAre("guest"));
  const auto both = made("activation { volume_list = [ \"a\" ] }", "activation { volume_list = [ \"guest\", \"b\" ] }");
  EXPECT_THAT(both.section("activation")->value("volume_list")->items, ElementsAre("guest", "b"));
}

TEST(LvmConfig, OnceIsTwice) {
  const LvmLocalConfig once = lvm_local_config("", "local { x = 1 }\n", "/dev/loop0", {"guest"});
  EXPECT_EQ(lvm_local_config("", once.text, "/dev/loop0", {"guest"}), once);
}

TEST(LvmConfig, WhetherItIsNeeded) {
  const auto needed = [](std::string_view config, std::string_view local) {
    return lvm_local_config(config, local, "/dev/loop0", {"guest"}).is_needed;
  };
  EXPECT_FALSE(needed("", ""));
  EXPECT_FALSE(needed("devices { use_devicesfile = 1 dir = \"/dev\" }", "local { }"));
  EXPECT_TRUE(needed("devices { filter = [ \"a|.*|\" ] }", ""));
  EXPECT_TRUE(needed("", "devices/global_filter = \"r|sda|\""));
  EXPECT_TRUE(needed("activation { volume_list = [ \"x\" ] }", ""));
  EXPECT_TRUE(needed("devices { devicesfile = \"mine\" }", ""));
}

TEST(LvmConfig, WhatIsNoConfiguration) {
  EXPECT_THAT(made("{{{", "}}}").section("devices")->value("filter")->items, ElementsAre(kOurs));
}

TEST(LvmConfig, TheUnitTouchesNothingThatIsNotThere) {
  const std::string devices_file = "\nConditionPathExists=/etc/lvm/devices/system.devices\n";
  for (const bool needed : {false, true}) {
    const std::string unit = lvm_config_unit({.text = "", .is_needed = needed}).text;
    EXPECT_THAT(unit, HasSubstr("\nConditionPathExists=/etc/lvm/lvmlocal.conf\n"));
    EXPECT_EQ(unit.contains(devices_file), !needed);
  }
}

}  // namespace
}  // namespace vhdboot::guest
