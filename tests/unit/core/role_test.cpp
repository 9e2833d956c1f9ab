// SPDX-License-Identifier: GPL-2.0-or-later
#include "init/core/role.h"

#include <gmock/gmock.h>

namespace vhdboot::core {
namespace {

TEST(Role, Picked) {
  EXPECT_EQ(pick_role({.pid = 1, .argv0 = "/init"}), Role::Stage1);
  EXPECT_EQ(pick_role({.pid = 1, .argv0 = "/vhdboot/init", .handoff = true}), Role::Stage2);
  EXPECT_EQ(pick_role({.pid = 1, .argv0 = "/shutdown", .teardown = true}), Role::Shutdown);
  EXPECT_EQ(pick_role({.pid = 1, .argv0 = "shutdown", .handoff = true}), Role::Shutdown);
  EXPECT_EQ(pick_role({.pid = 1, .argv0 = "/init", .teardown = true}), Role::Shutdown);
  EXPECT_EQ(pick_role({.pid = 1, .argv0 = "/init", .handoff = true, .teardown = true}), Role::Stage2);
  EXPECT_EQ(pick_role({.pid = 1, .argv0 = "/shutdown/init"}), Role::Stage1);
  EXPECT_EQ(pick_role({.pid = 1, .argv0 = ""}), Role::Stage1);
}

TEST(Role, AnyOtherProcessOnlyLooks) {
  for (const bool handoff : {false, true})
    for (const bool teardown : {false, true})
      for (const char* argv0 : {"vhdboot-init", "/shutdown", ""})
        EXPECT_EQ(pick_role({.pid = 2, .argv0 = argv0, .handoff = handoff, .teardown = teardown}), Role::Inspect);
}

TEST(Role, Names) {
  EXPECT_EQ(name(Role::Stage1), "stage1");
  EXPECT_EQ(name(Role::Stage2), "stage2");
  EXPECT_EQ(name(Role::Shutdown), "shutdown");
  EXPECT_EQ(name(Role::Inspect), "inspect");
}

}  // namespace
}  // namespace vhdboot::core
