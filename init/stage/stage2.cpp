// SPDX-License-Identifier: GPL-2.0-or-later
// The target kernel's process 1, before the guest's own init: attaches the image again, this time for writing, and
// disappears.
#include <fcntl.h>
#include <sys/mount.h>

#include <algorithm>
#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/text.h"
#include "init/guest/disk_names.h"
#include "init/guest/other_kernel.h"
#include "init/guest/persist_units.h"
#include "init/guest/wsl.h"
#include "init/modules/initrd_modules.h"
#include "init/record/handoff.h"
#include "init/stage/archive.h"
#include "init/stage/attach.h"
#include "init/stage/find_again.h"
#include "init/stage/folder_guest.h"
#include "init/stage/further_disks.h"
#include "init/stage/growing_disk.h"
#include "init/stage/host_volumes.h"
#include "init/stage/persist_image.h"
#include "init/stage/rescue.h"
#include "init/stage/run_folder.h"
#include "init/stage/stage.h"
#include "init/stage/volume_groups.h"
#include "init/stage/watch_space.h"
#include "init/sys/directory.h"
#include "init/sys/file.h"
#include "init/sys/kernel_module.h"
#include "init/sys/mount.h"
#include "init/sys/pages.h"
#include "init/sys/process.h"

namespace vhdboot::stage {
namespace {

constexpr std::string_view kSysroot = "/sysroot";
constexpr std::uint64_t kMaxModuleBytes = 64 << 20;

// A module that does not load is no reason to stop: some are accelerations for other processors. Whether the disk
// appears and can be attached decides.
void load_carried_modules(const record::Handoff& handoff, const sys::Reporter& report) {
  for (const record::HandoffModule& module : handoff.modules) {
    const auto image = sys::read_file(concat(kArchiveFolder, '/', module.path), kMaxModuleBytes);
    const auto loaded = image ? sys::load_module(module.path, *image, module.options) : std::unexpected(image.error());
    if (!loaded) report.warn(loaded.error().message());
  }
}

bool asked_modprobe(const std::string& modprobe, const std::vector<std::string_view>& names) {
  constexpr auto kPatience = std::chrono::seconds(60);
  return std::ranges::any_of(names, [&](std::string_view name) {
    return sys::run({modprobe, "-q", std::string(name)}, sys::Deadline::in(kPatience)).value_or(1) == 0;
  });
}

// When the guest's root could not be read, its initrd has to bring the modules, and modprobe.
void ask_guest_for_modules(const sys::Reporter& report) {
  const auto wanted = sys::read_text(std::string(kWantedModulesPath));
  if (!wanted) return;
  for (const std::string_view program : modules::modprobe_programs()) {
    const std::string modprobe(program);
    if (!sys::exists(modprobe)) continue;
    for (const std::string_view line : split_lines(*wanted))
      if (const auto names = split(line, '\t'); !asked_modprobe(modprobe, names))
        report.warn(concat("the guest's initrd has no module for ", names.front()));
    return;
  }
  report.warn("the guest's initrd has no modprobe: only what is built into its kernel can be used");
}

// Each is still a partition of its own.
Result<void> check_kept(const FoundImage& image, const std::vector<Range>& kept) {
  if (kept.empty()) return {};
  const disk::PartitionTable table = TRY(read_table(image));
  const auto is_partition = [&](const Range& range) {
    return std::ranges::any_of(table.partitions, [&](const disk::Partition& partition) {
      return Range{.offset = partition.start, .length = partition.length} == range;
    });
  };
  if (std::ranges::all_of(kept, is_partition)) return {};
  return fail(Code::Unsafe, "the partitions of the guest disk are not those that stage 1 saw: start the machine again");
}

// Before anything of the disk is opened for a guest that writes nothing to it, the kernel is told that nobody may.
Result<blocks::AttachPlan> plan_writes(const FoundImage& image, const record::Handoff& handoff,
                                       const sys::Reporter& report) {
  if (!handoff.ephemeral) return plan_attachment(image, false, handoff.guest_block);
  const std::string& device = image.volume->device.path;
  if (handoff.writes_nothing()) {
    TRY(sys::make_read_only(device));
    if (!TRY(sys::is_read_only(device))) return fail(Code::Unsafe, concat(device, " can be written to all the same"));
  }
  if (image.is_folder()) return plan_folder(image, handoff.guest_block);
  TRY(check_kept(image, handoff.kept));
  auto plan = TRY(plan_to_forget(image, *handoff.ephemeral, handoff.kept, handoff.guest_block));
  report.log(concat("what the guest writes is forgotten; it may take ", human_size(plan.writer.store_size), " of ",
                    image.scratch ? printable(image.scratch->path.text()) : "memory", ", and ",
                    handoff.writes_nothing() ? concat(device, " is read-only")
                                             : concat("partitions that are kept: ", plan.kept.size())));
  return plan;
}

Result<sys::AttachedDisk> attach_for_guest(const blocks::AttachPlan& plan, const FoundImage& image,
                                           const std::optional<GrowingDisk>& growing, const sys::Reporter& report) {
  for (const std::string& warning : plan.warnings) report.warn(warning);
  auto disk = TRY(growing ? attach_above(plan, image, growing->path()) : attach_image(plan, image));
  if (plan.direct_io && !disk.disk().direct_io())
    report.warn("the kernel refused direct I/O: the guest disk is slower");
  return disk;
}

// The guest comes up without it.
void show_volume(sys::AttachedDisk& disk, const blocks::AttachPlan& plan, const FoundImage& image,
                 const record::Handoff& handoff, const sys::Reporter& report) {
  const bool read_only = !handoff.host_mount || handoff.host_mount->read_only || handoff.is_folder();
  if (const auto made = add_host_device(disk, plan, image, read_only); !made)
    report.warn(made.error().within("the guest cannot mount the volume").message());
}

// Without an initrd the kernel tries several programs unless init= names one (init/main.c).
std::vector<std::string> init_programs(const record::Handoff& handoff) {
  std::vector<std::string> programs{handoff.init};
  if (handoff.root && handoff.init == record::kDefaultRootInit)
    programs.insert(programs.end(), {"/etc/init", "/bin/init", "/bin/sh"});
  return programs;
}

// In the root that is mounted.
Result<void> check_has_init(const record::Handoff& handoff) {
  const Fd top = TRY(sys::open_file(std::string(kSysroot), O_PATH | O_DIRECTORY));
  const auto programs = init_programs(handoff);
  if (std::ranges::none_of(programs,
                           [&](const auto& program) { return sys::open_below(top, program, O_PATH).has_value(); }))
    return fail(Code::NotFound, concat("it has no ", programs.front()));
  return {};
}

// For a guest without an initrd: what the kernel does with root= (init/do_mounts.c). Afterwards there is no way back,
// so its init is looked for while there is.
Result<sys::Mount> mount_guest_root(const std::string& disk, const record::Handoff& handoff) {
  const record::GuestRoot& root = *handoff.root;
  const std::string device = root.partition == 0 ? disk : concat(disk, 'p', root.partition);
  auto mount =
      TRY(sys::Mount::mount(device, std::string(kSysroot), root.type, root.read_only ? MS_RDONLY : 0, root.flags));
  TRY(check_has_init(handoff));
  return mount;
}

// `kept`: the device for what is written; empty: memory.
Result<FolderRoot> mount_folder(const std::string& disk, const std::string& kept, const record::Handoff& handoff) {
  const auto memory = sys::total_memory();
  if (!memory) return fail(Code::Unsupported, "the kernel does not tell how much memory there is");
  const FolderChanges changes{.most = handoff.ephemeral->most(*memory), .device = kept, .fingerprint = handoff.folder};
  auto root = TRY(FolderRoot::mount(disk, std::string(kSysroot), changes));
  TRY(check_has_init(handoff));
  return root;
}

// The mounted root becomes "/", with the device nodes that programs expect from the start.
Result<void> enter_guest_root() {
  if (auto nodes = sys::Mount::mount("devtmpfs", concat(kSysroot, "/dev"), "devtmpfs", MS_NOSUID)) nodes->release();
  return sys::switch_root(std::string(kSysroot));
}

Error execute_init(const record::Handoff& handoff, const Arguments& arguments) {
  std::optional<Error> first;
  for (const std::string& program : init_programs(handoff)) {
    Arguments guest_arguments = arguments;
    guest_arguments.front() = program;
    Error error = sys::execute(program, guest_arguments);
    if (!first) first = std::move(error);
  }
  return *std::move(first);
}

// Of a folder, above which what is written goes to an image.
bool keeps_all(const record::Handoff& handoff) {
  return handoff.persist && handoff.persist_paths == record::kPersistAll;
}

// What the guest would miss of a boot from a disk of its own. It comes up without it, but for what it is to keep on
// the device `persist`.
Result<Keeper> leave_for_guest(const std::vector<std::string>& disks, const std::string& persist,
                               const record::Handoff& handoff, const sys::Devices& devices,
                               const sys::Reporter& report) {
  LeftForGuest left{.rules = guest::host_device_rules(), .lvm = {}, .notice = {}, .persist = {}, .files = {}};
  if (disks.size() > 1) left.rules.push_back(guest::disk_name_rules(disks));
  if (handoff.ephemeral) left.notice = forgetting_notice(!handoff.kept.empty());
  if (keeps_all(handoff)) {
    left.notice = concat("vhdboot: what is changed on this system is kept in ", printable(handoff.persist->path),
                         ", and its folder stays as it is.\n");
  } else if (handoff.persist) {
    const auto text = TRY(sys::read_text(std::string(kPersistText)));
    left.persist = guest::persist_units(text, persist, handoff.persist_paths, *std::exchange(left.notice, {}));
  }
  if (auto files = files_below(std::string(kRunFiles)))
    left.files = *std::move(files);
  else
    report.warn(concat("what is made up for in the guest is not: ", files.error().message()));
  for (const guest::GuestFile& file : left.files)
    if (file.name == guest::kWslNotes)
      for (const std::string_view note : split_lines(file.text)) report.log(printable(note));
  if (handoff.has_kernel_disk)
    left.files.push_back({.name = std::string(guest::kKernelDiskFile), .text = concat(disks.back(), '\n')});
  if (auto groups = find_volume_groups(disks, devices)) {
    left.lvm = lvm_overrides_for(disks, *groups);
    left.rules.push_back(std::move(groups->rule));
  }
  if (handoff.is_folder())
    TRY(give_to_run(left, concat(kSysroot, "/run")));
  else if (!handoff.root)
    if (const auto given = give_to_initrd(left); !given) report.warn(given.error().message());
  return leave_in_run(handoff, disks.front(), left);
}

// Gives the memory back that the appended archive takes: the guest never looks at it.
void remove_tree(const std::string& path) {
  for (const std::string& name : sys::list_directory(path)) {
    const std::string entry = concat(path, '/', name);
    if (::unlink(entry.c_str()) < 0) remove_tree(entry);
  }
  ::rmdir(path.c_str());
}

// What stays when the guest takes over, and goes, the last one first, when it does not.
struct ForGuest {
  sys::MappedStack parents;            // their volume, where it is another one
  std::optional<GrowingDisk> growing;  // below the disk
  std::optional<ShownFolder> folder;   // likewise
  sys::AttachedDisk disk;              // with the host device
  FurtherDisks further;
  std::unique_ptr<sys::AttachedDisk> persist;
  std::optional<sys::Mount> root;  // of a guest without an initrd
  std::optional<FolderRoot> folder_root;
  std::optional<Keeper> keeper;
  std::optional<Keeper> watcher;  // of the memory of a guest that forgets
};

constexpr std::string_view kHeaderWritten =
    "Of the image the header was written, and what its log asks for; vhdboot wrote nothing else to any disk.";
constexpr std::string_view kHeadersWritten =
    "Of VHDX files the headers were written, and what their logs ask for; vhdboot wrote nothing else to any disk.";
constexpr std::string_view kChangesWereMounted =
    "The file system of `persist` was mounted, which replays its journal, with vhdboot's own three names in it, and "
    "of a VHDX the header was written; vhdboot wrote nothing else to any disk.";
constexpr std::string_view kArrived =
    "Of the image blocks may have come from its source, or been written as its root file system was mounted, and "
    "the map beside it was written; vhdboot wrote nothing else to any disk.";
constexpr std::string_view kRootWasMounted =
    "The guest's root file system was mounted, which replays its journal; vhdboot wrote nothing else to any disk.";

// The story of stage 2. What has to be told of a try that failed is kept here, and what only the first one can do.
class Stage2 {
 public:
  explicit Stage2(const Arguments& arguments) : arguments_(arguments) {}

