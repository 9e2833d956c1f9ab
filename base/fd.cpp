// SPDX-License-Identifier: GPL-2.0-or-later
#include "base/fd.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <initializer_list>

#include "base/text.h"
#include "base/units.h"

namespace vhdboot {

bool open_standard_streams() {
  // In ascending order each one gets the lowest number that is free, which is its own.
  for (const int stream : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO})
    if (::fcntl(stream, F_GETFD) < 0 && ::open("/dev/null", O_RDWR) != stream) return false;
  return true;
}

Result<Fd> open_file(const std::string& path, int flags, mode_t mode) {
  Fd fd(::open(path.c_str(), flags | O_CLOEXEC, mode));
  if (!fd) return fail_errno(concat("opening ", path));
  return fd;
}

Result<std::size_t> read_some(const Fd& file, std::uint64_t offset, MutableBytes out) {
  std::size_t done = 0;
  while (done < out.size()) {
    const ssize_t got = ::pread(file.get(), out.data() + done, out.size() - done, static_cast<off_t>(offset + done));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return fail_errno(concat("reading at byte ", offset + done));
    if (got == 0) break;
    done += static_cast<std::size_t>(got);
  }
  return done;
}

Result<void> read_at(const Fd& file, std::uint64_t offset, MutableBytes out) {
  const std::size_t got = TRY(read_some(file, offset, out));
  if (got < out.size())
    return fail(Code::Io, concat("unexpected end at byte ", offset + got, ": it became shorter while it was read"));
  return {};
}

Result<void> write_at(const Fd& file, std::uint64_t offset, Bytes data) {
  while (!data.empty()) {
    const ssize_t put = ::pwrite(file.get(), data.data(), data.size(), static_cast<off_t>(offset));
    if (put < 0 && errno == EINTR) continue;
    if (put <= 0) return fail_errno(concat("writing at byte ", offset), put < 0 ? errno : EIO);
    data = data.subspan(static_cast<std::size_t>(put));
    offset += static_cast<std::uint64_t>(put);
  }
  return {};
}

Result<std::vector<std::byte>> read_all(const Fd& file, std::uint64_t cap) {
  constexpr std::size_t kStep = 64 * kKiB;  // of files of /proc, whose size nobody knows
  struct stat status{};
  std::size_t expected = 4096;
  if (::fstat(file.get(), &status) == 0 && status.st_size > 0)
    expected = static_cast<std::size_t>(std::min<std::uint64_t>(static_cast<std::uint64_t>(status.st_size), cap));
  std::vector<std::byte> content(expected + 1);  // one more, to see the end
  for (std::size_t have = 0;;) {
    if (have == content.size()) content.resize(have + kStep);
    const ssize_t got = ::read(file.get(), content.data() + have, content.size() - have);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return fail_errno("reading");
    have += static_cast<std::size_t>(got);
    if (have > cap) return fail(Code::NoMemory, concat("larger than ", human_size(cap)));
    if (got > 0) continue;
    content.resize(have);
    return content;
  }
}

Result<std::vector<std::byte>> read_file(const std::string& path, std::uint64_t cap) {
  const Fd file = TRY(open_file(path, O_RDONLY));
  return TRY_IN(path, read_all(file, cap));
}

Result<std::string> read_text(const std::string& path, std::uint64_t cap) {
  const auto content = TRY(read_file(path, cap));
  return std::string(as_text(content));
}

}  // namespace vhdboot
