// SPDX-License-Identifier: GPL-2.0-or-later
#include "init/arrive/dhcp.h"

#include <algorithm>
#include <bit>
#include <span>

namespace vhdboot::arrive {
namespace {

constexpr std::size_t kFixed = 236;
constexpr std::size_t kTransactionAt = 4;
constexpr std::size_t kFlagsAt = 10;
constexpr std::size_t kOwnAddressAt = 12;
constexpr std::size_t kYourAddressAt = 16;
constexpr std::size_t kHardwareAt = 28;
constexpr std::uint32_t kCookie = 0x63825363;
constexpr std::uint16_t kBroadcast = 0x8000;
constexpr std::size_t kSmallest = 300;  // of BOOTP: some servers and switches drop what is shorter

constexpr std::byte kPad{0};
constexpr std::byte kEnd{255};
enum Option : std::uint8_t {
  kMask = 1,
  kRouter = 3,
  kWantedAddress = 50,
  kLeaseTime = 51,
  kMessageType = 53,
  kServer = 54,
  kWantedOptions = 55,
};
enum Type : std::uint8_t { kDiscover = 1, kOffer = 2, kRequest = 3, kAck = 5, kNak = 6 };

std::vector<std::byte> begin_message(const DhcpClient& client, Type type) {
  std::vector<std::byte> message(kFixed);
  message[0] = std::byte{1};  // a request
  message[1] = std::byte{1};  // Ethernet
  message[2] = std::byte{6};
  static_cast<void>(store_be(message, kTransactionAt, client.transaction));
  static_cast<void>(store_be(message, kFlagsAt, kBroadcast));
  std::ranges::transform(client.mac, message.begin() + kHardwareAt, [](std::uint8_t byte) { return std::byte{byte}; });
  message.resize(kFixed + sizeof kCookie);
  static_cast<void>(store_be(message, kFixed, kCookie));
  message.insert(message.end(), {std::byte{kMessageType}, std::byte{1}, std::byte{type}});
  return message;
}

void add(std::vector<std::byte>& message, Option option, std::span<const std::uint8_t> value) {
  message.push_back(std::byte{option});
  message.push_back(static_cast<std::byte>(value.size()));
  for (const std::uint8_t byte : value) message.push_back(std::byte{byte});
}

std::vector<std::byte> finish_message(std::vector<std::byte> message) {
  constexpr std::array<std::uint8_t, 3> kWanted{kMask, kRouter, kLeaseTime};
  add(message, kWantedOptions, kWanted);
  message.push_back(kEnd);
  message.resize(std::max(message.size(), kSmallest));
  return message;
}

std::optional<Ipv4> address_in(Bytes value) {
  if (value.size() < sizeof(Ipv4)) return std::nullopt;
  Ipv4 address{};
  std::ranges::transform(value.first(sizeof(Ipv4)), address.begin(),
                         [](std::byte byte) { return std::to_integer<std::uint8_t>(byte); });
  return address;
}

/// The first option of that number.
std::optional<Bytes> find_option(Bytes options, Option wanted) {
  while (!options.empty() && options[0] != kEnd) {
    if (options[0] == kPad) {
      options = options.subspan(1);
      continue;
    }
    if (options.size() < 2) break;
    const auto length = std::to_integer<std::size_t>(options[1]);
    if (length > options.size() - 2) break;
    if (options[0] == std::byte{wanted}) return options.subspan(2, length);
    options = options.subspan(2 + length);
  }
  return std::nullopt;
}

std::optional<Lease> lease_in(Bytes message, Bytes options) {
  constexpr std::uint32_t kShortest = 60;
  const auto number = [&](Option option) {
    return load_be<std::uint32_t>(find_option(options, option).value_or(Bytes()), 0).value_or(0);
  };
  const std::uint32_t mask = number(kMask);
  const std::uint32_t seconds = number(kLeaseTime);
  const auto server = address_in(find_option(options, kServer).value_or(Bytes()));
  const auto address = address_in(message.subspan(kYourAddressAt));
  const auto prefix = static_cast<unsigned>(std::countl_one(mask));
  if (prefix == 0 || std::popcount(mask) != static_cast<int>(prefix) || seconds == 0) return std::nullopt;
  if (!server || !address || !is_of_a_host(*address)) return std::nullopt;
  HostAddress host{.address = *address, .prefix = prefix, .router = {}};
  if (const auto router = find_option(options, kRouter)) host.router = address_in(*router);
  if (host.router && !is_of_a_host(*host.router)) host.router.reset();
  return Lease{.host = host, .server = *server, .seconds = std::max(seconds, kShortest)};
}

}  // namespace

std::vector<std::byte> dhcp_discover(const DhcpClient& client) {
  return finish_message(begin_message(client, kDiscover));
}

std::vector<std::byte> dhcp_request(const DhcpClient& client, const Lease& offered) {
  auto message = begin_message(client, kRequest);
  add(message, kWantedAddress, offered.host.address);
  add(message, kServer, offered.server);
  return finish_message(std::move(message));
}

std::vector<std::byte> dhcp_renew(const DhcpClient& client, const Lease& lease) {
  auto message = begin_message(client, kRequest);
  std::ranges::transform(lease.host.address, message.begin() + kOwnAddressAt,
                         [](std::uint8_t byte) { return std::byte{byte}; });
  return finish_message(std::move(message));
}

std::optional<DhcpAnswer> parse_dhcp(Bytes message, const DhcpClient& client) {
  if (message.size() < kFixed + sizeof kCookie || message[0] != std::byte{2} ||
      load_be<std::uint32_t>(message, kTransactionAt) != client.transaction ||
      load_be<std::uint32_t>(message, kFixed) != kCookie)
    return std::nullopt;
  const auto is_same = [](std::byte one, std::uint8_t other) { return one == std::byte{other}; };
  if (!std::ranges::equal(message.subspan(kHardwareAt, client.mac.size()), client.mac, is_same)) return std::nullopt;
  const Bytes options = message.subspan(kFixed + sizeof kCookie);
  const auto type = find_option(options, kMessageType);
  if (!type || type->size() != 1) return std::nullopt;
  const auto kind = std::to_integer<std::uint8_t>((*type)[0]);
  if (kind == kNak) return DhcpAnswer{.kind = DhcpAnswer::Kind::Refusal, .lease = {}};
  if (kind != kOffer && kind != kAck) return std::nullopt;
  auto lease = lease_in(message, options);
  if (!lease) return std::nullopt;
  return DhcpAnswer{.kind = kind == kAck ? DhcpAnswer::Kind::Ack : DhcpAnswer::Kind::Offer, .lease = *lease};
}

}  // namespace vhdboot::arrive
