// SPDX-License-Identifier: GPL-2.0-or-later
#include "init/stage/guest_boot.h"

#include <set>
#include <utility>

#include "base/text.h"
#include "disk/lvm_label.h"
#include "entry/find_entries.h"
#include "entry/smbios.h"
#include "init/guest/boot.h"
#include "init/guest/other_disks.h"
#include "init/guest/root.h"
#include "init/stage/next_step.h"
#include "init/sys/block.h"
#include "init/sys/file.h"

namespace vhdboot::stage {
namespace {

// Kernel options that the owner of a virtual machine passes through the firmware; systemd-stub takes them too.
std::string smbios_options() {
  constexpr std::uint64_t kMaxTable = 1 << 20;
  const auto table = sys::read_file("/sys/firmware/dmi/tables/DMI", kMaxTable);
  return table ? entry::stub_options_of_smbios(*table).value_or("") : "";
}

// What the firmware told this kernel, and this one tells the next (Documentation/arch/x86/zero-page.rst).
bool secure_boot_is_on() {
  constexpr std::size_t kSecureBoot = 0x1EC;
  constexpr std::byte kEnabled{3};
  const auto parameters = sys::read_file("/sys/kernel/boot_params/data", 4096);
  return parameters && parameters->size() > kSecureBoot && (*parameters)[kSecureBoot] == kEnabled;
}

Result<GuestBoot> open_entry(const entry::Choice& choice) {
  auto opened = TRY(choice.entry->open({.profile = choice.profile, .smbios_options = smbios_options()}));
  return GuestBoot{.entry = std::move(opened),
                   .partition = choice.entry->partition,
                   .path = choice.entry->path,
                   .loader_partuuid = {},
                   .planned = {},
                   .line_changes = {},
                   .modules = {}};
}

std::string volume_group(std::string_view type, const std::string& device) {
  if (type != "LVM2_member") return "";
  const auto source = sys::FdSource::open(device);
  return source ? disk::read_volume_group(**source).value_or("") : "";
}

// Before the guest looks for its devices among all that there are.
Result<void> check_other_disks(const disk::GuestDisk& disk, const kexec::CommandLine& line,
                               const std::vector<entry::FstabEntry>& fstab) {
  std::vector<guest::PresentDevice> own;
  for (const disk::GuestPartition& partition : disk.partitions())
    own.push_back({.path = partition.description(),
                   .type = partition.type,
                   .identity = partition.identity,
                   .volume_group = volume_group(partition.type, concat("/dev/", partition.device))});
  std::vector<guest::PresentDevice> others;
  for (const sys::BlockDevice& device : sys::block_devices()) {
    if (sys::is_virtual(device)) continue;
    sys::Content content = sys::identify(device);
    std::string group = volume_group(content.type, device.path);
    others.push_back({.path = device.path,
                      .size = device.size,
                      .type = std::move(content.type),
                      .identity = std::move(content.identity),
                      .volume_group = std::move(group)});
  }
  return guest::check_other_disks(line, fstab, own, others);
}

Result<GuestBoot> plan_entry(disk::GuestDisk& disk, const entry::Choice& choice, const FoundImage& image,
                             const blocks::AttachPlan& attached, const record::Config& config,
                             const sys::Reporter& report) {
  GuestBoot boot = TRY(open_entry(choice));
  entry::GuestEntry& entry = boot.entry;
  for (const std::string& warning : entry.warnings) report.warn(concat(printable(entry.entry.id), ": ", warning));
  report.checkpoint("entry");
  auto made = TRY(guest::make_command_line(disk, entry.parts.cmdline, config));
  for (const guest::LineChange& change : made.changes)
    report.log(concat("command line: ", printable(change.what), ": ", change.why));
  boot.line_changes = std::move(made.changes);
  const auto fstab = guest::root_fstab(disk, made.line);
  TRY(check_other_disks(disk, made.line, fstab.value_or(std::vector<entry::FstabEntry>())));
  boot.loader_partuuid = guest::loader_partuuid(disk, *boot.partition, fstab);
  boot.planned = TRY(guest::plan_boot(disk, entry, made.line));

  const guest::ModuleRequest request{.release = boot.planned.release,
                                     .root_option = made.line.find("root").value_or(""),
                                     .root_flags = made.line.find("rootflags").value_or("")};
  const ModuleUse use{.guest_disk = blocks::modules_of(attached),
                      .root_type = boot.planned.root ? boot.planned.root->type : "",
                      .has_initrd = boot.planned.plan.has_initrd,
                      .secure_boot = secure_boot_is_on(),
                      .line = made.line};
  boot.modules = TRY(collect_modules(disk, image, config, request, use, report));
  report.checkpoint("modules");
  return boot;
}

class Entries {
 public:
  Entries(disk::GuestDisk& disk, const FoundImage& image, const blocks::AttachPlan& attached,
          const record::Config& config, const sys::Reporter& report,
          const std::function<Result<void>(GuestBoot boot)>& use)
      : disk_(disk), image_(image), attached_(attached), config_(config), report_(report), use_(use) {}

  Result<void> try_all() {
    const std::string pattern = config_.entry.value_or("");
    auto done = try_those(entry::find_entries(disk_, pattern), pattern);
    if (done || after(Step::Entry, done.error().code) == Next::Menu) return done;
    // Looking everywhere costs time: it is for when what was found first does not boot.
    auto more = try_those(entry::find_entries(disk_), pattern);
    return more || after(Step::Entry, more.error().code) == Next::Menu ? more : done;
  }

 private:
  Result<void> try_those(const entry::FoundEntries& found, std::string_view pattern) {
    auto choices = TRY(entry::choose_entries(found, pattern, disk_));
    for (; told_ < found.broken.size(); ++told_) report_.warn(found.broken[told_].message());
    std::erase_if(choices, [&](const entry::Choice& choice) { return tried_.contains(place(choice)); });
    return try_each(Step::Entry, choices, [&](const entry::Choice& choice) { return try_one(choice); });
  }

  Result<void> try_one(const entry::Choice& choice) {
    if (!failed_.empty()) report_.warn(concat("passing over ", failed_));
    tried_.insert(place(choice));
    auto boot = plan_entry(disk_, choice, image_, attached_, config_, report_);
    auto done = boot ? use_(*std::move(boot)) : std::unexpected(std::move(boot.error()));
    if (!done) failed_ = concat(printable(choice.entry->entry.id), ": ", done.error().message());
    return done;
  }

  static std::pair<std::string, std::string> place(const entry::Choice& choice) {
    return {choice.entry->partition->device, choice.entry->path};
  }

  disk::GuestDisk& disk_;
  const FoundImage& image_;
  const blocks::AttachPlan& attached_;
  const record::Config& config_;
  const sys::Reporter& report_;
  const std::function<Result<void>(GuestBoot boot)>& use_;
  std::set<std::pair<std::string, std::string>> tried_;
  std::string failed_;  // the last one, and why; told when another is tried
  std::size_t told_ = 0;
};

}  // namespace

Result<void> try_entries(disk::GuestDisk& disk, const FoundImage& image, const blocks::AttachPlan& attached,
                         const record::Config& config, const sys::Reporter& report,
                         const std::function<Result<void>(GuestBoot boot)>& use) {
  return Entries(disk, image, attached, config, report, use).try_all();
}

}  // namespace vhdboot::stage
