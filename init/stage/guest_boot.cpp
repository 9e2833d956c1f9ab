// SPDX-License-Identifier: GPL-2.0-or-later
#include "init/stage/guest_boot.h"

#include <algorithm>
#include <iterator>
#include <set>
#include <utility>

#include "base/text.h"
#include "entry/find_entries.h"
#include "entry/smbios.h"
#include "init/guest/boot.h"
#include "init/guest/check_persist.h"
#include "init/guest/other_disks.h"
#include "init/guest/other_kernel.h"
#include "init/guest/root.h"
#include "init/guest/wsl.h"
#include "init/stage/archive.h"
#include "init/stage/folder_guest.h"
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

// What the guest will see.
struct Present {
  std::vector<guest::PresentDevice> own;
  std::vector<guest::PresentDevice> others;

  [[nodiscard]] std::vector<disk::Identity> identities() const {
    std::vector<disk::Identity> all;
    for (const auto* devices : {&own, &others})
      for (const guest::PresentDevice& device : *devices) all.push_back(device.identity);
    return all;
  }
};

Present look_at_devices(const disk::GuestDisk& disk, const FurtherDisks& further, const sys::Devices& devices,
                        const sys::Reporter& report) {
  Present present{.own = further.contents(devices), .others = {}};
  for (const disk::GuestPartition& partition : disk.partitions())
    present.own.push_back(present_device(concat("/dev/", partition.device), partition.description(), 0,
                                         {.type = partition.type, .identity = partition.identity}));
  std::set<std::string> slow;  // each partition of such a disk would take as long again
  for (const sys::BlockDevice& device : devices.list()) {
    if (sys::is_virtual(device) || slow.contains(sys::disk_of(device))) continue;
    auto content = devices.content(device);
    if (!content) {
      report.warn(concat(content.error().message(), ": whether the guest takes it for its own disk is not known"));
      if (content.error().code == Code::Timeout) slow.insert(sys::disk_of(device));
      continue;
    }
    present.others.push_back(present_device(device.path, device.path, device.size, *std::move(content)));
  }
  return present;
}

// A file of fs-skeleton; in the boot kernel's memory alone, and nobody but stage 1 needs it.
Result<std::string> skeleton(std::string_view path) {
  return sys::exists(std::string(path)) ? sys::read_text(std::string(path)) : Result<std::string>(std::string());
}

bool is_wsl(const record::Config& config, const disk::GuestDisk& disk, const std::optional<disk::GuestTree>& root) {
  if (config.personality) return *config.personality == record::Personality::Wsl;
  return disk.table().scheme == disk::Scheme::None && root && guest::is_wsl(*root);
}

// What WSL would have done for the guest, and what of its fstab holds here.
Result<void> take_personality(const disk::GuestTree& root, const Present& present, const record::Config& config,
                              guest::GuestCommandLine& made, guest::RootTables& tables, GuestBoot& boot,
                              const sys::Reporter& report) {
  auto plan = TRY(guest::plan_wsl(root, tables.fstab, present.identities(), config.auto_login.value_or(false),
                                  TRY(skeleton(kWslText))));
  report.log("the guest is a distribution of WSL: what WSL does for it is made up for in its /run");
  std::string notes;
  for (const std::string& note : plan.notes) {
    report.log(note);
    notes += concat(note, '\n');
  }
  for (const std::string_view name : {"ro", "rw", "fstab"}) made.line.remove(name);
  made.line.append(guest::kWslOptions);
  made.changes.push_back(
      {std::string(guest::kWslOptions), "a distribution of WSL: what of its fstab holds here is left in its /run"});
  tables.fstab = std::move(plan.kept);
  boot.run_files = std::move(plan.files);
  // This kernel's log ends with it.
  boot.run_files.push_back({.name = std::string(guest::kWslNotes), .text = std::move(notes)});
  return {};
}

// Where the kernel of another image has its modules.
struct OtherKernel {
  guest::ModuleRequest request;
  std::string type;  // of the file system
};

Result<OtherKernel> use_other_kernel(disk::GuestDisk& kernels, const std::string& options, const disk::GuestTree& root,
                                     bool makes_folder, GuestBoot& boot) {
  const auto line = TRY(guest::make_command_line(kernels, options, record::Config())).line;
  OtherKernel other{.request = guest::module_request(boot.planned.release, line), .type = {}};
  const auto search = TRY(guest::find_module_folder(kernels, nullptr, record::Config(), other.request));
  if (!search.folder) return fail(Code::Unsupported, search.reason);
  other.type = search.folder->partition->type;
  auto files = TRY(guest::other_kernel_files(root, makes_folder, *search.folder, other.request.root_flags,
                                             TRY(skeleton(kKernelText))));
  std::ranges::move(files, std::back_inserter(boot.run_files));
  return other;
}

// The guest's root is mounted by stage 2, and in place of an initrd comes what shows it.
Result<void> bring_folder(const ShownFolder& folder, entry::GuestEntry& entry) {
  auto archive = TRY(folder_archive(folder));
  entry.parts.initrds.clear();
  entry.parts.addons.clear();
  entry.parts.extras = {{.file = archive.get(), .range = {.offset = 0, .length = archive->size()}}};
  entry.files.push_back(std::move(archive));
  return {};
}

