// SPDX-License-Identifier: GPL-2.0-or-later
// The decompressors themselves. They parse foreign bytes by libraries of others: process 1 has none of this, see
// init/sys/unpack.h.
#pragma once

#include <memory>

#include "init/modules/decompress.h"

namespace vhdboot::modules {

/// In this process. `compression` is not None.
[[nodiscard]] std::unique_ptr<Decompressor> make_decompressor(Compression compression);

}  // namespace vhdboot::modules
