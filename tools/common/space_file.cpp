// SPDX-License-Identifier: GPL-2.0-or-later
#include "tools/common/space_file.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <utility>
#include <vector>

#include "base/text.h"
#include "base/units.h"
#include "tools/common/file_extents.h"

namespace vhdboot::tools {
namespace {

constexpr std::size_t kChunk = 4 * kMiB;
// How much may wait in the page cache, so that the progress is that of the disk and a stop does not take minutes.
constexpr std::uint64_t kSyncEvery = 128 * kMiB;
// So little is written by a driver in between that a stop does not take long.
constexpr std::uint64_t kTouchEvery = 64 * kMiB;

Result<struct stat> status_of(int fd) {
  struct stat status{};
  if (::fstat(fd, &status) != 0) return fail_errno("looking at the file");
  return status;
}

}  // namespace

bool is_stop(const Error& error) {
  return error.sys_errno == EINTR;
}

Error stop_error() {
  return sys_error("stopped", EINTR);
}

Result<SpaceFile> SpaceFile::create(const std::string& path) {
  SpaceFile file = TRY(take_over(path));
  TRY(file.resize(0));
  return file;
}

Result<SpaceFile> SpaceFile::take_over(const std::string& path) {
  SpaceFile file(Fd(::open(path.c_str(), O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK, 0666)));
  if (!file.fd_.valid()) return fail_errno(concat("making ", printable(path)));
  if (!S_ISREG(TRY(status_of(file.descriptor())).st_mode))
    return fail(Code::Invalid, printable(path) + " is in the way");
  if (::flock(file.descriptor(), LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK)
    return fail(Code::Busy, concat("another vhdtool is making ", printable(path)));
  // Another one may have completed it between the two, and it is a finished image now; or it has another name as well.
  const struct stat opened = TRY(status_of(file.descriptor()));
  struct stat named{};
  if (::lstat(path.c_str(), &named) != 0 || named.st_dev != opened.st_dev || named.st_ino != opened.st_ino ||
      opened.st_nlink != 1)
    return fail(Code::Busy, printable(path) + " is not ours alone: remove it, or try again");
  return file;
}

Result<SpaceFile> SpaceFile::reopen(int fd) {
  SpaceFile file(Fd(::open(concat("/proc/self/fd/", fd).c_str(), O_RDWR | O_CLOEXEC | O_NONBLOCK)));
  if (!file.fd_.valid()) return fail_errno("opening it for writing");
  return file;
}

Result<std::uint64_t> SpaceFile::size() const {
  return static_cast<std::uint64_t>(TRY(status_of(fd_.get())).st_size);
}

Result<std::uint64_t> SpaceFile::allocated() const {
  return static_cast<std::uint64_t>(TRY(status_of(fd_.get())).st_blocks) * kSectorSize;
}

Result<std::size_t> SpaceFile::block() const {
  const auto block = static_cast<std::uint64_t>(TRY(status_of(fd_.get())).st_blksize);
  return static_cast<std::size_t>(std::clamp<std::uint64_t>(block, kSectorSize, 64 * kKiB));
}

Result<std::uint64_t> SpaceFile::room() const {
  struct statvfs file_system{};
  if (::fstatvfs(fd_.get(), &file_system) != 0) return fail_errno("asking the file system for its free space");
  return static_cast<std::uint64_t>(file_system.f_bavail) * file_system.f_frsize;
}

std::uint32_t SpaceFile::ntfs_attributes() const {
  std::uint32_t attributes = 0;
  return ::fgetxattr(fd_.get(), kNtfsAttributes, &attributes, sizeof attributes) == sizeof attributes ? attributes : 0;
}

Result<void> SpaceFile::check_attributes() const {
  const std::uint32_t attributes = ntfs_attributes();
  if ((attributes & kNtfsEncrypted) != 0)
    return fail(Code::Unsupported, "it is encrypted (EFS): in Windows run \"cipher /d FILE\"");
  if ((attributes & kNtfsCompressed) != 0)
    return fail(Code::Unsupported, "it is compressed: in Windows run \"compact /u FILE\"");
  return {};
}

Result<void> SpaceFile::reserve(const Range& range) {
  if (range.length == 0) return {};
  int err = EINTR;
  while (err == EINTR)
    err = ::fallocate(fd_.get(), FALLOC_FL_KEEP_SIZE, static_cast<off_t>(range.offset),
                      static_cast<off_t>(range.length)) == 0
              ? 0
              : errno;
  if (err == 0 || err == EOPNOTSUPP || err == ENOSYS || err == EINVAL) return {};
  return fail_errno("reserving the space", err);
}

Result<void> SpaceFile::write(std::uint64_t offset, Bytes data) {
  return write_at(fd_, offset, data);
}

Result<void> SpaceFile::write_zeros(const Range& range, const Watch& watch) {
  const std::vector<std::byte> zeros(static_cast<std::size_t>(std::min<std::uint64_t>(kChunk, range.length)));
  std::uint64_t since_sync = 0;
  for (std::uint64_t at = range.offset; at < range.end();) {
    const auto length = static_cast<std::size_t>(std::min<std::uint64_t>(zeros.size(), range.end() - at));
    TRY(write_at(fd_, at, Bytes(zeros).first(length)));
    at += length;
    since_sync += length;
    if (since_sync >= kSyncEvery) {
      TRY(sync());
      since_sync = 0;
    }
    if (!watch(length)) return std::unexpected(stop_error());
  }
  return {};
}

Result<void> SpaceFile::check_zeros(const Range& range) const {
  std::vector<std::byte> chunk(static_cast<std::size_t>(std::min<std::uint64_t>(kChunk, range.length)));
  for (std::uint64_t at = range.offset; at < range.end();) {
    const auto part =
        MutableBytes(chunk).first(static_cast<std::size_t>(std::min<std::uint64_t>(chunk.size(), range.end() - at)));
    TRY(read_at(fd_, at, part));
    if (!is_zero(part))
      return fail(Code::Corrupt, concat("its driver calls bytes ", at, " to ", at + part.size(),
                                        " a hole, and there is something in them: they were left as they are"));
    at += part.size();
  }
  return {};
}

Result<void> SpaceFile::resize(std::uint64_t size) {
  if (::ftruncate(fd_.get(), static_cast<off_t>(size)) != 0) return fail_errno("changing the size");
  return {};
}

Result<void> SpaceFile::sync() {
  if (::fsync(fd_.get()) != 0) return fail_errno("syncing");
  return {};
}

Result<std::optional<Range>> SpaceFile::next_hole(std::uint64_t from) const {
  const std::uint64_t end = TRY(size());
  if (from >= end) return std::optional<Range>();
  const off_t hole = ::lseek(fd_.get(), static_cast<off_t>(from), SEEK_HOLE);
  if (hole < 0 && errno != EINVAL && errno != EOPNOTSUPP) return fail_errno("looking for holes");
  if (hole < 0 || static_cast<std::uint64_t>(hole) >= end) return std::optional<Range>();
  const auto start = static_cast<std::uint64_t>(hole);
  const off_t data = ::lseek(fd_.get(), hole, SEEK_DATA);
  if (data < 0 && errno != ENXIO) return fail_errno("looking for holes");
  const std::uint64_t stop = data < 0 ? end : std::min(end, static_cast<std::uint64_t>(data));
  return std::optional(Range{start, stop - start});
}

Result<std::vector<Range>> SpaceFile::missing() const {
  // Better than SEEK_HOLE, for which space that was never written counts as data once somebody has read it.
  if (const auto extents = file_extents(fd_.get())) return missing_ranges(*extents, TRY(size()));
  std::vector<Range> holes;
  while (const auto hole = TRY(next_hole(holes.empty() ? 0 : holes.back().end()))) holes.push_back(*hole);
  return holes;
}

Result<void> SpaceFile::check_complete() const {
  if (const auto holes = TRY(missing()); !holes.empty())
    return fail(Code::Unsupported, concat("its file system left a hole at byte ", holes.front().offset,
                                          " although zeros were written there: use another file system"));
  return {};
}

bool SpaceFile::knows_unwritten() const {
  return file_extents(fd_.get()).has_value();
}

Result<void> SpaceFile::touch(const Watch& watch) {
  const std::uint64_t end = TRY(size());
  std::array<std::byte, 1> byte{};
  for (std::uint64_t at = 0; at < end;) {
    const std::uint64_t length = std::min(kTouchEvery, end - at);
    at += length;
    TRY(read_at(fd_, at - 1, byte));
    TRY(write_at(fd_, at - 1, byte));
    if (!watch(length)) return std::unexpected(stop_error());
  }
  return {};
}

Result<void> SpaceFile::rewrite_zeros(const Watch& watch) {
  const std::size_t unit = TRY(block());
  std::vector<std::byte> chunk(kChunk);
  const Watch no_more = [](std::uint64_t) { return true; };
  for (std::uint64_t at = 0;;) {
    const std::size_t count = TRY(read_some(fd_, at, chunk));
    for (const Range& run : zero_runs(Bytes(chunk).first(count), at, unit)) TRY(write_zeros(run, no_more));
    at += count;
    if (count < chunk.size()) return {};
    if (!watch(count)) return std::unexpected(stop_error());
  }
}

}  // namespace vhdboot::tools
