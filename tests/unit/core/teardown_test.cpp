// SPDX-License-Identifier: GPL-2.0-or-later
#include "init/core/teardown.h"

#include "tests/unit/core/error_matchers.h"

namespace vhdboot::core {
namespace {

using test::Fails;
using testing::ElementsAre;
using Action = TeardownStep::Action;

const Teardown kRecord{
    {{Action::Unmount, "/run/vhd boot/host"}, {Action::RemoveDm, "vhdboot"}, {Action::DetachLoop, "7"}}};

TEST(Teardown, TextAndBack) {
  const auto text = to_text(kRecord);
  ASSERT_TRUE(text) << text.error().text;
  EXPECT_EQ(*text, "vhdboot-teardown 1\nunmount /run/vhd boot/host\nremove-dm vhdboot\ndetach-loop 7\n");
  EXPECT_EQ(*parse_teardown(*text), kRecord);
  EXPECT_EQ(*parse_teardown(*to_text(Teardown{})), Teardown{});
}

TEST(Teardown, UndoneInReverse) {
  EXPECT_THAT(kRecord.reversed(), ElementsAre(kRecord.steps[2], kRecord.steps[1], kRecord.steps[0]));
}

TEST(Teardown, Deviations) {
  const auto parse = [](const std::string& lines) { return parse_teardown("vhdboot-teardown 1\n" + lines); };
  EXPECT_THAT(parse_teardown(""), Fails(Code::Corrupt, "the teardown record does not begin with vhdboot-teardown"));
  EXPECT_THAT(parse_teardown("vhdboot-teardown 1"), Fails(Code::Corrupt, "does not begin"));
  EXPECT_THAT(parse_teardown("vhdboot-teardown x\n"), Fails(Code::Corrupt, "version"));
  EXPECT_THAT(parse_teardown("vhdboot-teardown 2\n"), Fails(Code::Unsupported, "version 2"));
  EXPECT_THAT(parse("explode /\n"), Fails(Code::Corrupt, "\"explode /\""));
  EXPECT_THAT(parse("unmount /a"), Fails(Code::Corrupt, "cut off at \"unmount /a\""));
  for (const char* bad :
       {"unmount\n", "unmount \n", "unmount a\n", "unmount /\n", "detach-loop 1a\n", "detach-loop 01\n",
        "detach-loop 1048576\n", "detach-loop -1\n", "remove-dm a/b\n", "remove-dm a b\n", "\n"})
    EXPECT_THAT(parse(bad), Fails(Code::Corrupt, "means nothing")) << bad;
  std::string many;
  for (std::size_t i = 0; i <= kMaxTeardownSteps; ++i) many += "detach-loop 1\n";
  EXPECT_THAT(parse(many), Fails(Code::NoMemory, "more than 256 steps"));
  EXPECT_THAT(parse(std::string(kMaxTeardownBytes, '\n')), Fails(Code::NoMemory, "larger"));
}

TEST(Teardown, WhatCannotBeWritten) {
  EXPECT_THAT(to_text(Teardown{{{Action::Unmount, "/a\nb"}}}), Fails(Code::Invalid, "nothing to unmount"));
  EXPECT_THAT(to_text(Teardown{{{Action::DetachLoop, "loop0"}}}), Fails(Code::Invalid, "nothing to detach-loop"));
  EXPECT_THAT(to_text(Teardown{{{Action::RemoveDm, ""}}}), Fails(Code::Invalid, "nothing to remove-dm"));
  EXPECT_THAT(to_text(Teardown{std::vector<TeardownStep>(300, {Action::DetachLoop, "1"})}),
              Fails(Code::Invalid, "300"));
}

}  // namespace
}  // namespace vhdboot::core
