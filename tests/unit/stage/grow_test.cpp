// SPDX-License-Identifier: GPL-2.0-or-later
#include "init/stage/grow.h"

#include "init/stage/roll_back_image.h"
#include "init/sys/nbd.h"
#include "tests/unit/base/error_matchers.h"

namespace vhdboot::stage {
namespace {

using namespace std::chrono_literals;
using test::Fails;

TEST(Grow, ARequestAsWordsAndBack) {
  const GrowRequest request{.file = "/dev/dm-1",
                            .file_size = 123,
                            .view = "/dev/dm-0",
                            .partition = "/dev/sda2",
                            .gate_sector = 4096,
                            .map = "vhdboot",
                            .map_uuid = "VHDBOOT-12"};
  auto words = to_words(request);
  const auto back = parse_grow_request({words.begin(), words.end()});
  ASSERT_TRUE(back);
  EXPECT_EQ(to_words(*back), words);
  EXPECT_EQ(back->file_size, 123);
  EXPECT_EQ(back->gate_sector, 4096);
  words[1] = "many";
  EXPECT_FALSE(parse_grow_request({words.begin(), words.end()}));
  words.pop_back();
  EXPECT_FALSE(parse_grow_request({words.begin(), words.end()}));
  EXPECT_FALSE(parse_grow_request({}));
}

TEST(Grow, ARollBackIsAskedForInOtherWords) {
  const RollBackRequest request{.file = "/dev/dm-1", .file_size = 123, .partition = "/dev/sda2"};
  auto words = to_words(request);
  EXPECT_EQ(parse_roll_back_request({words.begin(), words.end()}), request);
  EXPECT_FALSE(parse_grow_request({words.begin(), words.end()}));
  words[2] = "-1";
  EXPECT_FALSE(parse_roll_back_request({words.begin(), words.end()}));
  EXPECT_FALSE(parse_roll_back_request({}));
}

TEST(Grow, AnAnswerAndWhatPreventsOne) {
  auto ends = *sys::NbdSockets::make();
  const sys::Messages keeper(std::move(ends.server));
  const sys::Messages stage2(std::move(ends.kernel));
  ASSERT_TRUE(send_grow_answer(keeper, "/dev/dm-5"));
  EXPECT_EQ(receive_grow_answer(stage2, sys::Deadline::in(10s)), "/dev/dm-5");
  ASSERT_TRUE(send_grow_answer(keeper, fail(Code::Corrupt, "a bad table")));
  EXPECT_THAT(receive_grow_answer(stage2, sys::Deadline::in(10s)), Fails(Code::Io, "a bad table"));
  EXPECT_THAT(receive_grow_answer(stage2, sys::Deadline::in(0s)), Fails(Code::Timeout, ""));
}

}  // namespace
}  // namespace vhdboot::stage
