// SPDX-License-Identifier: GPL-2.0-or-later
// Gives the blocks of an image places in its file, so that at any moment of a loss of power each block reads as before
// or as after.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "base/result.h"

namespace vhdboot::vhd {

/// The data of block `block` lie, whole, from byte `place` of the file on.
struct BlockPlace {
  std::uint64_t block = 0;
  std::uint64_t place = 0;
};

class BlockWriter {
 public:
  BlockWriter() = default;
  BlockWriter(const BlockWriter&) = delete;
  BlockWriter& operator=(const BlockWriter&) = delete;
  virtual ~BlockWriter() = default;

  [[nodiscard]] virtual std::uint64_t blocks() const = 0;
  [[nodiscard]] virtual std::uint64_t block_size() const = 0;  ///< bytes
  /// Where the block has its data, all of them or a part; nothing: it has no place.
  [[nodiscard]] virtual std::optional<std::uint64_t> place_of(std::uint64_t block) const = 0;
  /// At most `limit` places for blocks, rising; what is in them now is anything.
  [[nodiscard]] virtual std::vector<std::uint64_t> free_places(std::uint64_t limit) const = 0;

  /// From its return on the blocks read what was put at their places before, also after a loss of power; until then
  /// each as it was or so. A place is a free one, or the one that the block has. Invalid, with nothing written, for any
  /// other. After any other error nothing more is written; the file is to be opened anew. Allocates nothing.
  [[nodiscard]] virtual Result<void> commit(std::span<const BlockPlace> places) = 0;

  /// Leaves the file so that it needs no repair. Not needed for its safety.
  [[nodiscard]] virtual Result<void> close() = 0;
};

}  // namespace vhdboot::vhd
