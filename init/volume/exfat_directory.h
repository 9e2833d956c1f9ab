// SPDX-License-Identifier: GPL-2.0-or-later
// exFAT directories: 32-byte entries, of which a file takes a set of three to nineteen (6, 7).
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/byte_source.h"
#include "base/result.h"
#include "init/volume/exfat_fat.h"

namespace vhdboot::volume {

/// A directory larger than this contradicts the specification (7.1).
inline constexpr std::uint64_t kMaxDirectoryBytes = 256ull * 1024 * 1024;

struct ExfatFileEntry {
  std::u16string name;
  bool directory = false;
  std::uint16_t name_hash = 0;           ///< as the entry has it
  bool intact = false;                   ///< its checksum is right
  std::optional<std::int64_t> modified;  ///< seconds since 1970; nothing when the entry does not tell its time zone
  ExfatStream stream;
};

/// What only the root directory has.
struct ExfatRootEntries {
  std::vector<ExfatStream> bitmaps;  ///< which clusters are in use (7.1); that of the first FAT first
  std::optional<ExfatStream> upcase;
  std::uint32_t upcase_checksum = 0;
  std::u16string label;
};

/// Reads the entries of one directory, from its first to its last.
class ExfatDirectory {
 public:
  /// `contents` of the directory; must outlive the object.
  explicit ExfatDirectory(const ByteSource& contents) : contents_(contents) {}

  /// The next file or directory; nothing at the end. Sets without the entries they need are skipped.
  [[nodiscard]] Result<std::optional<ExfatFileEntry>> next_file();

  /// All of the root directory's own entries, wherever they stand.
  [[nodiscard]] static Result<ExfatRootEntries> read_root(const ByteSource& contents);

 private:
  static constexpr std::size_t kEntrySize = 32;
  static constexpr std::size_t kBlock = 16 * 1024;
  using Entry = std::array<std::byte, kEntrySize>;

  /// The entry at next_; nothing at the end of the directory.
  [[nodiscard]] Result<std::optional<Entry>> take();
  [[nodiscard]] Result<std::optional<ExfatFileEntry>> read_set(const Entry& primary);

  const ByteSource& contents_;
  std::uint64_t next_ = 0;
  std::uint64_t block_start_ = 0;
  std::vector<std::byte> block_;
};

}  // namespace vhdboot::volume
