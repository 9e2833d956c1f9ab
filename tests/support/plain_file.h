// SPDX-License-Identifier: GPL-2.0-or-later
// A file to be read by the programs of tests/integration.
#pragma once

#include <fcntl.h>
#include <unistd.h>

#include "base/byte_source.h"

namespace vhdboot::test {

class PlainFile final : public ByteSource {
 public:
  explicit PlainFile(const char* path) : fd_(open(path, O_RDONLY | O_CLOEXEC)) {}
  ~PlainFile() override { close(fd_); }
  [[nodiscard]] std::uint64_t size() const override {
    const off_t end = lseek(fd_, 0, SEEK_END);
    return end < 0 ? 0 : static_cast<std::uint64_t>(end);
  }
  [[nodiscard]] Result<void> read(std::uint64_t offset, MutableBytes out) const override {
    while (!out.empty()) {
      const ssize_t got = pread(fd_, out.data(), out.size(), static_cast<off_t>(offset));
      if (got < 0) return fail_errno("reading");
      if (got == 0) return fail(Code::Corrupt, "read past the end");
      offset += static_cast<std::uint64_t>(got);
      out = out.subspan(static_cast<std::size_t>(got));
    }
    return {};
  }

 private:
  int fd_;
};

}  // namespace vhdboot::test
