// SPDX-License-Identifier: GPL-2.0-or-later
// Random numbers of the kernel.
#pragma once

#include "base/guid.h"
#include "base/result.h"

namespace vhdboot::sys {

/// Random (RFC 9562, version 4): unlike any other, but no secret. It does not wait for a kernel that has just started,
/// as far as that kernel lets it.
[[nodiscard]] Result<Guid> random_uuid();

}  // namespace vhdboot::sys
