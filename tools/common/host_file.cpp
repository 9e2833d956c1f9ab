// SPDX-License-Identifier: GPL-2.0-or-later
#include "tools/common/host_file.h"

#include <dirent.h>
#include <fcntl.h>
#include <linux/loop.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <string_view>
#include <utility>

#include "base/text.h"
#include "tools/common/space_file.h"

namespace vhdboot::tools {
namespace {

bool same_file(const struct stat& a, const struct stat& b) {
  return a.st_dev == b.st_dev && a.st_ino == b.st_ino;
}

std::string_view kind_of(mode_t mode) {
  if (S_ISDIR(mode)) return "a folder";
  if (S_ISBLK(mode)) return "a block device";
  if (S_ISCHR(mode)) return "a character device";
  if (S_ISFIFO(mode)) return "a pipe";
  if (S_ISSOCK(mode)) return "a socket";
  return "something else";
}

std::string_view how_to_detach(const std::string& name) {
  const Fd device(::open(concat("/dev/", name).c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  loop_info64 info{};
  const bool known = device.valid() && ::ioctl(device.get(), LOOP_GET_STATUS64, &info) == 0;
  const std::string_view attached(reinterpret_cast<const char*>(info.lo_file_name), kAttachmentPrefix.size());
  return known && attached == kAttachmentPrefix ? "vhdtool detach /dev/" : "losetup -d /dev/";
}

// Whether loop device `name` has the file; by its status, which names the very file, or else by the path in sysfs,
// which anybody may read.
bool loop_device_has(const std::string& name, const struct stat& file) {
  const Fd device(::open(concat("/dev/", name).c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  loop_info64 info{};
  if (device.valid() && ::ioctl(device.get(), LOOP_GET_STATUS64, &info) == 0)
    return S_ISBLK(file.st_mode) ? info.lo_rdevice == file.st_rdev
                                 : info.lo_device == file.st_dev && info.lo_inode == file.st_ino;
  const auto attribute = read_text(concat("/sys/block/", name, "/loop/backing_file"));
  if (!attribute) return false;
  const std::string path(trim(*attribute));
  struct stat backing{};
  return ::stat(path.c_str(), &backing) == 0 && same_file(backing, file);
}

std::unexpected<vhd::Refusal> in_use(std::string text) {
  return refuse(vhd::Reason::InUse, std::move(text));
}

// A read lease is granted only while nobody has the file open for writing. Given back at once.
vhd::Attempt<void> check_no_writer(int fd) {
  if (::fcntl(fd, F_SETLEASE, F_RDLCK) != 0)
    return errno == EAGAIN ? vhd::Attempt<void>(in_use("another program has it open for writing"))
                           : vhd::Attempt<void>();
  static_cast<void>(::fcntl(fd, F_SETLEASE, F_UNLCK));
  return {};
}

// Whether a failed lock means that somebody has one, and not that the file system knows no such locks.
bool is_conflict(int err) {
  return err == EAGAIN || err == EACCES || err == EWOULDBLOCK;
}

vhd::Attempt<void> check_locks(int fd, Access access) {
  if (::flock(fd, LOCK_EX | LOCK_NB) != 0 && is_conflict(errno)) return in_use("another program has locked it");
  struct flock whole{};
  whole.l_type = F_WRLCK;
  whole.l_whence = SEEK_SET;
  const std::string_view text = "another program, such as a running virtual machine, has locked it";
  if (access == Access::Change) {
    if (::fcntl(fd, F_OFD_SETLK, &whole) != 0 && is_conflict(errno)) return in_use(std::string(text));
  } else if (::fcntl(fd, F_OFD_GETLK, &whole) == 0 && whole.l_type != F_UNLCK) {
    return in_use(std::string(text));
  }
  return {};
}

vhd::Attempt<void> check_writable(const std::string& path, mode_t mode) {
  if ((mode & 0222) == 0)
    return refuse(vhd::Reason::ReadOnly, concat("it is write-protected; `chmod u+w \"", path, "\"`"));
  // On NTFS the mode may be the same for all files.
  std::uint32_t attributes = 0;
  if (::getxattr(path.c_str(), kNtfsAttributes, &attributes, sizeof attributes) == sizeof attributes &&
      (attributes & kNtfsReadOnly) != 0)
    return refuse(vhd::Reason::ReadOnly, "it has the read-only attribute, as the parent of a snapshot has");
  if (::access(path.c_str(), W_OK) == 0) return {};
  switch (errno) {
    case EROFS:
      return refuse(vhd::Reason::ReadOnly, "its file system is mounted read-only");
    case EACCES:
    case EPERM:
      return refuse(vhd::Reason::ReadOnly, "it may not be written by this user");
    case ETXTBSY:
      return in_use("it is a program that runs");
    default:
      return std::unexpected(sys_error("opening it"));
  }
}

}  // namespace

std::optional<std::string> loop_device_of(const struct stat& status) {
  DIR* folder = ::opendir("/sys/block");
  if (folder == nullptr) return std::nullopt;
  std::optional<std::string> found;
  while (const dirent* entry = found ? nullptr : ::readdir(folder)) {
    const std::string name = entry->d_name;
    // Only an attached device has the attribute; the others are not opened.
    if (!name.starts_with("loop") || ::access(concat("/sys/block/", name, "/loop/backing_file").c_str(), F_OK) != 0)
      continue;
    if (loop_device_has(name, status)) found = name;
  }
  ::closedir(folder);
  return found;
}

vhd::Attempt<std::unique_ptr<HostFile>> HostFile::open(const std::string& path, Access access) {
  // Looked at before it is opened: opening a device or a pipe may do something.
  struct stat before{};
  if (::stat(path.c_str(), &before) != 0) return fail_errno("opening it");
  if (!S_ISREG(before.st_mode))
    return refuse(vhd::Reason::NotRegular, concat("it is ", kind_of(before.st_mode), ", not an image file"));
  if (access != Access::Read) TRY(check_writable(path, before.st_mode));
  if (const auto loop = loop_device_of(before))
    return in_use(
        concat("/dev/", *loop, " has it as its backing file; detach it with `", how_to_detach(*loop), *loop, '`'));

  constexpr int kFlags = O_CLOEXEC | O_NONBLOCK | O_NOCTTY;
  Fd fd(::open(path.c_str(), O_RDONLY | kFlags));
  if (!fd.valid()) return fail_errno("opening it");
  TRY(check_no_writer(fd.get()));
  if (access == Access::Change) {
    // O_SYNC syncs the range that a write touches; fsync would also write back all else that is unwritten of the file.
    Fd writer(::open(path.c_str(), O_RDWR | O_SYNC | kFlags));
    if (!writer.valid()) return fail_errno("opening it for writing");
    struct stat after{};
    if (::fstat(writer.get(), &after) != 0) return fail_errno("opening it");
    if (!same_file(before, after)) return in_use("it was replaced by another file just now");
    fd = std::move(writer);
  }
  TRY(check_locks(fd.get(), access));
  struct stat now{};
  if (::fstat(fd.get(), &now) != 0) return fail_errno("opening it");
  return std::unique_ptr<HostFile>(new HostFile(std::move(fd), static_cast<std::uint64_t>(now.st_size)));
}

Result<void> HostFile::read(std::uint64_t offset, MutableBytes out) const {
  if (offset > size_ || out.size() > size_ - offset) return fail(Code::Corrupt, "read past the end");
  return read_at(fd_, offset, out);
}

Result<void> HostFile::write(std::uint64_t offset, Bytes data) {
  return write_through(fd_, offset, data);
}

Result<void> HostFile::write_unflushed(std::uint64_t offset, Bytes data) {
  if (!unsynced_.valid())
    unsynced_ = Fd(::open(concat("/proc/self/fd/", fd_.get()).c_str(), O_RDWR | O_CLOEXEC | O_NONBLOCK));
  if (!unsynced_.valid()) return fail_errno("opening it for writing");
  return write_through(unsynced_, offset, data);
}

Result<void> HostFile::write_through(const Fd& fd, std::uint64_t offset, Bytes data) {
  if (offset > size_) return fail(Code::Invalid, "write past the end");
  auto written = write_at(fd, offset, data);
  if (written)
    size_ = std::max(size_, offset + data.size());
  else
    // A write whose sync failed has made the file longer all the same.
    static_cast<void>(reload_size());
  return written;
}

Result<void> HostFile::flush() {
  if (::fsync(fd_.get()) != 0) return fail_errno("syncing");
  return {};
}

Result<void> HostFile::resize(std::uint64_t size) {
  if (::ftruncate(fd_.get(), static_cast<off_t>(size)) != 0) return fail_errno("changing the size");
  size_ = size;
  if (::fsync(fd_.get()) != 0) return fail_errno("syncing");
  return {};
}

vhd::Attempt<Fd> HostFile::for_device() const {
  const int mode = ::fcntl(fd_.get(), F_GETFL) & O_ACCMODE;
  Fd fd(::open(concat("/proc/self/fd/", fd_.get()).c_str(), mode | O_CLOEXEC));
  if (!fd.valid()) return fail_errno("opening it once more");
  struct flock whole{};
  whole.l_type = F_UNLCK;
  whole.l_whence = SEEK_SET;
  (void)::flock(fd_.get(), LOCK_UN);
  (void)::fcntl(fd_.get(), F_OFD_SETLK, &whole);
  TRY(check_locks(fd.get(), mode == O_RDONLY ? Access::Read : Access::Change));
  return fd;
}

Result<void> HostFile::reload_size() {
  struct stat now{};
  // The analyzer takes this descriptor for the one of write_unflushed() that is not open yet.
  // NOLINTNEXTLINE(clang-analyzer-unix.StdCLibraryFunctions)
  if (::fstat(fd_.get(), &now) != 0) return fail_errno("looking at the file");
  size_ = static_cast<std::uint64_t>(now.st_size);
  return {};
}

std::uint64_t HostFile::data_end(std::uint64_t limit) const {
  // "There is data between x and the limit" holds for x before the end of the last data, and for none behind it.
  std::uint64_t low = 0;
  std::uint64_t high = limit;
  while (low < high) {
    const std::uint64_t middle = low + (high - low) / 2;
    const off_t found = ::lseek(fd_.get(), static_cast<off_t>(middle), SEEK_DATA);
    if (found < 0 && errno != ENXIO) return limit;
    const std::uint64_t data = found < 0 ? limit : static_cast<std::uint64_t>(found);
    if (data >= limit)
      high = middle;
    else
      low = data + 1;
  }
  return low;
}

}  // namespace vhdboot::tools
