// SPDX-License-Identifier: GPL-2.0-or-later
#include "tools/common/descriptor_io.h"

#include <unistd.h>

#include <cerrno>

#include "base/text.h"

namespace vhdboot::tools {

Result<void> read_at(int fd, std::uint64_t offset, MutableBytes out) {
  while (!out.empty()) {
    const ssize_t count = ::pread(fd, out.data(), out.size(), static_cast<off_t>(offset));
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return fail_errno(concat("reading at byte ", offset));
    if (count == 0) return fail(Code::Busy, "it became shorter while it was read");
    out = out.subspan(static_cast<std::size_t>(count));
    offset += static_cast<std::uint64_t>(count);
  }
  return {};
}

Result<void> write_at(int fd, std::uint64_t offset, Bytes data) {
  while (!data.empty()) {
    const ssize_t count = ::pwrite(fd, data.data(), data.size(), static_cast<off_t>(offset));
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return fail_errno(concat("writing at byte ", offset), count < 0 ? errno : EIO);
    data = data.subspan(static_cast<std::size_t>(count));
    offset += static_cast<std::uint64_t>(count);
  }
  return {};
}

}  // namespace vhdboot::tools
