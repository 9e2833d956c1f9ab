// SPDX-License-Identifier: GPL-2.0-or-later
// A process that asks a web server for parts of an image, for another one: it alone reads what comes from a network,
// and has nothing open of any disk. They speak over a socket: a request is two numbers of 8 bytes, offset and length;
// an answer one of 4 bytes, 0 or 1, one of 4 bytes, a length, and so many bytes: of the file, or of a sentence that
// says why there are none. Of the file it may be the beginning of what was asked for, in whole blocks.
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/fd.h"
#include "init/arrive/web_address.h"
#include "init/sys/network.h"

namespace vhdboot::stage {

inline constexpr std::size_t kBringRequest = 16;
inline constexpr std::size_t kBringAnswer = 8;
inline constexpr std::size_t kMostBrought = 1 << 20;  ///< bytes of one request
inline constexpr std::size_t kMostReason = 1024;

/// Until the other end of the socket is closed. `size`: of the file.
void bring_blocks(const Fd& socket, sys::OwnNetwork network, const arrive::WebAddress& address, std::uint64_t size);

}  // namespace vhdboot::stage
