// SPDX-License-Identifier: GPL-2.0-or-later
#include "init/arrive/web_address.h"

#include "base/quoted.h"
#include "base/text.h"

namespace vhdboot::arrive {
namespace {

constexpr std::string_view kScheme = "http://";
constexpr std::size_t kMostPath = 1024;

}  // namespace

Result<WebAddress> parse_web_address(std::string_view url) {
  if (url.starts_with("https://"))
    return fail(Code::Invalid,
                "https is not possible while a system runs from the image: say http, the root hash proves each block");
  if (!url.starts_with(kScheme)) return fail(Code::Invalid, concat("expected http://..., found ", quoted(url)));
  const std::string_view rest = url.substr(kScheme.size());
  const std::size_t slash = rest.find('/');
  if (slash == std::string_view::npos || rest.ends_with('/') || rest.size() - slash > kMostPath || !fits_line(rest) ||
      rest.find_first_of("?#\"\\ @") != std::string_view::npos)
    return fail(Code::Invalid, concat("expected a file on a server, http://ADDRESS/FILE, found ", quoted(url)));
  const std::string_view server = rest.substr(0, slash);
  const std::size_t colon = server.find(':');
  WebAddress address{.path = std::string(rest.substr(slash))};
  const auto host = parse_ipv4(server.substr(0, colon));
  if (!host)
    return fail(Code::Invalid, concat("the server is known by its number, such as 192.168.1.10, and not by ",
                                      quoted(server.substr(0, colon))));
  address.host = *host;
  if (colon != std::string_view::npos) {
    const auto port = parse_u64(server.substr(colon + 1));
    if (!port || *port == 0 || *port > UINT16_MAX)
      return fail(Code::Invalid, concat("expected a port, found ", quoted(server.substr(colon + 1))));
    address.port = static_cast<std::uint16_t>(*port);
  }
  return address;
}

std::string range_request(const WebAddress& address, const Range& range) {
  std::string host = to_text(address.host);
  if (address.port != 80) host += concat(':', address.port);
  return concat("GET ", address.path, " HTTP/1.1\r\nHost: ", host, "\r\nRange: bytes=", range.offset, '-',
                range.end() - 1, "\r\nAccept-Encoding: identity\r\nUser-Agent: vhdboot\r\n\r\n");
}

}  // namespace vhdboot::arrive
