// SPDX-License-Identifier: GPL-2.0-or-later
// The boot kernel's process 1: from the disks of this machine to the jump into the guest's kernel. Nothing is written,
// every device is opened read-only; but for an image that a person rolls back at the menu, and for the name of a boot
// entry that counts its tries, at the very end, and then the header of a VHDX file.
#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <utility>

#include "base/text.h"
#include "base/units.h"
#include "init/guest/kept_partitions.h"
#include "init/stage/additions.h"
#include "init/stage/archive.h"
#include "init/stage/attach.h"
#include "init/stage/attached_guest_disk.h"
#include "init/stage/candidates.h"
#include "init/stage/count_boot.h"
#include "init/stage/failure.h"
#include "init/stage/find_image.h"
#include "init/stage/folder_guest.h"
#include "init/stage/further_disks.h"
#include "init/stage/guest_boot.h"
#include "init/stage/menu.h"
#include "init/stage/persist_image.h"
#include "init/stage/rescue.h"
#include "init/stage/settings.h"
#include "init/stage/stage.h"
#include "init/sys/file.h"
#include "init/sys/mount.h"
#include "init/sys/pages.h"
#include "init/sys/power.h"
#include "init/sys/unpack.h"
#include "kexec/kexec_load.h"
#include "kexec/plan.h"

