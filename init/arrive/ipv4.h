// SPDX-License-Identifier: GPL-2.0-or-later
// Addresses of IPv4, and what a machine has of them.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"

namespace vhdboot::arrive {

/// An address, as it stands in a packet.
using Ipv4 = std::array<std::uint8_t, 4>;

/// "192.168.1.10"; nothing for any other text.
[[nodiscard]] std::optional<Ipv4> parse_ipv4(std::string_view text);
[[nodiscard]] std::string to_text(const Ipv4& address);
/// Not one that no machine can have: 0.x, 127.x, and all from 224.0.0.0 on.
[[nodiscard]] bool is_of_a_host(const Ipv4& address);

/// A machine's own address, and its way out of its network.
struct HostAddress {
  Ipv4 address{};
  unsigned prefix = 0;  ///< bits of the network, 1 to 32
  std::optional<Ipv4> router;
  friend bool operator==(const HostAddress&, const HostAddress&) = default;
};

/// Of "192.168.1.20/24" or "192.168.1.20/24 192.168.1.1", the second of which is the router. Invalid for all else, and
/// for a router that is not in that network.
[[nodiscard]] Result<HostAddress> parse_host_address(std::string_view text);

}  // namespace vhdboot::arrive
