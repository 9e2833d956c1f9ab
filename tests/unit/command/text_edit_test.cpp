// SPDX-License-Identifier: GPL-2.0-or-later
// Files of a person, of which only what is ours is changed.
#include "base/text.h"
#include "tests/unit/base/error_matchers.h"
#include "tools/vhdboot/conf_text.h"
#include "tools/vhdboot/marked_block.h"
#include "tools/vhdboot/ventoy_json.h"

namespace vhdboot::command {
namespace {

using test::Fails;

TEST(MarkedBlock, ComesAndGoes) {
  const auto one = with_block("a\nb", "x", "1\n2\n");
  EXPECT_EQ(one.value(), "a\nb\n# vhdboot: begin x\n1\n2\n# vhdboot: end x\n");
  const auto two = with_block(concat(*one, "c\n"), "y", "3\n");
  EXPECT_EQ(with_block(*two, "x", "4\n").value(),
            "a\nb\n# vhdboot: begin x\n4\n# vhdboot: end x\nc\n# vhdboot: begin y\n3\n# vhdboot: end y\n");
  EXPECT_EQ(with_block(with_block(*two, "x", std::nullopt).value(), "y", std::nullopt).value(), "a\nb\nc\n");
  EXPECT_EQ(with_block("", "x", std::nullopt).value(), "");
  EXPECT_THAT(with_block("# vhdboot: begin x\n", "x", std::nullopt), Fails(Code::Corrupt, "and not"));
  EXPECT_THAT(with_block(std::string(kMaxMarkedText + 1, 'x'), "x", ""), Fails(Code::NoMemory, "bytes"));
}

TEST(Settings, AreReadFromWords) {
  EXPECT_EQ(parse_setting("options=quiet splash").value(), (Setting{"options", "quiet splash"}));
  EXPECT_EQ(parse_setting("wait=").value(), (Setting{"wait", std::nullopt}));
  EXPECT_THAT(parse_setting("wait"), Fails(Code::Invalid, "is no KEY=VALUE"));
  EXPECT_THAT(parse_setting("=x"), Fails(Code::Invalid, "is no KEY=VALUE"));
  EXPECT_THAT(parse_setting("options=a\nb"), Fails(Code::Invalid, "does not fit on a line"));
}

TEST(Settings, ChangeTheirLinesAlone) {
  constexpr std::string_view kText = "# mine\nimage /a.vhd\noptions quiet\nwait 60\noptions splash\n";
  EXPECT_EQ(value_of(kText, "options"), "splash");
  EXPECT_EQ(value_of(kText, "entry"), std::nullopt);
  EXPECT_EQ(with_settings(kText, {{"options", "debug"}, {"timeout", "5"}}, "x").value(),
            "# mine\nimage /a.vhd\noptions debug\nwait 60\ntimeout 5\n");
  EXPECT_EQ(with_settings(kText, {{"options", std::nullopt}, {"wait", std::nullopt}}, "x").value(),
            "# mine\nimage /a.vhd\n");
  EXPECT_THAT(with_settings(kText, {{"wait", "long"}}, "debian.conf"), Fails(Code::Invalid, "debian.conf:4"));
  EXPECT_THAT(with_settings(kText, {{"wiat", "5"}}, "debian.conf"), Fails(Code::Invalid, "wiat"));
  // What a person has there already is no reason to refuse another change.
  EXPECT_TRUE(with_settings("unknown x\n", {{"wait", "5"}}, "x"));
}

VentoyFiles debian(std::string title = {}) {
  return {.efi = "/boot/debian.efi", .image = "/boot/debian.vhd", .title = std::move(title)};
}

TEST(VentoyJson, WithAListOfWhatIsShown) {
  const auto edit = add_to_ventoy(R"({"image_list": ["/a.iso", "/boot/debian.vhd"]})", debian());
  ASSERT_TRUE(edit);
  EXPECT_EQ(edit->text, R"({"image_list": ["/a.iso", "/boot/debian.vhd", "/boot/debian.efi"]})");
  EXPECT_EQ(edit->warnings.size(), 1U);
  EXPECT_EQ(remove_from_ventoy(*edit->text, debian())->text, R"({"image_list": ["/a.iso", "/boot/debian.vhd"]})");
}

TEST(VentoyJson, WhatIsThereStays) {
  const std::string text = R"({"menu_alias": [{"image": "/boot/debian.efi", "alias": "Mine"}],
    "image_blacklist": ["/boot/debian.vhd"]})";
  EXPECT_EQ(add_to_ventoy(text, debian("Other"))->text, text);
  EXPECT_EQ(remove_from_ventoy(text, debian())->text, std::nullopt);
}

