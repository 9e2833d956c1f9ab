// SPDX-License-Identifier: GPL-2.0-or-later
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <string>
#include <string_view>

#include "base/text.h"
#include "init/sys/file.h"
#include "init/sys/process.h"
#include "tools/common/find_program.h"
#include "tools/common/json.h"
#include "tools/common/options.h"
#include "tools/common/output.h"
#include "tools/vhdboot/carry_out.h"
#include "tools/vhdboot/commands.h"
#include "tools/vhdboot/next_boot.h"
#include "tools/vhdboot/status_report.h"

namespace vhdboot::command {
namespace {

constexpr std::string_view kHelp = R"(Usage: vhdboot next [OPTION]... NAME|windows|firmware|menu
       vhdboot next --show|--clear

What this machine starts next, once: NAME is an entry of the boot loader that
speaks the Boot Loader Interface (systemd-boot), of the firmware's menu, or of
GRUB's, by title, id or number; "windows" is Windows; "firmware" the firmware's
setup; "menu" the boot loader's menu. What is written is read again. As root.
Ventoy knows no once: NAME as the path of a file on its volume becomes what it
starts when nobody chooses, until --clear.

      --reboot   restart now
      --show     what is set
      --clear    nothing special is started next
  -n, --dry-run  only say how it would be done
      --json     with --show: one JSON object
  -h, --help     this text

Exit status: 0 done, 1 failed, 2 wrong command line, 3 there is no such entry or
it cannot be told here, 4 it is set, but not for once; of --show: what was set is
gone.

Examples:
  sudo vhdboot next windows --reboot
  sudo vhdboot next --show
)";

void write_note(std::string_view text) {
  // Only a help for --show.
  (void)sys::make_directories("/run/vhdboot");
  (void)sys::write_file(kNextNote, as_bytes(text));
}

ExitStatus show(const char* command, const NextBootFacts& facts, bool json) {
  const auto set = set_next_boots(facts);
  const std::string note(trim(sys::read_text(kNextNote).value_or("")));
  const bool forgotten = !note.empty() && std::ranges::find(set, note, &NextBoot::text) == set.end();
  if (json) {
    tools::JsonWriter out;
    out.begin_object().member("schema", "vhdboot.next/1").key("next").begin_array();
    for (const NextBoot& next : set)
      out.begin_object().member("by", word(next.by)).member("text", std::string_view(next.text)).end_object();
    out.end_array().member("forgotten", forgotten).end_object();
    tools::print(out.text() + '\n');
  } else {
    for (const NextBoot& next : set) tools::print(concat("next start: ", next.text, '\n'));
    if (set.empty()) tools::print("next start: nothing is set, the usual one\n");
  }
  if (!forgotten) return ExitStatus::Done;
  tools::warn(command, "--show",
              concat("since this start was set: ", printable(note),
                     ". It is gone: the firmware or another program has forgotten it"));
  return ExitStatus::Warnings;
}

Result<void> clear(const RunningSystem& system, const NextBootFacts& facts, const NextBoot* but) {
  for (const NextBoot& next : set_next_boots(facts))
    if (but == nullptr || next.by != but->by || next.file != but->file) TRY(clear_next_boot(system, facts, next));
  return {};
}

// Another one that was set would come after it, unasked.
Result<void> set(const RunningSystem& system, const NextBootFacts& facts, const NextBoot& next) {
  TRY(clear(system, facts, &next));
  TRY(set_next_boot(system, facts, next));
  const auto now = set_next_boots(read_next_boot_facts(system));
  if (std::ranges::find(now, next) == now.end())
    return fail(Code::Io, "it was written, and is not there when it is read again: the firmware has forgotten it");
  return {};
}

Result<void> restart() {
  constexpr auto kPatience = std::chrono::seconds(60);
  const auto systemctl = tools::find_program("systemctl");
  if (systemctl && sys::run({*systemctl, "reboot"}, sys::Deadline::in(kPatience)).value_or(1) == 0) return {};
  const auto reboot = tools::find_program("reboot");
  if (reboot && sys::run({*reboot}, sys::Deadline::in(kPatience)).value_or(1) == 0) return {};
  return fail(Code::Io, "it is set, but neither `systemctl reboot` nor `reboot` restarts the machine");
}

}  // namespace

ExitStatus run_next(int argc, char** argv) {
  const tools::CommandLine line = tools::read_command_line(
      argc, argv, {{"reboot", false}, {"show", false}, {"clear", false}, {"dry-run", false, 'n'}, {"json", false}}, {},
      kHelp, {"NAME"});
  if (line.status) return *line.status;
  const char* command = argv[0];
  const RunningSystem system;
  const NextBootFacts facts = read_next_boot_facts(system);
  const bool asks = line.has("show") || line.has("clear");
  if (asks != line.arguments.empty() || (line.has("show") && line.has("clear")))
    return tools::wrong_usage(command, asks ? "--show and --clear stand alone" : "what is to be started next?");
  if (line.has("show")) return show(command, facts, line.has("json"));
  if (line.has("clear")) {
    if (const auto done = clear(system, facts, nullptr); !done) return tools::failed(command, "--clear", done.error());
    ::unlink(kNextNote);
    tools::print("next start: nothing is set, the usual one\n");
    return ExitStatus::Done;
  }
  std::string name = line.arguments.front();
  // A path, which "Debian GNU/Linux" is not: what Ventoy starts.
  if (name.starts_with('/') || name.starts_with("./") || name.starts_with("../")) {
    auto whole = whole_path(name);
    if (!whole) return tools::failed(command, name, whole.error());
    name = *std::move(whole);
  }
  const auto next = choose_next_boot(system, facts, name);
  if (!next) return tools::failed(command, name, next.error());
  if (line.has("dry-run")) {
    tools::print(concat("next start would be: ", next->text, '\n'));
    return ExitStatus::Done;
  }
  if (const auto done = set(system, facts, *next); !done) return tools::failed(command, name, done.error());
  write_note(next->text);
  tools::print(concat("next start: ", next->text, "; read again, it is kept\n"));
  if (!next->is_once())
    tools::warn(command, name,
                "Ventoy knows no once: when the machine is back, take it away by `vhdboot next --clear`; until then "
                "choose another one in Ventoy's menu");
  if (line.has("reboot"))
    if (const auto done = restart(); !done) return tools::failed(command, name, done.error());
  return next->is_once() ? ExitStatus::Done : ExitStatus::Warnings;
}

}  // namespace vhdboot::command
