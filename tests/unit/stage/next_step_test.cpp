// SPDX-License-Identifier: GPL-2.0-or-later
#include "init/stage/next_step.h"

#include <gmock/gmock.h>

#include <map>
#include <string>
#include <vector>

#include "tests/unit/base/error_matchers.h"

namespace vhdboot::stage {
namespace {

using test::Fails;
using testing::ElementsAre;

constexpr Code kAllCodes[] = {Code::NotFound, Code::Corrupt, Code::Unsupported, Code::Unsafe,  Code::Io,
                              Code::Busy,     Code::Timeout, Code::Invalid,     Code::NoMemory};

TEST(NextStep, OnlyWhatIsNotThereIsLookedForElsewhere) {
  for (const Code code : kAllCodes)
    EXPECT_EQ(after(Step::Look, code), code == Code::NotFound ? Next::Candidate : Next::Menu) << name(code);
}

TEST(NextStep, WhatIsUnsafeOrHidesWorseIsForAPerson) {
  for (const Step step : {Step::Settings, Step::Look, Step::Image, Step::Attach, Step::Entry, Step::Jump})
    for (const Code code : {Code::Unsafe, Code::Io, Code::Busy, Code::Timeout, Code::NoMemory})
      EXPECT_EQ(after(step, code), Next::Menu) << name(code);
}

TEST(NextStep, ABadEntryIsPassedOverAndABadImageIsNot) {
  for (const Code code : {Code::NotFound, Code::Corrupt, Code::Unsupported}) {
    EXPECT_EQ(after(Step::Entry, code), Next::Candidate) << name(code);
    EXPECT_EQ(after(Step::Image, code), Next::Menu) << name(code);
  }
}

// Candidates by name, with what becomes of each.
class Trying : public testing::Test {
 protected:
  Result<std::string> try_all(const std::vector<std::string>& names) {
    return try_each(Step::Entry, names, [&](const std::string& name) -> Result<std::string> {
      tried.push_back(name);
      const auto error = errors.find(name);
      if (error == errors.end()) return name;
      return fail(error->second, name + " failed");
    });
  }
  std::map<std::string, Code> errors;
  std::vector<std::string> tried;
};

TEST_F(Trying, TheFirstThatWorksIsEnough) {
  errors = {{"a", Code::Corrupt}, {"b", Code::NotFound}};
  EXPECT_EQ(try_all({"a", "b", "c", "d"}), "c");
  EXPECT_THAT(tried, ElementsAre("a", "b", "c"));
}

TEST_F(Trying, WhatIsUnsafeEndsIt) {
  errors = {{"a", Code::Corrupt}, {"b", Code::Unsafe}};
  EXPECT_THAT(try_all({"a", "b", "c"}), Fails(Code::Unsafe, "b failed"));
  EXPECT_THAT(tried, ElementsAre("a", "b"));
}

TEST_F(Trying, WhenNoneWorksTheFirstIsTold) {
  errors = {{"a", Code::Unsupported}, {"b", Code::NotFound}};
  EXPECT_THAT(try_all({"a", "b"}), Fails(Code::Unsupported, "a failed"));
  EXPECT_THAT(tried, ElementsAre("a", "b"));
  EXPECT_THAT(try_all({}), Fails(Code::NotFound, "nothing to try"));
}

}  // namespace
}  // namespace vhdboot::stage
