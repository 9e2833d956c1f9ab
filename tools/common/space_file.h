// SPDX-License-Identifier: GPL-2.0-or-later
// The space that a file of the running system has on its file system: reserved, filled with zeros, searched for holes.
// Unlike HostFile it writes through the page cache and syncs when asked: it is for gigabytes.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "base/fd.h"
#include "base/range.h"
#include "base/result.h"

namespace vhdboot::tools {

/// Told how many bytes more are done; answers false to stop. What stops then fails with EINTR.
using Watch = std::function<bool(std::uint64_t bytes)>;

/// Whether `error` says that a Watch stopped the work.
[[nodiscard]] bool is_stop(const Error& error);
[[nodiscard]] Error stop_error();

/// Of NTFS, in the machine's byte order.
inline constexpr char kNtfsAttributes[] = "system.ntfs_attrib";
inline constexpr std::uint32_t kNtfsReadOnly = 0x1;
inline constexpr std::uint32_t kNtfsSparse = 0x200;
inline constexpr std::uint32_t kNtfsCompressed = 0x800;
inline constexpr std::uint32_t kNtfsEncrypted = 0x4000;

/// Owns its descriptor.
class SpaceFile {
 public:
  /// A new empty file that only this process uses; one that an earlier run left at `path` is taken over. Busy when
  /// another process has it.
  [[nodiscard]] static Result<SpaceFile> create(const std::string& path);
  /// The same, with all that an earlier run left in it.
  [[nodiscard]] static Result<SpaceFile> take_over(const std::string& path);
  /// Another descriptor of the regular file that `fd` has open.
  [[nodiscard]] static Result<SpaceFile> reopen(int fd);

  [[nodiscard]] int descriptor() const { return fd_.get(); }
  [[nodiscard]] Result<std::uint64_t> size() const;
  /// Bytes of the file system's blocks that it has.
  [[nodiscard]] Result<std::uint64_t> allocated() const;
  /// The file system's block in bytes, 512 to 64 KiB.
  [[nodiscard]] Result<std::size_t> block() const;
  /// Bytes that this user may still allocate on its file system.
  [[nodiscard]] Result<std::uint64_t> room() const;

  /// The file attributes that both NTFS drivers of Linux show; 0 on other file systems.
  [[nodiscard]] std::uint32_t ntfs_attributes() const;
  /// Unsupported when the file is compressed or encrypted.
  [[nodiscard]] Result<void> check_attributes() const;

  /// Asks the file system to reserve these bytes in one piece, the file's size unchanged. Does nothing where the file
  /// system cannot; fails when there is no room.
  [[nodiscard]] Result<void> reserve(const Range& range);
  [[nodiscard]] Result<void> write(std::uint64_t offset, Bytes data);
  /// Zeros over the whole range, which may lie behind the end of the file.
  [[nodiscard]] Result<void> write_zeros(const Range& range, const Watch& watch);
  [[nodiscard]] Result<void> resize(std::uint64_t size);
  [[nodiscard]] Result<void> sync();

  /// The parts of the file that have no place on the disk, or one that was never written. None where the file system
  /// cannot tell.
  [[nodiscard]] Result<std::vector<Range>> missing() const;
  /// Unsupported when any is missing although all of the file was written and synced.
  [[nodiscard]] Result<void> check_complete() const;
  /// Whether missing() also knows of space that was never written.
  [[nodiscard]] bool knows_unwritten() const;
  /// Writes a byte of every few MiB, and the last one, over itself. Where a file is valid only up to some length, as on
  /// NTFS and exFAT, its driver writes all that is before such a byte.
  [[nodiscard]] Result<void> touch(const Watch& watch);
  /// Corrupt when there is anything but zeros in the range: then it is no hole, whatever the driver says.
  [[nodiscard]] Result<void> check_zeros(const Range& range) const;
  /// Reads through the file and writes zeros over each block of zeros, which gives those blocks a place.
  [[nodiscard]] Result<void> rewrite_zeros(const Watch& watch);

 private:
  explicit SpaceFile(Fd fd) : fd_(std::move(fd)) {}

  /// By SEEK_HOLE; the hole behind the end of the file does not count.
  [[nodiscard]] Result<std::optional<Range>> next_hole(std::uint64_t from) const;

  Fd fd_;
};

}  // namespace vhdboot::tools
