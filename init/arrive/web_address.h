// SPDX-License-Identifier: GPL-2.0-or-later
// Where a file lies on a web server that is asked without names and without TLS, and what is asked (RFC 9112).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/range.h"
#include "base/result.h"
#include "init/arrive/ipv4.h"

namespace vhdboot::arrive {

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
