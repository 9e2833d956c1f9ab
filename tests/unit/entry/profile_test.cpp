// SPDX-License-Identifier: GPL-2.0-or-later
#include "entry/profile.h"

#include <gmock/gmock.h>

namespace vhdboot::entry {
namespace {

struct PatternCase {
  std::string_view text;
  std::string_view name;
  std::optional<std::string_view> profile;
};

TEST(EntryPattern, IsTakenApart) {
  const PatternCase cases[] = {
      {"", "", std::nullopt},
      {"debian.efi", "debian.efi", std::nullopt},
      {"debian.efi@1", "debian.efi", "1"},
      {"debian.efi@factory-reset", "debian.efi", "factory-reset"},
      {"debian*@rescue", "debian*", "rescue"},
      {"@1", "", "1"},
      {"debian.efi@", "debian.efi", ""},
      {"mail@home.efi", "mail@home.efi", std::nullopt},
      {"mail@home.EFI", "mail@home.EFI", std::nullopt},
      {"mail@home.efi@2", "mail@home.efi", "2"},
      {"mail@home", "mail", "home"},
      {"mail@*", "mail@*", std::nullopt},
      {"[a@b]x", "[a@b]x", std::nullopt},
      {"/EFI/x@y/debian", "/EFI/x@y/debian", std::nullopt},
  };
  for (const PatternCase& one : cases) {
    const auto split = split_entry_pattern(one.text);
    EXPECT_EQ(split.name, one.name) << one.text;
    EXPECT_EQ(split.profile, one.profile) << one.text;
  }
}

const std::vector<Profile> kProfiles{{"main", "The usual one"}, {}, {"Factory-Reset", ""}, {"v3.1", ""}};

TEST(FindProfile, ByNumberOrId) {
  EXPECT_EQ(find_profile(kProfiles, "0"), 0U);
  EXPECT_EQ(find_profile(kProfiles, "1"), 1U);
  EXPECT_EQ(find_profile(kProfiles, "main"), 0U);
  EXPECT_EQ(find_profile(kProfiles, "factory-reset"), 2U);
  EXPECT_EQ(find_profile(kProfiles, "v3.1"), 3U);
  EXPECT_EQ(find_profile({}, "0"), 0U);
}

TEST(FindProfile, SaysWhatThereIs) {
  const auto unknown = find_profile(kProfiles, "reset");
  ASSERT_FALSE(unknown);
  EXPECT_EQ(unknown.error().code, Code::NotFound);
  EXPECT_EQ(unknown.error().text, "there is no profile @reset: the image has 0 (main), 1, 2 (Factory-Reset), 3 (v3.1)");
  EXPECT_EQ(find_profile(kProfiles, "4").error().code, Code::NotFound);
  EXPECT_EQ(find_profile({}, "1").error().text, "there is no profile @1: the image has none");
  EXPECT_EQ(find_profile({}, "main").error().code, Code::NotFound);
  EXPECT_EQ(find_profile(kProfiles, "").error().code, Code::Invalid);
}

// A profile may be named by the number of another one: nobody shall find out which one erases the disk.
TEST(FindProfile, NeverGuesses) {
  const auto by_number = find_profile({{"2", ""}, {"1", ""}, {"x", ""}}, "2");
  ASSERT_FALSE(by_number);
  EXPECT_EQ(by_number.error().code, Code::Invalid);
  EXPECT_EQ(by_number.error().text, "@2 is more than one profile: the image has 0 (2), 1 (1), 2 (x)");
  EXPECT_EQ(find_profile({{"2", ""}, {"1", ""}, {"x", ""}}, "1"), 1U);
  EXPECT_EQ(find_profile({{"a", ""}, {"A", ""}}, "a").error().code, Code::Invalid);
}

}  // namespace
}  // namespace vhdboot::entry