namespace vhdboot::stage {
namespace {

record::HandoffFile handoff_file(const HostVolume& volume, const volume::Path& path, const volume::FileLayout& layout) {
  record::HandoffFile file{.path = path.text(),
                           .kind = volume.reader->kind(),
                           .serial = volume.identity.uuid,
                           .partuuid = {},
                           .places = volume.hardware.places,
                           .wwid = volume.hardware.wwid,
                           .size = layout.size,
                           .extents = layout.extents};
  if (!volume.identity.partuuid.empty()) file.partuuid = volume.identity.partuuid;
  return file;
}

std::vector<record::HandoffFile> handoff_files(const FoundImage& image) {
  std::vector<record::HandoffFile> files;
  files.push_back(handoff_file(*image.volume, image.path, image.layout));
  for (const FoundParent& parent : image.parents)
    files.push_back(handoff_file(*parent.volume, parent.path, parent.layout));
  return files;
}

record::Handoff make_handoff(const FoundImage& image, const disk::PartitionTable& table, const record::Config& config,
                             const std::vector<Range>& kept, const GuestBoot& boot) {
  record::Handoff handoff{.files = handoff_files(image),
                          .payload_size = image.info().size,
                          .view = blocks::checksum(image.view),
                          .guest_block = table.logical_block,
                          .trim = config.trim.value_or(true),
                          .host_mount = config.host_mount,
                          .root = boot.planned.root,
                          .init = boot.planned.plan.guest_init,
                          .wait_seconds = config.wait(),
                          .rescue = config.after_error()};
  if (image.folder) handoff.folder = image.folder->image.fingerprint;
  static_assert(record::kMaxHandoffFiles >= vhd::kMaxChain);
  handoff.has_kernel_disk = !image.further.empty() && image.further.back().has_kernel;
  for (const FoundImage& disk : image.further)
    handoff.disks.push_back({.files = handoff_files(disk),
                             .payload_size = disk.info().size,
                             .view = blocks::checksum(disk.view),
                             .guest_block = disk.guest_block});
  if (image.scratch) handoff.scratch = handoff_file(*image.volume, image.scratch->path, image.scratch->layout);
  if (image.arriving)
    handoff.arrival = {.from = image.arriving->from,
                       .map = handoff_file(*image.volume, image.arriving->map.path, image.arriving->map.layout),
                       .tree = handoff_file(*image.volume, image.arriving->tree.path, image.arriving->tree.layout)};
  if (image.persist) {
    handoff.persist = handoff_file(*image.volume, image.persist->path, image.persist->layout);
    handoff.persist_paths = config.persist_paths;
  }
  if (config.forgets()) {
    handoff.ephemeral = config.ephemeral;
    handoff.kept = kept;
    // Windows' own files are below a folder.
    if (handoff.host_mount && (config.writes_nothing() || image.folder)) handoff.host_mount->read_only = true;
  }
  if (boot.entry.counted && !config.forgets())
    handoff.counted = {boot.entry.counted->partition, boot.entry.counted->next_path};
  handoff.loader_partuuid = boot.loader_partuuid;
  for (const CarriedModule& module : boot.modules.files)
    handoff.modules.push_back({module_path(module), module.options});
  return handoff;
}

// Memory in which a piece that begins at `offset` of its file lies in a page as it does there.
Result<sys::Pages> pages_for(std::uint64_t size, std::uint64_t offset) {
  return sys::Pages::allocate(size, offset % sys::Pages::kPage);
}

// They are in memory twice before the jump, and a lack of it would end process 1.
Result<void> check_memory(std::uint64_t size) {
  constexpr std::uint64_t kRoom = 16 * kMiB;  // for what else is needed meanwhile
  const auto available = sys::available_memory();
  if (!available || 2 * size + kRoom <= *available) return {};
  return fail(Code::NoMemory, concat("the guest's kernel and initrd have ", human_size(size),
                                     " and are in memory twice before the jump, of which ", human_size(*available),
                                     " are free: give the machine more memory, or make the initrd smaller"));
}

// Hands kernel and initrd over to the running kernel, which keeps copies of its own. kexec_load leaves out two passes
// of SHA-256 over everything, in C without acceleration; where it is refused (lockdown, odd firmware), kexec_file_load
// does.
Result<void> load(const kexec::KexecPlan& plan, Bytes archive, const sys::Reporter& report) {
  TRY(check_memory(plan.kernel.range.length + kexec::initrd_size(plan, archive)));
  auto kernel = TRY(pages_for(plan.kernel.range.length, plan.kernel.range.offset));
  TRY(kexec::read_kernel(plan, kernel.writable()));
  const std::uint64_t offset = plan.initrds.empty() ? 0 : plan.initrds.front().source.range.offset;
  auto initrd = TRY(pages_for(kexec::initrd_size(plan, archive), offset));
  TRY(kexec::read_initrd(plan, archive, initrd.writable()));
  const auto loaded = kexec::load_segments(kernel.bytes(), initrd.bytes(), plan.cmdline);
  if (loaded) return {};
  // The other way needs more of it.
  if (loaded.error().sys_errno == ENOMEM) return std::unexpected(loaded.error());
  report.log(concat("using kexec_file_load: ", loaded.error().message()));
  const Fd kernel_file = TRY(sys::memory_file("kernel", kernel.bytes()));
  kernel = {};
  const Fd initrd_file = TRY(sys::memory_file("initrd", initrd.bytes()));
  initrd = {};
  return kexec::load(kernel_file.get(), initrd_file.get(), plan.cmdline);
}

// A guest that is loaded in this kernel, to be executed.
struct LoadedGuest {
  std::string name;
  std::optional<entry::CountedFile> counted;  // the file of its entry, if its tries are counted
};

// What is written there takes the memory that it is to give back.
void warn_of_swap(const disk::GuestDisk& disk, const std::vector<Range>& kept, const sys::Reporter& report) {
  const auto is_kept = [&](const disk::GuestPartition& partition) {
    return partition.entry != nullptr && std::ranges::find(kept, partition.entry->start, &Range::offset) != kept.end();
  };
  for (const disk::GuestPartition& partition : disk.partitions())
    if (partition.type == "swap" && !is_kept(partition))
      report.warn(concat(partition.description(),
                         " is swap space: what is swapped out there stays in memory and brings it to its end sooner"));
}

// Loads the first of the guest's entries that can be.
Result<LoadedGuest> load_guest(const sys::LoopDevice& loop, const disk::PartitionTable& table, const FoundImage& image,
                               const blocks::AttachPlan& attached, const FurtherDisks& further,
                               const record::Config& config, const sys::Devices& devices, const sys::Reporter& report) {
  AttachedGuestDisk disk(loop, table, devices, report);
  if (image.persist) {
    const PersistDisk persist = TRY(attach_persist(*image.persist, true, false));
    const std::string type =
        TRY(check_persist_disk(persist.disk->disk(), persist.table, disk, further, devices, report));
    if (image.folder && config.persist_paths == record::kPersistAll && type != kChangesType)
      return fail(Code::Unsupported, concat("`persist-paths /` needs an ", kChangesType, " in the image of `persist`, ",
                                            "which has ", printable(type)));
  }
  std::vector<Range> kept;
  if (config.forgets()) {
    kept = TRY(guest::kept_partitions(disk, image.info().size, config.keep));
    if (!kept.empty()) (void)TRY(blocks::kept_rows(image.view, kept));
    if (!image.scratch) warn_of_swap(disk, kept, report);
  }
  LoadedGuest loaded;
  const auto decompressors = sys::decompressors_in(sys::unpack_program(std::string(kUnpackProgram)));
  const auto use = [&](const GuestBoot& boot) -> Result<void> {
    loaded.name = concat(printable(boot.entry.entry.title), ", ", printable(boot.entry.entry.id), ", kernel ",
                         printable(boot.planned.release));
    report.say(concat("  system   ", loaded.name));
    record::Handoff handoff = make_handoff(image, table, config, kept, boot);
    // What counts tries is not renamed, see count_boot().
    if (attached.needs_keeper()) handoff.counted.reset();
    const auto archive = TRY(make_archive(handoff, boot.modules, boot.run_files, attached));
    TRY(load(boot.planned.plan, archive, report));
    if (!config.forgets() && !attached.needs_keeper()) loaded.counted = boot.entry.counted;
    return {};
  };
  const auto kernels = TRY(KernelDisk::open(further, devices, report));
  TRY(try_entries(disk, kernels ? kernels->disk() : disk, image, attached, further, config, devices, decompressors,
                  report, use));
  return loaded;
}

// The image as a disk for as long as it takes to load what is on it.
Result<LoadedGuest> load_from(const FoundImage& image, const disk::PartitionTable& table, const record::Config& config,
                              const sys::Devices& devices, const sys::Reporter& report) {
  const auto attach_plan = TRY(plan_for_guest(image, config, table.logical_block));
  for (const std::string& warning : attach_plan.warnings) report.warn(warning);
  auto disk = TRY(attach_image(read_only(attach_plan), image));
  auto further = TRY(FurtherDisks::attach(image, {}, report));
  report.checkpoint("attached");
  auto loaded = load_guest(disk.disk(), table, image, attach_plan, further, config, devices, report);
  auto detached = further.detach();
  if (const auto own = disk.detach(); !own) detached = own;
  if (!detached) {
    if (loaded) return std::unexpected(detached.error());
    report.warn(detached.error().message());
  }
  return loaded;
}

// As systemd-boot does: a boot that cannot be counted is started all the same. What is written then, for a person.
std::string count(const entry::CountedFile& entry, const FoundImage& image, const disk::PartitionTable& table,
                  const sys::Reporter& report) {
  const auto done = count_boot(entry, image, table.logical_block);
  if (done)
    report.log(concat("boot counter: ", entry.path, " is ", entry.next_path, " now"));
  else
    report.warn(concat("not counting this boot of ", entry.path, ": ", done.error().message()));
  return concat("Of the image the name of ", printable(entry.path), done ? " was" : " may have been",
                " changed, which counts its tries,",
                image.info().format == vhd::Format::Vhdx ? " and the header of its file, which says so" : "",
                "; nothing else was written to any disk.");
}

Error jump(const sys::Reporter& report) {
  report.say("  starting ...");
  report.checkpoint("kexec");
  const auto controllers = sys::release_usb_controllers();
  Error refused = sys::execute_loaded_kernel();
  sys::take_back_usb_controllers(controllers);
  return refused;
}

// How a boot ended.
struct Outcome {
  std::optional<Failure> failed;  // nothing: a person wants to choose
  bool is_new = false;            // it has failed now
  bool again = false;             // a person wants the same once more, from the beginning
  record::RescueChoice then = record::RescueChoice::Menu;
  bool may_choose = false;  // there is what the menu needs
  std::string written;      // what is true of the disks now
};

// What is tried again of an image that was chosen in the menu.
std::optional<record::Config> config_to_try_again(const Chosen& chosen) {
  const disk::Identity& identity = chosen.candidate.place.volume->identity;
  record::Config config = chosen.config;
  config.image = chosen.candidate.place.path.text();
  if (!identity.partuuid.empty())
    config.volume = disk::Selector{.by = disk::Selector::By::PartUuid, .value = identity.partuuid};
  else if (!identity.uuid.empty())
    config.volume = disk::Selector{.by = disk::Selector::By::Uuid, .value = identity.uuid};
  else
    return std::nullopt;
  return config;
}

// vhdboot.efi under its own name, or as the program that firmware starts of a medium by itself: when no image is beside
// it, nobody has said what to boot.
bool is_menu_of_everything(const Settings& settings) {
  if (settings.config.image) return false;
  const auto file = volume::parse_path(settings.origin.path.value_or("/"));
  const std::string name = file ? to_lower_ascii(file->stem()) : "";
  return name.empty() || name.starts_with("vhdboot") || name == "bootx64";
}

// The image that is booted when nobody chooses one in the menu. What was asked for once is never another one.
Result<FoundImage> find_by_itself(HostVolumes& volumes, Settings& settings, const sys::Reporter& report) {
  const std::string& name = settings.origin.one_shot;
  if (name.empty()) return find_image(volumes, settings, report);
  report.say(concat("  once     ", printable(name)));
  const Candidate candidate = TRY(find_called(volumes, settings, name, report));
  auto parsed = TRY(config_of(candidate, settings));
  for (const std::string& warning : parsed.warnings) report.warn(warning);
  settings.config = std::move(parsed.config);
  return open_image(candidate.place, writes_of(settings.config),
                    ParentVolume(settings.config, volumes, settings.config.wait(), report), settings.config.arrival());
}

// A person sees how far it is, and may choose something else meanwhile.
Result<void> show(FoundImage& folder, const sys::KeyWatch& keys, const sys::Reporter& report) {
  constexpr std::uint64_t kOften = 10'000;
  report.say(concat("  folder   ", printable(folder.path.text()), ", on ", folder.volume->description(),
                    ": looking at all that is in it ..."));
  std::uint64_t told = 0;
  return show_folder(folder, [&](std::uint64_t files, std::uint64_t written) -> Result<void> {
    if (keys.asked_for_menu()) return fail(Code::Busy, "a person wants to choose");
    // First all files, then the ends of files that are copied.
    const std::uint64_t steps = files / kOften + written / (32 * kMiB);
    if (steps > told) report.say(concat("           ", files, " files, ", human_size(written), " in memory ..."));
    told = std::max(told, steps);
    return {};
  });
}

// Returns only when the boot has failed, with nothing of it left attached, or a person wants to choose. `menu`: a
// person is to choose what is booted, `before` is what has failed, and `written` what is true of the disks by now.
Outcome boot(bool menu, const std::optional<Failure>& before, const std::string& written, sys::KeyWatch& keys,
             const sys::Reporter& report) {
  Outcome outcome;
  outcome.written = written;
  Failure failure{.error = {}, .written = written, .facts = {}, .config = {}};
  const auto learn = [&](std::string_view name, std::string value) {
    failure.facts.push_back({.name = std::string(name), .value = std::move(value)});
  };
  // Done: a person wants to choose.
  const auto try_boot = [&]() -> Result<void> {
    const auto devices = TRY(sys::MachineDevices::open(sys::reader_programs(std::string(kReaderProgram))));
    log_missing_filter(report);
    HostVolumes volumes(*devices);
    StubRecord stub = TRY(read_stub_record(report));
    auto read = read_settings(volumes, stub, report);
    std::optional<Error> wrong;
    if (!read && read.error().code == Code::Invalid) {
      outcome.may_choose = true;
      if (!menu) return std::unexpected(read.error());
      // What is wrong in a configuration keeps nobody from the menu.
      wrong = read.error();
      stub.config = "";
      stub.origin.options.clear();
      read = read_settings(volumes, stub, report);
    }
    Settings settings = TRY(std::move(read));
    settings.wrong = std::move(wrong);
    outcome.then = settings.config.after_error();
    outcome.may_choose = true;
    if (settings.origin.path) learn("started from", printable(*settings.origin.path));
    report.checkpoint("settings");
    // Who is at the menu has been told, and starts an image without them.
    if (auto taken = take_additions(volumes, settings, report); !taken && !menu) return taken;

    const bool everything = is_menu_of_everything(settings);
    const bool once = !settings.origin.one_shot.empty();
    const bool may_start = !menu && !everything && !once;
    menu |= settings.origin.menu;
    if (!once) menu |= settings.config.shows_menu() || (everything && settings.origin_volume == nullptr);
    Result<FoundImage> found = fail(Code::NotFound, "nobody has chosen an image");
    if (!menu) {
      found = find_by_itself(volumes, settings, report);
      menu = !found && (keys.asked_for_menu() || (found.error().code == Code::NotFound && everything && !once));
    }
    if (menu) {
      keys.stop();
      report.checkpoint("menu");
      auto choice = choose(volumes, settings, may_start, before, written, report);
      if (!choice) outcome.may_choose = false;
      const Choice chosen = TRY(std::move(choice));
      failure.written = outcome.written = chosen.written;
      keys.start();
      if (chosen.kind == Choice::Kind::Shell) outcome.failed = before;
      if (chosen.kind == Choice::Kind::Shell || chosen.kind == Choice::Kind::LookAgain) return {};
      if (chosen.kind == Choice::Kind::TryAgain && before) failure.config = before->config;
      outcome.again = chosen.kind == Choice::Kind::TryAgain && !failure.config;
      if (outcome.again) return {};
      if (chosen.chosen) failure.config = config_to_try_again(*chosen.chosen);
      if (chosen.chosen)
        settings.config = chosen.chosen->config;
      else if (failure.config)
        settings.config = *failure.config;
      const ParentVolume parents(settings.config, volumes, settings.config.wait(), report);
      found = chosen.chosen    ? open_image(chosen.chosen->candidate.place, writes_of(settings.config), parents,
                                            settings.config.arrival())
              : failure.config ? find_image(volumes, settings, report)
                               : find_by_itself(volumes, settings, report);
      menu = false;
    }
    if (found && found->is_folder()) {
      settings.config = TRY_IN(printable(found->path.text()), config_for_folder(std::move(settings.config)));
      const auto shown = show(*found, keys, report);
      if (keys.asked_for_menu()) return {};
      TRY(shown);
    }
    const FoundImage image = TRY(with_other_files(std::move(found), settings.config));
    report.checkpoint("volume");
    learn("image", concat(printable(image.path.text()), ", ", image.describe()));
    learn("volume", image.volume->description());
    if (keys.asked_for_menu()) return {};
    report.say(concat("  image    ", printable(image.path.text()), ", ", image.describe(), ", on ",
                      image.volume->description()));
    if (image.folder)
      for (const std::string& said : image.folder->said) report.warn(said);
    if (const HostVolume* other = image.other_volume()) {
      learn("volume of its parents", other->description());
      report.say(concat("  parents  on ", other->description(), ", which is only read"));
    }
    for (const FoundImage& disk : image.further) {
      const std::string what =
          concat(printable(disk.path.text()), ", ", human_size(disk.info().size), ' ', disk.kind());
      learn(disk.has_kernel ? "kernel of" : "further disk", what);
      report.say(concat(disk.has_kernel ? "  kernel   of " : "  disk     ", what,
                        disk.has_kernel             ? ", which is only read"
                        : settings.config.forgets() ? ", read-only since the guest forgets"
                                                    : ""));
      for (const std::string& warning : disk.info().warnings) report.warn(warning);
    }
    report.checkpoint("image");
    TRY(check_writer(image, settings.config));
    for (const std::string& warning : image.info().warnings) report.warn(warning);

    TRY(check_no_windows_sleeps(volumes, image));
    const disk::PartitionTable table = TRY(read_table(image));
    for (const std::string& warning : table.warnings) report.warn(concat("the guest disk: ", warning));
    settings.config.started_by = settings.origin.path.value_or("");
    auto loaded = load_from(image, table, settings.config, *devices, report);
    if (!loaded && image.arriving)
      loaded.error().text +=
          "; not all of the image has arrived, which may be why: bring the rest with `vhdtool fetch`";
    const LoadedGuest guest = TRY(std::move(loaded));
    learn("system", guest.name);
    report.checkpoint("loaded");
    TRY(check_still_alone(volumes, image, settings));
    TRY(check_no_windows_sleeps(volumes, image));
    if (keys.asked_for_menu()) return {};
    run_added(Moment::BeforeKexec, report);
    if (guest.counted) failure.written = count(*guest.counted, image, table, report);
    return std::unexpected(jump(report));
  };
  if (const auto done = try_boot(); !done) {
    failure.error = done.error();
    outcome.failed = std::move(failure);
    outcome.is_new = true;
  }
  return outcome;
}

// Whether the menu is what comes now. It has a page for the failure; where it cannot be shown, a person is asked line
// by line.
bool leads_to_menu(const Outcome& outcome, const sys::Reporter& report) {
  const Failure& failed = *outcome.failed;
  run_added(Moment::Rescue, report);
  if (!outcome.may_choose || !has_menu() || outcome.then == record::RescueChoice::Reboot)
    return ask_person(failed.error, failed.written, outcome.then, has_menu(), report) == Wish::Menu;
  tell_person(failed.error, failed.written, outcome.then, report);
  return true;
}

// Directories and variables that programs of the rescue shell expect.
Result<void> make_room() {
  ::setenv("PATH", "/bin", 1);
  ::setenv("HOME", "/", 1);
  // The kernel drops what a process logs beyond ten lines in five seconds, unless told otherwise.
  (void)sys::write_file("/proc/sys/kernel/printk_devkmsg", as_bytes("on\n"));
  auto run = TRY(sys::Mount::mount("tmpfs", "/run", "tmpfs", 0, "mode=0755"));
  run.release();
  return {};
}

}  // namespace

void stage1() {
  const auto file_systems = sys::ApiFileSystems::mount();
  const sys::Reporter report("stage1", sys::Reporter::Audience::Consoles);
  sys::KeyWatch keys;
  keys.start();
  report.say(concat("vhdboot ", VHDBOOT_VERSION));
  report.checkpoint("start");
  const Result<void> ready = file_systems ? make_room() : std::unexpected(file_systems.error());
  std::optional<Failure> failed;
  std::string written(kNothingWritten);
  for (bool menu = false;;) {
    Outcome outcome{.is_new = !ready};
    if (ready) {
      outcome = boot(menu, failed, written, keys, report);
      written = outcome.written;
    } else {
      outcome.failed = Failure{.error = ready.error(), .written = written, .facts = {}, .config = {}};
    }
    keys.stop();
    menu = outcome.is_new ? leads_to_menu(outcome, report) : !outcome.again;
    failed = menu && outcome.may_choose ? std::move(outcome.failed) : std::nullopt;
    keys.start();
  }
}

}  // namespace vhdboot::stage