  // Returns only when the guest could not be started, with nothing of it left attached.
  Error start_guest() {
    auto prepared = prepare();
    if (!prepared) return prepared.error();
    std::optional<ForGuest> guest = *std::move(prepared);
    // The guest's init finds the initramfs as the kernel unpacked it, with nothing mounted.
    auto entered = handoff_->root ? enter_guest_root() : Result<void>();
    entered_ = entered && handoff_->root;
    if (entered) entered = std::unexpected(execute_init(*handoff_, arguments_));
    [[maybe_unused]] const auto file_systems = sys::ApiFileSystems::mount();
    // The root stays mounted then, whatever is tried.
    if (entered_) ::mount(nullptr, "/", nullptr, MS_REMOUNT | MS_RDONLY, nullptr);
    guest.reset();
    return entered.error().within(handoff_->root ? "the guest's root file system" : "the guest's initrd");
  }

  [[nodiscard]] record::RescueChoice after_error() const {
    return handoff_ ? handoff_->rescue : record::RescueChoice::Menu;
  }
  [[nodiscard]] std::string_view written() const { return written_; }

 private:
  Result<ForGuest> prepare() {
    const auto file_systems = TRY(sys::ApiFileSystems::mount());
    const sys::Reporter report("stage2", sys::Reporter::Audience::KernelLog);
    report.checkpoint("start");
    if (entered_) return fail(Code::Busy, "the guest's root file system cannot be left again: restart");
    if (!handoff_) TRY(read_handoff());
    const record::Handoff& handoff = *handoff_;
    if (!handoff.root && ::access(handoff.init.c_str(), X_OK) < 0)
      return fail_errno(concat("the guest's initrd has no program ", handoff.init));
    load_modules(report);

    const auto devices = TRY(sys::MachineDevices::open(sys::reader_programs(std::string(kReaderProgram))));
    log_missing_filter(report);
    HostVolumes volumes(*devices);
    const VolumesAgain again = TRY(find_volumes(volumes, handoff, report));
    report.checkpoint("volume");
    FoundImage image = TRY(find_same_image(again, handoff));
    auto parents = TRY(hold_other_volume(image));
    if (!parents.empty())
      report.log(concat("parents on ", image.other_volume()->description(), ", which is read-only"));
    auto plan = TRY(plan_writes(image, handoff, report));
    plan.trim = handoff.trim;
    const bool writes = !image.is_folder() && (!plan.forgets() || !plan.kept.empty());
    const auto is_vhdx = [](const FoundImage& one) { return one.info().format == vhd::Format::Vhdx; };
    if (plan.arrives) written_ = kArrived;
    if (writes && is_vhdx(image)) written_ = kHeaderWritten;
    const auto is_written = [&](const FoundImage& one) { return is_vhdx(one) && !one.has_kernel; };
    if ((!handoff.ephemeral && std::ranges::any_of(image.further, is_written)) ||
        (image.persist && is_vhdx(*image.persist)))
      written_ = kHeadersWritten;
    std::optional<GrowingDisk> growing;
    if (plan.needs_keeper())
      growing.emplace(TRY(GrowingDisk::start(plan, image)));
    else if (writes)
      TRY(begin_writes(image, kMapName));
    auto attached = TRY(attach_for_guest(plan, image, growing, report));
    const FurtherDisks::Use use{.read_only = handoff.ephemeral.has_value(), .trim = handoff.trim};
    auto further = TRY(FurtherDisks::attach(image, use, report));
    ForGuest guest{.parents = std::move(parents),
                   .growing = std::move(growing),
                   .folder = std::exchange(image.folder, std::nullopt),
                   .disk = std::move(attached),
                   .further = std::move(further),
                   .persist = {},
                   .root = {},
                   .folder_root = {},
                   .keeper = {},
                   .watcher = {}};
    report.checkpoint("attached");
    show_volume(guest.disk, plan, image, handoff, report);
    const std::string disk = guest.disk.disk().path();
    std::string persist;
    if (image.persist) {
      auto second = TRY(attach_persist(*image.persist, false, handoff.trim));
      guest.persist = std::move(second.disk);
      persist = std::move(second.device);
      report.log(concat("what is kept is on ", persist, ": ", handoff.persist_paths));
    }
    if (image.is_folder()) {
      if (keeps_all(handoff)) written_ = kChangesWereMounted;
      guest.folder_root =
          TRY_IN("the folder as a root file system", mount_folder(disk, keeps_all(handoff) ? persist : "", handoff));
    } else if (handoff.root) {
      if (!plan.arrives) written_ = kRootWasMounted;
      guest.root = TRY_IN("the guest's root file system", mount_guest_root(disk, handoff));
    }
    auto keeper = leave_for_guest(guest.further.devices(disk), persist, handoff, *devices, report);
    if (keeper)
      guest.keeper = *std::move(keeper);
    else if (image.persist)
      return std::unexpected(keeper.error());
    else
      report.warn(keeper.error().message());
    if (plan.forgets())
      guest.watcher = TRY(watch_space(plan.kept.empty() ? kMapName : kForgettingName, plan.writer.kind));
    remove_tree(std::string(kArchiveFolder));
    report.checkpoint("init");
    return guest;
  }

  Result<void> read_handoff() {
    const auto record = TRY(sys::read_text(std::string(record::kHandoffPath), record::kMaxHandoffBytes));
    handoff_ = TRY_IN("the handoff", record::parse_handoff(record));
    return {};
  }

  // Once: the archive that brings them goes away.
  void load_modules(const sys::Reporter& report) {
    if (std::exchange(modules_loaded_, true)) return;
    load_carried_modules(*handoff_, report);
    ask_guest_for_modules(report);
    report.checkpoint("modules");
  }

  const Arguments& arguments_;
  std::optional<record::Handoff> handoff_;
  bool modules_loaded_ = false;
  bool entered_ = false;  // the guest's root is "/"
  std::string_view written_ = kNothingWritten;
};

}  // namespace

void stage2(const Arguments& arguments) {
  Stage2 stage(arguments);
  for (;;) {
    const Error error = stage.start_guest();
    [[maybe_unused]] const auto file_systems = sys::ApiFileSystems::mount();
    const sys::Reporter report("stage2", sys::Reporter::Audience::KernelLog);
    (void)ask_person(error, stage.written(), stage.after_error(), false, report);
  }
}

}  // namespace vhdboot::stage
