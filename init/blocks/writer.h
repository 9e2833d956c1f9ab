// SPDX-License-Identifier: GPL-2.0-or-later
// Where what a guest writes to its disk goes.
//
// What is forgotten is in the store of a dm-snapshot in pieces (kernel:
// Documentation/admin-guide/device-mapper/snapshot.rst): of the kind PO, which fails only writes when it is full. It
// is invalid, and nothing can be read any more, as soon as the store itself fails; so a store never does before it is
// full.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/byte_source.h"
#include "base/result.h"

namespace vhdboot::blocks {

enum class WriterKind : std::uint8_t {
  Image,   ///< the image itself
  Memory,  ///< a store in memory: it is forgotten
  File,    ///< a store in a scratch file: it is forgotten, too
};

struct Writer {
  WriterKind kind = WriterKind::Image;
  std::uint64_t store_size = 0;  ///< bytes; of Memory and File

  friend bool operator==(const Writer&, const Writer&) = default;
};

/// Bytes of a piece. The kernel cuts each read of the disk at its borders, and takes a whole one at the first write to
/// any of it.
inline constexpr std::uint64_t kStorePiece = 8 << 10;
inline constexpr std::uint64_t kMinStore = 64ULL << 20;        ///< bytes
inline constexpr std::uint64_t kMinLeftMemory = 256ULL << 20;  ///< bytes of memory that a guest is left with

/// A store of `wanted` bytes on a machine with `memory` bytes of it. Unsupported, with what to do, when it is smaller
/// than kMinStore or leaves less than kMinLeftMemory.
[[nodiscard]] Result<Writer> memory_writer(std::uint64_t wanted, std::uint64_t memory);

/// A store in a scratch file of `size` bytes. The kernel keeps 32 bytes for each piece of it that is in use: of a file
/// that could take more than a quarter of `memory` (bytes) that way only a part is used. Unsupported when it is smaller
/// than kMinStore.
[[nodiscard]] Result<Writer> file_writer(std::uint64_t size, std::uint64_t memory);

/// Whether a file may be written over as a scratch file. Unsupported, with what to do, unless it begins with zeroes or
/// with what an earlier boot has left there, and is no image by its end.
[[nodiscard]] Result<void> check_scratch(const ByteSource& file);

/// The size in bytes nearest below `most` that a store may have, 0 when there is none: one that is full to the last
/// piece of a list of pieces makes the kernel write the next list behind its end, and is lost.
[[nodiscard]] std::uint64_t whole_store(std::uint64_t most);

/// What the kernel tells of a store.
struct StoreUse {
  enum class State : std::uint8_t {
    Good,
    Full,  ///< writes fail, reads do not
    Lost,  ///< whatever is asked fails
  };
  State state = State::Good;
  std::uint64_t used = 0;  ///< bytes; of Good only
  std::uint64_t size = 0;  ///< bytes; of Good only

  friend bool operator==(const StoreUse&, const StoreUse&) = default;
};

/// Reads what DM_TABLE_STATUS says of a snapshot: "16/409600 16", in sectors, "Overflow" or "Invalid". Nothing when it
/// is something else.
[[nodiscard]] std::optional<StoreUse> parse_store_use(std::string_view status);

/// How much of what it can take is in use, in per cent, where `available` bytes of memory can still be had: 0 to 99 of
/// a good one, else 100.
[[nodiscard]] unsigned percent(const StoreUse& use, std::uint64_t available);

/// What is said when the per cent in use have risen from `before` to `now`: a sentence for the highest of 70, 90, 97
/// and 100 that lies in between; nothing when none does. `kind` of the writer.
[[nodiscard]] std::optional<std::string> space_warning(unsigned before, unsigned now, const StoreUse& use,
                                                       WriterKind kind);

/// For a file: `state good|full|lost`, and of a good one `used BYTES` and `size BYTES`, a line each.
[[nodiscard]] std::string to_text(const StoreUse& use);

}  // namespace vhdboot::blocks
