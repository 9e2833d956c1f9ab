// SPDX-License-Identifier: GPL-2.0-or-later
// A way of one's own into the network of a running system: a second card on top of its card (macvlan), in a network
// namespace where nobody else sees it, with an address of its own. What the system does with its card does not matter,
// unless it makes that a part of another one; a card that was taken down is set up again.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <utility>

#include "base/bytes.h"
#include "base/fd.h"
#include "base/result.h"
#include "init/arrive/dhcp.h"
#include "init/arrive/web_address.h"
#include "init/sys/deadline.h"

namespace vhdboot::sys {

class OwnNetwork {
 public:
  /// From here on this process is in the other namespace, which ends with it. Needs all rights, and a proc as the
  /// working directory; all else needs those of keep_network_rights(). Without `fixed` the address comes by DHCP.
  [[nodiscard]] static Result<OwnNetwork> make(std::optional<arrive::HostAddress> fixed);

  /// Returns when there is an address, now or since an earlier call; renews it when it is time. NotFound without a
  /// card, Timeout without an answer: to be tried again.
  [[nodiscard]] Result<void> connect(Deadline deadline);

  /// Who is not reached by this card may be by another one: connect() takes that, if there is one.
  void try_another_card();

 private:
  struct Card {
    int index = 0;
    arrive::MacAddress mac{};
  };
  struct Held {
    arrive::Lease lease;
    Deadline::Clock::time_point ends;
    Deadline::Clock::time_point renew;
  };

  OwnNetwork(Fd control, Fd netlink, Fd inner, Fd root, std::optional<arrive::HostAddress> fixed)
      : control_(std::move(control)),
        netlink_(std::move(netlink)),
        inner_(std::move(inner)),
        root_(std::move(root)),
        fixed_(fixed) {}

  [[nodiscard]] std::string name_of(int index) const;
  [[nodiscard]] std::optional<Card> card_at(int index) const;
  [[nodiscard]] bool is_named(const Card& card) const;
  [[nodiscard]] Result<void> set_up(const Card& card) const;
  [[nodiscard]] bool has_carrier(const Card& card) const;
  [[nodiscard]] Result<void> take_card(Deadline deadline);
  [[nodiscard]] Result<void> make_second(const Card& card);
  [[nodiscard]] Result<void> ask_address(Deadline deadline);
  [[nodiscard]] Result<void> renew();
  void hold(const arrive::Lease& lease);
  void drop_second();

  Fd control_;  // a socket among the system's cards, for ioctl(2)
  Fd netlink_;  // likewise
  Fd inner_;    // the namespace
  Fd root_;  // of process 1 when it began: of the initrd, or the system's. What udev says there is seen until that ends
  int waited_ = 0;  // the last of the cards for which udev was waited for
  std::optional<arrive::HostAddress> fixed_;
  std::optional<Card> card_;
  std::size_t turn_ = 0;  // whose, of several
  arrive::DhcpClient client_;
  std::optional<Held> held_;
};

/// A connection to a server. Timeout, Io.
[[nodiscard]] Result<Fd> open_connection(const arrive::WebAddress& address, Deadline deadline);
[[nodiscard]] Result<void> send_all(const Fd& socket, Bytes bytes, Deadline deadline);
/// What comes next; 0 at the end of the connection. Timeout.
[[nodiscard]] Result<std::size_t> receive_some(const Fd& socket, MutableBytes to, Deadline deadline);

}  // namespace vhdboot::sys
