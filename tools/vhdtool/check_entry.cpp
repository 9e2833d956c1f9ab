// SPDX-License-Identifier: GPL-2.0-or-later
#include "tools/vhdtool/check_entry.h"

#include <algorithm>
#include <string_view>
#include <utility>
#include <vector>

#include "base/text.h"
#include "entry/find_entries.h"
#include "entry/root_option.h"
#include "init/guest/boot.h"
#include "init/modules/needed_modules.h"
#include "init/stage/next_step.h"
#include "kexec/cmdline.h"
#include "kexec/plan.h"

namespace vhdboot::vhdtool {
namespace {

using entry::FoundEntry;
using entry::GuestEntry;

// How much the answers about one entry weigh: what only a person would choose is no reason not to boot.
struct Role {
  bool booted = false;
  std::optional<std::string_view> profile;
  [[nodiscard]] Severity severity() const { return booted ? Severity::Error : Severity::Warning; }
};

class EntryCheck {
 public:
  EntryCheck(disk::GuestDisk& disk, const record::Config& config, Findings& findings)
      : disk_(disk), config_(config), findings_(findings) {}

  // The error is found as well.
  Result<BootChoice> run(const FoundEntry& found, const Role& role) {
    auto entry = found.open({.profile = role.profile, .smbios_options = {}});
    if (!entry) return refuse("entry", role, std::move(entry.error()));
    entry->entry.default_by = found.entry.default_by;
    entry->entry.no_default = found.entry.no_default;
    const std::string id = concat(printable(found.entry.id), role.profile ? "@" : "",
                                  role.profile ? printable(*role.profile) : std::string());
    if (role.booted)
      for (const std::string& warning : entry->warnings) findings_.warning("entry", concat(id, ": ", warning));
    const std::string root = root_of(kexec::CommandLine::parse(concat(entry->parts.cmdline, ' ', config_.options)));
    auto line = guest::make_command_line(disk_, entry->parts.cmdline, config_);
    if (!line) return refuse("root", role, std::move(line.error()).within(id));
    auto choice = TRY(check_plan(*std::move(entry), *line, id, role));
    if (role.booted) {
      tell_root(root, root_of(line->line), id);
      check_count(found.entry, id);
    }
    return choice;
  }

 private:
  std::unexpected<Error> refuse(std::string_view about, const Role& role, Error error) {
    findings_.add(about, role.severity(), error.message());
    return std::unexpected(std::move(error));
  }

  Result<BootChoice> check_plan(GuestEntry entry, const guest::GuestCommandLine& line, const std::string& id,
                                const Role& role) {
    auto boot = guest::plan_boot(disk_, entry, line.line);
    if (!boot) {
      const auto startable = kexec::make_plan(entry.parts, "");
      const bool is_rootless = !entry::may_hold_root(disk_, root_of(line.line));
      const std::string_view about = !startable               ? "kernel"
                                     : !startable->has_initrd ? "initrd"
                                     : is_rootless            ? "root"
                                                              : "kernel";
      return refuse(about, role, std::move(boot.error()));
    }
    if (config_.module_source() == record::ModuleSource::Auto)
      if (auto folders = modules::module_directories(boot->release); !folders)
        return refuse("kernel", role,
                      Error{folders.error().code, 0,
                            concat(id,
                                   ": the release of its kernel is not known, and by that its modules are looked "
                                   "for: write `modules guest` into the configuration file to leave them to its "
                                   "initrd")});
    if (!boot->root)
      findings_.ok("initrd", concat(id, " has an initrd", names_of(entry.entry.initrds)));
    else
      findings_.ok("initrd", concat(id, " has no initrd: vhdboot mounts its root, ",
                                    boot->root->partition == 0 ? std::string("the whole disk")
                                                               : concat("partition ", boot->root->partition),
                                    " (", printable(boot->root->type), ')'));
    return BootChoice{.id = id,
                      .release = boot->release,
                      .line = line.line,
                      .root_type = boot->root ? boot->root->type : "",
                      .plan = std::move(boot->plan),
                      .opened = std::move(entry)};
  }

  // ": /boot/intel-ucode.img, /boot/initramfs-linux.img"; nothing for those in an image.
  static std::string names_of(const std::vector<std::string>& initrds) {
    std::string names;
    for (const std::string& initrd : initrds) names += concat(names.empty() ? ": " : ", ", printable(initrd));
    return names;
  }

  static std::string root_of(const kexec::CommandLine& line) { return line.find("root").value_or(""); }

  void tell_root(const std::string& before, const std::string& now, const std::string& id) {
    if (before == now) return;
    findings_.ok("root", before.empty() ? concat(id, " names no root: it gets root=", printable(now))
                                        : concat(id, ": root=", printable(before), " becomes ", printable(now)));
  }

  void check_count(const entry::BootEntry& entry, const std::string& id) {
    if (!entry.count) return;
    if (entry.count->left > 0)
      findings_.ok("tries", concat(id, ": the boot counter of its file has ", entry.count->left, " tries left"));
    else
      findings_.warning("tries",
                        concat(id, ": the boot counter of its file has no tries left, so it failed to come up ",
                               "before; take the counter out of the file's name once that is mended"));
  }

