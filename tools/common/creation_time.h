// SPDX-License-Identifier: GPL-2.0-or-later
// When a new disk was made.
#pragma once

#include <cstdint>

namespace vhdboot::tools {

/// Unix seconds: now, or SOURCE_DATE_EPOCH.
[[nodiscard]] std::int64_t creation_time();

}  // namespace vhdboot::tools
