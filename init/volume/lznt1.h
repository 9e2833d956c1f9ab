// SPDX-License-Identifier: GPL-2.0-or-later
// LZNT1, by which NTFS compresses ([MS-XCA] 2.5): chunks of at most 4096 bytes, each stored or compressed by itself.
#pragma once

#include <cstddef>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"

namespace vhdboot::volume {

/// The `size` bytes that `input` stands for. A chunk that makes fewer than its 4096, and all after the last one, is
/// zeros, as NTFS has it. Corrupt when a chunk does not lie within `input` or copies from before its beginning.
[[nodiscard]] Result<std::vector<std::byte>> lznt1_decompress(Bytes input, std::size_t size);

}  // namespace vhdboot::volume
