// SPDX-License-Identifier: GPL-2.0-or-later
// What comes on the port of a DHCP client: an address that a host can have, with a mask and a time.
#include "init/arrive/dhcp.h"

#include "tests/fuzz/check.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace vhdboot;
  using namespace vhdboot::arrive;
  constexpr DhcpClient kClient{.mac = {2, 0x12, 0x34, 0x56, 0x78, 0x9A}, .transaction = 0xDEADBEEF};
  const auto answer = parse_dhcp({reinterpret_cast<const std::byte*>(data), size}, kClient);
  if (!answer || answer->kind == DhcpAnswer::Kind::Refusal) return 0;
  const Lease& lease = answer->lease;
  check(lease.host.prefix >= 1 && lease.host.prefix <= 32 && lease.seconds >= 60);
  check(lease.host.address[0] != 0 && lease.host.address[0] != 127 && lease.host.address[0] < 224);
  check(!parse_dhcp(dhcp_request(kClient, lease), kClient));
  return 0;
}
