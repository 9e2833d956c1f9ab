// SPDX-License-Identifier: GPL-2.0-or-later
// Whole compressed files in memory: kernel modules as distributions ship them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"

namespace vhdboot::modules {

enum class Compression : std::uint8_t { None, Gzip, Xz, Zstd };

/// By the first bytes; None for whatever is not known.
[[nodiscard]] Compression detect_compression(Bytes bytes);

/// "gzip", "xz", "zstd", "none".
[[nodiscard]] std::string_view name(Compression compression);

/// The contents; those of an uncompressed file are the file. NoMemory when they exceed `cap` bytes; Corrupt when the
/// stream is damaged or ends early.
[[nodiscard]] Result<std::vector<std::byte>> decompress(Bytes bytes, std::size_t cap);

}  // namespace vhdboot::modules
