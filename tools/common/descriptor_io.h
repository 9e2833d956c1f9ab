// SPDX-License-Identifier: GPL-2.0-or-later
// Whole reads and writes at a place of an open file or device.
#pragma once

#include <cstdint>

#include "base/bytes.h"
#include "base/result.h"

namespace vhdboot::tools {

/// Fills `out` from byte `offset` of `fd` on. Busy when it ends before: somebody made it shorter.
[[nodiscard]] Result<void> read_at(int fd, std::uint64_t offset, MutableBytes out);

/// Writes all of `data`. After an error a part of it may have been written.
[[nodiscard]] Result<void> write_at(int fd, std::uint64_t offset, Bytes data);

}  // namespace vhdboot::tools
