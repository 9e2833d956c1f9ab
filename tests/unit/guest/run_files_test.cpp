// SPDX-License-Identifier: GPL-2.0-or-later
#include "init/guest/run_files.h"

#include <gmock/gmock.h>

#include <array>

namespace vhdboot::guest {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

constexpr std::string_view kText = "# a line \"=== PATH\"\n=== a/@A@\nit is @A@, @\n@B@=== no\n=== b\n=== c\n@B@";

TEST(RunFiles, Sections) {
  EXPECT_THAT(run_sections(kText),
              ElementsAre(GuestFile{"a/@A@", "it is @A@, @\n@B@=== no\n"}, GuestFile{"b", ""}, GuestFile{"c", "@B@"}));
  EXPECT_THAT(run_sections(""), IsEmpty());
}

TEST(RunFiles, Filled) {
  const std::array<Value, 2> values{{{"@A@", "@B@"}, {"@B@", "x"}}};
  EXPECT_THAT(run_files(kText, values),
              ElementsAre(GuestFile{"a/@B@", "it is @B@, @\nx=== no\n"}, GuestFile{"b", ""}, GuestFile{"c", "x"}));
}

TEST(RunFiles, WithoutWhatIsAskedForInVain) {
  const std::array<Value, 2> values{{{"@A@", "x"}, {"@B@", ""}}};
  EXPECT_THAT(run_files(kText, values), ElementsAre(GuestFile{"b", ""}));
}

}  // namespace
}  // namespace vhdboot::guest
