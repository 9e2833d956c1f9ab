// SPDX-License-Identifier: GPL-2.0-or-later
#include "init/arrive/ipv4.h"

#include "base/quoted.h"
#include "base/text.h"

namespace vhdboot::arrive {
namespace {

std::uint32_t number_of(const Ipv4& address) {
  return std::uint32_t{address[0]} << 24 | std::uint32_t{address[1]} << 16 | std::uint32_t{address[2]} << 8 |
         std::uint32_t{address[3]};
}

std::uint32_t network_of(const Ipv4& address, unsigned prefix) {
  return number_of(address) >> (32 - prefix);
}

}  // namespace

std::optional<Ipv4> parse_ipv4(std::string_view text) {
  const auto parts = split(text, '.');
  Ipv4 address{};
  if (parts.size() != address.size()) return std::nullopt;
  for (std::size_t i = 0; i < address.size(); ++i) {
    const auto number = parse_u64(parts[i]);
    if (!number || *number > 255 || parts[i].size() > 3) return std::nullopt;
    address[i] = static_cast<std::uint8_t>(*number);
  }
  return address;
}

std::string to_text(const Ipv4& address) {
  return concat(unsigned{address[0]}, '.', unsigned{address[1]}, '.', unsigned{address[2]}, '.', unsigned{address[3]});
}

bool is_of_a_host(const Ipv4& address) {
  return address[0] != 0 && address[0] != 127 && address[0] < 224;
}

Result<HostAddress> parse_host_address(std::string_view text) {
  const auto words = split_words(text);
  const std::string_view first = words.empty() ? std::string_view() : words.front();
  const std::size_t slash = first.find('/');
  const auto address = parse_ipv4(first.substr(0, slash));
  const std::uint64_t prefix = slash == std::string_view::npos ? 0 : parse_u64(first.substr(slash + 1)).value_or(0);
  if (words.size() > 2 || !address || !is_of_a_host(*address) || prefix < 1 || prefix > 32)
    return fail(Code::Invalid,
                concat("expected an address and the bits of its network, and the router if there is one, "
                       "as in 192.168.1.20/24 192.168.1.1, found ",
                       quoted(text)));
  // Of a network of one or two nobody is left out.
  const std::uint32_t last = prefix < 31 ? UINT32_MAX >> prefix : 0;
  if (const std::uint32_t own = number_of(*address) & last; last != 0 && (own == 0 || own == last))
    return fail(Code::Invalid, concat("no machine has the first or the last address of a network, as ", first, " is"));
  HostAddress host{.address = *address, .prefix = static_cast<unsigned>(prefix), .router = {}};
  if (words.size() == 1) return host;
  host.router = parse_ipv4(words[1]);
  if (!host.router || host.router == address ||
      network_of(*host.router, host.prefix) != network_of(*address, host.prefix))
    return fail(Code::Invalid,
                concat("the router is another machine of the network ", first, ", and not ", quoted(words[1])));
  return host;
}

}  // namespace vhdboot::arrive
