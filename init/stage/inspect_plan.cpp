// SPDX-License-Identifier: GPL-2.0-or-later
#include "init/stage/inspect_plan.h"

#include <fcntl.h>

#include <climits>
#include <cstdlib>
#include <optional>
#include <utility>

#include "base/held_signals.h"
#include "base/text.h"
#include "entry/profile.h"
#include "init/guest/kept_partitions.h"
#include "init/modules/codecs.h"
#include "init/stage/attach.h"
#include "init/stage/attached_guest_disk.h"
#include "init/stage/find_image.h"
#include "init/stage/further_disks.h"
#include "init/stage/guest_boot.h"
#include "init/stage/persist_image.h"
#include "init/stage/plan_report.h"
#include "init/stage/settings.h"
#include "init/sys/file.h"
#include "init/sys/loop.h"
#include "init/sys/reader_process.h"

namespace vhdboot::stage {
namespace {

// The volume that a person names. A file that holds one is a device as long as `file_device` lives.
Result<HostVolume> open_volume(const sys::Devices& devices, const std::string& path,
                               std::optional<sys::LoopDevice>& file_device) {
  constexpr std::string_view kDev = "/dev/";
  char canonical[PATH_MAX];
  if (::realpath(path.c_str(), canonical) == nullptr) return fail_errno(concat("looking at ", path));
  if (const std::string_view name = canonical; name.starts_with(kDev))
    return open_host_volume(devices, TRY(sys::block_device(std::string(name.substr(kDev.size())))));
  const Fd file = TRY(sys::open_file(path, O_RDONLY));
  file_device = TRY(sys::LoopDevice::attach(file, path, {.read_only = true, .direct_io = false, .auto_clear = true}));
  HostVolume volume = TRY(open_host_volume(devices, TRY(sys::block_device(file_device->name()))));
  volume.device.path = path;
  return volume;
}

Result<record::Config> read_config(const std::string& path) {
  if (path.empty()) return record::Config{};
  const auto parsed = TRY(record::parse_config(TRY(sys::read_text(path, record::kMaxConfigBytes)), path));
  TRY(record::check(parsed.config));
  return parsed.config;
}

std::string describe(const disk::PartitionTable& table) {
  const std::string blocks = concat("logical blocks of ", table.logical_block, " bytes");
  if (table.scheme == disk::Scheme::None) return concat("no partition table, ", blocks);
  return concat(table.scheme == disk::Scheme::Gpt ? "GPT, " : "MBR, ", table.partitions.size(),
                table.partitions.size() == 1 ? " partition, " : " partitions, ", blocks);
}

std::string_view kind_of(const entry::BootEntry& entry) {
  switch (entry.kind) {
    case entry::EntryKind::Uki:
      return "unified kernel image";
    case entry::EntryKind::Type1:
      return "boot loader entry";
    case entry::EntryKind::Kernel:
      break;
  }
  return "kernel";
}

bool is_image(const entry::BootEntry& entry) {
  return entry.kind == entry::EntryKind::Uki || entry.unified;
}

std::string options_from(const entry::BootEntry& entry) {
  if (entry.kind == entry::EntryKind::Kernel) return entry.options_from;
  return entry.unified && !entry.options.empty() ? "the entry"
         : is_image(entry)                       ? "the image and what lies beside it"
                                                 : "the entry";
}

PlanReport::Entry report_entry(const GuestBoot& boot, const record::Config& config) {
  const entry::BootEntry& entry = boot.entry.entry;
  PlanReport::Entry reported{
      .kind = std::string(kind_of(entry)),
      .id = entry.id,
      .title = entry.title,
      .path = boot.path,
      .where = boot.partition->description(),
      .tries_left = {},
      .counted_as = {},
      .profile = {},
      .chosen_by = config.entry ? concat("`entry ", printable(*config.entry), '`') : entry::rule_of_default(entry)};
  if (entry.count) reported.tries_left = entry.count->left;
  if (boot.entry.counted && !config.forgets()) reported.counted_as = boot.entry.counted->next_path;
  const std::string pattern = config.entry.value_or("");
  if (const auto profile = entry::split_entry_pattern(pattern).profile)
    reported.profile = *profile;
  else if (entry.profile != 0)
    reported.profile = concat(entry.profile);
  return reported;
}

// In the order of kexec::make_plan(). Files of their own have names; what is in an image, or beside it, is told by its
// kind.
std::vector<PlanReport::Piece> report_initrds(const entry::GuestEntry& opened) {
  const kexec::BootParts& parts = opened.parts;
  const std::vector<std::string>& names = opened.entry.initrds;
  const bool named = !is_image(opened.entry) && names.size() == parts.microcode.size() + parts.initrds.size();
  std::vector<PlanReport::Piece> pieces;
  auto name = names.begin();
  const auto add = [&](const std::vector<kexec::Piece>& more, std::string_view kind) {
    for (const kexec::Piece& piece : more) {
      const std::string what = named && name != names.end()      ? *name++
                               : piece.file == parts.kernel.file ? concat(kind, " in the image")
                                                                 : std::string(kind);
      if (!piece.range.empty()) pieces.push_back({what, piece.range.length});
    }
  };
  add(parts.microcode, "microcode");
  add(parts.initrds, "initrd");
  add(parts.extras, "credentials, extensions and signatures");
  add(parts.addons, "initrd of an addon");
  return pieces;
}

void report_modules(const CarriedModules& carried, const std::string& release, PlanReport& report) {
  const modules::ModuleNeeds& needs = carried.needs;
  for (std::size_t i = 0; i < carried.files.size(); ++i)
    report.modules.push_back({carried.files[i].name, carried.files[i].image.size(),
                              concat(describe(needs.found.reasons[i], needs),
                                     carried.files[i].options.empty() ? "" : ", with ", carried.files[i].options)});
  for (std::size_t i = 0; i < needs.found.builtin.size(); ++i)
    report.builtin.push_back({needs.found.builtin[i], describe(needs.wanted[needs.found.builtin_for[i]])});
  report.missing = modules::missing_sentences(needs, release);
  report.modules_not_read = carried.not_read;
  if (carried.not_read.empty()) return;
  for (const modules::WantedModule& wanted : needs.wanted)
    report.asked_of_guest.push_back({wanted.name, describe(wanted)});
}

Result<PlanReport> examine(const FoundImage& image, const record::Config& config, const sys::Devices& devices,
                           const sys::Reporter& report) {
  TRY(check_writer(image, config));
  for (const std::string& warning : image.info().warnings) report.warn(warning);
  const disk::PartitionTable table = TRY(read_table(image));
  for (const std::string& warning : table.warnings) report.warn(concat("the guest disk: ", warning));
  const auto attach_plan = TRY(plan_for_guest(image, config, table.logical_block));
  for (const std::string& warning : attach_plan.warnings) report.warn(warning);
  const auto attached = TRY(attach_to_look(attach_plan, image));
  FurtherDisks further;
  std::size_t number = 0;
  for (const FoundImage& one : image.further)
    further.add(one, TRY(attach_to_look(TRY(plan_attachment(one, true, one.guest_block)), one, ++number)));
  AttachedGuestDisk disk(attached.disk(), table, devices, report);
  if (image.persist) {
    const disk::PartitionTable persist_table = TRY(read_table(*image.persist));
    const auto plan = TRY(plan_attachment(*image.persist, true, persist_table.logical_block));
    const auto persist = TRY(attach_to_look(plan, *image.persist, ++number));
    (void)TRY(check_persist_disk(persist.disk(), persist_table, disk, further, devices, report));
  }
  if (config.forgets())
    if (const auto kept = TRY(guest::kept_partitions(disk, image.info().size, config.keep)); !kept.empty())
      (void)TRY(blocks::kept_rows(image.view, kept));
  const auto kernels = TRY(KernelDisk::open(further, devices, report));
  std::optional<GuestBoot> planned;
  TRY(try_entries(disk, kernels ? kernels->disk() : disk, image, attach_plan, further, config, devices,
                  modules::make_decompressor, report, [&](GuestBoot first) -> Result<void> {
                    planned = std::move(first);
                    return {};
                  }));
  const GuestBoot& boot = *planned;

  PlanReport plan{.image = {.path = image.path.text(),
                            .format = image.kind(),
                            .file_size = image.layout.size,
                            .payload_size = image.info().size,
                            .extents = image.layout.extents.size(),
                            .volume = image.volume->description(),
                            .serial = image.volume->identity.uuid,
                            .state = volume::describe(TRY(image.volume->reader->state())),
                            .parents = {}},
                  .guest_disk = describe(table),
                  .further = {},
                  .entry = report_entry(boot, config),
                  .release = boot.planned.release,
                  .kernel_size = boot.planned.plan.kernel.range.length,
                  .cmdline_from = options_from(boot.entry.entry),
                  .cmdline = boot.planned.plan.cmdline,
                  .line_changes = boot.line_changes,
                  .next_init = boot.planned.plan.guest_init,
                  .initrds = report_initrds(boot.entry),
                  .modules = {},
                  .builtin = {},
                  .missing = {},
                  .modules_not_read = {},
                  .asked_of_guest = {},
                  .mounted = boot.planned.root,
                  .warnings = {}};
  for (const FoundParent& parent : image.parents)
    plan.image.parents.push_back(parent.volume == image.volume
                                     ? parent.path.text()
                                     : concat(parent.path.text(), " on ", parent.volume->description()));
  for (const FoundImage& one : image.further)
    plan.further.push_back(concat(one.path.text(), ", ", one.kind(), " of ", human_size(one.info().size),
                                  one.has_kernel     ? ", read-only, with the kernel"
                                  : config.forgets() ? ", read-only"
                                                     : ", written in place"));
  report_modules(boot.modules, boot.planned.release, plan);
  return plan;
}

Result<PlanReport> examine_as_stage1(const sys::Reporter& report) {
  if (!has_origin())
    return fail(Code::NotFound,
                "vhdboot did not start this system: say which image is meant, with its device and path");
  const auto devices = TRY(sys::MachineDevices::open(sys::readers_here()));
  HostVolumes volumes(*devices);
  const Settings settings = TRY(read_settings(volumes, TRY(read_stub_record(report)), report));
  const FoundImage image = TRY(with_other_files(find_image(volumes, settings, report), settings.config));
  TRY(check_no_windows_sleeps(volumes, image));
  return examine(image, settings.config, *devices, report);
}

Result<PlanReport> examine_named(const PlanRequest& request, const sys::Reporter& report) {
  const record::Config config = TRY(read_config(request.conf));
  const auto path = TRY(volume::parse_path(request.path));
  std::optional<sys::LoopDevice> file_device;
  const auto devices = TRY(sys::MachineDevices::open(sys::readers_here()));
  HostVolume volume = TRY_IN(request.device, open_volume(*devices, request.device, file_device));
  std::optional<HostVolumes> volumes;
  if (!file_device || config.parent_volume) volumes.emplace(*devices);
  const auto parents = volumes ? ParentVolume(config, *volumes, 0, report) : ParentVolume();
  const FoundImage image =
      TRY(with_other_files(examine_image(volume, path, writes_of(config), parents, config.arrival()), config));
  TRY(check_unshared(image, writes_of(config)));
  if (!file_device) TRY(check_no_windows_sleeps(*volumes, image));
  return examine(image, config, *devices, report);
}

}  // namespace

Result<BootPlan> plan_of_boot(const PlanRequest& request) {
  const HeldSignals held;
  std::vector<std::string> warnings;
  const sys::Reporter report(warnings);
  auto plan = TRY(request.device.empty() ? examine_as_stage1(report) : examine_named(request, report));
  plan.warnings = std::move(warnings);
  return BootPlan{.lines = plan_lines(plan), .warned = !plan.warnings.empty() || !plan.missing.empty()};
}

}  // namespace vhdboot::stage
