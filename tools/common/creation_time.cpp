// SPDX-License-Identifier: GPL-2.0-or-later
#include "tools/common/creation_time.h"

#include <cstdlib>
#include <ctime>

#include "base/text.h"

namespace vhdboot::tools {

std::int64_t creation_time() {
  if (const char* epoch = std::getenv("SOURCE_DATE_EPOCH"))
    if (const auto seconds = parse_u64(epoch)) return static_cast<std::int64_t>(*seconds);
  return std::time(nullptr);
}

}  // namespace vhdboot::tools
