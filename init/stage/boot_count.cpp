// SPDX-License-Identifier: GPL-2.0-or-later
#include "init/stage/boot_count.h"

#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cstdio>

#include "base/text.h"
#include "init/stage/attach.h"
#include "init/stage/keeper.h"
#include "init/sys/file.h"
#include "init/sys/mount.h"

namespace vhdboot::stage {
namespace {

constexpr char kMountPoint[] = "/run/vhdboot/counted";

Result<void> rename_on(const std::string& partition, const guest::CountedFile& entry) {
  auto mount =
      TRY(sys::Mount::mount(partition, kMountPoint, "vfat", MS_NOSUID | MS_NODEV | MS_NOEXEC | MS_SYNCHRONOUS));
  const std::string before = concat(kMountPoint, entry.path);
  const std::string after = concat(kMountPoint, entry.next_path);
  if (std::rename(before.c_str(), after.c_str()) < 0) return fail_errno("renaming it");
  return mount.unmount();
}

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

Result<void> leave_unit(std::string_view unit) {
  const std::string folder = concat(kGuestRoot, "/run/systemd/system");
  const std::string wants = concat(folder, "/basic.target.wants");
  TRY(sys::make_directories(wants));
  TRY(sys::write_file(concat(folder, '/', core::kBlessUnit), as_bytes(unit)));
  const std::string link = concat(wants, '/', core::kBlessUnit);
  if (::symlink(concat("../", core::kBlessUnit).c_str(), link.c_str()) < 0) return fail_errno(link);
  return {};
}

Result<void> wait_for_systemd(std::string_view unit) {
  const auto table = TRY(MountTable::open());
  Init init{};
  while ((init = init_now()) == Init::OfTheInitrd) table.wait_for_change();
  return init == Init::Systemd ? leave_unit(unit) : Result<void>();
}

}  // namespace

Result<void> count_boot(const guest::CountedFile& entry, const FoundImage& image, std::uint32_t guest_block) {
  const auto plan = TRY(plan_attachment(image, core::Engine::Extents, false, guest_block));
  auto disk = TRY(AttachedDisk::attach_extents(plan, *image.volume, image.path.text()));
  TRY(rename_on(concat(disk.disk().path(), 'p', entry.partition), entry));
  return disk.detach();
}

Result<void> bless_when_up(const core::CountedEntry& entry, const std::string& disk, char* argv0) {
  const std::string unit = TRY(core::bless_unit(entry, concat(disk, 'p', entry.partition)));
  return start_keeper(argv0, [&unit] { return wait_for_systemd(unit); });
}

}  // namespace vhdboot::stage
