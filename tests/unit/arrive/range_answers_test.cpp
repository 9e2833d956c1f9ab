// SPDX-License-Identifier: GPL-2.0-or-later
#include "init/arrive/range_answers.h"

#include <gtest/gtest.h>

#include <utility>

#include "base/text.h"
#include "tests/unit/base/error_matchers.h"

namespace vhdboot::arrive {
namespace {

using test::Fails;

// Of "FIRST-LAST/SIZE".
std::string length_of(std::string_view range) {
  const auto ends = split(range.substr(0, range.find('/')), '-');
  const auto first = parse_u64(ends.front());
  const auto last = parse_u64(ends.back());
  return first && last && *last >= *first ? concat("Content-Length: ", *last - *first + 1, "\r\n") : "";
}

std::string answer(std::string_view range, std::string_view body, std::string_view more = "") {
  return concat("HTTP/1.1 206 Partial Content\r\nServer: x\r\nContent-Range: bytes ", range, "\r\nETag: \"1\"\r\n",
                length_of(range), more, "\r\n", body);
}

struct Outcome {
  Result<void> result;
  bool complete = false;
  std::string taken;
  std::optional<Version> version;
};

/// In pieces of `piece` bytes.
Outcome read(const std::string& text, std::vector<Range> asked, std::size_t piece = 1000,
             std::optional<Version> version = std::nullopt) {
  Outcome outcome;
  RangeAnswers answers(std::move(asked), std::move(version), [&](std::uint64_t offset, Bytes bytes) -> Result<void> {
    outcome.taken += concat(offset, ':', as_text(bytes), ' ');
    return {};
  });
  for (std::size_t at = 0; at < text.size() && outcome.result; at += piece)
    outcome.result = answers.add(as_bytes(std::string_view(text).substr(at, piece)));
  outcome.complete = answers.complete();
  outcome.version = answers.version();
  return outcome;
}

constexpr std::string_view kChanged = "Last-Modified: now\r\n";

TEST(RangeAnswers, OneAfterTheOther) {
  const std::string text = answer("0-3/100", "abcd", kChanged) + answer("8-9/100", "ij", kChanged);
  const auto all = read(text, {{0, 4}, {8, 2}});
  EXPECT_TRUE(all.result && all.complete);
  EXPECT_EQ(all.taken, "0:abcd 8:ij ");
  EXPECT_EQ(all.version, (Version{.size = 100, .tag = "\"1\"", .changed = "now"}));
  const auto slow = read(text, {{0, 4}, {8, 2}}, 1);
  EXPECT_TRUE(slow.result && slow.complete);
  EXPECT_EQ(slow.taken, "0:a 1:b 2:c 3:d 8:i 9:j ");
  EXPECT_FALSE(read(text, {{0, 4}, {8, 2}, {10, 1}}).complete);
  EXPECT_FALSE(read(text.substr(0, text.size() - 1), {{0, 4}, {8, 2}}).complete);
}

TEST(RangeAnswers, TheFirstMayGoPastTheEnd) {
  const auto all = read(answer("0-3/4", "abcd"), {{0, 4096}});
  EXPECT_TRUE(all.result && all.complete);
  // But not when the size is known.
  const auto known = read(answer("0-3/4", "abcd"), {{0, 4096}}, 1000, Version{.size = 4, .tag = "\"1\""});
  EXPECT_THAT(known.result, Fails(Code::Corrupt, "sends 4 bytes from byte 0, asked for 4096 from 0"));
}

TEST(RangeAnswers, InformationalAnswersArePassedOver) {
  EXPECT_TRUE(read("HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n" + answer("0-1/9", "ab"), {{0, 2}}).complete);
  std::string endless;
  for (unsigned i = 0; i <= kMostInformational; ++i) endless += "HTTP/1.1 102 Processing\r\n\r\n";
  EXPECT_THAT(read(endless, {{0, 2}}).result, Fails(Code::Corrupt, "does not come to its answer"));
}

TEST(RangeAnswers, AFileThatChanged) {
  const Version version{.size = 9, .tag = "\"1\"", .changed = ""};
  EXPECT_TRUE(read(answer("0-1/9", "ab"), {{0, 2}}, 1000, version).complete);
  for (const auto& other : {answer("0-1/10", "ab"), answer("0-1/9", "ab", kChanged)})
    EXPECT_THAT(read(other, {{0, 2}}, 1000, version).result, Fails(Code::Unsafe, "changed while it was fetched"));
  EXPECT_THAT(read(answer("0-1/9", "ab") + answer("2-3/8", "cd"), {{0, 2}, {2, 2}}).result,
              Fails(Code::Unsafe, "changed while it was fetched"));
}

TEST(RangeAnswers, WhatIsNoRange) {
  const auto status = [](std::string_view line, std::string_view more = "") {
    return read(concat("HTTP/1.1 ", line, "\r\n", more, "\r\n<html>"), {{0, 2}}).result;
  };
  EXPECT_THAT(status("200 OK"), Fails(Code::Unsupported, "sends no parts of a file"));
  EXPECT_THAT(status("301 Moved", "Location: https://x/\x1b\r\n"),
              Fails(Code::Unsupported, "give that one, \"https://x/?\""));
  EXPECT_THAT(status("404 Not Found"), Fails(Code::NotFound, "no such file (status 404)"));
  EXPECT_THAT(status("403 Forbidden"), Fails(Code::Unsupported, "status 403"));
  EXPECT_THAT(status("416 Range Not Satisfiable", "Content-Range: bytes */0\r\n"), Fails(Code::Corrupt, "empty"));
  EXPECT_THAT(status("503 Busy"), Fails(Code::Io, "failed (status 503)"));
  EXPECT_THAT(status("206 Partial Content"), Fails(Code::Unsupported, "which part"));
  EXPECT_THAT(status("206 Partial Content", "Content-Range: bytes 0-1/9\r\n"),
              Fails(Code::Unsupported, "how much it sends"));
  EXPECT_THAT(status("999 ?"), Fails(Code::Corrupt, "as a web server does"));
  EXPECT_THAT(read("220 ftp ready\r\n\r\n", {{0, 2}}).result, Fails(Code::Corrupt, "as a web server does"));
  EXPECT_THAT(read("HTTP/1.1\r\n\r\n", {{0, 2}}).result, Fails(Code::Corrupt, "as a web server does"));
}

TEST(RangeAnswers, AnotherRange) {
  for (const std::string_view range : {"0-2/9", "1-2/9", "0-0/9"})
    EXPECT_THAT(read(answer(range, "ab"), {{0, 2}}).result, Fails(Code::Corrupt, "asked for 2 from 0")) << range;
  for (const std::string_view range : {"0-1/*", "1-0/9", "0-9/9", "0/9", "-1/9", "0-1", "x"})
    EXPECT_THAT(read(answer(range, "ab"), {{0, 2}}).result, Fails(Code::Corrupt, "a range that is none")) << range;
  EXPECT_THAT(read(answer("0-1/9", "ab", "Content-Length: 3\r\n"), {{0, 2}}).result,
              Fails(Code::Corrupt, "sends 3 bytes"));
  EXPECT_THAT(read(answer("0-1/9", "ab", "Content-Encoding: gzip\r\n"), {{0, 2}}).result,
              Fails(Code::Unsupported, "encoding"));
}

TEST(RangeAnswers, TooMuch) {
  EXPECT_THAT(read(answer("0-1/9", "abc"), {{0, 2}}).result, Fails(Code::Corrupt, "more than it was asked for"));
  EXPECT_THAT(read(answer("0-1/9", "abc") + answer("2-3/9", "cd"), {{0, 2}, {2, 2}}).result,
              Fails(Code::Corrupt, "more than it was asked for"));
  EXPECT_THAT(read("HTTP/1.1 206 x\r\nA: " + std::string(kMostHead, 'a'), {{0, 2}}).result,
              Fails(Code::Corrupt, "no end of its head"));
}

TEST(RangeAnswers, WhoTakesItMayFail) {
  RangeAnswers answers({{0, 2}}, std::nullopt,
                       [](std::uint64_t, Bytes) -> Result<void> { return fail(Code::Io, "full"); });
  EXPECT_THAT(answers.add(as_bytes(answer("0-1/9", "ab"))), Fails(Code::Io, "full"));
}

}  // namespace
}  // namespace vhdboot::arrive
