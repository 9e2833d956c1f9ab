// SPDX-License-Identifier: GPL-2.0-or-later
// A tree of SHA-256 over the blocks of a file, as dm-verity and veritysetup(8) lay it out: hash type 1, blocks of 4096
// bytes, a superblock in front. See Documentation/admin-guide/device-mapper/verity.rst of Linux, and "DMVerity" in the
// wiki of cryptsetup.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "base/sha256.h"

namespace vhdboot::arrive {

inline constexpr std::size_t kBlock = 4096;
inline constexpr std::size_t kDigestsPerBlock = kBlock / sizeof(Sha256Digest);
/// 64 TiB: what the tree of a larger file would need has no place anywhere.
inline constexpr std::uint64_t kMostDataBlocks = 1ULL << 34;

/// What stands in front of each block when its digest is made.
using Salt = Sha256Digest;

/// The salt of a file of `size` bytes, of which `tail` are behind the last whole block. A tree has no digest of those,
/// and no digest says how large the file is: by this salt the root hash stands for both.
[[nodiscard]] Salt salt_of(std::uint64_t size, Bytes tail);

[[nodiscard]] Sha256Digest digest_of(const Salt& salt, Bytes block);

/// 64 hexadecimal digits.
[[nodiscard]] std::string to_text(const Sha256Digest& digest);
/// In either case. Nothing for any other text.
[[nodiscard]] std::optional<Sha256Digest> parse_digest(std::string_view text);

/// Blocks one after the other, by their numbers.
struct Blocks {
  std::uint64_t first = 0;
  std::uint64_t count = 0;
  friend bool operator==(const Blocks&, const Blocks&) = default;
};

/// Which block of the tree's file has the digests of which blocks. The superblock is block 0; then come the levels,
/// that of the root first.
class TreeLayout {
 public:
  /// Unsupported for 0 blocks, and for more than kMostDataBlocks.
  [[nodiscard]] static Result<TreeLayout> of(std::uint64_t data_blocks);

  [[nodiscard]] std::uint64_t data_blocks() const { return data_blocks_; }
  /// Of the tree's file, with the superblock.
  [[nodiscard]] std::uint64_t blocks() const { return blocks_; }
  /// The first has the digests of the data, each other one those of the one before; the last is one block. Empty for
  /// one block of data, whose digest is the root hash.
  [[nodiscard]] const std::vector<Blocks>& levels() const { return levels_; }

 private:
  std::uint64_t data_blocks_ = 0;
  std::uint64_t blocks_ = 1;
  std::vector<Blocks> levels_;
};

struct Superblock {
  std::uint64_t data_blocks = 0;
  Salt salt{};
  friend bool operator==(const Superblock&, const Superblock&) = default;
};

/// Of the first bytes of a tree's file. Corrupt: it is none; Unsupported: one with other blocks, digests, or a salt of
/// another length.
[[nodiscard]] Result<Superblock> parse_superblock(Bytes bytes);

/// The whole first block. The UUID follows from the salt.
[[nodiscard]] std::vector<std::byte> serialise(const Superblock& superblock);

}  // namespace vhdboot::arrive
