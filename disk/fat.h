// SPDX-License-Identifier: GPL-2.0-or-later
// A FAT12, FAT16 or FAT32 volume with long names (Microsoft "FAT32 File System Specification" 1.03, fatgen103), only
// for reading: the ESP in an image, without mounting it.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/byte_source.h"
#include "base/result.h"
#include "base/units.h"

namespace vhdboot::disk {

/// Bytes of a directory that are read: as many as the specification allows (65536 entries).
inline constexpr std::uint64_t kMaxFatDirectory = 2 * kMiB;

struct FatEntry {
  std::string name;  ///< UTF-8, the long name where there is one
  bool directory = false;
  std::uint32_t size = 0;     ///< bytes; 0 of a directory
  std::uint32_t cluster = 0;  ///< the first one; 0: no contents, or the root directory
};

class FatVolume {
 public:
  /// The volume on `partition`, which must outlive it and all files. Unsupported: no FAT volume. Corrupt: a FAT volume
  /// with impossible values, or larger than its partition.
  [[nodiscard]] static Result<FatVolume> open(const ByteSource& partition);

  [[nodiscard]] unsigned bits() const { return bits_; }  ///< 12, 16 or 32

  [[nodiscard]] static FatEntry root() { return {.name = {}, .directory = true}; }

  /// What is in `directory`, without "." and ".." and volume labels. Corrupt on a broken chain of clusters.
  [[nodiscard]] Result<std::vector<FatEntry>> list(const FatEntry& directory) const;

  /// The entry at `path` from the root, components separated by '/'; ASCII case does not matter. NotFound.
  [[nodiscard]] Result<FatEntry> find(std::string_view path) const;

  /// The contents of `file`.
  [[nodiscard]] Result<std::unique_ptr<ByteSource>> open_file(const FatEntry& file) const;

 private:
  struct Run {
    std::uint64_t place = 0;   // bytes from the start of the partition
    std::uint64_t length = 0;  // bytes
  };
  class Contents;

  FatVolume() = default;

  [[nodiscard]] Result<std::uint32_t> next_cluster(std::uint32_t cluster) const;
  [[nodiscard]] Result<std::vector<Run>> runs_from(std::uint32_t cluster, std::uint64_t bytes, bool exact) const;
  [[nodiscard]] Result<std::vector<std::byte>> read_directory(const FatEntry& directory) const;

  const ByteSource* partition_ = nullptr;
  unsigned bits_ = 0;
  std::uint32_t cluster_size_ = 0;
  std::uint32_t clusters_ = 0;      // data clusters; the first is number 2
  std::uint32_t root_cluster_ = 0;  // FAT32
  std::uint64_t fat_place_ = 0;     // bytes from the start of the partition
  std::uint64_t root_place_ = 0;    // FAT12, FAT16
  std::uint64_t root_size_ = 0;
  std::uint64_t data_place_ = 0;
  mutable std::vector<std::byte> window_;  // a part of the FAT
  mutable std::uint64_t window_start_ = 0;
};

}  // namespace vhdboot::disk
