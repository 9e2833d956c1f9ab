// SPDX-License-Identifier: GPL-2.0-or-later
#include "init/guest/wsl_conf.h"

#include <gmock/gmock.h>

#include "tests/unit/base/error_matchers.h"

namespace vhdboot::guest {
namespace {

using test::Fails;

std::optional<std::string> user_of(std::string_view text) {
  return wsl_setting(text, "user", "default").value();
}

TEST(WslSetting, AsPeopleWriteIt) {
  EXPECT_EQ(user_of("[boot]\nsystemd=true\n[user]\ndefault=me\n"), "me");
  EXPECT_EQ(user_of("# x\r\n[User]\r\n  Default = \"me\"  \r\n"), "me");
  EXPECT_EQ(user_of("[user]\ndefault=a\ndefault='b'\n"), "b") << "the last one counts";
  EXPECT_EQ(user_of("default=me\n"), std::nullopt) << "of no section";
  EXPECT_EQ(user_of("[boot]\ndefault=me\n"), std::nullopt);
  EXPECT_EQ(user_of("[user]\n#default=me\n"), std::nullopt);
  EXPECT_EQ(user_of("[user\ndefault=me\n"), std::nullopt);
  EXPECT_EQ(user_of("[user]\ndefault\n"), std::nullopt);
  EXPECT_EQ(user_of("[user]\ndefault=\n"), "");
  EXPECT_EQ(user_of(""), std::nullopt);
}

TEST(WslSetting, WhatIsNoSuchFile) {
  EXPECT_THAT(wsl_setting(std::string(kMaxWslConfBytes + 1, ' '), "user", "default"), Fails(Code::Corrupt, "wsl.conf"));
}

constexpr std::string_view kPasswd =
    "root:x:0:0:root:/root:/bin/bash\nnobody:x:65534:65534::/:/bin/false\nyou:x:1001:1001::/home/you:/bin/bash\n"
    "me:x:1000:1000::/home/me:/bin/bash\nbad name:x:1:1::/:/bin/sh\n-o:x:999:1::/:/bin/sh\n";

TEST(UsualUser, AsWslLogsIn) {
  EXPECT_EQ(usual_user(kPasswd, "you"), "you");
  EXPECT_EQ(usual_user(kPasswd, "root"), "root");
  EXPECT_EQ(usual_user(kPasswd, ""), "me") << "the first person";
  EXPECT_EQ(usual_user(kPasswd, "gone"), "me");
  EXPECT_EQ(usual_user("root:x:0:0:root:/root:/bin/bash\n", ""), "root");
  EXPECT_EQ(usual_user("", "me"), "root");
}

TEST(UsualUser, NoWordForAgetty) {
  EXPECT_EQ(usual_user(kPasswd, "bad name"), "me");
  EXPECT_EQ(usual_user(kPasswd, "-o"), "me");
  EXPECT_EQ(usual_user("me\\:x:1000\n%I:x:1000\n", ""), "root");
}

TEST(HasPassword, AsShadowHasIt) {
  constexpr std::string_view kShadow = "root:*:1::::::\nme:!:1::::::\nyou:$y$j9T$x:1::::::\nall::1::::::\nshort\n";
  EXPECT_FALSE(has_password(kShadow, "root"));
  EXPECT_FALSE(has_password(kShadow, "me"));
  EXPECT_TRUE(has_password(kShadow, "you"));
  EXPECT_TRUE(has_password(kShadow, "all")) << "by the return key";
  EXPECT_FALSE(has_password(kShadow, "short"));
  EXPECT_FALSE(has_password(kShadow, "gone"));
}

}  // namespace
}  // namespace vhdboot::guest
