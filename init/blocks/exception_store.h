// SPDX-License-Identifier: GPL-2.0-or-later
// What the kernel writes into the metadata of a snapshot of its persistent kind (kernel:
// drivers/md/dm-snap-persistent.c): in chunks of one size, all little-endian, first a header of four u32 ("SnAp",
// whether the snapshot is valid, version 1, sectors of a chunk), then an area: pairs of u64 {old chunk, new chunk}, one
// for each chunk that was copied. The first pair with new chunk 0 ends it. Each write of the area has all pairs so far,
// and may come in parts that are cut anywhere between sectors.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"

namespace vhdboot::blocks {

/// The header and the area come before the data.
inline constexpr std::uint64_t kFirstDataChunk = 2;
inline constexpr std::uint64_t kMaxChunk = 32ULL << 20;  ///< bytes

/// How many chunks of data a snapshot may have whose chunks have `chunk_size` bytes. One more would fill the area to
/// its last pair, and the kernel go on with a second one.
[[nodiscard]] constexpr std::uint64_t most_data_chunks(std::uint64_t chunk_size) {
  return chunk_size / 16 - 1;
}

/// Whether `bytes` begin with the header of a snapshot whose chunks have `chunk_size` bytes, whether it is valid or
/// not.
[[nodiscard]] bool has_snapshot_header(Bytes bytes, std::uint64_t chunk_size);

/// The data of chunk `old_chunk` of what lies below the snapshot are in chunk `new_chunk` of its store.
struct Exception {
  std::uint64_t old_chunk = 0;
  std::uint64_t new_chunk = 0;

  friend bool operator==(const Exception&, const Exception&) = default;
};

/// The metadata of one snapshot, from its making on or, where the store was lost, from any later time on.
class ExceptionStore {
 public:
  /// `chunk_size`: bytes, a power of two from 4 KiB to kMaxChunk. `old_chunks`: of what lies below. `data_chunks`: of
  /// the store, at most most_data_chunks(). Invalid for anything else.
  [[nodiscard]] static Result<ExceptionStore> make(std::uint64_t chunk_size, std::uint64_t old_chunks,
                                                   std::uint64_t data_chunks);

  [[nodiscard]] std::uint64_t size() const { return bytes_.size(); }  ///< bytes
  /// Corrupt when it does not lie within size().
  [[nodiscard]] Result<Bytes> read(std::uint64_t offset, std::uint64_t length) const;

  /// Takes what the kernel writes, in whole sectors, and returns the pairs in it that are new, in their order. They are
  /// borrowed until the next call. Corrupt for what no kernel writes: outside of size(), a pair that was another one
  /// before, a chunk that is not there, one that comes twice. Allocates nothing.
  [[nodiscard]] Result<std::span<const Exception>> write(std::uint64_t offset, Bytes data);

  /// False when the kernel has given the snapshot up: nothing of it can be read any more.
  [[nodiscard]] bool valid() const { return valid_; }
  /// Pairs that are known.
  [[nodiscard]] std::uint64_t count() const { return count_; }

 private:
  ExceptionStore(std::uint64_t chunk_size, std::uint64_t old_chunks, std::uint64_t data_chunks);

  [[nodiscard]] Result<void> take_header(Bytes header);
  [[nodiscard]] Result<void> take_sector(std::uint64_t offset, Bytes sector);
  [[nodiscard]] Result<void> take_pair(const Exception& before, const Exception& now);

  std::uint64_t chunk_size_;
  std::vector<std::byte> bytes_;
  std::vector<bool> old_taken_;
  std::vector<bool> new_taken_;
  std::vector<Exception> fresh_;
  bool valid_ = true;
  std::uint64_t count_ = 0;
};

}  // namespace vhdboot::blocks
