// SPDX-License-Identifier: GPL-2.0-or-later
#include "init/stage/run_folder.h"

#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <optional>
#include <string_view>
#include <utility>

#include "base/text.h"
#include "entry/boot_count.h"
#include "init/guest/loader_interface.h"
#include "init/guest/lvm_config.h"
#include "init/stage/keeper.h"
#include "init/sys/directory.h"
#include "init/sys/file.h"
#include "init/sys/mount.h"

namespace vhdboot::stage {
namespace {

bool is_directory(const std::string& path) {
  struct stat status{};
  return ::stat(path.c_str(), &status) == 0 && S_ISDIR(status.st_mode);
}

std::string in_guest(std::string_view path) {
  return concat(kProcessOneRoot, path);
}

bool has_run() {
  return sys::is_mount_point(in_guest("/run"));
}

// Whether the program of process 1 came with the initrd, whose file system is the keeper's root.
bool is_in_initrd(const char* program) {
  struct stat status{};
  struct stat initrd{};
  return ::stat(program, &status) < 0 || ::stat("self/root", &initrd) < 0 || status.st_dev == initrd.st_dev;
}

// The name of the file that a process runs.
std::string program_name(const char* program) {
  std::array<char, 4096> target{};
  const ssize_t length = ::readlink(program, target.data(), target.size());
  const std::string_view path(target.data(), length < 0 ? 0 : static_cast<std::size_t>(length));
  return std::string(path.substr(path.find_last_of('/') + 1));
}

// A script as init, as NixOS has it, that becomes systemd in the end.
bool is_shell(std::string_view name) {
  constexpr std::array<std::string_view, 4> kShells{"sh", "bash", "dash", "ash"};
  return std::ranges::find(kShells, name) != kShells.end();
}

// What process 1 has become, in the keeper's view.
enum class Init { NotYet, Systemd, Another };

Init init_now() {
  constexpr char kProgram[] = "1/exe";
  // The systemd of an initrd hands its /run on.
  if (has_run() && is_directory(in_guest("/run/systemd/system"))) return Init::Systemd;
  if (is_in_initrd(kProgram)) return Init::NotYet;
  const std::string name = program_name(kProgram);
  if (name == "systemd") return has_run() ? Init::Systemd : Init::NotYet;
  return is_shell(name) ? Init::NotYet : Init::Another;
}

// `wanted_by`: the target that starts it; empty: none.
Result<void> leave_unit(const guest::GuestFile& unit, std::string_view wanted_by) {
  const std::string folder = in_guest("/run/systemd/system");
  TRY(sys::make_directories(folder));
  TRY(sys::write_file(concat(folder, '/', unit.name), as_bytes(unit.text)));
  if (wanted_by.empty()) return {};
  const std::string wants = concat(folder, '/', wanted_by, ".wants");
  TRY(sys::make_directories(wants));
  const std::string link = concat(wants, '/', unit.name);
  if (::symlink(concat("../", unit.name).c_str(), link.c_str()) < 0) return fail_errno(link);
  return {};
}

// In a file system of its own, since the guest may have mounted /run noexec.
Result<void> leave_generator(std::string_view partuuid) {
  TRY(sys::make_directories(in_guest("/run/vhdboot")));
  TRY(sys::write_file(in_guest(guest::kLoaderPartitionFile), guest::efi_variable(partuuid)));
  const std::string folder = in_guest(guest::kGeneratorFolder);
  auto mount = TRY(sys::Mount::mount("tmpfs", folder, "tmpfs", MS_NOSUID | MS_NODEV, "mode=0755,size=1m"));
  TRY(sys::write_file(concat(folder, '/', guest::kGptAutoGenerator), as_bytes(guest::gpt_auto_generator()), 0755));
  mount.release();
  return {};
}

Result<void> write_rules(const std::string& folder, const UdevRules& rules) {
  TRY(sys::make_directories(folder));
  for (const guest::GuestFile& rule : rules) TRY(sys::write_file(concat(folder, '/', rule.name), as_bytes(rule.text)));
  return {};
}

// What is left for systemd.
struct Units {
  std::optional<std::string> loader_partuuid;  // for the generator
  std::optional<guest::GuestFile> bless;
  std::vector<guest::GuestFile> host_mount;  // the first one is started
};

Result<Units> plan_units(const record::Handoff& handoff, const std::string& disk) {
  Units units{.loader_partuuid = handoff.loader_partuuid, .bless = {}, .host_mount = {}};
  if (handoff.counted)
    units.bless = {std::string(entry::kBlessUnit),
                   TRY(entry::bless_unit(*handoff.counted, concat(disk, 'p', handoff.counted->partition)))};
  if (handoff.host_mount) units.host_mount = guest::host_mount_units(*handoff.host_mount, handoff.files.front().kind);
  return units;
}

// None depends on another: the first error is what is told in the end.
class Leaving {
 public:
  void add(Result<void> done) {
    if (!done && result_) result_ = std::move(done);
  }
  [[nodiscard]] Result<void> result() && { return std::move(result_); }

