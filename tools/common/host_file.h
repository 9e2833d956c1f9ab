// SPDX-License-Identifier: GPL-2.0-or-later
// An image file of the running system, and whether it may be changed now.
#pragma once

#include <sys/stat.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "base/fd.h"
#include "vhd/byte_file.h"
#include "vhd/refusal.h"

namespace vhdboot::tools {

/// How what `vhdtool attach` has attached is called begins so.
inline constexpr std::string_view kAttachmentPrefix = "vhdtool-";

enum class Access { Read, Inspect, Change };

/// Owns its descriptors. Not for use by several threads.
class HostFile final : public vhd::ByteFile {
 public:
  /// Opens the regular file at `path`; a symbolic link is followed. All kinds of access refuse what could not be
  /// changed safely: what is no regular file, may not be written, is behind a loop device, is open for writing anywhere
  /// (a lease tells, where the file system has leases), or is locked (flock, and the byte-range locks by which qemu
  /// guards its images). The locks are kept until the object goes; Inspect opens for reading only and has no byte-range
  /// lock. Read does the same, also of a file that may not be written.
  [[nodiscard]] static vhd::Attempt<std::unique_ptr<HostFile>> open(const std::string& path, Access access);

  [[nodiscard]] std::uint64_t size() const override { return size_; }
  [[nodiscard]] Result<void> read(std::uint64_t offset, MutableBytes out) const override;
  /// Syncs what it wrote and the file's size, not the rest of the file: a person's unwritten gigabytes do not delay it.
  [[nodiscard]] Result<void> write(std::uint64_t offset, Bytes data) override;
  [[nodiscard]] Result<void> write_unflushed(std::uint64_t offset, Bytes data) override;
  /// Syncs all that is unwritten of the file.
  [[nodiscard]] Result<void> flush() override;
  [[nodiscard]] Result<void> resize(std::uint64_t size) override;

  /// Of this object; for what the pure code does not need.
  [[nodiscard]] int descriptor() const { return fd_.get(); }
  /// Another descriptor of the file, for a device that is to lie on it: to be written if this one is, without O_SYNC.
  /// The locks are its own from now on, and stay as long as anybody has it open.
  [[nodiscard]] vhd::Attempt<Fd> for_device() const;
  /// Takes note of a size that was changed through another descriptor of the file.
  [[nodiscard]] Result<void> reload_size();

  /// Asks the file system (SEEK_DATA), about 40 times.
  [[nodiscard]] std::uint64_t data_end(std::uint64_t limit) const override;

 private:
  HostFile(Fd fd, std::uint64_t size) : fd_(std::move(fd)), size_(size) {}

  [[nodiscard]] Result<void> write_through(const Fd& fd, std::uint64_t offset, Bytes data);

  Fd fd_;
  Fd unsynced_;  // the same file without O_SYNC, once it is needed
  std::uint64_t size_;
};

/// The loop device, such as "loop3", that has the file or block device described by `status` as its backing file.
[[nodiscard]] std::optional<std::string> loop_device_of(const struct stat& status);

}  // namespace vhdboot::tools
