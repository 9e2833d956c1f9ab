// SPDX-License-Identifier: GPL-2.0-or-later
#include "init/sys/mount.h"

#include <fcntl.h>
#include <linux/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/text.h"
#include "init/sys/file.h"

// musl's <sys/mount.h> and the kernel's <linux/mount.h> define the same constants: take the kernel's and declare the
// rest.
extern "C" int mount(const char*, const char*, const char*, unsigned long, const void*);
extern "C" int umount2(const char*, int);

namespace vhdboot::sys {
namespace {
constexpr int kDetach = 2;  // MNT_DETACH: leaves the tree now, ends with its last user
}

Result<Mount> Mount::mount(const std::string& source, const std::string& target, const std::string& type,
                           unsigned long flags, const std::string& options) {
  TRY(make_directories(target));
  if (::mount(source.c_str(), target.c_str(), type.c_str(), flags, options.empty() ? nullptr : options.c_str()) < 0)
    return fail_errno(concat("mounting ", source, " (", type, ")"));
  return Mount(target);
}

Mount::~Mount() {
  if (!target_.empty()) ::umount2(target_.c_str(), 0);
}

Result<void> Mount::unmount() {
  if (::umount2(target_.c_str(), 0) < 0) return fail_errno(concat("unmounting ", target_));
  target_.clear();
  return {};
}

namespace {

Result<Fd> make_detached(const std::string& source, const std::string& type, std::string_view options,
                         unsigned attributes) {
  const std::string what = concat("mounting ", source, " (", type, ")");
  const Fd context(static_cast<int>(::syscall(SYS_fsopen, type.c_str(), FSOPEN_CLOEXEC)));
  if (!context) return fail_errno(what);
  const auto configure = [&](unsigned command, const char* key, const char* value) {
    return ::syscall(SYS_fsconfig, context.get(), command, key, value, 0) == 0;
  };
  const auto set = [&](std::string_view option) {
    const auto equals = option.find('=');
    const std::string key(option.substr(0, equals));
    if (equals == std::string_view::npos) return configure(FSCONFIG_SET_FLAG, key.c_str(), nullptr);
    return configure(FSCONFIG_SET_STRING, key.c_str(), std::string(option.substr(equals + 1)).c_str());
  };
  bool done = configure(FSCONFIG_SET_STRING, "source", source.c_str());
  for (const std::string_view option : split(options, ','))
    if (!option.empty()) done = done && set(option);
  if (!done || !configure(FSCONFIG_CMD_CREATE, nullptr, nullptr)) {
    Error error = sys_error(what);
    // The context tells why, one message a read ("e ntfs3: ...").
    char log[256];
    const ssize_t got = ::read(context.get(), log, sizeof log);
    if (got > 2) error.text += concat(" (", trim(std::string_view(log + 2, static_cast<std::size_t>(got) - 2)), ")");
    return std::unexpected(error);
  }
  Fd mount(static_cast<int>(::syscall(SYS_fsmount, context.get(), FSMOUNT_CLOEXEC, attributes)));
  if (!mount) return fail_errno(what);
  return mount;
}

}  // namespace

Result<Fd> mount_detached(const std::string& source, const std::string& type) {
  return make_detached(source, type, {}, MOUNT_ATTR_NOATIME);
}

Result<Fd> mount_detached_read_only(const std::string& source, const std::string& type, std::string_view options) {
  return make_detached(source, type, concat("ro,", options),
                       MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC);
}

bool is_mount_point(const std::string& directory) {
  struct stat self{};
  struct stat parent{};
  return ::stat(directory.c_str(), &self) == 0 && ::stat((directory + "/..").c_str(), &parent) == 0 &&
         self.st_dev != parent.st_dev;
}

Result<void> switch_root(const std::string& directory) {
  constexpr unsigned long kMove = 0x2000;  // MS_MOVE
  if (::chdir(directory.c_str()) < 0 || ::mount(".", "/", nullptr, kMove, nullptr) < 0 || ::chroot(".") < 0 ||
      ::chdir("/") < 0)
    return fail_errno("changing to the guest's root file system");
  return {};
}

Result<ApiFileSystems> ApiFileSystems::mount() {
  struct Row {
    const char* type;
    const char* target;
    unsigned long flags;
  };
  static constexpr Row kRows[] = {
      {"proc", "/proc", MS_NOSUID | MS_NOEXEC | MS_NODEV},
      {"sysfs", "/sys", MS_NOSUID | MS_NOEXEC | MS_NODEV},
      {"devtmpfs", "/dev", MS_NOSUID},
  };
  ApiFileSystems all;
  for (const Row& row : kRows)
    if (!is_mount_point(row.target))
      all.mounts_.push_back(TRY(Mount::mount(row.type, row.target, row.type, row.flags)));
  return all;
}

ApiFileSystems::~ApiFileSystems() {
  for (Mount& mount : mounts_) {
    ::umount2(mount.target().c_str(), kDetach);
    mount.release();
  }
}

}  // namespace vhdboot::sys
