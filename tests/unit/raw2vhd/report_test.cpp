// SPDX-License-Identifier: GPL-2.0-or-later
#include "tools/raw2vhd/report.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/vhd/disks.h"
#include "tools/common/json.h"

namespace vhdboot::raw2vhd {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

TEST(Json, EscapesWhatMustBe) {
  EXPECT_EQ(tools::JsonWriter().value("a\"b\\c\nd\te\x7F").text(), R"("a\"b\\c\nd\u0009e\u007f")");
  EXPECT_EQ(tools::JsonWriter().value("Grüße 😀").text(), "\"Grüße 😀\"");
  EXPECT_EQ(tools::JsonWriter().value("x\xFFy\xC3").text(), "\"x\uFFFDy\uFFFD\"");
}

TEST(Json, SeparatesValues) {
  tools::JsonWriter json;
  json.begin_object().key("a").begin_array().value(1u).value(true).begin_object().end_object().end_array();
  json.member("b", "c").key("d").begin_array().end_array().end_object();
  EXPECT_EQ(json.text(), R"({"a":[1,true,{}],"b":"c","d":[]})");
}

vhd::Conversion sample() {
  test::SparseFile file(kMiB);
  vhd::ConversionOptions options;
  options.fresh_uuid = test::kUuid;
  return plan_conversion(file, options).value();
}

TEST(Report, SaysWhatWasWrittenAndWhere) {
  const std::string text = text_report("a.vhd", sample(), {});
  EXPECT_THAT(text, HasSubstr("a.vhd: is now a fixed VHD of 1 MiB (1048576 bytes), UUID "
                              "6ba7b810-9dad-11d1-80b4-00c04fd430c8\n"));
  EXPECT_THAT(text, HasSubstr("a.vhd: wrote 512 bytes at byte 1048576: footer\n"));
}

TEST(Report, ADryRunPromisesNoRandomUuid) {
  const std::string text = text_report("a\nb.vhd", sample(), {.dry_run = true, .uuid_known = false});
  EXPECT_THAT(text, StartsWith("a?b.vhd: would become a fixed VHD"));
  EXPECT_THAT(text, HasSubstr("would write 512 bytes at byte 1048576: footer\n"));
  EXPECT_THAT(text, Not(HasSubstr("6ba7b810")));
  JsonReport json;
  json.add("a", sample(), {.dry_run = true, .uuid_known = false});
  EXPECT_THAT(json.finish(ExitStatus::Done), Not(HasSubstr("uuid")));
}

TEST(Report, JsonHasTheSame) {
  JsonReport json;
  json.add("a.vhd", sample(), {});
  json.add("b.vhd", vhd::Refusal(vhd::Reason::InUse, Error{Code::Busy, 0, "it is busy"}));
  EXPECT_EQ(
      json.finish(ExitStatus::Refused),
      R"({"schema":"vhdboot.raw2vhd/1","files":[{"file":"a.vhd","status":0,"change":"created","dry_run":false,"old_payload_size":1048576,)"
      R"("payload_size":1048576,"file_size":1049088,"uuid":"6ba7b810-9dad-11d1-80b4-00c04fd430c8",)"
      R"("writes":[{"offset":1048576,"length":512,"what":"footer"}],"hints":[]},)"
      R"({"file":"b.vhd","status":3,"reason":"in-use","message":"it is busy"}],"status":3})");
}

TEST(ReasonOfARefusal, TheReasonFollowsFromWhatTheSystemSaid) {
  EXPECT_EQ(vhd::Refusal(sys_error("writing", ENOSPC)).reason, vhd::Reason::NoRoom);
  EXPECT_EQ(vhd::Refusal(sys_error("writing", EFBIG)).reason, vhd::Reason::NoRoom);
  EXPECT_EQ(vhd::Refusal(sys_error("opening", EROFS)).reason, vhd::Reason::ReadOnly);
  EXPECT_EQ(vhd::Refusal(sys_error("opening", ETXTBSY)).reason, vhd::Reason::InUse);
  EXPECT_EQ(vhd::Refusal(sys_error("reading", EIO)).reason, vhd::Reason::Failed);
  EXPECT_EQ(vhd::Refusal(sys_error("opening", ENOENT)).reason, vhd::Reason::Failed);
  EXPECT_EQ(vhd::Refusal(Error{Code::Corrupt, 0, ""}).reason, vhd::Reason::Damaged);
  EXPECT_EQ(vhd::Refusal(Error{Code::Unsupported, 0, ""}).reason, vhd::Reason::OtherFormat);
}

TEST(ReasonOfARefusal, TheExitStatusFollowsFromTheReason) {
  const auto status = [](vhd::Reason reason) { return exit_status(refuse(reason, "so it is").error().error); };
  for (const vhd::Reason reason : {vhd::Reason::WrongSize, vhd::Reason::TooLarge, vhd::Reason::OtherFormat,
                                   vhd::Reason::Damaged, vhd::Reason::NotRegular, vhd::Reason::InUse})
    EXPECT_EQ(status(reason), ExitStatus::Refused) << name(reason);
  for (const vhd::Reason reason : {vhd::Reason::Failed, vhd::Reason::ReadOnly, vhd::Reason::NoRoom})
    EXPECT_EQ(status(reason), ExitStatus::Failed) << name(reason);
}

}  // namespace
}  // namespace vhdboot::raw2vhd
