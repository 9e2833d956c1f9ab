// SPDX-License-Identifier: GPL-2.0-or-later
// Where a file lies on a web server that is asked without names and without TLS, and what is asked (RFC 9112).
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/range.h"
#include "base/result.h"

namespace vhdboot::arrive {

/// An address of IPv4, as it stands in a packet.
using Ipv4 = std::array<std::uint8_t, 4>;

/// "192.168.1.10"; nothing for any other text.
[[nodiscard]] std::optional<Ipv4> parse_ipv4(std::string_view text);
[[nodiscard]] std::string to_text(const Ipv4& address);

struct WebAddress {
  Ipv4 host{};
  std::uint16_t port = 80;
  std::string path;  ///< from the '/' on
  friend bool operator==(const WebAddress&, const WebAddress&) = default;
};

/// Of "http://192.168.1.10:8080/debian.vhd". Invalid for all else, with what to write.
[[nodiscard]] Result<WebAddress> parse_web_address(std::string_view url);

/// What asks for a part of the file.
[[nodiscard]] std::string range_request(const WebAddress& address, const Range& range);

}  // namespace vhdboot::arrive
