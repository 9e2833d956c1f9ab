// SPDX-License-Identifier: GPL-2.0-or-later
#include "init/stage/mounted_volume.h"

#include <fcntl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <optional>

#include "base/text.h"
#include "base/units.h"
#include "init/core/teardown.h"
#include "init/stage/attach.h"
#include "init/stage/keeper.h"
#include "init/sys/file.h"
#include "init/sys/mount.h"

namespace vhdboot::stage {
namespace {

std::string_view driver(volume::Kind kind) {
  return kind == volume::Kind::Ntfs ? "ntfs3" : "exfat";
}

bool same_directory(const char* a, const char* b) {
  struct stat first{};
  struct stat second{};
  return ::stat(a, &first) == 0 && ::stat(b, &second) == 0 && first.st_dev == second.st_dev &&
         first.st_ino == second.st_ino;
}

// The exitrd: a file system of its own, since the guest may have mounted /run noexec. bin/sh makes dracut's restore
// service leave /run/initramfs alone.
Result<void> install_exitrd(const core::Teardown& teardown) {
  const std::string run = concat(kGuestRoot, "/run");
  const std::string folder = run + "/initramfs";
  auto mount = TRY(sys::Mount::mount("tmpfs", folder, "tmpfs", MS_NOSUID | MS_NODEV, "mode=0755,size=16m"));
  for (const char* name : {"/bin", "/dev", "/proc", "/sys", "/run", "/oldroot", "/tmp"})
    TRY(sys::make_directories(folder + name));
  const auto program = TRY(sys::read_file("self/exe", 16 * kMiB));
  TRY(sys::write_file(folder + "/shutdown", program, 0755));
  if (::symlink("/shutdown", (folder + "/bin/sh").c_str()) < 0) return fail_errno("preparing the exitrd");
  TRY(sys::make_directories(run + "/vhdboot"));
  TRY(sys::write_file(run + "/vhdboot/teardown", as_bytes(TRY(core::to_text(teardown)))));
  mount.release();
  return {};
}

// Shows the volume on its place in the guest; false while the guest's root is still read-only and has no such
// directory.
Result<bool> show_host_volume(const Fd& view, const std::string& host_mount) {
  const std::string target = concat(kGuestRoot, host_mount);
  if (auto made = sys::make_directories(target); !made) {
    if (made.error().sys_errno == EROFS) return false;
    return std::unexpected(made.error());
  }
  TRY(sys::place_mount(view, target));
  return true;
}

Result<void> keep(const Fd& view, const core::Teardown& teardown, const std::optional<std::string>& host_mount) {
  const auto table = TRY(MountTable::open());
  // The guest has left the initramfs when its root directory is no longer ours.
  while (same_directory("self/root", kGuestRoot) || !sys::is_mount_point(concat(kGuestRoot, "/run")))
    table.wait_for_change();
  TRY(install_exitrd(teardown));
  if (host_mount)
    while (!TRY(show_host_volume(view, *host_mount))) table.wait_for_change();
  return {};
}

// The driver may find another file than our reader did, where names differ only in upper and lower case.
Result<void> check_same_file(const Fd& file, const FoundImage& image) {
  struct stat status{};
  if (::fstat(file.get(), &status) < 0) return fail_errno("reading the status of the image");
  if (S_ISREG(status.st_mode) && static_cast<std::uint64_t>(status.st_size) == image.layout.size) return {};
  return fail(Code::Unsafe, concat("the kernel's driver finds another file at ", printable(image.path.text()),
                                   " than the one that was checked"));
}

}  // namespace

Result<std::string> attach_on_mounted_volume(const core::AttachPlan& plan, const FoundImage& image,
                                             const core::Handoff& handoff, char* argv0, const sys::Reporter& report) {
  const HostVolume& volume = *image.volume;
  const std::string type(driver(volume.reader->kind()));
  Fd mount = TRY(sys::mount_detached(volume.device.path, type));
  // What the guest sees and may unmount; the loop device holds the other one.
  const Fd view = TRY(sys::mount_detached(volume.device.path, type));
  Fd file = TRY(sys::open_below(mount, handoff.path, O_RDWR));
  TRY(check_same_file(file, image));
  auto disk = TRY(AttachedDisk::attach_file(plan, file, handoff.path));
  if (plan.direct_io && !disk.disk().direct_io())
    report.warn("the kernel refused direct I/O: the guest disk is slower");

  const core::Teardown teardown{{{core::TeardownStep::Action::DetachLoop, concat(disk.disk().number())}}};
  TRY(start_keeper(argv0, [&] {
    // Whatever the keeper still holds at shutdown would keep the host volume mounted.
    disk.release();
    file = Fd();
    mount = Fd();
    return keep(view, teardown, handoff.host_mount);
  }));
  std::string path = disk.disk().path();
  disk.release();
  return path;
}

}  // namespace vhdboot::stage
