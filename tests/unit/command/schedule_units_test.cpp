// SPDX-License-Identifier: GPL-2.0-or-later
#include "tools/vhdboot/schedule_units.h"

#include "tests/unit/base/error_matchers.h"

namespace vhdboot::command {
namespace {

using test::Fails;
using testing::HasSubstr;

constexpr WallTime kNow{.year = 2026, .month = 12, .day = 31, .hour = 22, .minute = 30};

std::string at(std::string_view text) {
  const auto time = parse_time(text, kNow);
  return time ? to_text(*time) : time.error().text;
}

TEST(ScheduleTime, AsPeopleSayIt) {
  EXPECT_EQ(at("23:00"), "2026-12-31 23:00");
  EXPECT_EQ(at("22:30"), "2027-01-01 22:30");
  EXPECT_EQ(at("03:00"), "2027-01-01 03:00");
  EXPECT_EQ(at("2027-02-28 00:05"), "2027-02-28 00:05");
  EXPECT_EQ(at("+90min"), "2027-01-01 00:00");
  EXPECT_EQ(at("+2h"), "2027-01-01 00:30");
  EXPECT_EQ(at("+1d"), "2027-01-01 22:30");
  EXPECT_THAT(parse_time("2026-12-31 22:00", kNow), Fails(Code::Invalid, "has passed, it is 2026-12-31 22:30"));
  for (const char* text : {"", "3:00", "24:00", "23:60", "2027-02-29 03:00", "2027-13-01 03:00", "2027-01-01", "+",
                           "+5", "+0min", "+-1h", "tomorrow", "+99999999999d"})
    EXPECT_THAT(parse_time(text, kNow), Fails(Code::Invalid, "is no time")) << text;
}

TEST(ScheduleUnits, CanBeRead) {
  const Schedule schedule{.at = parse_time("03:00", kNow).value(), .repeat = Repeat::Once, .next = "windows"};
  const auto units = schedule_units(schedule, "/usr/bin/vhdboot", "/sbin/shutdown");
  ASSERT_TRUE(units);
  EXPECT_THAT(units->timer, HasSubstr("\nOnCalendar=2027-01-01 03:00:00\n"));
  EXPECT_THAT(units->service, HasSubstr("\nExecStart=\"/usr/bin/vhdboot\" next -- \"windows\"\n"
                                        "ExecStart=\"/sbin/shutdown\" -r +5 \"This machine restarts into windows"));
  const auto noted = read_schedule(units->timer);
  ASSERT_TRUE(noted);
  EXPECT_EQ(noted->when, "2027-01-01 03:00");
  EXPECT_EQ(noted->next, "windows");
  EXPECT_FALSE(read_schedule("[Timer]\n"));
  EXPECT_EQ(to_text(*noted, kNow), "2027-01-01 03:00: next windows");
  EXPECT_EQ(to_text(*noted, parse_time("+5h", kNow).value()), "2027-01-01 03:00 (has passed): next windows");
}

TEST(ScheduleUnits, AgainAndAgain) {
  Schedule schedule{.at = parse_time("03:00", kNow).value(), .repeat = Repeat::Daily, .next = "a"};
  EXPECT_THAT(schedule_units(schedule, "/v", "/s")->timer, HasSubstr("OnCalendar=*-*-* 03:00:00\n"));
  EXPECT_EQ(
      to_text(read_schedule(schedule_units(schedule, "/v", "/s")->timer).value(), parse_time("+2d", kNow).value()),
      "every day from 2027-01-01 03:00: next a");
  schedule.repeat = Repeat::Weekly;
  EXPECT_THAT(schedule_units(schedule, "/v", "/s")->timer, HasSubstr("OnCalendar=Fri *-*-* 03:00:00\n"));
}

TEST(ScheduleUnits, NamesAreTakenAsTheyAre) {
  Schedule schedule{.at = kNow, .repeat = Repeat::Once, .next = R"(50% of "$HOME" \ x)"};
  EXPECT_THAT(schedule_units(schedule, "/v", "/s")->service, HasSubstr(R"(next -- "50%% of \"$$HOME\" \\ x")"));
  schedule.next = "a\nExecStart=/bin/false";
  EXPECT_THAT(schedule_units(schedule, "/v", "/s"), Fails(Code::Invalid, "does not fit into a unit"));
}

}  // namespace
}  // namespace vhdboot::command
