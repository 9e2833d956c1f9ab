// SPDX-License-Identifier: GPL-2.0-or-later
#include "init/stage/role.h"

#include <gmock/gmock.h>

namespace vhdboot::stage {
namespace {

TEST(Role, Picked) {
  EXPECT_EQ(pick_role({.pid = 1}), Role::Stage1);
  EXPECT_EQ(pick_role({.pid = 1, .handoff = true}), Role::Stage2);
}

TEST(Role, AnyOtherProcessOnlyLooks) {
  for (const bool handoff : {false, true}) EXPECT_EQ(pick_role({.pid = 2, .handoff = handoff}), Role::Inspect);
}

TEST(Role, Names) {
  EXPECT_EQ(name(Role::Stage1), "stage1");
  EXPECT_EQ(name(Role::Stage2), "stage2");
  EXPECT_EQ(name(Role::Inspect), "inspect");
}

}  // namespace
}  // namespace vhdboot::stage