Result<GuestBoot> plan_entry(disk::GuestDisk& disk, disk::GuestDisk& kernels, const entry::Choice& choice,
                             const FoundImage& image, const blocks::AttachPlan& attached, const FurtherDisks& further,
                             const record::Config& config, const sys::Devices& devices,
                             const modules::MakeDecompressor& decompressors, const sys::Reporter& report) {
  GuestBoot boot = TRY(open_entry(choice));
  entry::GuestEntry& entry = boot.entry;
  const bool is_other_kernel = &kernels != &disk;
  const std::string kernels_own = entry.parts.cmdline;
  if (is_other_kernel) {
    const std::string said = config.command_line.value_or("");
    entry.counted.reset();
    entry.parts.cmdline = concat(TRY(guest::other_kernel_options(disk, concat(config.options, ' ', said))), ' ', said);
  } else if (config.command_line) {
    entry.parts.cmdline = *config.command_line;
  }
  for (const std::string& warning : entry.warnings) report.warn(concat(printable(entry.entry.id), ": ", warning));
  report.checkpoint("entry");
  if (image.folder) TRY(bring_folder(*image.folder, entry));
  auto made = TRY(guest::make_command_line(disk, entry.parts.cmdline, config));
  if (config.started_by)
    guest::tell_start(made.line, {.image = image.path.text(),
                                  .entry = entry.entry.id,
                                  .efi_file = *config.started_by,
                                  .version = VHDBOOT_VERSION});
  const auto root = guest::find_root_tree(disk, made.line);
  auto tables = TRY(guest::root_tables(disk, made.line));
  const bool is_wsl_guest = is_wsl(config, disk, root);
  if (root && (is_wsl_guest || is_other_kernel) && !made.line.has("init")) TRY(guest::check_has_init(*root));
  const bool has_systemd = root && tables && tables->has_systemd;
  if (is_other_kernel && !has_systemd)
    return fail(Code::Unsupported,
                "`kernel` needs a guest with systemd whose root can be read, to show it the modules");
  const Present present = look_at_devices(disk, further, devices, report);
  if (is_wsl_guest && has_systemd)
    TRY(take_personality(*root, present, config, made, *tables, boot, report));
  else if (is_wsl_guest)
    report.warn("nothing is made up for of what WSL does: that needs a guest with systemd whose root can be read");
  else if (config.auto_login)
    report.warn("`login` has no effect: it is for distributions of WSL");
  for (const guest::LineChange& change : made.changes)
    report.log(concat("command line: ", printable(change.what), ": ", change.why));
  boot.line_changes = std::move(made.changes);
  const guest::RootTables known = tables.value_or(guest::RootTables());
  TRY(guest::check_own_disks(made.line, known, present.own));
  TRY(guest::check_other_disks(made.line, known, present.own, present.others));
  if (config.persist_file() && tables && config.persist_paths != record::kPersistAll)
    TRY(guest::check_persist_paths(config.persist_paths, *tables));
  if (attached.needs_keeper() && tables) TRY(guest::check_spares_keeper(*tables));
  if (const auto warning = tables ? guest::grub_warning(*tables) : std::nullopt) report.warn(*warning);
  if (!is_other_kernel) boot.loader_partuuid = guest::loader_partuuid(disk, *boot.partition, tables);
  boot.planned = TRY(guest::plan_boot(disk, entry, made.line));

  auto request = guest::module_request(boot.planned.release, made.line);
  auto guest_disk = modules_of(attached, image);
  if (is_other_kernel) {
    auto other = TRY_IN(printable(further.kernel_image()->path.text()),
                        use_other_kernel(kernels, kernels_own, *root, image.is_folder(), boot));
    request = std::move(other.request);
    guest_disk.push_back(std::move(other.type));
  }
  if (image.is_folder()) guest_disk.emplace_back("overlay");
  const ModuleUse use{.guest_disk = std::move(guest_disk),
                      .root_type = boot.planned.root ? boot.planned.root->type : "",
                      .plan = boot.planned.plan,
                      .secure_boot = secure_boot_is_on(),
                      .line = made.line,
                      .decompressors = decompressors};
  boot.modules = TRY(collect_modules(kernels, image, config, request, use, report));
  report.checkpoint("modules");
  return boot;
}

}  // namespace

Result<std::unique_ptr<KernelDisk>> KernelDisk::open(const FurtherDisks& further, const sys::Devices& devices,
                                                     const sys::Reporter& report) {
  const FoundImage* const image = further.kernel_image();
  if (image == nullptr) return std::unique_ptr<KernelDisk>();
  return std::make_unique<KernelDisk>(TRY(read_table(*image)), *further.kernel_disk(), devices, report);
}

Result<void> try_entries(disk::GuestDisk& disk, disk::GuestDisk& kernels, const FoundImage& image,
                         const blocks::AttachPlan& attached, const FurtherDisks& further, const record::Config& config,
                         const sys::Devices& devices, const modules::MakeDecompressor& decompressors,
                         const sys::Reporter& report, const std::function<Result<void>(GuestBoot boot)>& use) {
  const std::string pattern = config.entry.value_or("");
  const entry::FoundEntries found = entry::find_entries(kernels, pattern);
  auto chosen = entry::choose_entries(found, pattern, kernels);
  if (const FoundImage* other = further.kernel_image(); other != nullptr && !chosen)
    return std::unexpected(chosen.error().within(concat("the image of `kernel`, ", printable(other->path.text()))));
  const auto choices = TRY(std::move(chosen));
  for (const Error& error : found.broken) report.warn(error.message());
  std::string failed;  // the last one, and why; told when another is tried
  return try_each(Step::Entry, choices, [&](const entry::Choice& choice) {
    if (!failed.empty()) report.warn(concat("passing over ", failed));
    auto boot = plan_entry(disk, kernels, choice, image, attached, further, config, devices, decompressors, report);
    auto done = boot ? use(*std::move(boot)) : std::unexpected(std::move(boot.error()));
    if (!done) failed = concat(printable(choice.entry->entry.id), ": ", done.error().message());
    return done;
  });
}

}  // namespace vhdboot::stage
