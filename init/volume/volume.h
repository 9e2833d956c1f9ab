// SPDX-License-Identifier: GPL-2.0-or-later
// The host volume: the NTFS or exFAT file system that holds an image. Reads through a ByteSource, never writes.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/byte_source.h"
#include "base/result.h"
#include "init/volume/layout.h"
#include "init/volume/path.h"
#include "init/volume/state.h"

namespace vhdboot::volume {

enum class Kind { Ntfs, Exfat };

/// "NTFS" or "exFAT".
[[nodiscard]] std::string_view name(Kind kind);

struct DirEntry {
  std::string name;  ///< UTF-8
  bool directory = false;
  std::uint64_t size = 0;  ///< of a file, in bytes; 0 for a directory

  friend bool operator==(const DirEntry&, const DirEntry&) = default;
};

/// A directory of more names is refused.
inline constexpr std::size_t kMaxListed = 200'000;

/// An opened volume. Not for use by two threads at once.
class HostVolume {
 public:
  HostVolume() = default;
  HostVolume(const HostVolume&) = delete;
  HostVolume& operator=(const HostVolume&) = delete;
  virtual ~HostVolume() = default;

  /// `partition`, which must outlive the volume, from its first byte on. NotFound when it holds neither NTFS nor exFAT,
  /// Unsupported for BitLocker, ReFS, a newer NTFS and geometries beyond the formats, Corrupt or Io when it cannot be
  /// read.
  [[nodiscard]] static Result<std::unique_ptr<HostVolume>> open(const ByteSource& partition);

  [[nodiscard]] virtual Kind kind() const = 0;
  /// UTF-8; empty when the volume has none.
  [[nodiscard]] virtual const std::string& label() const = 0;
  /// As blkid prints it as UUID: "0123456789ABCDEF" (NTFS), "1234-ABCD" (exFAT).
  [[nodiscard]] virtual const std::string& serial_text() const = 0;
  /// Bytes.
  [[nodiscard]] virtual std::uint64_t cluster_size() const = 0;
  /// Bytes; at most the partition's.
  [[nodiscard]] virtual std::uint64_t volume_size() const = 0;

  [[nodiscard]] virtual Result<VolumeState> state() = 0;

  /// All below: names match as Windows matches them, ignoring case by the volume's own upcase table. NotFound says
  /// which name is missing in which directory.
  [[nodiscard]] virtual Result<FileLayout> layout(const Path& path) = 0;
  /// The same path with each name as the volume spells it, and no DOS names: how a driver finds it that does not ignore
  /// case (Linux' ntfs3).
  [[nodiscard]] virtual Result<Path> spelling(const Path& path) = 0;
  /// The names in a directory in the volume's order, without ".", "..", DOS names and the file system's own files.
  [[nodiscard]] virtual Result<std::vector<DirEntry>> list(const Path& path) = 0;
  /// Whether the volume's own books say that where the file at `path` lies is its own. Corrupt when clusters of it
  /// count as free, or belong to the file system, to a folder on the way to the file or to another file in one of them
  /// as well.
  [[nodiscard]] virtual Result<void> check_allocation(const Path& path) = 0;
  /// The contents of a small file; Unsupported when it is larger than `cap` bytes.
  [[nodiscard]] virtual Result<std::vector<std::byte>> read_file(const Path& path, std::uint64_t cap) = 0;
};

}  // namespace vhdboot::volume
