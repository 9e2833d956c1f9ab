// SPDX-License-Identifier: GPL-2.0-or-later
#include "init/sys/network.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/ethtool.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <net/route.h>
#include <poll.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/random.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <span>
#include <string_view>
#include <vector>

#include "base/text.h"
#include "init/sys/file.h"

namespace vhdboot::sys {
namespace {

using namespace std::chrono_literals;
using arrive::DhcpAnswer;
using arrive::HostAddress;
using arrive::Ipv4;
using arrive::Lease;

constexpr char kName[] = "vhdboot0";
constexpr int kMostCards = 256;  // numbers of the system's cards that are looked at
constexpr auto kForUdev = 5s;    // until the system's udev has given a card its name: it cannot later on
constexpr auto kAnswer = 2s;     // of a DHCP server, before it is asked again
constexpr auto kAgain = 200ms;
constexpr unsigned long kWireless = 0x8B01;  // SIOCGIWNAME of linux/wireless.h, which needs more than it has

bool wait_for(const Fd& socket, short events, Deadline deadline) {
  pollfd wait{.fd = socket.get(), .events = events, .revents = 0};
  return ::poll(&wait, 1, deadline.poll_timeout()) > 0;
}

void pause(std::chrono::milliseconds time) {
  (void)::poll(nullptr, 0, static_cast<int>(time.count()));
}

sockaddr_in socket_address(const Ipv4& host, std::uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  std::memcpy(&address.sin_addr, host.data(), host.size());
  return address;
}

ifreq request_for(std::string_view name) {
  ifreq request{};
  std::ranges::copy(name.substr(0, IFNAMSIZ - 1), request.ifr_name);
  return request;
}

Result<void> control(const Fd& socket, unsigned long what, ifreq& request, std::string_view doing) {
  if (::ioctl(socket.get(), what, &request) < 0) return fail_errno(doing);
  return {};
}

// It belongs to this machine alone, and is the same at each start, so that a DHCP server gives the same address.
arrive::MacAddress second_mac(const arrive::MacAddress& mac) {
  arrive::MacAddress second = mac;
  second[0] = 'v';  // of those that nobody sells
  second[1] = 'h';
  return second;
}

// A message of rtnetlink, of which all that we say fits by far.
class Message {
 public:
  explicit Message(std::uint16_t type, unsigned flags = 0) {
    header()->nlmsg_len = NLMSG_LENGTH(sizeof(ifinfomsg));
    header()->nlmsg_type = type;
    header()->nlmsg_flags = static_cast<std::uint16_t>(NLM_F_REQUEST | NLM_F_ACK | flags);
  }
  void put(std::uint16_t type, const void* value, std::size_t size) {
    rtattr attribute{.rta_len = static_cast<unsigned short>(RTA_LENGTH(size)), .rta_type = type};
    char* at = bytes_.data() + NLMSG_ALIGN(header()->nlmsg_len);
    std::memcpy(at, &attribute, sizeof attribute);
    if (size != 0) std::memcpy(at + RTA_LENGTH(0), value, size);
    header()->nlmsg_len = NLMSG_ALIGN(header()->nlmsg_len) + RTA_ALIGN(attribute.rta_len);
  }
  void put_number(std::uint16_t type, std::uint32_t value) { put(type, &value, sizeof value); }
  // What is put until end() is within it.
  std::size_t begin(std::uint16_t type) {
    const std::size_t at = NLMSG_ALIGN(header()->nlmsg_len);
    put(type, nullptr, 0);
    return at;
  }
  void end(std::size_t begun) {
    const auto length = static_cast<unsigned short>(header()->nlmsg_len - begun);
    std::memcpy(bytes_.data() + begun, &length, sizeof length);
  }
  [[nodiscard]] Result<void> ask(const Fd& netlink, std::string_view what) {
    if (::send(netlink.get(), bytes_.data(), header()->nlmsg_len, 0) < 0) return fail_errno(what);
    alignas(nlmsghdr) std::array<char, 4096> answer{};
    const ssize_t got = ::recv(netlink.get(), answer.data(), answer.size(), 0);
    nlmsghdr told{};
    nlmsgerr error{};
    if (got < static_cast<ssize_t>(sizeof told + sizeof error)) return fail(Code::Io, std::string(what));
    std::memcpy(&told, answer.data(), sizeof told);
    std::memcpy(&error, answer.data() + sizeof told, sizeof error);
    if (told.nlmsg_type != NLMSG_ERROR || error.error == 0) return {};
    return fail_errno(what, -error.error);
  }

