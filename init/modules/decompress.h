// SPDX-License-Identifier: GPL-2.0-or-later
// What kernel modules and initrds are compressed by: whole files in memory, and streams piece by piece.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"

namespace vhdboot::modules {

/// Lz4 is its legacy format, the only one that the kernel reads.
enum class Compression : std::uint8_t { None, Gzip, Xz, Zstd, Bzip2, Lz4 };

inline constexpr std::size_t kMaxMagic = 6;  ///< bytes by which it is told

/// By the first bytes; None for whatever is not known.
[[nodiscard]] Compression detect_compression(Bytes bytes);

/// "gzip", "xz", "zstd", "bzip2", "lz4", "none".
[[nodiscard]] std::string_view name(Compression compression);
/// And back; None for what is no such name.
[[nodiscard]] Compression compression_named(std::string_view name);

/// One stream of compressed data.
class Decompressor {
 public:
  Decompressor() = default;
  Decompressor(const Decompressor&) = delete;
  Decompressor& operator=(const Decompressor&) = delete;
  virtual ~Decompressor() = default;

  struct Step {
    std::size_t taken = 0;  ///< bytes of `in`
    std::size_t given = 0;  ///< bytes into `out`
    bool complete = false;  ///< the stream has ended: what follows in `in` is not part of it
  };

  /// Goes on with `in`, which follows what was taken so far. With nothing taken, nothing given and room in `out`, the
  /// stream goes on behind `in`. Corrupt when it is damaged, Unsupported for what is not read here, NoMemory. Io or
  /// Timeout when what it works by fails. After an error it is of no use any more.
  [[nodiscard]] virtual Result<Step> step(Bytes in, MutableBytes out) = 0;
};

/// Makes one for `compression`, which is not None: make_decompressor(), or one that works elsewhere. What it lacks is
/// the error of the first step.
using MakeDecompressor = std::function<std::unique_ptr<Decompressor>(Compression compression)>;

inline constexpr std::size_t kMaxStreams = 1000;  ///< of compressed data in a file

/// The contents; those of an uncompressed file are the file. Several streams of one kind follow each other; what is
/// none, behind them, is left out. NoMemory when they exceed `cap` bytes, or kMaxStreams; Corrupt when the data is
/// damaged or ends early; other errors of `make`'s.
[[nodiscard]] Result<std::vector<std::byte>> decompress(Bytes bytes, std::size_t cap, const MakeDecompressor& make);

}  // namespace vhdboot::modules
