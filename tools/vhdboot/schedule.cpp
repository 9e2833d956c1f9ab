// SPDX-License-Identifier: GPL-2.0-or-later
#include <unistd.h>

#include <array>
#include <chrono>
#include <ctime>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/text.h"
#include "init/sys/file.h"
#include "init/sys/process.h"
#include "tools/common/find_program.h"
#include "tools/common/options.h"
#include "tools/common/output.h"
#include "tools/vhdboot/carry_out.h"
#include "tools/vhdboot/commands.h"
#include "tools/vhdboot/next_boot.h"
#include "tools/vhdboot/schedule_units.h"

namespace vhdboot::command {
namespace {

constexpr std::string_view kHelp = R"(Usage: vhdboot schedule --at TIME --next NAME [OPTION]...
       vhdboot schedule --show|--cancel

At TIME this machine is told to start NAME once (see vhdboot next), everybody who is
logged in is told, and some minutes later it restarts. It is a timer and a service
of systemd, /etc/systemd/system/vhdboot-next.timer and .service. As root.

      --at TIME       03:00, "2026-11-30 03:00" or +90min
      --next NAME     as `vhdboot next` takes it
      --every day|week  again and again
      --warn MINUTES  between the warning and the restart, 5 without it
      --show          what is scheduled
      --cancel        takes it away, and stops a restart that was announced
  -n, --dry-run       only show what would be written
  -y, --yes           do not ask
      --json          the plan as one JSON object
  -h, --help          this text

Examples:
  sudo vhdboot schedule --at 03:00 --next windows
  sudo vhdboot schedule --cancel
)";

constexpr std::string_view kFolder = "/etc/systemd/system/";

std::string unit_path(std::string_view name) {
  return concat(kFolder, name);
}

WallTime now() {
  const std::time_t time = std::time(nullptr);
  std::tm local{};
  ::localtime_r(&time, &local);
  return {.year = local.tm_year + 1900,
          .month = static_cast<unsigned>(local.tm_mon + 1),
          .day = static_cast<unsigned>(local.tm_mday),
          .hour = static_cast<unsigned>(local.tm_hour),
          .minute = static_cast<unsigned>(local.tm_min)};
}

Result<void> run_program(std::string_view name, std::vector<std::string> arguments) {
  constexpr auto kPatience = std::chrono::seconds(60);
  const auto path = tools::find_program(name);
  if (!path) return fail(Code::Unsupported, concat("this system has no ", name, ": it takes systemd"));
  arguments.insert(arguments.begin(), *path);
  const int status = TRY(sys::run(arguments, sys::Deadline::in(kPatience)));
  if (status != 0) return fail(Code::Io, concat(name, ' ', arguments[1], " has failed (exit status ", status, ')'));
  return {};
}

Result<std::string> own_program() {
  std::array<char, 4096> path{};
  const ssize_t length = ::readlink("/proc/self/exe", path.data(), path.size());
  if (length <= 0) return fail_errno("finding this program");
  return std::string(path.data(), static_cast<std::size_t>(length));
}

ExitStatus show() {
  const auto timer = sys::read_text(unit_path(kScheduleTimer));
  const auto noted = timer ? read_schedule(*timer) : std::nullopt;
  tools::print(noted ? to_text(*noted, now()) + '\n' : std::string("nothing is scheduled\n"));
  return ExitStatus::Done;
}

Result<void> cancel(const RunningSystem& system) {
  const auto timer = sys::read_text(unit_path(kScheduleTimer));
  const auto noted = timer ? read_schedule(*timer) : std::nullopt;
  if (!noted) return fail(Code::NotFound, "nothing is scheduled");
  TRY(run_program("systemctl", {"disable", "--quiet", "--now", std::string(kScheduleTimer)}));
  // Neither is an error when it has not come to that yet.
  (void)run_program("shutdown", {"-c"});
  const NextBootFacts facts = read_next_boot_facts(system);
  if (const auto next = choose_next_boot(system, facts, noted->next))
    for (const NextBoot& set : set_next_boots(facts))
      if (set == *next) {
        TRY(clear_next_boot(system, facts, set));
        ::unlink(kNextNote);
      }
  for (const std::string_view unit : {kScheduleTimer, kScheduleService})
    if (::unlink(unit_path(unit).c_str()) < 0) return fail_errno(unit_path(unit));
  return run_program("systemctl", {"daemon-reload"});
}

Result<Schedule> read_words(const tools::CommandLine& line) {
  Schedule schedule;
  schedule.at = TRY(parse_time(line.value("at"), now()));
  schedule.next = line.value("next");
  if (line.has("every")) {
    const std::string every = line.value("every");
    if (every != "day" && every != "week") return fail(Code::Invalid, "--every takes day or week");
    schedule.repeat = every == "day" ? Repeat::Daily : Repeat::Weekly;
  }
  if (line.has("warn")) {
    const auto minutes = parse_u64(line.value("warn"));
    if (!minutes || *minutes > kMaxWarnMinutes)
      return fail(Code::Invalid, concat("--warn takes minutes, 0 to ", kMaxWarnMinutes));
    schedule.warn_minutes = static_cast<unsigned>(*minutes);
  }
  return schedule;
}

Result<Plan> make_plan(const RunningSystem& system, const Changer& changer, const Schedule& schedule) {
  if (!sys::exists("/run/systemd/system")) return fail(Code::Unsupported, "this system does not run systemd");
  // Without it `shutdown -r +5` fails, and the machine would stay on with another system chosen.
  if (!sys::exists("/run/dbus/system_bus_socket"))
    return fail(Code::Unsupported,
                "no D-Bus runs here, and without it systemd-logind tells nobody of a restart: install dbus");
  const NextBoot next = TRY(choose_next_boot(system, read_next_boot_facts(system), schedule.next));
  if (!next.is_once())
    return fail(Code::Unsupported, "Ventoy cannot be told to start something once, and nobody would set it back");
  const auto shutdown = tools::find_program("shutdown");
  if (!shutdown) return fail(Code::Unsupported, "this system has no shutdown");
  const ScheduleUnits units = TRY(schedule_units(schedule, TRY(own_program()), *shutdown));
  Plan plan;
  plan.facts.push_back(concat("next start then: ", next.text));
  const auto add = [&](std::string_view unit, const std::string& text, std::string what) -> Result<void> {
    const Bytes bytes = as_bytes(text);
    plan.add(TRY(plan_change(changer, Change::Target::File, unit_path(unit), FileBytes(bytes.begin(), bytes.end()),
                             std::move(what))));
    return {};
  };
  TRY(add(kScheduleService, units.service, concat("sets it, and restarts ", schedule.warn_minutes, " minutes later")));
  TRY(add(kScheduleTimer, units.timer, concat("at ", to_text(schedule.at))));
  plan.then = "both units are written";
  return plan;
}

ExitStatus start_timer(const char* command, Changer& changer, const Plan& plan, const WallTime& at) {
  auto done = run_program("systemctl", {"daemon-reload"});
  if (done) done = run_program("systemctl", {"enable", "--quiet", "--now", std::string(kScheduleTimer)});
  // A timer that was there runs on with its old time otherwise.
  if (done) done = run_program("systemctl", {"restart", std::string(kScheduleTimer)});
  if (done) {
    tools::print(concat("scheduled for ", to_text(at), "; to stop it: vhdboot schedule --cancel\n"));
    return ExitStatus::Done;
  }
  for (const Change& change : plan.changes) (void)changer.put(change.target, change.path, change.before);
  (void)run_program("systemctl", {"daemon-reload"});
  return tools::failed(command, kScheduleTimer, done.error());
}

}  // namespace

