// SPDX-License-Identifier: GPL-2.0-or-later
// What the child does that decompresses for another: it gives up its rights, and makes one step after the other.
#pragma once

#include <functional>

#include "base/fd.h"
#include "init/modules/decompress.h"
#include "init/sys/unpack.h"

namespace vhdboot::sys {

/// What it does once it has given up its rights.
using UnpackWork = std::function<void(modules::Compression compression, const Fd& socket)>;

/// Makes the steps that are asked for until the socket closes.
void serve(modules::Decompressor& decompressor, const Fd& socket);
/// The same with one of modules::make_decompressor().
void serve_compression(modules::Compression compression, const Fd& socket);

/// The child is a copy of this process, or is already what it shall be, and does `work`.
[[nodiscard]] UnpackChild unpack_here(UnpackWork work = serve_compression);

}  // namespace vhdboot::sys
