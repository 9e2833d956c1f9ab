// SPDX-License-Identifier: GPL-2.0-or-later
#include "init/modules/unpack_wire.h"

#include "base/text.h"
#include "tests/unit/base/error_matchers.h"

namespace vhdboot::modules {
namespace {

using test::Fails;

constexpr StepRequest kAsked{.in = 100, .room = 1000};

AnswerHead head_of(std::uint8_t kind, std::uint8_t code, std::uint32_t taken, std::uint32_t follows) {
  AnswerHead head{std::byte{kind}, std::byte{code}};
  (void)store_le(MutableBytes(head), 2, taken);
  (void)store_le(MutableBytes(head), 6, follows);
  return head;
}

TEST(UnpackWire, ARequestComesBack) {
  for (const StepRequest request : {StepRequest{}, StepRequest{.in = 1, .room = 2}, StepRequest{kMostIn, kMostOut}})
    EXPECT_EQ(decode_request(encode(request)), request);
  EXPECT_THAT(decode_request(encode({.in = kMostIn + 1, .room = 0})), Fails(Code::Corrupt, "no request"));
  EXPECT_THAT(decode_request(encode({.in = 0, .room = kMostOut + 1})), Fails(Code::Corrupt, "no request"));
}

TEST(UnpackWire, AStepComesBack) {
  for (const bool complete : {false, true}) {
    const auto answer = decode_answer(encode_answer(Decompressor::Step{100, 1000, complete}), kAsked);
    ASSERT_TRUE(answer);
    EXPECT_FALSE(answer->failed);
    EXPECT_EQ(answer->step.taken, 100U);
    EXPECT_EQ(answer->step.given, 1000U);
    EXPECT_EQ(answer->step.complete, complete);
    EXPECT_EQ(answer->follows, 1000U);
  }
}

TEST(UnpackWire, AnErrorComesBack) {
  for (const Code code : {Code::Corrupt, Code::Unsupported, Code::NoMemory, Code::Io}) {
    const auto answer = decode_answer(encode_answer(fail(code, "why")), kAsked);
    ASSERT_TRUE(answer);
    EXPECT_TRUE(answer->failed);
    EXPECT_EQ(answer->follows, 3U);
    EXPECT_EQ(decode_error(*answer, as_bytes("why")).code, code);
    EXPECT_EQ(decode_error(*answer, as_bytes("w\x1Bhy")).text, "w?hy");
  }
  EXPECT_EQ(decode_answer(encode_answer(fail(Code::Unsafe, "why")), kAsked)->code, Code::Io) << "none of its errors";
  EXPECT_EQ(decode_answer(encode_answer(fail(Code::Io, std::string(5000, 'x'))), kAsked)->follows, kMostErrorText);
}

TEST(UnpackWire, WhatCannotBeTrue) {
  EXPECT_TRUE(decode_answer(head_of(0, 0, 100, 1000), kAsked));
  EXPECT_THAT(decode_answer(head_of(0, 0, 101, 0), kAsked), Fails(Code::Corrupt, "more taken than there was"));
  EXPECT_THAT(decode_answer(head_of(1, 0, UINT32_MAX, 0), kAsked), Fails(Code::Corrupt, "more taken than there was"));
  EXPECT_THAT(decode_answer(head_of(0, 0, 0, 1001), kAsked), Fails(Code::Corrupt, "more given than there is room for"));
  EXPECT_THAT(decode_answer(head_of(3, 0, 0, 0), kAsked), Fails(Code::Corrupt, "no answer"));
  EXPECT_THAT(decode_answer(head_of(0, 1, 0, 0), kAsked), Fails(Code::Corrupt, "no answer"));
  EXPECT_THAT(decode_answer(head_of(2, 4, 0, 3), kAsked), Fails(Code::Corrupt, "no error"));
  EXPECT_THAT(decode_answer(head_of(2, 0, 1, 3), kAsked), Fails(Code::Corrupt, "no error"));
  EXPECT_THAT(decode_answer(head_of(2, 0, 0, 0), kAsked), Fails(Code::Corrupt, "no error")) << "without a text";
  EXPECT_THAT(decode_answer(head_of(2, 0, 0, kMostErrorText + 1), kAsked), Fails(Code::Corrupt, "no error"));
}

}  // namespace
}  // namespace vhdboot::modules
