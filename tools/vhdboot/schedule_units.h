// SPDX-License-Identifier: GPL-2.0-or-later
// A start into another system at a time: what a person says, and the units of systemd that come of it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"

namespace vhdboot::command {

/// A time of the clock on the wall.
struct WallTime {
  int year = 0;
  unsigned month = 0;  ///< 1 to 12
  unsigned day = 0;    ///< 1 to 31
  unsigned hour = 0;
  unsigned minute = 0;

  friend auto operator<=>(const WallTime&, const WallTime&) = default;
};

/// "2026-11-30 03:00"
[[nodiscard]] std::string to_text(const WallTime& time);

/// "03:00", the next one after `now`; "2026-11-30 03:00"; "+90min", "+2h". Invalid for anything else and for what has
/// passed.
[[nodiscard]] Result<WallTime> parse_time(std::string_view text, const WallTime& now);

enum class Repeat : std::uint8_t { Once, Daily, Weekly };

struct Schedule {
  WallTime at;
  Repeat repeat = Repeat::Once;
  std::string next;           ///< as `vhdboot next` takes it
  unsigned warn_minutes = 5;  ///< between what people are told and the restart

  friend bool operator==(const Schedule&, const Schedule&) = default;
};

inline constexpr std::string_view kScheduleTimer = "vhdboot-next.timer";
inline constexpr std::string_view kScheduleService = "vhdboot-next.service";
inline constexpr unsigned kMaxWarnMinutes = 24 * 60;

struct ScheduleUnits {
  std::string timer;
  std::string service;
};

/// `program` and `shutdown`: the paths of those. Invalid for a name that does not fit into a unit.
[[nodiscard]] Result<ScheduleUnits> schedule_units(const Schedule& schedule, std::string_view program,
                                                   std::string_view shutdown);

/// What schedule_units() has noted in the timer, for people, and the name; nothing when it is none of ours.
struct NotedSchedule {
  std::string when;
  std::string next;
};
[[nodiscard]] std::optional<NotedSchedule> read_schedule(std::string_view timer);

/// "2026-11-30 03:00: next windows"; it says so when that has passed.
[[nodiscard]] std::string to_text(const NotedSchedule& noted, const WallTime& now);

}  // namespace vhdboot::command
