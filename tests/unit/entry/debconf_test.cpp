// SPDX-License-Identifier: GPL-2.0-or-later
#include "entry/debconf.h"

#include <gtest/gtest.h>

namespace vhdboot::entry {
namespace {

constexpr std::string_view kDatabase =
    "Name: grub-pc/hidden_timeout\n"
    "Template: grub-pc/hidden_timeout\n"
    "Value: false\n"
    "Owners: grub-pc\n"
    "\n"
    "Name: grub-pc/install_devices\n"
    "Template: grub-pc/install_devices\n"
    "Value: /dev/disk/by-id/ata-A, /dev/vda\n"
    "Owners: grub-pc\n"
    "Flags: seen\n"
    "\n"
    "Name: grub-pc/install_devices_empty\n"
    "Value:\n"
    "\n"
    "Name: grub-pc/without\n";

TEST(Debconf, Values) {
  EXPECT_EQ(debconf_value(kDatabase, "grub-pc/install_devices"), "/dev/disk/by-id/ata-A, /dev/vda");
  EXPECT_EQ(debconf_value(kDatabase, "grub-pc/hidden_timeout"), "false");
  for (const char* question : {"grub-pc/install_devices_empty", "grub-pc/without", "grub-pc", "x", ""})
    EXPECT_FALSE(debconf_value(kDatabase, question)) << question;
  EXPECT_FALSE(debconf_value("", "a"));
  EXPECT_FALSE(debconf_value("Name: a\n\nValue: b\n", "a")) << "of another paragraph";
}

}  // namespace
}  // namespace vhdboot::entry
