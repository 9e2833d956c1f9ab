// SPDX-License-Identifier: GPL-2.0-or-later
#include "init/stage/guest_boot.h"

#include "base/text.h"
#include "init/guest/boot.h"
#include "init/sys/file.h"
#include "kexec/smbios.h"

namespace vhdboot::stage {
namespace {

// Kernel options that the owner of a virtual machine passes through the firmware; systemd-stub takes them too.
std::string smbios_options() {
  constexpr std::uint64_t kMaxTable = 1 << 20;
  const auto table = sys::read_file("/sys/firmware/dmi/tables/DMI", kMaxTable);
  return table ? kexec::stub_options_of_smbios(*table).value_or("") : "";
}

// What cannot be booted is passed over with a warning as long as there is something else.
Result<guest::GuestEntry> open_entry(guest::GuestDisk& disk, std::string_view pattern, const sys::Reporter& report) {
  const guest::FoundEntries found = guest::find_entries(disk, pattern);
  const guest::Choice choice = TRY(guest::choose_entry(found, pattern, disk.table()));
  for (const Error& error : found.broken) report.warn(error.message());
  return choice.entry->open({.profile = choice.profile, .smbios_options = smbios_options()});
}

}  // namespace

Result<GuestBoot> prepare_guest(guest::GuestDisk& disk, const FoundImage& image, const core::Config& config,
                                const sys::Reporter& report) {
  GuestBoot boot{.entry = TRY(open_entry(disk, config.entry.value_or(""), report)), .planned = {}, .modules = {}};
  guest::GuestEntry& entry = boot.entry;
  for (const std::string& warning : entry.warnings) report.warn(concat(printable(entry.entry.id), ": ", warning));
  report.checkpoint("entry");
  const guest::GuestLine made = TRY(guest::make_command_line(disk, entry.parts.cmdline, config));
  if (made.root) report.log(concat("root=", printable(made.before), " is ", printable(*made.root), " here"));
  boot.planned = TRY(guest::plan_boot(disk, entry, made.line));

  guest::ModuleRequest request{.release = boot.planned.release,
                               .root_option = made.line.find("root").value_or(""),
                               .root_flags = made.line.find("rootflags").value_or("")};
  std::vector<std::string> more;
  if (boot.planned.root) more.push_back(boot.planned.root->type);
  boot.modules = TRY(collect_modules(disk, image, config, request, more, report));
  report.checkpoint("modules");
  return boot;
}

}  // namespace vhdboot::stage
