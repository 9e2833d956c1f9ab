// SPDX-License-Identifier: GPL-2.0-or-later
#include "init/menu/wire.h"

#include <gmock/gmock.h>

#include "base/text.h"
#include "tests/unit/base/error_matchers.h"

namespace vhdboot::menu {
namespace {

using test::Fails;

State everything() {
  State state;
  state.version = "vhdboot 0.3.0";
  state.volumes = "Data (NTFS)";
  state.looked_at = {"Data"};
  state.not_looked_at = {"sdb (BitLocker)", "sdc"};
  state.advice = {"do"};
  state.log = {"one", "two"};
  state.looking = true;
  state.can_shell = false;
  state.can_firmware = true;
  state.default_item = "b";
  state.keymap = "de";
  state.countdown = 5;
  state.notice = "It was rolled back.";
  state =
      with_items(std::move(state), {{.id = "a",
                                     .title = "Debian \xC3\xBC",
                                     .size = 1ULL << 40U,
                                     .where = "Data:/a.vhd",
                                     .readiness = Readiness::Refused,
                                     .reason = "it is sparse",
                                     .cure = "one\ntwo",
                                     .details = {"x", "y"},
                                     .entries = {},
                                     .keymap = "fr",
                                     .rolls_back_to = "a.1.vhdx",
                                     .can_forget = true,
                                     .can_read_only = false},
                                    {.id = "b",
                                     .readiness = Readiness::Ready,
                                     .entries = {{.id = "e", .title = "t", .release = "6.1", .options = "quiet"}}}});
  return with_failure(std::move(state), {.sentence = "no", .facts = {{"volume", "Data"}}, .what_to_do = {"that"}});
}

TEST(MenuWire, WhatProcess1Says) {
  const State said = everything();
  const auto heard = decode_state(encode(said));
  ASSERT_TRUE(heard) << heard.error().text;
  EXPECT_EQ(encode(*heard), encode(said));
  ASSERT_EQ(heard->items.size(), 2U);
  EXPECT_EQ(heard->items[0].title, "Debian \xC3\xBC");
  EXPECT_EQ(heard->items[0].size, 1ULL << 40U);
  EXPECT_EQ(heard->items[0].readiness, Readiness::Refused);
  EXPECT_EQ(heard->items[0].cure, "one\ntwo");
  EXPECT_EQ(heard->items[0].keymap, "fr");
  EXPECT_EQ(heard->keymap, "de");
  EXPECT_EQ(heard->notice, "It was rolled back.");
  EXPECT_EQ(heard->items[0].rolls_back_to, "a.1.vhdx");
  EXPECT_TRUE(heard->items[0].can_forget);
  EXPECT_FALSE(heard->items[0].can_read_only);
  EXPECT_EQ(heard->items[1].entries.at(0).options, "quiet");
  EXPECT_EQ(heard->default_item, "b");
  EXPECT_TRUE(heard->looking);
  EXPECT_FALSE(heard->can_shell);
  EXPECT_EQ(heard->page(), Page::Failure);
  EXPECT_EQ(heard->failure->facts.at(0).value, "Data");
}

TEST(MenuWire, TheCountdown) {
  State said;
  said.countdown = 5;
  EXPECT_EQ(decode_state(encode(said))->countdown, 5U);
  said.countdown.reset();
  EXPECT_EQ(decode_state(encode(said))->countdown, std::nullopt);
}

TEST(MenuWire, Answers) {
  const Answer boot{.action = {.kind = Action::Kind::Boot,
                               .boot = {.item = "a", .entry = "e", .options = "quiet", .mode = Mode::ReadOnly}},
                    .terminal = "/dev/ttyS0"};
  const auto heard = decode_answer(encode(boot));
  ASSERT_TRUE(heard) << heard.error().text;
  EXPECT_EQ(*heard, boot);
  const Answer shell{.action = {.kind = Action::Kind::Shell, .boot = {}}, .terminal = "/dev/tty0"};
  EXPECT_EQ(decode_answer(encode(shell)).value_or(Answer{}), shell);
  const Answer roll_back{.action = {.kind = Action::Kind::RollBack, .boot = {}, .item = "a"}, .terminal = "/dev/tty0"};
  EXPECT_EQ(decode_answer(encode(roll_back)).value_or(Answer{}), roll_back);
  const Answer no_options{.action = {.kind = Action::Kind::Boot, .boot = {.item = "a", .options = ""}}, .terminal = ""};
  EXPECT_EQ(decode_answer(encode(no_options)).value_or(Answer{}), no_options) << "none is not the same as not said";
}

TEST(MenuWire, TextsOfDisksAreMadeFit) {
  State state;
  state.items = {{.id = "a", .title = "\xFF\x01", .where = std::string(kMaxText - 1, 'x') + "\xC3\xBC"}};
  const auto heard = decode_state(encode(state));
  ASSERT_TRUE(heard) << heard.error().text;
  EXPECT_EQ(heard->items[0].title, "??");
  EXPECT_EQ(heard->items[0].where, std::string(kMaxText - 1, 'x')) << "cut between characters";
}

TEST(MenuWire, WhatIsNoMessage) {
  const auto message = encode(everything());
  for (std::size_t size = 0; size < message.size(); ++size)
    EXPECT_THAT(decode_state(Bytes(message).first(size)), Fails(Code::Corrupt, "no menu")) << size;
  auto longer = message;
  longer.push_back(std::byte{0});
  EXPECT_THAT(decode_state(longer), Fails(Code::Corrupt, "no menu"));
  const auto answer = encode(Answer{.action = {.kind = Action::Kind::Boot, .boot = {.item = "a"}}, .terminal = "t"});
  for (std::size_t size = 0; size < answer.size(); ++size)
    EXPECT_THAT(decode_answer(Bytes(answer).first(size)), Fails(Code::Corrupt, "no answer")) << size;
  auto kind = answer;
  kind[0] = std::byte{99};
  EXPECT_THAT(decode_answer(kind), Fails(Code::Corrupt, "no answer"));
}

}  // namespace
}  // namespace vhdboot::menu
