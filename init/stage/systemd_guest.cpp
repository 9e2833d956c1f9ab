// SPDX-License-Identifier: GPL-2.0-or-later
#include "init/stage/systemd_guest.h"

#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>

#include "base/text.h"
#include "init/core/boot_count.h"
#include "init/core/loader_interface.h"
#include "init/stage/keeper.h"
#include "init/sys/file.h"
#include "init/sys/mount.h"

namespace vhdboot::stage {
namespace {

bool is_directory(const std::string& path) {
  struct stat status{};
  return ::stat(path.c_str(), &status) == 0 && S_ISDIR(status.st_mode);
}

// What process 1 has become, in the keeper's view.
enum class Init { OfTheInitrd, Systemd, Another };

Init init_now() {
  if (!sys::is_mount_point(concat(kGuestRoot, "/run"))) return Init::OfTheInitrd;
  // The systemd of an initrd hands its /run on.
  if (is_directory(concat(kGuestRoot, "/run/systemd/system"))) return Init::Systemd;
  struct stat program{};
  struct stat initramfs{};
  if (::stat("1/exe", &program) < 0 || ::stat("self/root", &initramfs) < 0 || program.st_dev == initramfs.st_dev)
    return Init::OfTheInitrd;
  std::array<char, 4096> target{};
  const ssize_t length = ::readlink("1/exe", target.data(), target.size());
  const std::string_view path(target.data(), length < 0 ? 0 : static_cast<std::size_t>(length));
  return path.ends_with("/systemd") ? Init::Systemd : Init::Another;
}

std::string in_guest(std::string_view path) {
  return concat(kGuestRoot, path);
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

}  // namespace

Result<void> leave_for_systemd(const core::Handoff& handoff, const std::string& disk, char* argv0) {
  std::string unit;
  if (handoff.counted) unit = TRY(core::bless_unit(*handoff.counted, concat(disk, 'p', handoff.counted->partition)));
  if (unit.empty() && !handoff.loader_partuuid) return {};
  return start_keeper(argv0, [&]() -> Result<void> {
    const auto table = TRY(MountTable::open());
    Init init{};
    while ((init = init_now()) == Init::OfTheInitrd) table.wait_for_change();
    if (init == Init::Another) return {};
    // The generator first, whose time comes sooner; the one does not depend on the other.
    const auto generator = handoff.loader_partuuid ? leave_generator(*handoff.loader_partuuid) : Result<void>();
    if (!unit.empty()) TRY(leave_bless_unit(unit));
    return generator;
  });
}

}  // namespace vhdboot::stage