// What was there before, whatever it was, is there again.
void there_and_back(const std::string& text, std::string_view want) {
  const auto set = set_ventoy_default(text, "/a.iso");
  ASSERT_TRUE(set) << set.error().message();
  EXPECT_EQ(*set, want);
  EXPECT_EQ(ventoy_default(*set).value_or(VentoyDefault{}).image, "/a.iso");
  EXPECT_EQ(clear_ventoy_default(*set).value(), text);
  // One for another, and the first one's past counts.
  const auto other = set_ventoy_default(*set, "/b.iso");
  ASSERT_TRUE(other);
  EXPECT_EQ(clear_ventoy_default(*other).value(), text);
}

TEST(VentoyJson, ADefaultForATime) {
  there_and_back(R"({"theme": 1})",
                 R"({"theme": 1, "control": [ { "VTOY_MENU_TIMEOUT": "10" }, { "VTOY_DEFAULT_IMAGE": "/a.iso" } ], )"
                 R"("vhdboot_next": { "image": "/a.iso", "timeout": "10" }})");
  there_and_back(R"({"control": [{"VTOY_DEFAULT_IMAGE": "/old.iso"}, {"VTOY_MENU_TIMEOUT": "3"}]})",
                 R"({"control": [{"VTOY_DEFAULT_IMAGE": "/a.iso"}, {"VTOY_MENU_TIMEOUT": "3"}], )"
                 R"("vhdboot_next": { "image": "/a.iso", "before": "/old.iso" }})");
  there_and_back(R"({"control": [{"VTOY_MENU_TIMEOUT": "0"}], "control_uefi": [{"VTOY_MENU_TIMEOUT": "3"}]})",
                 R"({"control": [{"VTOY_MENU_TIMEOUT": "0"}], "control_uefi": [{"VTOY_MENU_TIMEOUT": "3"}, )"
                 R"({ "VTOY_DEFAULT_IMAGE": "/a.iso" }], "vhdboot_next": { "image": "/a.iso" }})");
  const auto alone = set_ventoy_default(std::nullopt, "/a.iso");
  ASSERT_TRUE(alone);
  EXPECT_EQ(clear_ventoy_default(*alone).value(), std::nullopt);
}

TEST(VentoyJson, WhatOthersHaveChangedSinceThenStays) {
  EXPECT_EQ(clear_ventoy_default(R"({"control": [{"VTOY_DEFAULT_IMAGE": "/mine.iso"}, {"VTOY_MENU_TIMEOUT": "5"}], )"
                                 R"("vhdboot_next": {"image": "/a.iso", "before": "/old", "timeout": "10"}})")
                .value(),
            R"({"control": [{"VTOY_DEFAULT_IMAGE": "/mine.iso"}, {"VTOY_MENU_TIMEOUT": "5"}]})");
  EXPECT_EQ(
      ventoy_default(R"({"control": [{"VTOY_DEFAULT_IMAGE": "/mine.iso"}], "vhdboot_next": {"image": "/a.iso"}})"),
      std::nullopt);
  EXPECT_EQ(ventoy_default("x"), std::nullopt);
}

TEST(VentoyJson, WhereADefaultWouldHarmOrDoNothing) {
  const auto fails = [](std::string_view text, Code code, std::string_view why) {
    EXPECT_THAT(set_ventoy_default(std::string(text), "/boot/a.efi"), Fails(code, std::string(why)));
  };
  fails(R"({"control": [{"VTOY_MENU_TIMEOUT": "0"}]})", Code::Unsupported, "nobody could choose another one");
  fails(R"({"control": [{"VTOY_FILE_FLT_EFI": "1"}]})", Code::Unsupported, "hides all EFI files");
  fails(R"({"image_blacklist": ["/boot/a.efi"]})", Code::Unsupported, "hides /boot/a.efi");
  fails(R"({"image_list": ["/b.iso"]})", Code::Unsupported, "hides /boot/a.efi");
  fails(R"({"control": [{"VTOY_DEFAULT_IMAGE": "/a"}, {"VTOY_DEFAULT_IMAGE": "/b"}]})", Code::Corrupt, "twice");
  fails(R"({"control": {}})", Code::Corrupt, "is no list");
}

TEST(VentoyJson, ThatIsNone) {
  EXPECT_THAT(add_to_ventoy("{ // comment\n}", debian()), Fails(Code::Corrupt, "ventoy.json: line 1"));
  EXPECT_THAT(add_to_ventoy("[]", debian()), Fails(Code::Corrupt, "is no object"));
  EXPECT_THAT(add_to_ventoy(R"({"image_blacklist": 1})", debian()), Fails(Code::Corrupt, "is no list"));
  EXPECT_THAT(check_ventoy_path("/boot/m\xC3\xBCll.efi"), Fails(Code::Invalid, "ASCII"));
  EXPECT_TRUE(check_ventoy_path("/boot/debian.efi"));
}

}  // namespace
}  // namespace vhdboot::command
