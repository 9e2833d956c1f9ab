// SPDX-License-Identifier: GPL-2.0-or-later
#include "init/stage/guest_boot.h"

#include <algorithm>
#include <utility>

#include "base/text.h"
#include "init/core/bootable.h"
#include "init/core/guest_cmdline.h"
#include "init/core/root_device.h"
#include "init/core/selector.h"
#include "kexec/cmdline.h"

namespace vhdboot::stage {
namespace {

// What the devices on the command line are judged by.
core::DiskFacts examine(const GuestDisk& disk) {
  core::DiskFacts facts = core::facts_of(disk.table());
  for (const GuestPartition& partition : disk.partitions()) {
    const sys::Content& content = partition.content;
    if (partition.entry == nullptr) {
      facts.fs_type = content.type;
      facts.fs_uuid = content.identity.uuid;
      continue;
    }
    const auto fact = std::ranges::find(facts.partitions, partition.entry->number, &core::PartitionFacts::number);
    if (fact == facts.partitions.end()) continue;
    fact->fs_type = content.type;
    fact->fs_uuid = content.identity.uuid;
  }
  return facts;
}

// What the kernel would mount by root=, for a guest whose initrd does not.
Result<core::GuestRoot> find_root(const GuestDisk& disk, const kexec::CommandLine& line) {
  const std::string option = line.find("root").value_or("");
  const auto selector = core::parse_root_selector(option);
  for (const GuestPartition& partition : disk.partitions()) {
    if (!selector || !core::matches(*selector, partition.content.identity)) continue;
    if (!core::guest_mount_options(partition.content.type))
      return fail(Code::Unsupported, concat("there is no initrd, and without one its root on ", partition.description(),
                                            " cannot be mounted: it holds ", printable(partition.content.type)));
    return core::GuestRoot{.partition = partition.entry == nullptr ? 0 : partition.entry->number,
                           .read_only = !line.has("rw"),
                           .type = partition.content.type,
                           .flags = line.find("rootflags").value_or("")};
  }
  return fail(Code::NotFound,
              concat("there is no initrd, and ",
                     option.empty() ? "no root= on its command line"
                                    : concat("root=", printable(option), " is no partition of the guest disk"),
                     ": vhdboot cannot tell what to mount"));
}

}  // namespace

Result<GuestBoot> prepare_guest(GuestDisk& disk, const FoundImage& image, const core::Config& config,
                                const sys::Reporter& report) {
  GuestBoot boot{.entry = TRY(choose_entry(disk, config.entry.value_or(""), report))};
  GuestEntry& entry = boot.entry;
  for (const std::string& warning : entry.warnings) report.warn(concat(printable(entry.entry.id), ": ", warning));
  report.checkpoint("entry");
  auto made = TRY(core::guest_command_line(entry.parts.cmdline, config.options, examine(disk)));
  const kexec::CommandLine& line = made.line;
  for (const core::LineChange& change : made.changes)
    report.log(concat("command line: ", printable(change.what), ": ", change.why));
  boot.line_changes = std::move(made.changes);
  entry.parts.cmdline = line.text();
  boot.plan = TRY_IN(entry.entry.id, kexec::make_plan(entry.parts, ""));
  // Modules are looked for by what the kernel itself says.
  boot.release = boot.plan.header.version.empty() ? entry.release : boot.plan.header.version;

  ModuleRequest request{.release = boot.release,
                        .root_option = line.find("root").value_or(""),
                        .root_flags = line.find("rootflags").value_or(""),
                        .root_type = {},
                        .has_initrd = boot.plan.has_initrd};
  if (!boot.plan.has_initrd) {
    boot.root = TRY_IN(entry.entry.id, find_root(disk, line));
    boot.plan.guest_init = line.find("init").value_or(std::string(core::kDefaultRootInit));
    request.root_type = boot.root->type;
  }
  boot.modules = TRY(collect_modules(disk, image, config, request, report));
  report.checkpoint("modules");
  return boot;
}

}  // namespace vhdboot::stage