 private:
  Result<void> result_;
};

Result<void> leave_lvm_overrides(std::string_view text) {
  TRY(sys::make_directories(in_guest("/run/vhdboot")));
  TRY(sys::write_file(in_guest(guest::kLvmOverrides), as_bytes(text)));
  std::string_view wanted_by = "sysinit.target";
  for (const guest::GuestFile& unit : guest::lvm_units())
    TRY(leave_unit(unit, std::exchange(wanted_by, "basic.target")));
  return {};
}

// Behind the question for a name (pam_motd(8)), also for who comes by network; and before it (agetty(8)) where the
// guest has no /etc/issue of its own.
Result<void> leave_notice(std::string_view notice) {
  for (const std::string_view file : {"/run/issue.d/vhdboot.issue", "/run/motd.d/vhdboot"}) {
    const std::string path = in_guest(file);
    TRY(sys::make_directories(path.substr(0, path.rfind('/'))));
    TRY(sys::write_file(path, as_bytes(notice)));
  }
  return {};
}

// In their order, those that are not there yet: a /run that was there before the init may be handed over, or not.
Result<void> leave_files(const std::vector<guest::GuestFile>& files, const std::string& run = in_guest("/run")) {
  for (const guest::GuestFile& file : files) {
    const std::string path = concat(run, '/', file.name);
    if (sys::exists(path)) continue;
    TRY(sys::make_directories(path.substr(0, path.rfind('/'))));
    TRY(sys::write_file(path, as_bytes(file.text)));
  }
  return {};
}

Result<void> leave(const Units& units, const LeftForGuest& left, Init init) {
  Leaving leaving;
  if (has_run()) leaving.add(leave_files(left.persist));
  if (has_run()) leaving.add(leave_files(left.files));
  if (init == Init::Another && !left.persist.empty())
    leaving.add(fail(Code::Unsupported, "the init is not systemd: NOTHING of `persist-paths` is kept"));
  if (has_run()) leaving.add(write_rules(in_guest("/run/udev/rules.d"), left.rules));
  if (left.notice && has_run()) leaving.add(leave_notice(*left.notice));
  if (init != Init::Systemd) return std::move(leaving).result();
  // The generator first, whose time comes sooner.
  if (units.loader_partuuid) leaving.add(leave_generator(*units.loader_partuuid));
  if (left.lvm) leaving.add(leave_lvm_overrides(left.lvm->for_root));
  if (units.bless) leaving.add(leave_unit(*units.bless, "basic.target"));
  std::string_view wanted_by = "local-fs.target";
  for (const guest::GuestFile& unit : units.host_mount) leaving.add(leave_unit(unit, std::exchange(wanted_by, "")));
  return std::move(leaving).result();
}

}  // namespace

Result<std::vector<guest::GuestFile>> files_below(const std::string& folder) {
  std::vector<guest::GuestFile> files;
  for (const std::string& name : sys::list_directory(folder)) {
    const std::string path = concat(folder, '/', name);
    if (!is_directory(path)) {
      files.push_back({.name = name, .text = TRY(sys::read_text(path))});
      continue;
    }
    for (guest::GuestFile& file : TRY(files_below(path)))
      files.push_back({.name = concat(name, '/', file.name), .text = std::move(file.text)});
  }
  return files;
}

Result<void> give_to_initrd(const LeftForGuest& left) {
  Leaving leaving;
  leaving.add(write_rules("/etc/udev/rules.d", left.rules));
  if (left.lvm && left.lvm->in_initrd)
    leaving.add(sys::write_file(std::string(guest::kLvmLocalConfig), as_bytes(*left.lvm->in_initrd)));
  return std::move(leaving).result();
}

Result<void> give_to_run(const LeftForGuest& left, const std::string& run) {
  for (const auto* files : {&left.persist, &left.files}) TRY(leave_files(*files, run));
  return {};
}

Result<Keeper> leave_in_run(const record::Handoff& handoff, const std::string& disk, const LeftForGuest& left) {
  const Units units = TRY(plan_units(handoff, disk));
  return Keeper::start([&](const sys::Reporter& report) -> Result<void> {
    const auto table = TRY(MountTable::open());
    bool is_early = !left.persist.empty() || !left.files.empty();
    Init init{};
    while ((init = init_now()) == Init::NotYet) {
      if (is_early && has_run()) {
        is_early = false;
        for (const auto* files : {&left.persist, &left.files})
          if (const auto done = leave_files(*files); !done) report.error(done.error().message());
      }
      table.wait_for_change();
    }
    return leave(units, left, init);
  });
}

}  // namespace vhdboot::stage
