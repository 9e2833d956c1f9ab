// SPDX-License-Identifier: GPL-2.0-or-later
#include "entry/companion.h"

#include <gmock/gmock.h>

#include "base/text.h"

namespace vhdboot::entry {
namespace {

using enum CompanionFolder;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

TEST(ExtraFolder, WithoutTheBootCounter) {
  EXPECT_EQ(extra_folder("/EFI/Linux/arch.efi"), "/EFI/Linux/arch.efi.extra.d");
  EXPECT_EQ(extra_folder("/EFI/Linux/arch+3.efi"), "/EFI/Linux/arch.efi.extra.d");
  EXPECT_EQ(extra_folder("/EFI/Linux/arch+3-1.efi"), "/EFI/Linux/arch.efi.extra.d");
  EXPECT_EQ(extra_folder("/EFI/Linux/arch+0"), "/EFI/Linux/arch.extra.d");
  for (const std::string path :
       {"/EFI/Linux/arch+.efi", "/EFI/Linux/arch+x.efi", "/EFI/Linux/arch+3-.efi", "/EFI/Linux/arch+3-1-2.efi",
        "/EFI/Linux/arch+3x.efi", "/EFI/Linux/arch+99999999999999999999.efi"})
    EXPECT_EQ(extra_folder(path), path + ".extra.d");
}

TEST(ExtraFolder, OnlyTheFirstPlusCounts) {
  EXPECT_EQ(extra_folder("/EFI/Linux/gtk+qt+3.efi"), "/EFI/Linux/gtk+qt+3.efi.extra.d");
  EXPECT_EQ(extra_folder("/EFI/Linux/gtk+2.0+3.efi"), "/EFI/Linux/gtk.0+3.efi.extra.d");
}

TEST(CompanionKind, BySuffixAndFolder) {
  using enum CompanionKind;
  EXPECT_EQ(companion_kind(Extra, "a.addon.efi"), Addon);
  EXPECT_EQ(companion_kind(Extra, "a.cred"), CompanionKind::Credential);
  EXPECT_EQ(companion_kind(Extra, "a.CrEd"), CompanionKind::Credential);
  EXPECT_EQ(companion_kind(Extra, "a.raw"), Sysext);
  EXPECT_EQ(companion_kind(Extra, "a.sysext.raw"), Sysext);
  EXPECT_EQ(companion_kind(Extra, "a.ConfExt.raw"), Confext);
  EXPECT_EQ(companion_kind(Extra, "a.efi"), std::nullopt);
  EXPECT_EQ(companion_kind(Extra, "addon.efi"), std::nullopt);
  EXPECT_EQ(companion_kind(Extra, ".cred"), std::nullopt);
  EXPECT_EQ(companion_kind(Extra, ".a.cred"), std::nullopt);
  EXPECT_EQ(companion_kind(Extra, "cred"), std::nullopt);
  EXPECT_EQ(companion_kind(Extra, ""), std::nullopt);
  EXPECT_EQ(companion_kind(Extra, "a.raw.bak"), std::nullopt);

  EXPECT_EQ(companion_kind(Addons, "a.ADDON.EFI"), Addon);
  EXPECT_EQ(companion_kind(Addons, "a.cred"), std::nullopt);
  EXPECT_EQ(companion_kind(Addons, "a.raw"), std::nullopt);
  EXPECT_EQ(companion_kind(Credentials, "a.cred"), GlobalCredential);
  EXPECT_EQ(companion_kind(Credentials, "a.raw"), std::nullopt);
  EXPECT_EQ(companion_kind(Credentials, "a.addon.efi"), std::nullopt);
}

TEST(CompanionKind, OnlyPlainNames) {
  EXPECT_EQ(companion_kind(Extra,
                           "b\xC3\xBC"
                           "cher.cred"),
            std::nullopt);
  EXPECT_EQ(companion_kind(Extra, "a/b.cred"), std::nullopt);
  EXPECT_EQ(companion_kind(Extra, "a\nb.cred"), std::nullopt);
  EXPECT_EQ(companion_kind(Extra, std::string_view("a\0b.cred", 8)), std::nullopt);
  const std::string longest = std::string(kMaxCompanionName - 5, 'x') + ".cred";
  EXPECT_TRUE(companion_kind(Extra, longest));
  EXPECT_FALSE(companion_kind(Extra, "x" + longest));
}

TEST(SelectCompanions, SortedAsTheStubSorts) {
  const auto chosen = select_companions(Extra, {"b.cred", "notes", "Z.cred", "a-1.raw", ".x.cred", "a.raw"});
  ASSERT_TRUE(chosen);
  EXPECT_THAT(chosen->names, ElementsAre("Z.cred", "a-1.raw", "a.raw", "b.cred"));
  EXPECT_THAT(chosen->warnings, ElementsAre());
}

TEST(SelectCompanions, SaysWhatItPassesOver) {
  const auto chosen = select_companions(Extra, {"b\xC3\xBC"
                                                "cher.cred",
                                                "\xC3\xBC.txt"});
  ASSERT_TRUE(chosen);
  EXPECT_THAT(chosen->names, ElementsAre());
  EXPECT_THAT(chosen->warnings, ElementsAre("b\xC3\xBC"
                                            "cher.cred is passed over: its name is not plain ASCII"));
}

TEST(SelectCompanions, IsCapped) {
  std::vector<std::string> names;
  for (std::size_t i = 0; i < kMaxCompanions; ++i) {
    names.push_back(concat(i, ".cred"));
    names.push_back(concat(i, ".txt"));
  }
  EXPECT_EQ(select_companions(Extra, names)->names.size(), kMaxCompanions);
  names.emplace_back("one-more.cred");
  const auto chosen = select_companions(Extra, names);
  ASSERT_FALSE(chosen);
  EXPECT_EQ(chosen.error().code, Code::Unsupported);
  EXPECT_THAT(chosen.error().text, HasSubstr("257 files for the boot entry, at most 256"));
}

}  // namespace
}  // namespace vhdboot::entry
