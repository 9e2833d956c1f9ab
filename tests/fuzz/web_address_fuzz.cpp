// SPDX-License-Identifier: GPL-2.0-or-later
// An address of a person: what is asked of its server is one request, and no line of it is theirs.
#include "init/arrive/web_address.h"

#include <algorithm>

#include "tests/fuzz/check.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace vhdboot::arrive;
  const std::string_view url(reinterpret_cast<const char*>(data), size);
  if (const auto host = parse_host_address(url)) check(host->prefix <= 32 && is_of_a_host(host->address));
  const auto address = parse_web_address(url);
  if (!address) return 0;
  check(address->path.starts_with('/') && address->port != 0);
  const std::string request = range_request(*address, {0, 4096});
  check(std::ranges::count(request, '\n') == 6 && request.ends_with("\r\n\r\n"));
  check(parse_ipv4(to_text(address->host)) == address->host);
  return 0;
}
