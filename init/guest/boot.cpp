// SPDX-License-Identifier: GPL-2.0-or-later
#include "init/guest/boot.h"

#include <algorithm>

#include "base/kernel_release.h"
#include "base/text.h"
#include "disk/selector.h"
#include "entry/folders.h"
#include "entry/root_option.h"
#include "init/guest/root_device.h"

namespace vhdboot::guest {
namespace {

// What root= is judged by.
DiskFacts examine(const disk::GuestDisk& disk) {
  DiskFacts facts = facts_of(disk.table());
  for (const disk::GuestPartition& partition : disk.partitions()) {
    if (!partition.volume.empty()) continue;
    if (partition.is_whole_disk()) {
      facts.fs_type = partition.type;
      facts.fs_uuid = partition.identity.uuid;
      continue;
    }
    const auto fact = std::ranges::find(facts.partitions, partition.entry->number, &PartitionFacts::number);
    if (fact == facts.partitions.end()) continue;
    fact->fs_type = partition.type;
    fact->fs_uuid = partition.identity.uuid;
  }
  return facts;
}

// As the kernel takes them, the last one counts; and read-only without either.
bool is_writable(const kexec::CommandLine& line) {
  const std::string text = line.text();
  bool writable = false;
  for (const std::string_view word : split_words(text)) {
    if (word == "--") break;
    if (word == "rw" || word == "ro") writable = word == "rw";
  }
  return writable;
}

// What the kernel would mount by root=, for a guest whose initrd does not.
Result<record::GuestRoot> find_root(const disk::GuestDisk& disk, const kexec::CommandLine& line) {
  const std::string option = line.find("root").value_or("");
  const auto selector = disk::parse_root_selector(option);
  const auto is_meant = [&](const disk::GuestPartition& one) { return selector && matches(*selector, one.identity); };
  if (std::ranges::count_if(disk.partitions(), is_meant) > 1)
    return fail(Code::Unsafe, concat("there is no initrd, and root=", printable(option),
                                     " is more than one partition of the guest disk: name it by PARTUUID="));
  for (const disk::GuestPartition& partition : disk.partitions()) {
    if (!is_meant(partition)) continue;
    if (!partition.volume.empty())
      return fail(Code::Unsupported, concat("there is no initrd, and its root is ", partition.description(),
                                            ", which nothing else sets up"));
    if (!disk::guest_mount_options(partition.type))
      return fail(Code::Unsupported, concat("there is no initrd, and without one its root on ", partition.description(),
                                            " cannot be mounted: it holds ", printable(partition.type)));
    return record::GuestRoot{.partition = partition.is_whole_disk() ? 0 : partition.entry->number,
                             .read_only = !is_writable(line),
                             .type = partition.type,
                             .flags = line.find("rootflags").value_or("")};
  }
  return fail(Code::NotFound,
              concat("there is no initrd, and ",
                     option.empty() ? "no root= on its command line"
                                    : concat("root=", printable(option), " is no partition of the guest disk"),
                     ": vhdboot cannot tell what to mount"));
}

// LOOP_CONFIGURE came with Linux 5.8, and with it a loop device that is set up in one step.
Result<void> check_age(std::string_view release) {
  const auto version = parse_kernel_release(release);
  if (!version || *version >= KernelRelease{5, 8}) return {};
  return fail(Code::Unsupported, concat("the kernel ", printable(release), " is too old: vhdboot needs 5.8 or newer"));
}

}  // namespace

Result<GuestCommandLine> make_command_line(disk::GuestDisk& disk, const std::string& options,
                                           const record::Config& config) {
  DiskFacts facts = examine(disk);
  const auto has_root = [](const std::string& line) { return kexec::CommandLine::parse(line).has("root"); };
  facts.holds_system = facts.scheme == disk::Scheme::None && !has_root(config.options) &&
                       !has_root(config.command_line.value_or("")) && !entry::root_trees(disk).empty();
  return guest_command_line(options, config.options, facts);
}

Result<PlannedBoot> plan_boot(const disk::GuestDisk& disk, entry::GuestEntry& entry, const kexec::CommandLine& line) {
  entry.parts.cmdline = line.text();
  PlannedBoot boot{.plan = TRY_IN(entry.entry.id, kexec::make_plan(entry.parts, "")), .release = {}, .root = {}};
  // Modules are looked for by what the kernel itself says.
  boot.release = boot.plan.header.version.empty() ? entry.release : boot.plan.header.version;
  TRY_IN(entry.entry.id, check_age(boot.release));
  // Its initrd would wait for it, and end in a shell.
  const std::string root = line.find("root").value_or("");
  const std::string lost = entry::may_hold_root(disk, root) ? entry::missing_luks(disk, line) : concat("root=", root);
  if (boot.plan.has_initrd && !lost.empty())
    return fail(Code::NotFound,
                concat(entry.entry.id, ": ", printable(lost),
                       " is nothing on the guest disk, and nothing on it could "
                       "hold it: write the right one into the boot loader's configuration in the guest, or give "
                       "`options root=...`"));
  if (!boot.plan.has_initrd) {
    boot.root = TRY_IN(entry.entry.id, find_root(disk, line));
    boot.plan.guest_init = line.find("init").value_or(std::string(record::kDefaultRootInit));
  }
  return boot;
}

}  // namespace vhdboot::guest
