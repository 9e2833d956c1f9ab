// SPDX-License-Identifier: GPL-2.0-or-later
// A file or block device of the running system that is only read: unlike HostFile it may be in use or write-protected.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "base/byte_source.h"
#include "base/fd.h"
#include "vhd/disk.h"

namespace vhdboot::tools {

/// Owns its descriptor.
class ImageReader final : public ByteSource {
 public:
  /// Opens the regular file or block device at `path`; a symbolic link is followed. Invalid: it is something else.
  [[nodiscard]] static Result<std::unique_ptr<ImageReader>> open(const std::string& path);

  [[nodiscard]] std::uint64_t size() const override { return size_; }
  [[nodiscard]] Result<void> read(std::uint64_t offset, MutableBytes out) const override;
  /// When it was changed last, in seconds of the Unix epoch.
  [[nodiscard]] std::int64_t changed() const { return changed_; }

 private:
  ImageReader(Fd fd, std::uint64_t size, std::int64_t changed) : fd_(std::move(fd)), size_(size), changed_(changed) {}

  Fd fd_;
  std::uint64_t size_;
  std::int64_t changed_;
};

/// Opens the parent at `path`, as the child wrote it, in or relative to the folder of the file `child`.
[[nodiscard]] Result<vhd::OpenedFile> open_parent_beside(std::string_view child, std::string_view path);

}  // namespace vhdboot::tools
