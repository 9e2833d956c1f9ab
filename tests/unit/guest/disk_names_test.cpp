// SPDX-License-Identifier: GPL-2.0-or-later
#include "init/guest/disk_names.h"

#include <gtest/gtest.h>

namespace vhdboot::guest {
namespace {

TEST(DiskNames, InTheirOrderWhateverTheirNumbers) {
  const GuestFile rules = disk_name_rules({"/dev/loop0", "/dev/loop1", "/dev/loop4"});
  EXPECT_EQ(rules.name, "68-vhdboot-disks.rules");
  EXPECT_EQ(rules.text,
            "# From vhdboot, in memory: the further disks of this system.\n"
            "SUBSYSTEM==\"block\", KERNEL==\"loop1\", SYMLINK+=\"vhdboot/disk1\"\n"
            "SUBSYSTEM==\"block\", KERNEL==\"loop1p[0-9]*\", SYMLINK+=\"vhdboot/disk1-part%n\"\n"
            "SUBSYSTEM==\"block\", KERNEL==\"loop4\", SYMLINK+=\"vhdboot/disk2\"\n"
            "SUBSYSTEM==\"block\", KERNEL==\"loop4p[0-9]*\", SYMLINK+=\"vhdboot/disk2-part%n\"\n");
}

}  // namespace
}  // namespace vhdboot::guest
