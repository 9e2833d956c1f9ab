// SPDX-License-Identifier: GPL-2.0-or-later
// What makes a new disk unlike any other: its UUID and when it was made.
#pragma once

#include <cstdint>

#include "base/guid.h"
#include "base/result.h"

namespace vhdboot::tools {

/// Random (RFC 9562, version 4).
[[nodiscard]] Result<Guid> random_uuid();

/// Unix seconds: now, or SOURCE_DATE_EPOCH.
[[nodiscard]] std::int64_t creation_time();

}  // namespace vhdboot::tools
