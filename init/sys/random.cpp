// SPDX-License-Identifier: GPL-2.0-or-later
#include "init/sys/random.h"

#include <sys/random.h>

#include <cerrno>

namespace vhdboot::sys {

Result<Guid> random_uuid() {
  constexpr unsigned kInsecure = 4;  // GRND_INSECURE: of Linux 5.6, and not of every C library
  Guid uuid;
  ssize_t got = ::getrandom(uuid.bytes.data(), uuid.bytes.size(), kInsecure);
  if (got < 0 && errno == EINVAL) got = ::getrandom(uuid.bytes.data(), uuid.bytes.size(), 0);
  if (got != static_cast<ssize_t>(uuid.bytes.size())) return fail_errno("getting random numbers");
  uuid.bytes[7] = (uuid.bytes[7] & std::byte{0x0F}) | std::byte{0x40};
  uuid.bytes[8] = (uuid.bytes[8] & std::byte{0x3F}) | std::byte{0x80};
  return uuid;
}

}  // namespace vhdboot::sys
