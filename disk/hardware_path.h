// SPDX-License-Identifier: GPL-2.0-or-later
// Where in a machine a disk hangs: what the firmware (UEFI 2.10, chapter 10) and every kernel say of it in their own
// words, as one value. Two disks may have the same content; they cannot hang at the same place.
//
// Text: steps from the machine to the disk, "root:0.? pci:31.2 ata:1.0.0", a question mark for what is not known.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"

namespace vhdboot::disk {

struct HardwareStep {
  enum class Kind : std::uint8_t {
    Root,     ///< of PCI: ACPI unique id, first bus (domain × 256 + bus); below another device without numbers
    Pci,      ///< device, function
    Nvme,     ///< namespace id
    Ata,      ///< port, port of a multiplier, device on the cable; all from 0
    Usb,      ///< port of a hub, from 0; of a root hub also what it is with the other root hub's ports before it, and
              ///< the speed of the root hub
    Scsi,     ///< target, logical unit, channel; the firmware names no channel
    Unit,     ///< a further logical unit of a USB disk
    Card,     ///< slot
    Unknown,  ///< what firmware and kernel do not name alike: fibre channel, SAS, platform devices, what a driver
              ///< makes; a kernel's name for it as a number
  };
  Kind kind = Kind::Unknown;
  std::array<std::optional<std::uint32_t>, 3> numbers;  ///< as listed; absent: not known, or there is none

  friend bool operator==(const HardwareStep&, const HardwareStep&) = default;
};

using HardwarePath = std::vector<HardwareStep>;

inline constexpr std::size_t kMaxHardwareSteps = 32;

/// Ordered: what is greater is the better match.
enum class SamePlace : std::uint8_t {
  No,
  Perhaps,   ///< nothing speaks against it
  Probably,  ///< all numbers agree, but one of the two may count in another way: USB ports, targets of RAID controllers
  Yes,
};

/// No only where nobody who counts correctly could mean the same disk; either way round the same.
[[nodiscard]] SamePlace compare(const HardwarePath& one, const HardwarePath& other);

/// The place of the disk that a device path leads to, of it or of what lies on it. What is malformed ends it.
[[nodiscard]] HardwarePath parse_device_path(Bytes path);

[[nodiscard]] std::string to_text(const HardwarePath& path);
/// Nothing for a text that is none.
[[nodiscard]] std::optional<HardwarePath> parse_hardware_path(std::string_view text);

}  // namespace vhdboot::disk
