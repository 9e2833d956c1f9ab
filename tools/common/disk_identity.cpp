// SPDX-License-Identifier: GPL-2.0-or-later
#include "tools/common/disk_identity.h"

#include <sys/random.h>

#include <cstdlib>
#include <ctime>

#include "base/text.h"

namespace vhdboot::tools {

Result<Guid> random_uuid() {
  Guid uuid;
  if (::getrandom(uuid.bytes.data(), uuid.bytes.size(), 0) != static_cast<ssize_t>(uuid.bytes.size()))
    return fail_errno("getting random numbers");
  uuid.bytes[7] = (uuid.bytes[7] & std::byte{0x0F}) | std::byte{0x40};
  uuid.bytes[8] = (uuid.bytes[8] & std::byte{0x3F}) | std::byte{0x80};
  return uuid;
}

std::int64_t creation_time() {
  if (const char* epoch = std::getenv("SOURCE_DATE_EPOCH"))
    if (const auto seconds = parse_u64(epoch)) return static_cast<std::int64_t>(*seconds);
  return std::time(nullptr);
}

}  // namespace vhdboot::tools
