// SPDX-License-Identifier: GPL-2.0-or-later
// An address by DHCP (RFC 2131, 2132): the messages that a client sends, and those that it gets.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "init/arrive/ipv4.h"

namespace vhdboot::arrive {

inline constexpr std::uint16_t kDhcpServerPort = 67;
inline constexpr std::uint16_t kDhcpClientPort = 68;
inline constexpr std::size_t kMostDhcp = 1500;

using MacAddress = std::array<std::uint8_t, 6>;

struct Lease {
  HostAddress host;
  Ipv4 server{};
  std::uint32_t seconds = 0;  ///< how long it holds, at least 60
  friend bool operator==(const Lease&, const Lease&) = default;
};

/// Who asks, and by what he knows that he is answered.
struct DhcpClient {
  MacAddress mac{};
  std::uint32_t transaction = 0;
};

/// The answers to all of them are to come by broadcast: nobody has the address yet.
[[nodiscard]] std::vector<std::byte> dhcp_discover(const DhcpClient& client);
[[nodiscard]] std::vector<std::byte> dhcp_request(const DhcpClient& client, const Lease& offered);
/// For a lease that one has, from whichever server.
[[nodiscard]] std::vector<std::byte> dhcp_renew(const DhcpClient& client, const Lease& lease);

struct DhcpAnswer {
  enum class Kind : std::uint8_t { Offer, Ack, Refusal };
  Kind kind = Kind::Refusal;
  Lease lease;  ///< not of a refusal
};

/// Nothing for what is no answer to that client, or offers nothing of use.
[[nodiscard]] std::optional<DhcpAnswer> parse_dhcp(Bytes message, const DhcpClient& client);

}  // namespace vhdboot::arrive
