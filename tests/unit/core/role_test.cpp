// SPDX-License-Identifier: GPL-2.0-or-later
#include "init/core/role.h"

#include <gmock/gmock.h>

#include "init/core/reaction.h"

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

TEST(Reaction, OnePerCode) {
  EXPECT_EQ(reaction_to(Code::NotFound), Reaction::NextCandidate);
  EXPECT_EQ(reaction_to(Code::Unsupported), Reaction::NextCandidate);
  EXPECT_EQ(reaction_to(Code::Corrupt), Reaction::NextCandidate);
  EXPECT_EQ(reaction_to(Code::Io), Reaction::NextCandidate);
  EXPECT_EQ(reaction_to(Code::Unsafe), Reaction::Menu) << "never silently something else instead";
  EXPECT_EQ(reaction_to(Code::Busy), Reaction::Menu);
  EXPECT_EQ(reaction_to(Code::Timeout), Reaction::Menu);
  EXPECT_EQ(reaction_to(Code::Invalid), Reaction::Menu);
  EXPECT_EQ(reaction_to(Code::NoMemory), Reaction::Rescue);
}

TEST(Reaction, TheMostTellingError) {
  EXPECT_EQ(most_telling({}), nullptr);
  const std::vector<Error> errors{{Code::NotFound, 0, "a"},
                                  {Code::Unsupported, 0, "b"},
                                  {Code::Unsafe, 0, "c"},
                                  {Code::Unsafe, 0, "d"},
                                  {Code::Corrupt, 0, "e"}};
  EXPECT_EQ(most_telling(errors), &errors[2]);
  EXPECT_EQ(most_telling(std::span(errors).first(2)), &errors[1]);
}

}  // namespace
}  // namespace vhdboot::core
