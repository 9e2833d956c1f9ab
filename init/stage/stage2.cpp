// SPDX-License-Identifier: GPL-2.0-or-later
// The target kernel's process 1, before the guest's own init: attaches the image again, this time for writing, and
// disappears.
#include <fcntl.h>
#include <sys/mount.h>

#include <algorithm>
#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/text.h"
#include "init/record/handoff.h"
#include "init/stage/archive.h"
#include "init/stage/attach.h"
#include "init/stage/find_image.h"
#include "init/stage/host_volumes.h"
#include "init/stage/rescue.h"
#include "init/stage/run_folder.h"
#include "init/stage/stage.h"
#include "init/stage/volume_groups.h"
#include "init/sys/directory.h"
#include "init/sys/kernel_module.h"
#include "init/sys/mount.h"
#include "init/sys/process.h"

namespace vhdboot::stage {
namespace {

constexpr std::string_view kGuestRoot = "/sysroot";
constexpr std::uint64_t kMaxModuleBytes = 64 << 20;

// A module that does not load is no reason to stop: some are accelerations for other processors. Whether the disk
// appears and can be attached decides.
void load_carried_modules(const record::Handoff& handoff, const sys::Reporter& report) {
  for (const std::string& module : handoff.modules) {
    const auto image = sys::read_file(concat(kArchiveFolder, '/', module), kMaxModuleBytes);
    const auto loaded = image ? sys::load_module(module, *image) : std::unexpected(image.error());
    if (!loaded) report.warn(loaded.error().message());
  }
}

bool asked_modprobe(const char* modprobe, const std::vector<std::string_view>& names) {
  return std::ranges::any_of(
      names, [&](std::string_view name) { return sys::run({modprobe, "-q", std::string(name)}).value_or(1) == 0; });
}

// When the guest's root could not be read, its initrd has to bring the modules, and modprobe.
void ask_guest_for_modules(const sys::Reporter& report) {
  const auto wanted = sys::read_text(std::string(kWantedModulesPath));
  if (!wanted) return;
  for (const char* modprobe : {"/sbin/modprobe", "/usr/sbin/modprobe", "/bin/modprobe", "/usr/bin/modprobe"}) {
    if (!sys::exists(modprobe)) continue;
    for (const std::string_view line : split_lines(*wanted))
      if (const auto names = split(line, '\t'); !asked_modprobe(modprobe, names))
        report.warn(concat("the guest's initrd has no module for ", names.front()));
    return;
  }
  report.warn("the guest's initrd has no modprobe: only what is built into its kernel can be used");
}

// The volume of the handoff, as soon as its disk appears.
Result<HostVolume*> find_volume(HostVolumes& volumes, const record::Handoff& handoff, const sys::Reporter& report) {
  PatientWait wait(volumes, handoff.wait_seconds, report);
  do {
    std::vector<HostVolume*> found;
    for (HostVolume& volume : volumes.all())
      if (record::is_handoff_volume(handoff, volume.identity)) found.push_back(&volume);
    if (found.size() > 1) return fail(Code::Unsafe, twins(*found[0], *found[1]));
    if (found.size() == 1) return found.front();
  } while (TRY(wait.wait(concat("the volume ", handoff.serial))));
  return fail(Code::NotFound,
              concat("the volume ", handoff.serial, " with the image did not appear within ", handoff.wait_seconds,
                     " seconds: the guest's kernel has no driver for its disk, or the disk was unplugged"));
}

// What stage 1 found must still be true, by this kernel's own reading of the disk.
Result<FoundImage> find_same_image(HostVolume& volume, const record::Handoff& handoff) {
  auto image = TRY(examine_image(volume, TRY(volume::parse_path(handoff.path))));
  TRY(record::compare_extents(handoff, image.layout.size, image.layout.extents));
  if (image.payload() != handoff.payload)
    return fail(Code::Unsafe, concat(printable(handoff.path), " is not the image that stage 1 saw"));
  return image;
}

Result<std::string> attach_for_guest(const FoundImage& image, const record::Handoff& handoff,
                                     const sys::Reporter& report) {
  const auto plan = TRY(plan_attachment(image, false, handoff.guest_block));
  for (const std::string& warning : plan.warnings) report.warn(warning);
  auto disk = TRY(AttachedDisk::attach_extents(plan, *image.volume, image.path.text()));
  if (plan.direct_io && !disk.disk().direct_io())
    report.warn("the kernel refused direct I/O: the guest disk is slower");
  std::string path = disk.disk().path();
  disk.release();
  return path;
}

// The guest comes up without it.
void show_volume(const FoundImage& image, const record::Handoff& handoff, const sys::Reporter& report) {
  const bool read_only = !handoff.host_mount || handoff.host_mount->read_only;
  if (const auto made = make_host_device(*image.volume, image.layout.extents, read_only); !made)
    report.warn(made.error().within("the guest cannot mount the volume").message());
}

// For a guest without an initrd: what the kernel does with root= (init/do_mounts.c).
Result<void> mount_guest_root(const std::string& disk, const record::GuestRoot& root) {
  const std::string device = root.partition == 0 ? disk : concat(disk, 'p', root.partition);
  auto mount = TRY_IN("the guest's root file system", sys::Mount::mount(device, std::string(kGuestRoot), root.type,
                                                                        root.read_only ? MS_RDONLY : 0, root.flags));
  mount.release();
  return {};
}

// The mounted root becomes "/", with the device nodes that programs expect from the start.
Result<void> enter_guest_root() {
  if (auto nodes = sys::Mount::mount("devtmpfs", concat(kGuestRoot, "/dev"), "devtmpfs", MS_NOSUID)) nodes->release();
  return sys::switch_root(std::string(kGuestRoot));
}

// Without an initrd the kernel tries several places unless init= names one (init/main.c).
Error execute_init(const record::Handoff& handoff, const Arguments& arguments) {
  std::vector<std::string> programs{handoff.init};
  if (handoff.root && handoff.init == record::kDefaultRootInit)
    programs.insert(programs.end(), {"/etc/init", "/bin/init", "/bin/sh"});
  std::optional<Error> first;
  for (const std::string& program : programs) {
    Arguments guest_arguments = arguments;
    guest_arguments.front() = program;
    Error error = sys::execute(program, guest_arguments);
    if (!first) first = std::move(error);
  }
  return *std::move(first);
}

// Returns the path of the guest disk.
Result<std::string> attach(record::Handoff& handoff, const sys::Reporter& report) {
  const auto record = TRY(sys::read_text(std::string(record::kHandoffPath), record::kMaxHandoffBytes));
  handoff = TRY_IN("the handoff", record::parse_handoff(record));
  if (!handoff.root && ::access(handoff.init.c_str(), X_OK) < 0)
    return fail_errno(concat("the guest's initrd has no program ", handoff.init));
  load_carried_modules(handoff, report);
  ask_guest_for_modules(report);
  report.checkpoint("modules");

  auto volumes = TRY(HostVolumes::watch());
  HostVolume* volume = TRY(find_volume(volumes, handoff, report));
  report.checkpoint("volume");
  const FoundImage image = TRY(find_same_image(*volume, handoff));
  std::string disk = TRY(attach_for_guest(image, handoff, report));
  report.checkpoint("attached");
  show_volume(image, handoff, report);
  if (handoff.root) TRY(mount_guest_root(disk, *handoff.root));
  return disk;
}

// What the guest would miss of a boot from a disk of its own. It comes up without it.
void leave_for_guest(const std::string& disk, const record::Handoff& handoff, const sys::Reporter& report) {
  UdevRules rules{guest::host_device_rule()};
  if (auto rule = volume_group_rule(disk)) rules.push_back(*std::move(rule));
  if (!handoff.root)
    if (const auto given = give_to_initrd(rules); !given) report.warn(given.error().message());
  if (const auto left = leave_in_run(handoff, disk, rules); !left) report.warn(left.error().message());
}

// Gives the memory back that the appended archive takes: the guest never looks at it.
void remove_tree(const std::string& path) {
  for (const std::string& name : sys::list_directory(path)) {
    const std::string entry = concat(path, '/', name);
    if (::unlink(entry.c_str()) < 0) remove_tree(entry);
  }
  ::rmdir(path.c_str());
}

}  // namespace

void stage2(const Arguments& arguments) {
  record::Handoff handoff;
  {
    // Ends before the guest's init starts: that one finds the initramfs as the kernel unpacked it, with nothing
    // mounted.
    const auto file_systems = sys::ApiFileSystems::mount();
    const sys::Reporter report("stage2", sys::Reporter::Audience::KernelLog);
    if (!file_systems) rescue(file_systems.error(), record::RescueChoice::Menu, report);
    report.checkpoint("start");
    const auto disk = attach(handoff, report);
    if (!disk) rescue(disk.error(), handoff.rescue, report);
    leave_for_guest(*disk, handoff, report);
    remove_tree(std::string(kArchiveFolder));
    report.checkpoint("init");
  }
  auto entered = handoff.root ? enter_guest_root() : Result<void>();
  if (entered) entered = std::unexpected(execute_init(handoff, arguments));
  [[maybe_unused]] const auto file_systems = sys::ApiFileSystems::mount();
  rescue(entered.error().within(handoff.root ? "the guest's root file system" : "the guest's initrd"), handoff.rescue,
         sys::Reporter("stage2", sys::Reporter::Audience::KernelLog));
}

}  // namespace vhdboot::stage
