// SPDX-License-Identifier: GPL-2.0-or-later
#include "init/arrive/dhcp.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "init/arrive/web_address.h"
#include "tests/unit/base/error_matchers.h"

namespace vhdboot::arrive {
namespace {

using test::Fails;

constexpr DhcpClient kClient{.mac = {2, 0x12, 0x34, 0x56, 0x78, 0x9A}, .transaction = 0xDEADBEEF};

struct Options {
  unsigned type = 5;
  std::vector<unsigned> more{1,  4, 255, 255, 255, 0,    // mask
                             3,  4, 10,  0,   2,   2,    // router
                             0,                          // pad
                             51, 4, 0,   1,   81,  128,  // a day
                             54, 4, 10,  0,   2,   2,   255};
};

std::vector<std::byte> answer(const Options& options) {
  std::vector<std::byte> message(236);
  message[0] = std::byte{2};
  EXPECT_TRUE(store_be<std::uint32_t>(message, 4, 0xDEADBEEF));
  EXPECT_TRUE(store_be<std::uint32_t>(message, 16, 0x0A00020F));
  std::ranges::transform(kClient.mac, message.begin() + 28, [](std::uint8_t byte) { return std::byte{byte}; });
  for (const unsigned byte : {0x63U, 0x82U, 0x53U, 0x63U, 53U, 1U, options.type})
    message.push_back(static_cast<std::byte>(byte));
  for (const unsigned byte : options.more) message.push_back(static_cast<std::byte>(byte));
  return message;
}

constexpr Lease kLease{.host = {.address = {10, 0, 2, 15}, .prefix = 24, .router = Ipv4{10, 0, 2, 2}},
                       .server = {10, 0, 2, 2},
                       .seconds = 86400};

TEST(Dhcp, Answers) {
  const auto offer = parse_dhcp(answer({.type = 2}), kClient);
  ASSERT_TRUE(offer);
  EXPECT_EQ(offer->kind, DhcpAnswer::Kind::Offer);
  EXPECT_EQ(offer->lease, kLease);
  EXPECT_EQ(parse_dhcp(answer({}), kClient)->kind, DhcpAnswer::Kind::Ack);
  EXPECT_EQ(parse_dhcp(answer({.type = 6, .more = {255}}), kClient)->kind, DhcpAnswer::Kind::Refusal);
}

TEST(Dhcp, NoAnswers) {
  auto message = answer({});
  EXPECT_FALSE(parse_dhcp({}, kClient));
  EXPECT_FALSE(parse_dhcp(Bytes(message).first(239), kClient));
  EXPECT_FALSE(parse_dhcp(message, {.mac = kClient.mac, .transaction = 1}));
  EXPECT_FALSE(parse_dhcp(message, {.mac = {1, 2, 3, 4, 5, 6}, .transaction = kClient.transaction}));
  EXPECT_FALSE(parse_dhcp(dhcp_request(kClient, kLease), kClient));
  EXPECT_FALSE(parse_dhcp(answer({.type = 1}), kClient));
  // Without a mask, with one of another kind, without a server or a time, and cut off.
  EXPECT_FALSE(parse_dhcp(answer({.more = {51, 4, 0, 0, 1, 0, 54, 4, 10, 0, 2, 2}}), kClient));
  EXPECT_FALSE(parse_dhcp(answer({.more = {1, 4, 255, 0, 255, 0, 51, 4, 0, 0, 1, 0, 54, 4, 10, 0, 2, 2}}), kClient));
  EXPECT_FALSE(parse_dhcp(answer({.more = {1, 4, 255, 255, 255, 0, 51, 4, 0, 0, 1, 0}}), kClient));
  EXPECT_FALSE(parse_dhcp(answer({.more = {1, 4, 255, 255, 255, 0, 54, 4, 10, 0, 2, 2}}), kClient));
  EXPECT_FALSE(parse_dhcp(answer({.more = {1, 4, 255, 255, 255, 0, 51, 4, 0, 0, 1, 0, 54, 4, 10, 0}}), kClient));
  EXPECT_TRUE(store_be<std::uint32_t>(message, 16, 0xE0000001));
  EXPECT_FALSE(parse_dhcp(message, kClient));
}

TEST(Dhcp, Requests) {
  for (const auto& message : {dhcp_discover(kClient), dhcp_request(kClient, kLease), dhcp_renew(kClient, kLease)}) {
    EXPECT_GE(message.size(), 300U);
    EXPECT_EQ(message[0], std::byte{1});
    EXPECT_EQ(load_be<std::uint32_t>(message, 4), 0xDEADBEEF);
    EXPECT_EQ(load_be<std::uint16_t>(message, 10), 0x8000);
    EXPECT_EQ(load_be<std::uint32_t>(message, 236), 0x63825363U);
  }
  EXPECT_EQ(load_be<std::uint32_t>(dhcp_renew(kClient, kLease), 12), 0x0A00020FU);
  EXPECT_EQ(load_be<std::uint32_t>(dhcp_request(kClient, kLease), 12), 0U);
}

TEST(HostAddress, Parses) {
  EXPECT_EQ(parse_host_address("192.168.1.20/24"),
            (HostAddress{.address = {192, 168, 1, 20}, .prefix = 24, .router = {}}));
  EXPECT_EQ(parse_host_address("10.0.2.9/8  10.200.0.1"),
            (HostAddress{.address = {10, 0, 2, 9}, .prefix = 8, .router = Ipv4{10, 200, 0, 1}}));
  EXPECT_TRUE(parse_host_address("10.0.2.9/32"));
  for (const char* text : {"", "10.0.2.9", "10.0.2.9/", "10.0.2.9/0", "10.0.2.9/33", "10.0.2.9/x", "127.0.0.1/8",
                           "224.0.0.1/8", "0.0.0.0/1", "10.0.2.9/24 10.0.2.1 10.0.2.2", "10.0.2.256/24", "/24"})
    EXPECT_THAT(parse_host_address(text), Fails(Code::Invalid, "as in 192.168.1.20/24 192.168.1.1")) << text;
  for (const char* text : {"10.0.2.0/24", "10.0.2.255/24", "10.0.0.0/8", "192.168.1.3/30"})
    EXPECT_THAT(parse_host_address(text), Fails(Code::Invalid, "the first or the last address")) << text;
  EXPECT_TRUE(parse_host_address("10.0.2.0/31"));
  for (const char* router : {"10.0.3.1", "10.0.2.9", "10.0.2", "x"})
    EXPECT_THAT(parse_host_address(std::string("10.0.2.9/24 ") + router),
                Fails(Code::Invalid, "the router is another machine"))
        << router;
}

TEST(WebAddress, Parses) {
  EXPECT_EQ(parse_web_address("http://10.0.2.2/debian.vhd"),
            (WebAddress{.host = {10, 0, 2, 2}, .port = 80, .path = "/debian.vhd"}));
  EXPECT_EQ(parse_web_address("http://10.0.2.2:8080/a/b.vhd"),
            (WebAddress{.host = {10, 0, 2, 2}, .port = 8080, .path = "/a/b.vhd"}));
  EXPECT_THAT(parse_web_address("https://10.0.2.2/a"), Fails(Code::Invalid, "https is not possible"));
  EXPECT_THAT(parse_web_address("http://server/a"), Fails(Code::Invalid, "known by its number"));
  for (const char* url :
       {"ftp://1.2.3.4/a", "http://1.2.3.4", "http://1.2.3.4/", "http://1.2.3.4/a b", "http://1.2.3.4:0/a",
        "http://1.2.3.4:65536/a", "http://1.2.3/a", "http://1.2.3.256/a", "http://a@1.2.3.4/a", "http://1.2.3.4/a?b"})
    EXPECT_FALSE(parse_web_address(url)) << url;
}

TEST(WebAddress, Asks) {
  const WebAddress address{.host = {10, 0, 2, 2}, .port = 8080, .path = "/a.vhd"};
  EXPECT_EQ(range_request(address, {4096, 8192}),
            "GET /a.vhd HTTP/1.1\r\nHost: 10.0.2.2:8080\r\nRange: bytes=4096-12287\r\nAccept-Encoding: identity\r\n"
            "User-Agent: vhdboot\r\n\r\n");
}

}  // namespace
}  // namespace vhdboot::arrive
