// SPDX-License-Identifier: GPL-2.0-or-later
// SHA-256 by the instructions that most processors have for it: several times as fast as without.
#pragma once

#include "base/bytes.h"
#include "base/sha256.h"

namespace vhdboot::arrive {

[[nodiscard]] bool have_sha_instructions();

/// Of a message that is padded already: a multiple of 64 bytes. Only where there are such instructions.
[[nodiscard]] Sha256Digest sha256_by_instructions(Bytes padded);

}  // namespace vhdboot::arrive