 private:
  nlmsghdr* header() { return reinterpret_cast<nlmsghdr*>(bytes_.data()); }
  alignas(nlmsghdr) std::array<char, 512> bytes_{};
};

Result<Fd> dhcp_socket() {
  Fd socket(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  if (!socket) return fail_errno("asking for an address");
  const int yes = 1;
  const sockaddr_in own = socket_address({}, arrive::kDhcpClientPort);
  if (::setsockopt(socket.get(), SOL_SOCKET, SO_BROADCAST, &yes, sizeof yes) < 0 ||
      ::setsockopt(socket.get(), SOL_SOCKET, SO_BINDTODEVICE, kName, sizeof kName) < 0 ||
      ::bind(socket.get(), reinterpret_cast<const sockaddr*>(&own), sizeof own) < 0)
    return fail_errno("asking for an address");
  return socket;
}

Result<std::optional<DhcpAnswer>> ask_dhcp(const Fd& socket, Bytes message, const arrive::DhcpClient& client,
                                           DhcpAnswer::Kind wanted) {
  const sockaddr_in all = socket_address({255, 255, 255, 255}, arrive::kDhcpServerPort);
  if (::sendto(socket.get(), message.data(), message.size(), 0, reinterpret_cast<const sockaddr*>(&all), sizeof all) <
      0)
    return fail_errno("asking for an address");
  const Deadline deadline = Deadline::in(kAnswer);
  std::array<std::byte, arrive::kMostDhcp> bytes{};
  while (wait_for(socket, POLLIN, deadline)) {
    const ssize_t got = ::recv(socket.get(), bytes.data(), bytes.size(), MSG_DONTWAIT);
    if (got <= 0) continue;
    auto answer = arrive::parse_dhcp(Bytes(bytes).first(static_cast<std::size_t>(got)), client);
    if (answer && (answer->kind == wanted || answer->kind == DhcpAnswer::Kind::Refusal)) return answer;
  }
  return std::nullopt;
}

Result<void> use(const HostAddress& host) {
  const Fd socket(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  if (!socket) return fail_errno("taking an address");
  ifreq request = request_for(kName);
  const auto set = [&](unsigned long what, const sockaddr_in& address) {
    std::memcpy(&request.ifr_addr, &address, sizeof address);
    return control(socket, what, request, "taking an address");
  };
  TRY(set(SIOCSIFADDR, socket_address(host.address, 0)));
  const std::uint32_t mask = htonl(~std::uint32_t{0} << (32 - host.prefix));
  TRY(set(SIOCSIFNETMASK, socket_address(std::bit_cast<Ipv4>(mask), 0)));
  if (!host.router) return {};
  rtentry route{};
  const sockaddr_in to = socket_address({}, 0);
  const sockaddr_in by = socket_address(*host.router, 0);
  std::memcpy(&route.rt_dst, &to, sizeof to);
  std::memcpy(&route.rt_genmask, &to, sizeof to);
  std::memcpy(&route.rt_gateway, &by, sizeof by);
  route.rt_flags = RTF_UP | RTF_GATEWAY;
  if (::ioctl(socket.get(), SIOCADDRT, &route) < 0 && errno != EEXIST) return fail_errno("taking a route");
  return {};
}

}  // namespace

Result<OwnNetwork> OwnNetwork::make(std::optional<HostAddress> fixed) {
  Fd control(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  Fd netlink(::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE));
  if (!control || !netlink) return fail_errno("the network of the system");
  Fd root = TRY(open_file("1/root", O_PATH | O_DIRECTORY));
  if (::unshare(CLONE_NEWNET) < 0) return fail_errno("a network of its own");
  Fd inner = TRY(open_file("self/ns/net", O_RDONLY));
  return OwnNetwork(std::move(control), std::move(netlink), std::move(inner), std::move(root), fixed);
}

std::string OwnNetwork::name_of(int index) const {
  ifreq request{};
  request.ifr_ifindex = index;
  return ::ioctl(control_.get(), SIOCGIFNAME, &request) < 0 ? "" : request.ifr_name;
}

// One for Ethernet that is a device: no bridge, no second card of somebody else, and no radio, which has no room for
// two of us.
std::optional<OwnNetwork::Card> OwnNetwork::card_at(int index) const {
  const std::string name = name_of(index);
  if (name.empty()) return std::nullopt;
  ifreq request = request_for(name);
  if (::ioctl(control_.get(), SIOCGIFHWADDR, &request) < 0 || request.ifr_hwaddr.sa_family != ARPHRD_ETHER)
    return std::nullopt;
  Card card{.index = index};
  std::memcpy(card.mac.data(), request.ifr_hwaddr.sa_data, card.mac.size());
  ethtool_drvinfo driver{};
  driver.cmd = ETHTOOL_GDRVINFO;
  request.ifr_data = reinterpret_cast<char*>(&driver);
  if (::ioctl(control_.get(), SIOCETHTOOL, &request) < 0) return std::nullopt;
  const std::string_view bus(driver.bus_info, ::strnlen(driver.bus_info, sizeof driver.bus_info));
  if (bus.empty() || bus == "N/A" || bus == "tap" || bus == "tun") return std::nullopt;
  request = request_for(name);
  if (::ioctl(control_.get(), kWireless, &request) == 0) return std::nullopt;
  return card;
}

bool OwnNetwork::is_named(const Card& card) const {
  return ::faccessat(root_.get(), concat("run/udev/data/n", card.index).c_str(), F_OK, 0) == 0;
}

Result<void> OwnNetwork::set_up(const Card& card) const {
  ifreq request = request_for(name_of(card.index));
  TRY(control(control_, SIOCGIFFLAGS, request, "the network card"));
  if ((request.ifr_flags & IFF_UP) != 0) return {};
  request.ifr_flags = static_cast<short>(request.ifr_flags | IFF_UP);
  return control(control_, SIOCSIFFLAGS, request, "setting the network card up");
}

bool OwnNetwork::has_carrier(const Card& card) const {
  ifreq request = request_for(name_of(card.index));
  return ::ioctl(control_.get(), SIOCGIFFLAGS, &request) == 0 && (request.ifr_flags & IFF_RUNNING) != 0;
}

// Whether or not there is one: what an earlier try has left would be in the way of the next.
void OwnNetwork::drop_second() {
  card_.reset();
  held_.reset();
  const Fd netlink(::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE));
  Message message(RTM_DELLINK);
  message.put(IFLA_IFNAME, kName, sizeof kName);
  if (netlink) (void)message.ask(netlink, "");
}

Result<void> OwnNetwork::make_second(const Card& card) {
  client_.mac = second_mac(card.mac);
  Message message(RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL);
  message.put(IFLA_IFNAME, kName, sizeof kName);
  message.put_number(IFLA_LINK, static_cast<std::uint32_t>(card.index));
  message.put(IFLA_ADDRESS, client_.mac.data(), client_.mac.size());
  message.put_number(IFLA_NET_NS_FD, static_cast<std::uint32_t>(inner_.get()));
  constexpr std::string_view kKind = "macvlan";
  const std::size_t info = message.begin(IFLA_LINKINFO);
  message.put(IFLA_INFO_KIND, kKind.data(), kKind.size());
  const std::size_t data = message.begin(IFLA_INFO_DATA);
  message.put_number(IFLA_MACVLAN_MODE, MACVLAN_MODE_BRIDGE);
  message.end(data);
  message.end(info);
  TRY(message.ask(netlink_, concat("a second network card on ", name_of(card.index))));
  const Fd socket(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  ifreq request = request_for(kName);
  TRY(control(socket, SIOCGIFFLAGS, request, "the second network card"));
  request.ifr_flags = static_cast<short>(request.ifr_flags | IFF_UP);
  TRY(control(socket, SIOCSIFFLAGS, request, "setting the second network card up"));
  card_ = card;
  return {};
}

Result<void> OwnNetwork::take_card(Deadline deadline) {
  std::vector<Card> cards;
  for (int index = 1; index <= kMostCards; ++index)
    if (const auto card = card_at(index)) cards.push_back(*card);
  if (cards.empty()) return fail(Code::NotFound, "there is no network card for Ethernet that its kernel drives");
  // One that is up gets no other name any more.
  const Deadline named = earlier(deadline, Deadline::in(kForUdev));
  const auto are_named = [&] {
    return std::ranges::all_of(cards, [&](const Card& card) { return card.index <= waited_ || is_named(card); });
  };
  while (!are_named() && !named.passed(Deadline::Clock::now())) pause(100ms);
  waited_ = std::max(waited_, cards.back().index);
  // One without its firmware is no reason to leave out the others.
  std::erase_if(cards, [&](const Card& card) { return !set_up(card); });
  if (cards.empty()) return fail(Code::Io, "no network card can be set up");
  // Where one has a cable and nobody answers, it is another one's turn.
  std::ranges::rotate(cards, cards.begin() + static_cast<std::ptrdiff_t>(turn_ % cards.size()));
  for (;; pause(100ms)) {
    const auto ready = std::ranges::find_if(cards, [&](const Card& card) { return has_carrier(card); });
    if (ready != cards.end()) return make_second(*ready);
    if (deadline.passed(Deadline::Clock::now()))
      return fail(Code::Timeout, "no network card has a cable that leads anywhere");
  }
}

void OwnNetwork::hold(const Lease& lease) {
  const auto now = Deadline::Clock::now();
  held_ = Held{.lease = lease,
               .ends = now + std::chrono::seconds(lease.seconds),
               .renew = now + std::chrono::seconds(lease.seconds / 2)};
}

Result<void> OwnNetwork::ask_address(Deadline deadline) {
  if (::getrandom(&client_.transaction, sizeof client_.transaction, GRND_NONBLOCK) < 0)
    client_.transaction = static_cast<std::uint32_t>(Deadline::Clock::now().time_since_epoch().count());
  const Fd socket = TRY(dhcp_socket());
  while (!deadline.passed(Deadline::Clock::now())) {
    const auto offer = TRY(ask_dhcp(socket, arrive::dhcp_discover(client_), client_, DhcpAnswer::Kind::Offer));
    if (!offer || offer->kind != DhcpAnswer::Kind::Offer) {
      pause(kAgain);
      continue;
    }
    const auto taken =
        TRY(ask_dhcp(socket, arrive::dhcp_request(client_, offer->lease), client_, DhcpAnswer::Kind::Ack));
    if (!taken || taken->kind != DhcpAnswer::Kind::Ack) {
      pause(kAgain);
      continue;
    }
    TRY(use(taken->lease.host));
    hold(taken->lease);
    return {};
  }
  return fail(Code::Timeout, "no DHCP server gives an address");
}

// From half of its time on, now and then, until it is over.
Result<void> OwnNetwork::renew() {
  const auto now = Deadline::Clock::now();
  if (now < held_->renew) return {};
  held_->renew = now + 30s;
  const Fd socket = TRY(dhcp_socket());
  const auto answer = TRY(ask_dhcp(socket, arrive::dhcp_renew(client_, held_->lease), client_, DhcpAnswer::Kind::Ack));
  if (answer && answer->kind == DhcpAnswer::Kind::Ack && answer->lease.host.address == held_->lease.host.address)
    hold(answer->lease);
  else if (answer || now > held_->ends)
    held_.reset();
  return {};
}

Result<void> OwnNetwork::connect(Deadline deadline) {
  // It may have been taken out.
  if (card_ && name_of(card_->index).empty()) card_.reset();
  if (!card_) {
    drop_second();
    TRY(take_card(deadline));
  }
  TRY(set_up(*card_));
  if (fixed_ && !held_) {
    TRY(use(*fixed_));
    hold({.host = *fixed_, .server = {}, .seconds = UINT32_MAX});
  }
  if (held_) TRY(renew());
  if (held_) return {};
  auto asked = ask_address(deadline);
  if (asked || asked.error().code != Code::Timeout) return asked;
  drop_second();
  ++turn_;
  return asked;
}

void OwnNetwork::try_another_card() {
  for (int index = 1; index <= kMostCards; ++index) {
    const auto card = card_at(index);
    if (!card || (card_ && card_->index == index) || !has_carrier(*card)) continue;
    drop_second();
    ++turn_;
    return;
  }
}

Result<Fd> open_connection(const arrive::WebAddress& address, Deadline deadline) {
  Fd socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!socket) return fail_errno("reaching the server");
  const sockaddr_in to = socket_address(address.host, address.port);
  if (::connect(socket.get(), reinterpret_cast<const sockaddr*>(&to), sizeof to) == 0) return socket;
  if (errno != EINPROGRESS) return fail_errno("reaching the server");
  if (!wait_for(socket, POLLOUT, deadline)) return fail(Code::Timeout, "the server does not answer");
  int error = 0;
  socklen_t size = sizeof error;
  if (::getsockopt(socket.get(), SOL_SOCKET, SO_ERROR, &error, &size) < 0) return fail_errno("reaching the server");
  if (error != 0) return fail_errno("reaching the server", error);
  return socket;
}

Result<void> send_all(const Fd& socket, Bytes bytes, Deadline deadline) {
  while (!bytes.empty()) {
    const ssize_t sent = ::send(socket.get(), bytes.data(), bytes.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
    if (sent >= 0)
      bytes = bytes.subspan(static_cast<std::size_t>(sent));
    else if (errno != EAGAIN && errno != EINTR)
      return fail_errno("asking the server");
    else if (!wait_for(socket, POLLOUT, deadline))
      return fail(Code::Timeout, "the server does not listen");
  }
  return {};
}

Result<std::size_t> receive_some(const Fd& socket, MutableBytes to, Deadline deadline) {
  for (;;) {
    const ssize_t got = ::recv(socket.get(), to.data(), to.size(), MSG_DONTWAIT);
    if (got >= 0) return static_cast<std::size_t>(got);
    if (errno != EAGAIN && errno != EINTR) return fail_errno("the server's answer");
    if (!wait_for(socket, POLLIN, deadline)) return fail(Code::Timeout, "the server does not answer");
  }
}

}  // namespace vhdboot::sys
