// SPDX-License-Identifier: GPL-2.0-or-later
#include "tools/vhdboot/schedule_units.h"

#include <array>
#include <chrono>
#include <utility>

#include "base/quoted.h"
#include "base/text.h"

namespace vhdboot::command {
namespace {

using Minutes = std::chrono::sys_time<std::chrono::minutes>;

Minutes minutes_of(const WallTime& time) {
  const std::chrono::year_month_day date{std::chrono::year(time.year), std::chrono::month(time.month),
                                         std::chrono::day(time.day)};
  return std::chrono::sys_days(date) + std::chrono::hours(time.hour) + std::chrono::minutes(time.minute);
}

WallTime wall_time(Minutes time) {
  const auto day = std::chrono::floor<std::chrono::days>(time);
  const std::chrono::year_month_day date(day);
  const auto minute = static_cast<unsigned>((time - day).count());
  return {.year = static_cast<int>(date.year()),
          .month = static_cast<unsigned>(date.month()),
          .day = static_cast<unsigned>(date.day()),
          .hour = minute / 60,
          .minute = minute % 60};
}

std::string two(std::uint64_t number) {
  return concat(number < 10 ? "0" : "", number);
}

std::optional<unsigned> number(std::string_view text, std::size_t digits, unsigned least, unsigned most) {
  const auto value = text.size() == digits ? parse_u64(text) : std::nullopt;
  if (!value || *value < least || *value > most) return std::nullopt;
  return static_cast<unsigned>(*value);
}

// "03:00" in `time`.
bool take_clock(std::string_view text, WallTime& time) {
  const auto parts = split(text, ':');
  if (parts.size() != 2) return false;
  const auto hour = number(parts[0], 2, 0, 23);
  const auto minute = number(parts[1], 2, 0, 59);
  if (!hour || !minute) return false;
  time.hour = *hour;
  time.minute = *minute;
  return true;
}

bool take_date(std::string_view text, WallTime& time) {
  const auto parts = split(text, '-');
  if (parts.size() != 3) return false;
  const auto year = number(parts[0], 4, 1970, 9999);
  const auto month = number(parts[1], 2, 1, 12);
  const auto day = number(parts[2], 2, 1, 31);
  if (!year || !month || !day) return false;
  time.year = static_cast<int>(*year);
  time.month = *month;
  time.day = *day;
  return std::chrono::year_month_day(std::chrono::year(time.year), std::chrono::month(time.month),
                                     std::chrono::day(time.day))
      .ok();
}

std::optional<std::uint64_t> span_minutes(std::string_view text) {
  constexpr std::uint64_t kMost = 366ULL * 24 * 60;
  std::uint64_t factor = 0;
  for (const auto& [unit, minutes] : {std::pair<std::string_view, std::uint64_t>{"min", 1}, {"h", 60}, {"d", 1440}})
    if (factor == 0 && text.ends_with(unit)) {
      factor = minutes;
      text.remove_suffix(unit.size());
    }
  const auto value = parse_u64(text);
  if (factor == 0 || !value || *value == 0 || *value > kMost / factor) return std::nullopt;
  return *value * factor;
}

std::string_view week_day(const WallTime& time) {
  constexpr std::array<std::string_view, 7> kNames{"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
  const std::chrono::weekday day(std::chrono::floor<std::chrono::days>(minutes_of(time)));
  return kNames.at(day.c_encoding());
}

std::string calendar(const Schedule& schedule) {
  const std::string clock = concat(two(schedule.at.hour), ':', two(schedule.at.minute), ":00");
  switch (schedule.repeat) {
    case Repeat::Once:
      break;
    case Repeat::Daily:
      return concat("*-*-* ", clock);
    case Repeat::Weekly:
      return concat(week_day(schedule.at), " *-*-* ", clock);
  }
  return concat(to_text(schedule.at), ":00");
}

// One argument of ExecStart= (systemd.service(5), "command lines").
std::string argument(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    if (c == '%' || c == '$') out += c;
    out += c;
  }
  return out + '"';
}

// Behind `key` on the line that begins with it.
std::string value_of(std::string_view text, std::string_view key) {
  for (const std::string_view line : split_lines(text))
    if (line.starts_with(key)) return std::string(line.substr(key.size()));
  return "";
}

constexpr std::string_view kEvery = "every ";
constexpr std::string_view kNotedWhen = "When=";
constexpr std::string_view kNotedNext = "Next=";

}  // namespace

std::string to_text(const WallTime& time) {
  return concat(time.year, '-', two(time.month), '-', two(time.day), ' ', two(time.hour), ':', two(time.minute));
}

Result<WallTime> parse_time(std::string_view text, const WallTime& now) {
  WallTime time = now;
  if (text.starts_with('+')) {
    const auto span = span_minutes(text.substr(1));
    if (span) return wall_time(minutes_of(now) + std::chrono::minutes(*span));
  } else if (take_clock(text, time)) {
    return time > now ? time : wall_time(minutes_of(time) + std::chrono::days(1));
  } else if (const auto parts = split_words(text);
             parts.size() == 2 && take_date(parts[0], time) && take_clock(parts[1], time)) {
    if (time > now) return time;
    return fail(Code::Invalid, concat(to_text(time), " has passed, it is ", to_text(now)));
  }
  return fail(Code::Invalid, concat(quoted(text), " is no time: say 03:00, \"2026-11-30 03:00\" or +90min"));
}

Result<ScheduleUnits> schedule_units(const Schedule& schedule, std::string_view program, std::string_view shutdown) {
  if (!fits_line(schedule.next) || !to_utf16(schedule.next))
    return fail(Code::Invalid, concat(quoted(schedule.next), " does not fit into a unit"));
  const std::string when = concat(schedule.repeat == Repeat::Once    ? ""
                                  : schedule.repeat == Repeat::Daily ? concat(kEvery, "day from ")
                                                                     : concat(kEvery, "week from "),
                                  to_text(schedule.at));
  ScheduleUnits units;
  units.timer = concat(
      "# Made by vhdboot schedule; `vhdboot schedule --cancel` takes it away.\n[Unit]\n"
      "Description=Start another system once\n\n[Timer]\nOnCalendar=",
      calendar(schedule),
      "\nAccuracySec=1s\n# What was missed while the machine was off is not made up for.\nPersistent=false\n\n"
      "[Install]\nWantedBy=timers.target\n\n[X-Vhdboot]\n",
      kNotedWhen, when, '\n', kNotedNext, schedule.next, '\n');
  units.service = concat(
      "# Made by vhdboot schedule; `vhdboot schedule --cancel` takes it away.\n[Unit]\n"
      "Description=Start another system once\n\n[Service]\nType=oneshot\n"
      "# The second one only when the first one could set it. `shutdown -c` stops it.\n"
      "ExecStart=",
      argument(program), " next -- ", argument(schedule.next), "\nExecStart=", argument(shutdown), " -r +",
      schedule.warn_minutes, ' ',
      argument(concat("This machine restarts into ", printable(schedule.next),
                      " (vhdboot schedule). To stop it: shutdown -c")),
      '\n');
  return units;
}

std::optional<NotedSchedule> read_schedule(std::string_view timer) {
  NotedSchedule noted{.when = value_of(timer, kNotedWhen), .next = value_of(timer, kNotedNext)};
  if (noted.when.empty() || noted.next.empty()) return std::nullopt;
  return noted;
}

std::string to_text(const NotedSchedule& noted, const WallTime& now) {
  const bool has_passed = !noted.when.starts_with(kEvery) && !parse_time(noted.when, now);
  return concat(printable(noted.when), has_passed ? " (has passed)" : "", ": next ", printable(noted.next));
}

}  // namespace vhdboot::command
