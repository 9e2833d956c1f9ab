// SPDX-License-Identifier: GPL-2.0-or-later
// The log of a VHDX file ([MS-VHDX] 2.3) and the file as it would be after its replay, which is not done: nothing is
// written.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <span>
#include <vector>

#include "base/byte_source.h"
#include "base/result.h"
#include "base/units.h"
#include "vhd/byte_file.h"
#include "vhd/vhdx_header.h"

namespace vhdboot::vhd {

/// 2.3: updates are logged in units of this size.
inline constexpr std::size_t kLogSector = 4 * kKiB;

/// The log is held in memory while it is searched; usual is 1 MiB.
inline constexpr std::uint32_t kMaxLogLength = 64 * kMiB;

/// A change of the file that the log asks for.
struct LogWrite {
  std::uint64_t offset = 0;  ///< a multiple of kLogSector
  std::uint64_t length = 0;  ///< a multiple of kLogSector; zeros unless `data` has as many bytes
  std::vector<std::byte> data;
};

struct LogReplay {
  std::vector<LogWrite> writes;  ///< in the order in which they are to be made
  std::uint64_t entries = 0;
  std::uint64_t file_size = 0;  ///< the file must become at least so large
};

/// What has to be replayed in `file`; nothing when its log is empty. Corrupt when the log is not empty and has no valid
/// sequence of entries, or when the file is shorter than the log knows it.
[[nodiscard]] Result<LogReplay> read_vhdx_log(const ByteSource& file, const VhdxHeader& header);

/// Zeros that a log may ask for when it is replayed for good; more would take minutes while somebody waits.
inline constexpr std::uint64_t kMaxReplayedZeros = kGiB;

/// Data sectors of an entry whose descriptors fit its first sector (2.3.1.1).
inline constexpr std::size_t kMaxEntrySectors = 126;

/// What an entry says of itself.
struct LogEntryHead {
  Guid log;                     ///< of the header
  std::uint64_t sequence = 0;   ///< from 1 on
  std::uint32_t tail = 0;       ///< where in the log the oldest entry begins that is still needed, bytes
  std::uint64_t file_size = 0;  ///< a multiple of 1 MiB, on stable storage
};

/// A sector that an entry changes, borrowed: kLogSector bytes for `offset` of the file, a multiple of kLogSector.
struct LoggedSector {
  std::uint64_t offset = 0;
  Bytes data;
};

/// The sectors that put `table` into both places of the region table.
[[nodiscard]] std::vector<LoggedSector> region_table_sectors(Bytes table);

/// Bytes of an entry with so many data sectors, at most kMaxEntrySectors.
[[nodiscard]] constexpr std::size_t log_entry_size(std::size_t sectors) {
  return (1 + sectors) * kLogSector;
}

/// Lays the entry into the first log_entry_size() bytes of `out`, which has as many. Allocates nothing.
void lay_log_entry(MutableBytes out, const LogEntryHead& head, std::span<const LoggedSector> sectors);

/// `file`, borrowed, as it is after the replay.
class ReplayedFile final : public ByteSource {
 public:
  ReplayedFile(const ByteSource& file, LogReplay replay);

  [[nodiscard]] std::uint64_t size() const override { return size_; }
  [[nodiscard]] Result<void> read(std::uint64_t offset, MutableBytes out) const override;
  /// Whether the replay has to do with any of these bytes, which the file alone does not have so.
  [[nodiscard]] bool changes(std::uint64_t offset, std::uint64_t length) const;

  /// Refuses a replay that must not be made for good: one that changes what a log never does (the file's signature, its
  /// headers, the log itself), that makes the file longer, or that writes more than kMaxReplayedZeros.
  [[nodiscard]] Result<void> check_replay(const VhdxHeader& header) const;
  /// Puts all changes into `file`, the one that it was made of, each byte once; flush() is left to the caller.
  [[nodiscard]] Result<void> put_changes(ByteFile& file) const;

 private:
  struct Patch {
    std::uint64_t end = 0;
    std::vector<std::byte> data;  // empty: zeros
  };

  void apply(LogWrite write);
  [[nodiscard]] Result<void> read_file(std::uint64_t offset, MutableBytes out) const;

  const ByteSource& file_;
  std::uint64_t size_;
  std::map<std::uint64_t, Patch> patches_;  // by start; they do not overlap
};

}  // namespace vhdboot::vhd
