// SPDX-License-Identifier: GPL-2.0-or-later
// A file tree as an EROFS without compression (Linux: fs/erofs/erofs_fs.h; Documentation/filesystems/erofs.rst), whose
// files lie where they are on a partition: the partition follows behind the file system's own blocks on one device.
// What does not lie there in whole blocks is copied. Linux 5.15 and newer read it.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/extent.h"
#include "base/range.h"
#include "base/result.h"
#include "init/volume/lx_metadata.h"

namespace vhdboot::tree {

inline constexpr std::uint64_t kErofsBlock = 4096;
/// Of the partition: more cannot be addressed beside the file system's own ones.
inline constexpr std::uint64_t kMaxPartitionBlocks = (1ULL << 32) - (1ULL << 22);
/// Of the file system's own, in bytes.
inline constexpr std::uint64_t kMaxErofsSize = (1ULL << 22) * kErofsBlock - kErofsBlock;
inline constexpr std::size_t kMaxNodes = 4'000'000;
/// Nothing that a Linux name can have is longer.
inline constexpr std::size_t kMaxErofsName = 255;

[[nodiscard]] constexpr std::uint64_t blocks_of(std::uint64_t bytes) {
  return bytes / kErofsBlock + (bytes % kErofsBlock == 0 ? 0 : 1);
}

enum class RunKind : std::uint8_t {
  Hole,     ///< reads as zeros
  InPlace,  ///< on the partition
  Copied,   ///< in the file system's own blocks
};

/// Blocks of a file, one after the other.
struct Run {
  RunKind kind = RunKind::Hole;
  std::uint64_t blocks = 0;
  std::uint64_t block = 0;  ///< InPlace: the first one on the partition

  friend bool operator==(const Run&, const Run&) = default;
};

/// The blocks of a file of `size` bytes. `data`: what of it is not zeros, in order; `extents`: where that lies as it
/// is, in logical order, empty when it does not. A block is in place when it lies there as a whole and is one of the
/// partition's; the last one of a file only when the file ends with it: behind the end is what was deleted before.
[[nodiscard]] std::vector<Run> runs_of(std::uint64_t size, std::span<const Range> data,
                                       std::span<const Extent> extents);

struct DirectoryEntry {
  std::string name;
  std::size_t node = 0;
};

struct Node {
  std::uint32_t mode = 0;  ///< with its type, as stat(2)
  std::uint32_t uid = 0;
  std::uint32_t gid = 0;
  std::uint32_t links = 1;  ///< names; not of a directory
  volume::LxDevice device;  ///< of a device
  volume::UnixTime modified;
  std::uint64_t size = 0;               ///< of a regular file, bytes
  std::vector<Run> runs;                ///< of a regular file: all of its blocks
  std::string target;                   ///< of a symbolic link
  std::vector<DirectoryEntry> entries;  ///< of a directory, without "." and ".."
  std::vector<volume::LxAttribute> attributes;
};

/// Bytes of the map that it takes to find such blocks; 0 where they are found without one.
[[nodiscard]] std::uint64_t map_size(std::span<const Run> runs);

/// Whether EROFS has a place for an extended attribute of this name.
[[nodiscard]] bool can_hold(std::string_view attribute);

/// Bytes of a file that have to be put into the file system.
struct Copy {
  std::size_t node = 0;
  std::uint64_t logical = 0;  ///< of the file
  std::uint64_t length = 0;
  std::uint64_t at = 0;  ///< of the file system

  friend bool operator==(const Copy&, const Copy&) = default;
};

/// Takes bytes to their place.
using WriteAt = std::function<Result<void>(std::uint64_t offset, Bytes bytes)>;

class Erofs {
 public:
  /// Where everything goes. Node 0 is the root; each other node is in a directory that leads to the root, a directory
  /// in one alone. `nodes` must outlive the object. Unsupported for more than kMaxNodes or kMaxErofsSize; Corrupt when
  /// they are no such tree, two of a directory have one name, or a name or a run cannot be.
  [[nodiscard]] static Result<Erofs> lay_out(std::span<const Node> nodes);

  /// Of its own blocks, bytes; the partition begins there.
  [[nodiscard]] std::uint64_t size() const { return blocks_ * kErofsBlock; }
  /// What is left to the caller, in no order.
  [[nodiscard]] std::vector<Copy> copies() const;
  /// All but that; what is not written is zeros. Pieces of the copies may be written as zeros: they come afterwards.
  /// Its UUID comes of all that is written: the same of the same tree, and another one where a file has another number,
  /// by which overlayfs would know it again.
  [[nodiscard]] Result<void> write(const WriteAt& to) const;

 private:
  struct Place {
    std::uint64_t at = 0;        // of its inode, bytes
    std::uint64_t block = 0;     // the first of its own blocks
    std::uint32_t parent = 0;    // of a directory
    std::uint32_t children = 0;  // of a directory: those that are directories
    std::uint32_t packed = 0;    // of a directory: its size, bytes
    std::uint8_t layout = 0;
  };

  explicit Erofs(std::span<const Node> nodes) : nodes_(nodes), places_(nodes.size()) {}
  Result<void> connect();
  Result<void> place();

  [[nodiscard]] std::vector<std::size_t> sorted(std::size_t node) const;
  [[nodiscard]] std::uint64_t size_of(std::size_t node) const;
  [[nodiscard]] std::uint64_t own_blocks(std::size_t node) const;
  [[nodiscard]] std::uint64_t unit_size(std::size_t node) const;
  [[nodiscard]] std::uint64_t start_of(const Run& run, std::uint64_t& own) const;
  [[nodiscard]] std::vector<std::byte> directory(std::size_t node) const;
  [[nodiscard]] std::vector<std::byte> unit(std::size_t node, Bytes directory) const;
  [[nodiscard]] std::vector<std::byte> superblock(Bytes uuid) const;

  std::span<const Node> nodes_;
  std::vector<Place> places_;
  std::uint64_t blocks_ = 0;
};

}  // namespace vhdboot::tree
