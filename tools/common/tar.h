// SPDX-License-Identifier: GPL-2.0-or-later
// Archives in the pax format (POSIX.1-2001, pax(1)): ustar, and a record for each thing that ustar cannot hold.
// Extended attributes as star, GNU tar and libarchive write them, files with holes as GNU tar does (sparse format 1.0).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/range.h"

namespace vhdboot::tools {

inline constexpr std::size_t kTarBlock = 512;
/// After the last entry.
inline constexpr std::size_t kTarEnd = 2 * kTarBlock;

enum class TarType : char {
  File = '0',
  HardLink = '1',
  Symlink = '2',
  Character = '3',
  Block = '4',
  Directory = '5',
  Fifo = '6',
};

struct TarTime {
  std::int64_t seconds = 0;
  std::uint32_t nanoseconds = 0;
};

struct TarEntry {
  TarType type = TarType::File;
  std::string path;    ///< "./etc/passwd"; of a directory with '/' at its end
  std::string target;  ///< of a link; of a hard link the path of the entry that has the contents
  std::uint32_t mode = 0;
  std::uint32_t uid = 0;
  std::uint32_t gid = 0;
  std::uint64_t size = 0;  ///< of a file
  /// Of a file: what is not zeros, in its order. Without, or when it is all, the file follows in one piece.
  std::optional<std::vector<Range>> data;
  std::uint32_t device_major = 0;
  std::uint32_t device_minor = 0;
  TarTime accessed;
  TarTime modified;
  std::vector<std::pair<std::string, std::string>> attributes;  ///< names and values
  bool binary = false;                                          ///< path or target are no UTF-8
};

/// All that comes before the contents of an entry, in whole blocks; of a file with holes with the map of them.
/// What follows are the bytes of `data` one after the other, and tar_padding() of them.
[[nodiscard]] std::string tar_header(const TarEntry& entry);

/// How many zeros complete the last block.
[[nodiscard]] std::size_t tar_padding(std::uint64_t size);

/// "1500000000.000000001", no zeros at the end: a time as a pax record has it.
[[nodiscard]] std::string tar_time(const TarTime& time);

}  // namespace vhdboot::tools
