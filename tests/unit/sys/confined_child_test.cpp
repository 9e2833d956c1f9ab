// SPDX-License-Identifier: GPL-2.0-or-later
// What such children do and must not do: reader_test.cpp and unpack_test.cpp.
#include "init/sys/confined_child.h"

#include <gtest/gtest.h>

#include <array>

namespace vhdboot::sys {
namespace {

TEST(ConfinedArguments, AllOfThem) {
  constexpr std::array<std::string_view, 6> kWords{"reader", "1048576", "1", "134217728", "60", "1"};
  const auto arguments = confined_arguments(kWords);
  ASSERT_TRUE(arguments);
  EXPECT_EQ(arguments->word, "1048576");
  EXPECT_EQ(arguments->task.parent, 1);
  EXPECT_EQ(arguments->task.limits.memory, 134217728U);
  EXPECT_EQ(arguments->task.limits.cpu_seconds, 60U);
  EXPECT_TRUE(arguments->task.limits.filter);
  EXPECT_FALSE(confined_arguments(std::span(kWords).first(5)));
  for (std::size_t i = 2; i < 5; ++i) {
    auto wrong = kWords;
    wrong[i] = "x";
    EXPECT_FALSE(confined_arguments(wrong)) << i;
  }
}

}  // namespace
}  // namespace vhdboot::sys
