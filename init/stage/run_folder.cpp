// SPDX-License-Identifier: GPL-2.0-or-later
#include "init/stage/run_folder.h"

#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <utility>

#include "base/text.h"
#include "init/core/boot_count.h"
#include "init/core/loader_interface.h"
#include "init/stage/keeper.h"
#include "init/stage/volume_groups.h"
#include "init/sys/file.h"
#include "init/sys/mount.h"

namespace vhdboot::stage {
namespace {

bool is_directory(const std::string& path) {
  struct stat status{};
  return ::stat(path.c_str(), &status) == 0 && S_ISDIR(status.st_mode);
}

std::string in_guest(std::string_view path) {
  return concat(kGuestRoot, path);
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

Result<void> leave_bless_unit(std::string_view unit) {
  const std::string folder = in_guest("/run/systemd/system");
  const std::string wants = concat(folder, "/basic.target.wants");
  TRY(sys::make_directories(wants));
  TRY(sys::write_file(concat(folder, '/', core::kBlessUnit), as_bytes(unit)));
  const std::string link = concat(wants, '/', core::kBlessUnit);
  if (::symlink(concat("../", core::kBlessUnit).c_str(), link.c_str()) < 0) return fail_errno(link);
  return {};
}

// In a file system of its own, since the guest may have mounted /run noexec.
Result<void> leave_generator(std::string_view partuuid) {
  TRY(sys::make_directories(in_guest("/run/vhdboot")));
  TRY(sys::write_file(in_guest(core::kLoaderPartitionFile), core::efi_variable(partuuid)));
  const std::string folder = in_guest(core::kGeneratorFolder);
  auto mount = TRY(sys::Mount::mount("tmpfs", folder, "tmpfs", MS_NOSUID | MS_NODEV, "mode=0755,size=1m"));
  TRY(sys::write_file(concat(folder, '/', core::kGptAutoGenerator), as_bytes(core::gpt_auto_generator()), 0755));
  mount.release();
  return {};
}

Result<void> leave_rule(std::string_view rule) {
  const std::string folder = in_guest("/run/udev/rules.d");
  TRY(sys::make_directories(folder));
  return sys::write_file(concat(folder, '/', kVolumeGroupRule), as_bytes(rule));
}

}  // namespace

Result<void> leave_in_run(const core::Handoff& handoff, const std::string& disk, const std::string& volume_group_rule) {
  std::string unit;
  if (handoff.counted) unit = TRY(core::bless_unit(*handoff.counted, concat(disk, 'p', handoff.counted->partition)));
  if (unit.empty() && !handoff.loader_partuuid && volume_group_rule.empty()) return {};
  return start_keeper([&]() -> Result<void> {
    const auto table = TRY(MountTable::open());
    Init init{};
    while ((init = init_now()) == Init::NotYet) table.wait_for_change();
    auto left = volume_group_rule.empty() || !has_run() ? Result<void>() : leave_rule(volume_group_rule);
    if (init != Init::Systemd) return left;
    // The generator first, whose time comes sooner; none depends on the others.
    if (handoff.loader_partuuid)
      if (auto generator = leave_generator(*handoff.loader_partuuid); !generator) left = std::move(generator);
    if (!unit.empty()) TRY(leave_bless_unit(unit));
    return left;
  });
}

}  // namespace vhdboot::stage
