// SPDX-License-Identifier: GPL-2.0-or-later
// The host volume: the NTFS or exFAT file system that holds an image. Reads through a ByteSource, never writes.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/byte_source.h"
#include "base/extent.h"
#include "base/result.h"
#include "init/volume/path.h"

namespace vhdboot::volume {

enum class Kind { Ntfs, Exfat };

/// "NTFS" or "exFAT".
[[nodiscard]] std::string_view name(Kind kind);

/// What forbids writing into a volume, even only inside one file. All false is a volume that was left in order.
struct VolumeState {
  bool dirty = false;             ///< NTFS: volume flag 0x0001; exFAT: VolumeDirty
  bool journal_pending = false;   ///< NTFS: $LogFile holds transactions that Windows has still to complete
  bool hibernated = false;        ///< NTFS: hiberfil.sys holds a session (hibernation or Fast Startup)
  bool chkdsk_scheduled = false;  ///< NTFS: volume flags say that chkdsk or an upgrade has to run before use
  bool media_failure = false;     ///< exFAT: MediaFailure, the medium has bad clusters that are not marked yet

  [[nodiscard]] bool clean() const { return *this == VolumeState{}; }
  friend bool operator==(const VolumeState&, const VolumeState&) = default;
};

/// One clause for each thing that is wrong and what to do about it; "clean" when nothing is.
[[nodiscard]] std::string describe(const VolumeState& state);

/// Unsafe with describe() as its text unless the volume is clean.
[[nodiscard]] Result<void> check_clean(const VolumeState& state);

/// Where a file lies. Sizes and offsets in bytes.
struct FileLayout {
  std::uint64_t size = 0;        ///< what a reader sees
  std::uint64_t valid_size = 0;  ///< written so far (valid data length); the rest reads as zeros whatever is on disk
  std::uint64_t allocated_size = 0;  ///< clusters the volume keeps for it, holes not counted
  bool directory = false;
  bool resident = false;  ///< NTFS: the data lies within the MFT record, in no cluster
  bool sparse = false;
  bool compressed = false;
  bool encrypted = false;
  std::uint32_t reparse_tag = 0;  ///< NTFS: non-zero when other software has to interpret it (WOF, cloud, links)
  /// In logical order, neighbours merged, cut off at `size`, each within the partition. A hole is a gap between two.
  std::vector<Extent> extents;

  friend bool operator==(const FileLayout&, const FileLayout&) = default;
};

/// Whether the bytes of the file at `path` are exactly those that its extents cover, so that they may be read and
/// written in place. Unsupported, with what to do about it, for a directory, an empty, resident, compressed,
/// encrypted or reparse file, for holes, and for a valid data length short of the size.
[[nodiscard]] Result<void> check_mappable(const FileLayout& layout, const Path& path);

struct DirEntry {
  std::string name;  ///< UTF-8
  bool directory = false;
  std::uint64_t size = 0;  ///< of a file, in bytes; 0 for a directory

  friend bool operator==(const DirEntry&, const DirEntry&) = default;
};

/// An opened volume. Not for use by two threads at once.
class HostVolume {
 public:
  HostVolume() = default;
  HostVolume(const HostVolume&) = delete;
  HostVolume& operator=(const HostVolume&) = delete;
  virtual ~HostVolume() = default;

  /// `partition`, which must outlive the volume, from its first byte on. NotFound when it holds neither NTFS nor exFAT,
  /// Unsupported for BitLocker and for geometries beyond the formats, Corrupt or Io when it cannot be read.
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
  /// The contents of a small file; Unsupported when it is larger than `cap` bytes.
  [[nodiscard]] virtual Result<std::vector<std::byte>> read_file(const Path& path, std::uint64_t cap) = 0;
};

}  // namespace vhdboot::volume
