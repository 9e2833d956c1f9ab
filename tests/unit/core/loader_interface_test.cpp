// SPDX-License-Identifier: GPL-2.0-or-later
#include "init/core/loader_interface.h"

#include <gmock/gmock.h>

#include "base/bytes.h"

namespace vhdboot::core {
namespace {

using ::testing::HasSubstr;

TEST(LoaderInterface, AVariableAsEfivarfsHasIt) {
  constexpr std::string_view kExpected(
      "\x06\0\0\0a\0-\0"
      "1\0\0\0",
      12);
  EXPECT_EQ(as_text(efi_variable("a-1")), kExpected);
  EXPECT_EQ(efi_variable("").size(), 6U);
}

TEST(LoaderInterface, TheGeneratorRunsTheGuestsOwn) {
  EXPECT_TRUE(gpt_auto_generator().starts_with("#!/bin/sh\n"));
  EXPECT_THAT(std::string(gpt_auto_generator()), HasSubstr(kLoaderPartitionFile));
  EXPECT_THAT(std::string(gpt_auto_generator()), HasSubstr(kGptAutoGenerator));
}

}  // namespace
}  // namespace vhdboot::core
