// SPDX-License-Identifier: GPL-2.0-or-later
#include "init/stage/guest_boot.h"

#include <set>
#include <utility>

#include "base/text.h"
#include "entry/find_entries.h"
#include "entry/smbios.h"
#include "init/guest/boot.h"
#include "init/guest/check_persist.h"
#include "init/guest/other_disks.h"
#include "init/guest/root.h"
#include "init/stage/next_step.h"
#include "init/stage/present_device.h"
#include "init/sys/block.h"
#include "init/sys/file.h"

namespace vhdboot::stage {

bool secure_boot_is_on() {
  constexpr std::size_t kSecureBoot = 0x1EC;
  constexpr std::byte kEnabled{3};
  const auto parameters = sys::read_file("/sys/kernel/boot_params/data", 4096);
  return parameters && parameters->size() > kSecureBoot && (*parameters)[kSecureBoot] == kEnabled;
}

namespace {

// Kernel options that the owner of a virtual machine passes through the firmware; systemd-stub takes them too.
std::string smbios_options() {
  constexpr std::uint64_t kMaxTable = 1 << 20;
  const auto table = sys::read_file("/sys/firmware/dmi/tables/DMI", kMaxTable);
  return table ? entry::stub_options_of_smbios(*table).value_or("") : "";
}

Result<GuestBoot> open_entry(const entry::Choice& choice) {
  auto opened = TRY(choice.entry->open({.profile = choice.profile, .smbios_options = smbios_options()}));
  opened.entry.default_by = choice.entry->entry.default_by;
  opened.entry.no_default = choice.entry->entry.no_default;
  return GuestBoot{.entry = std::move(opened),
                   .partition = choice.entry->partition,
                   .path = choice.entry->path,
                   .loader_partuuid = {},
                   .planned = {},
                   .line_changes = {},
                   .modules = {}};
}

// Before the guest looks for its devices among all that there are.
Result<void> check_other_disks(const disk::GuestDisk& disk, const FurtherDisks& further, const kexec::CommandLine& line,
                               const guest::RootTables& tables, const sys::Devices& devices,
                               const sys::Reporter& report) {
  auto own = further.contents(devices);
  for (const disk::GuestPartition& partition : disk.partitions())
    own.push_back(present_device(concat("/dev/", partition.device), partition.description(), 0,
                                 {.type = partition.type, .identity = partition.identity}));
  TRY(guest::check_own_disks(line, tables, own));
  std::vector<guest::PresentDevice> others;
  std::set<std::string> slow;  // each partition of such a disk would take as long again
  for (const sys::BlockDevice& device : devices.list()) {
    if (sys::is_virtual(device) || slow.contains(sys::disk_of(device))) continue;
    auto content = devices.content(device);
    if (!content) {
      report.warn(concat(content.error().message(), ": whether the guest takes it for its own disk is not known"));
      if (content.error().code == Code::Timeout) slow.insert(sys::disk_of(device));
      continue;
    }
    others.push_back(present_device(device.path, device.path, device.size, *std::move(content)));
  }
  return guest::check_other_disks(line, tables, own, others);
}

Result<GuestBoot> plan_entry(disk::GuestDisk& disk, const entry::Choice& choice, const FoundImage& image,
                             const blocks::AttachPlan& attached, const FurtherDisks& further,
                             const record::Config& config, const sys::Devices& devices,
                             const modules::MakeDecompressor& decompressors, const sys::Reporter& report) {
  GuestBoot boot = TRY(open_entry(choice));
  entry::GuestEntry& entry = boot.entry;
  if (config.command_line) entry.parts.cmdline = *config.command_line;
  for (const std::string& warning : entry.warnings) report.warn(concat(printable(entry.entry.id), ": ", warning));
  report.checkpoint("entry");
  auto made = TRY(guest::make_command_line(disk, entry.parts.cmdline, config));
  for (const guest::LineChange& change : made.changes)
    report.log(concat("command line: ", printable(change.what), ": ", change.why));
  boot.line_changes = std::move(made.changes);
  if (config.started_by)
    guest::tell_start(made.line, {.image = image.path.text(),
                                  .entry = entry.entry.id,
                                  .efi_file = *config.started_by,
                                  .version = VHDBOOT_VERSION});
  const auto tables = TRY(guest::root_tables(disk, made.line));
  TRY(check_other_disks(disk, further, made.line, tables.value_or(guest::RootTables()), devices, report));
  if (config.persist_file() && tables) TRY(guest::check_persist_paths(config.persist_paths, *tables));
  if (attached.grows && tables) TRY(guest::check_spares_keeper(*tables));
  if (const auto warning = tables ? guest::grub_warning(*tables) : std::nullopt) report.warn(*warning);
  boot.loader_partuuid = guest::loader_partuuid(disk, *boot.partition, tables);
  boot.planned = TRY(guest::plan_boot(disk, entry, made.line));

  const auto request = guest::module_request(boot.planned.release, made.line);
  const ModuleUse use{.guest_disk = modules_of(attached, image),
                      .root_type = boot.planned.root ? boot.planned.root->type : "",
                      .plan = boot.planned.plan,
                      .secure_boot = secure_boot_is_on(),
                      .line = made.line,
                      .decompressors = decompressors};
  boot.modules = TRY(collect_modules(disk, image, config, request, use, report));
  report.checkpoint("modules");
  return boot;
}

}  // namespace

Result<void> try_entries(disk::GuestDisk& disk, const FoundImage& image, const blocks::AttachPlan& attached,
                         const FurtherDisks& further, const record::Config& config, const sys::Devices& devices,
                         const modules::MakeDecompressor& decompressors, const sys::Reporter& report,
                         const std::function<Result<void>(GuestBoot boot)>& use) {
  const std::string pattern = config.entry.value_or("");
  const entry::FoundEntries found = entry::find_entries(disk, pattern);
  const auto choices = TRY(entry::choose_entries(found, pattern, disk));
  for (const Error& error : found.broken) report.warn(error.message());
  std::string failed;  // the last one, and why; told when another is tried
  return try_each(Step::Entry, choices, [&](const entry::Choice& choice) {
    if (!failed.empty()) report.warn(concat("passing over ", failed));
    auto boot = plan_entry(disk, choice, image, attached, further, config, devices, decompressors, report);
    auto done = boot ? use(*std::move(boot)) : std::unexpected(std::move(boot.error()));
    if (!done) failed = concat(printable(choice.entry->entry.id), ": ", done.error().message());
    return done;
  });
}

}  // namespace vhdboot::stage
