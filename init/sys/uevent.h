// SPDX-License-Identifier: GPL-2.0-or-later
// Messages of the kernel about devices: netlink KOBJECT_UEVENT datagrams, and the `uevent` files of sysfs.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/result.h"

namespace vhdboot::sys {

/// A field that the message does not have is empty.
struct Uevent {
  std::string action;     ///< "add", "remove", "change" ...; empty in a uevent file
  std::string devpath;    ///< below /sys: "/devices/..."; empty in a uevent file
  std::string subsystem;  ///< "block", "usb" ...; empty in a uevent file
  std::string devtype;    ///< "disk", "partition" ...
  std::string devname;    ///< below /dev: "sda2"
  std::string driver;
  std::string modalias;
  std::optional<unsigned> major;
  std::optional<unsigned> minor;
  std::optional<unsigned> partition_number;  ///< PARTN
  std::optional<std::uint64_t> sequence;     ///< SEQNUM

  friend bool operator==(const Uevent&, const Uevent&) = default;
};

inline constexpr std::size_t kMaxUeventBytes = 16 * 1024;  ///< the kernel's own buffer is 2048 bytes plus a header

/// Reads one datagram: "ACTION@DEVPATH\0KEY=VALUE\0...". Unsupported for udev's own messages ("libudev"); Corrupt when
/// the header and the fields contradict each other or there is no header.
[[nodiscard]] Result<Uevent> parse_uevent(Bytes datagram);

/// Reads a `uevent` file: "KEY=VALUE\n...". Lines of another form are skipped.
[[nodiscard]] Uevent parse_uevent_file(std::string_view text);

}  // namespace vhdboot::sys
