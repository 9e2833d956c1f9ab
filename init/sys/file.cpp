// SPDX-License-Identifier: GPL-2.0-or-later
#include "init/sys/file.h"

#include <fcntl.h>
#include <linux/fs.h>
#include <linux/openat2.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <memory>

#include "base/text.h"
#include "base/units.h"

namespace vhdboot::sys {

Result<Fd> open_below(const Fd& root, const std::string& path, int flags) {
  open_how how{};
  how.flags = static_cast<std::uint64_t>(flags | O_CLOEXEC);
  how.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS;
  Fd fd(static_cast<int>(::syscall(SYS_openat2, root.get(), path.c_str(), &how, sizeof how)));
  if (!fd) return fail_errno(concat("opening ", path));
  return fd;
}

std::string read_attribute(const std::string& path) {
  const auto text = read_text(path, 64 * kKiB);
  if (!text) return {};
  return std::string(trim(std::string_view(*text).substr(0, text->find('\n'))));
}

Result<void> write_all(const Fd& file, Bytes bytes) {
  while (!bytes.empty()) {
    const ssize_t put = ::write(file.get(), bytes.data(), bytes.size());
    if (put < 0 && errno == EINTR) continue;
    if (put < 0) return fail_errno("writing");
    bytes = bytes.subspan(static_cast<std::size_t>(put));
  }
  return {};
}

Result<void> write_file(const std::string& path, Bytes bytes, mode_t mode) {
  const Fd file = TRY(open_file(path, O_WRONLY | O_CREAT | O_TRUNC, mode));
  TRY_IN(path, write_all(file, bytes));
  return {};
}

Result<void> make_directories(const std::string& path, mode_t mode) {
  for (std::size_t end = 1; end != std::string::npos;) {
    end = path.find('/', end + 1);
    const std::string part = path.substr(0, end);
    if (::mkdir(part.c_str(), mode) < 0 && errno != EEXIST) return fail_errno(concat("creating directory ", part));
  }
  return {};
}

Result<void> rename_to_new(const std::string& from, const std::string& to) {
  // By its number: the C library of the product has no function for it.
  if (::syscall(SYS_renameat2, AT_FDCWD, from.c_str(), AT_FDCWD, to.c_str(), RENAME_NOREPLACE) < 0)
    return fail_errno(concat("renaming it to ", to));
  return {};
}

bool exists(const std::string& path) {
  return ::access(path.c_str(), F_OK) == 0;
}

Result<std::unique_ptr<FdSource>> FdSource::open(const std::string& path) {
  return TRY_IN(path, adopt(TRY(open_file(path, O_RDONLY))));
}

Result<std::unique_ptr<FdSource>> FdSource::adopt(Fd fd) {
  struct stat status{};
  if (::fstat(fd.get(), &status) < 0) return fail_errno("reading the status");
  std::uint64_t size = static_cast<std::uint64_t>(status.st_size);
  if (S_ISBLK(status.st_mode)) {
    if (::ioctl(fd.get(), BLKGETSIZE64, &size) < 0) return fail_errno("reading the device's size");
  } else if (!S_ISREG(status.st_mode)) {
    return fail(Code::Invalid, "neither a regular file nor a block device");
  }
  return std::unique_ptr<FdSource>(new FdSource(std::move(fd), size));
}

DirectPart direct_part(std::uint64_t offset, std::uintptr_t to, std::size_t length) {
  constexpr std::size_t kBlock = 4096;          // of every disk and file system, or a multiple of theirs
  constexpr std::size_t kWorthIt = 256 * kKiB;  // below, what the kernel reads ahead is no loss
  const auto skip = static_cast<std::size_t>(-offset % kBlock);
  if (length < kWorthIt || (to + skip) % kBlock != 0) return {};
  return {.skip = skip, .length = (length - skip) / kBlock * kBlock};
}

// How much of `out` could be read; the rest, or an error, is for the ordinary way to find.
std::size_t FdSource::read_directly(std::uint64_t offset, MutableBytes out) const {
  const auto file = open_file(concat("/proc/self/fd/", fd_.get()), O_RDONLY | O_DIRECT);
  if (!file) return 0;
  return read_some(*file, offset, out).value_or(0);
}

Result<void> FdSource::read(std::uint64_t offset, MutableBytes out) const {
  if (offset > size_ || out.size() > size_ - offset) return fail(Code::Corrupt, "read past the end");
  const DirectPart direct = direct_part(offset, reinterpret_cast<std::uintptr_t>(out.data()), out.size());
  if (direct.length != 0) {
    const std::size_t done = read_directly(offset + direct.skip, out.subspan(direct.skip, direct.length));
    TRY(read(offset, out.first(direct.skip)));
    offset += direct.skip + done;
    out = out.subspan(direct.skip + done);
  }
  auto rest = read_at(fd_, offset, out);
  // Whatever the number: ENXIO of a disk that was unplugged does not mean that a file is not there.
  if (!rest) rest.error().code = Code::Io;
  return rest;
}

Result<Fd> memory_file(const char* name, Bytes content) {
  const Fd writer(::memfd_create(name, MFD_CLOEXEC));
  if (!writer) return fail_errno("creating a file in memory");
  TRY_IN("filling a file in memory", write_all(writer, content));
  return open_file(concat("/proc/self/fd/", writer.get()), O_RDONLY);
}

}  // namespace vhdboot::sys