  disk::GuestDisk& disk_;
  const record::Config& config_;
  Findings& findings_;
};

// "debian.efi: Debian GNU/Linux 12, kernel 6.1.0-18-amd64"
std::string title_of(const BootChoice& choice) {
  return concat(choice.id, ": ", printable(choice.opened.entry.title), ", kernel ",
                choice.release.empty() ? "of unknown release" : printable(choice.release));
}

// What was found broken because it could not be read here is told with the other partitions of which that is true.
bool is_about_unread(const Error& error, const std::vector<Unread>& unread) {
  return std::ranges::find(unread, error.message(), &Unread::text) != unread.end();
}

// The specification's order, and not what a person expects of an upgrade.
void tell_newer(const entry::BootEntry& booted, const entry::FoundEntries& found, Findings& findings) {
  std::vector<entry::BootEntry> entries;
  for (const FoundEntry& one : found.entries) entries.push_back(one.entry);
  const entry::BootEntry* newer = newer_entry(booted, entries);
  if (newer == nullptr) return;
  findings.warning("entry", concat(printable(booted.id), " (version ", printable(booted.version), ") is booted before ",
                                   printable(newer->id), " (version ", printable(newer->version),
                                   "), because entries with a sort-key come first: give both one, or name the newer in "
                                   "`default` of /loader/loader.conf"));
}

// What the boot tries, until one can be booted or nothing else is tried.
class Attempts {
 public:
  Attempts(disk::GuestDisk& disk, const record::Config& config, const JudgeBoot& judge, Findings& findings)
      : disk_(disk), config_(config), judge_(judge), findings_(findings) {}

  std::optional<BootChoice> run(const std::vector<entry::Choice>& choices) {
    for (const entry::Choice& choice : choices) {
      Findings found;
      const bool has_failed = !tried_.empty();
      tried_.push_back(choice.entry);
      auto checked = EntryCheck(disk_, config_, found).run(*choice.entry, {.booted = true, .profile = choice.profile});
      const auto judged = checked ? judge_(*checked, found) : std::unexpected(checked.error());
      if (checked) findings_.ok("kernel", concat(title_of(*checked), judged ? why_booted(*checked, has_failed) : ""));
      if (checked && judged) findings_.boots(title_of(*checked));
      const bool is_last = judged || &choice == &choices.back() ||
                           stage::after(stage::Step::Entry, judged.error().code) == stage::Next::Menu;
      findings_.append(found, !is_last);
      if (is_last) return checked ? std::optional(*std::move(checked)) : std::nullopt;
    }
    return std::nullopt;
  }

  [[nodiscard]] bool tried(const FoundEntry& entry) const { return std::ranges::find(tried_, &entry) != tried_.end(); }

 private:
  [[nodiscard]] std::string why_booted(const BootChoice& choice, bool has_failed) const {
    if (config_.entry) return ", is booted as configured";
    if (has_failed) return ", is booted, as those before it cannot be";
    return concat(", is booted by default (", rule_of_default(choice.opened.entry), ")");
  }

  disk::GuestDisk& disk_;
  const record::Config& config_;
  const JudgeBoot& judge_;
  Findings& findings_;
  std::vector<const FoundEntry*> tried_;
};

}  // namespace

std::optional<BootChoice> check_entries(InspectedDisk& disk, const record::Config& config, const JudgeBoot& judge,
                                        Findings& findings) {
  const std::string_view pattern = config.entry ? std::string_view(*config.entry) : std::string_view();
  const entry::FoundEntries found = entry::find_entries(disk, pattern);
  const auto choices = entry::choose_entries(found, pattern, disk);
  const std::vector<Unread> unread = disk.unread();
  const bool all_seen = std::ranges::none_of(unread, &Unread::boot_may_read);
  const Severity severity = !choices && all_seen ? Severity::Error : Severity::Warning;
  for (const Unread& one : unread) findings.warning("unread", one.text);
  for (const Error& error : found.broken)
    if (!is_about_unread(error, unread))
      findings.add("entry", found.entries.empty() ? severity : Severity::Warning, error.message());
  if (!choices && (!found.entries.empty() || found.broken.empty()))
    findings.add("entry", severity,
                 concat(all_seen ? "" : "as far as this could look into it, ", choices.error().message()));
  if (!choices && !all_seen) findings.leave_open();
  Attempts attempts(disk, config, judge, findings);
  auto choice = choices ? attempts.run(*choices) : std::nullopt;
  if (choice && pattern.empty()) tell_newer(choice->opened.entry, found, findings);
  for (const FoundEntry& entry : found.entries)
    if (!attempts.tried(entry))
      if (const auto checked = EntryCheck(disk, config, findings).run(entry, {}))
        findings.ok("kernel", title_of(*checked));
  return choice;
}

}  // namespace vhdboot::vhdtool