ExitStatus run_schedule(int argc, char** argv) {
  const tools::CommandLine line = tools::read_command_line(
      argc, argv,
      plan_options({{"at", true}, {"next", true}, {"every", true}, {"warn", true}, {"show", false}, {"cancel", false}}),
      {}, kHelp);
  if (line.status) return *line.status;
  const char* command = argv[0];
  const RunningSystem system;
  const bool asks = line.has("show") || line.has("cancel");
  if (asks && line.options.size() > 1) return tools::wrong_usage(command, "--show and --cancel stand alone");
  if (line.has("show")) return show();
  if (line.has("cancel")) {
    if (const auto done = cancel(system); !done) return tools::failed(command, "--cancel", done.error());
    tools::print("nothing is scheduled any more\n");
    return ExitStatus::Done;
  }
  if (!line.has("at") || !line.has("next")) return tools::wrong_usage(command, "--at TIME and --next NAME, both");
  const auto schedule = read_words(line);
  if (!schedule) return tools::wrong_usage(command, schedule.error().text);
  Changer changer(system.variables());
  const auto plan = make_plan(system, changer, *schedule);
  if (!plan) return tools::failed(command, schedule->next, plan.error());
  const ExitStatus status = show_and_carry_out(line, command, kScheduleTimer, changer, *plan, "vhdboot.schedule/1");
  if (status != ExitStatus::Done || line.has("dry-run")) return status;
  return start_timer(command, changer, *plan, schedule->at);
}

}  // namespace vhdboot::command
