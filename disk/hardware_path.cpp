// SPDX-License-Identifier: GPL-2.0-or-later
#include "disk/hardware_path.h"

#include <algorithm>

#include "base/device_path.h"
#include "base/text.h"

namespace vhdboot::disk {
namespace {

using Kind = HardwareStep::Kind;

constexpr std::array<std::string_view, 9> kNames{"root", "pci", "nvme", "ata", "usb", "scsi", "unit", "card", "?"};

SamePlace compare_usb(const HardwareStep& one, const HardwareStep& other) {
  if (one.numbers == other.numbers) return one.numbers[1] && !one.numbers[2] ? SamePlace::Probably : SamePlace::Yes;
  for (const std::size_t a : {0, 1})
    for (const std::size_t b : {0, 1})
      if (one.numbers[a] && one.numbers[a] == other.numbers[b])
        return one.numbers[1] || other.numbers[1] ? SamePlace::Probably : SamePlace::Yes;
  // A root hub's ports may be counted in a third way.
  return one.numbers[1] || other.numbers[1] ? SamePlace::Perhaps : SamePlace::No;
}

// The unique id is ACPI's, and firmware does not always use the same one in its device paths. Kernels name the bus.
SamePlace compare_roots(const HardwareStep& one, const HardwareStep& other) {
  if (one.numbers[1] && other.numbers[1]) return one.numbers[1] == other.numbers[1] ? SamePlace::Yes : SamePlace::No;
  return one.numbers[0] && one.numbers[0] == other.numbers[0] ? SamePlace::Yes : SamePlace::Perhaps;
}

// The drivers of RAID controllers count targets in their own ways, and in several channels.
SamePlace compare_scsi(const HardwareStep& one, const HardwareStep& other) {
  if (!one.numbers[0] || one.numbers[0] != other.numbers[0] || one.numbers[1] != other.numbers[1])
    return SamePlace::Perhaps;
  if (!one.numbers[2] || !other.numbers[2]) return SamePlace::Probably;
  return one.numbers[2] == other.numbers[2] ? SamePlace::Yes : SamePlace::Perhaps;
}

SamePlace compare(const HardwareStep& one, const HardwareStep& other) {
  if (one.kind == Kind::Unknown || other.kind == Kind::Unknown)
    return one == other && one.numbers[0] ? SamePlace::Yes : SamePlace::Perhaps;
  // One controller may go by two names, a disk of it as ATA or as SCSI; not what is behind a PCI bridge.
  if (one.kind != other.kind) {
    const bool root = one.kind == Kind::Root || other.kind == Kind::Root;
    const bool pci = one.kind == Kind::Pci || other.kind == Kind::Pci;
    return pci && !root ? SamePlace::No : SamePlace::Perhaps;
  }
  switch (one.kind) {
    case Kind::Root:
      return compare_roots(one, other);
    case Kind::Usb:
      return compare_usb(one, other);
    case Kind::Scsi:
      return compare_scsi(one, other);
    default:
      break;
  }
  for (std::size_t i = 0; i < one.numbers.size(); ++i)
    if (one.numbers[i] && other.numbers[i] && one.numbers[i] != other.numbers[i]) return SamePlace::No;
  // The first number is the one that tells two of a controller apart.
  return one.numbers[0] && other.numbers[0] ? SamePlace::Yes : SamePlace::Perhaps;
}

// A step of a path; nothing where the path has left the disk for what lies on it.
std::optional<HardwareStep> step_of(const device_path::Node& node) {
  const auto byte = [&](std::size_t at) { return load_le<std::uint8_t>(node.data, at); };
  const auto half = [&](std::size_t at) { return load_le<std::uint16_t>(node.data, at); };
  const auto word = [&](std::size_t at) { return load_le<std::uint32_t>(node.data, at); };
  // "PNP" packed into five bits a letter, and the product (UEFI 2.10, 10.3.3): PCI and PCI Express root bridges.
  const auto is_root = [](std::optional<std::uint32_t> hid) { return hid == 0x0A0341D0 || hid == 0x0A0841D0; };
  const auto step = [](Kind kind, std::optional<std::uint32_t> first, std::optional<std::uint32_t> second = {},
                       std::optional<std::uint32_t> third = {}) { return HardwareStep{kind, {first, second, third}}; };
  switch (node.type << 8 | node.subtype) {
    case device_path::kHardware << 8 | 1:
      return step(Kind::Pci, byte(1), byte(0));
    case device_path::kAcpi << 8 | 1:
      if (is_root(word(0))) return step(Kind::Root, word(4));
      break;
    case device_path::kAcpi << 8 | 2:  // expanded: HID, UID, CID, then a string for each that counts instead
      if ((is_root(word(0)) || is_root(word(8))) && byte(12) == 0)
        return step(Kind::Root, byte(13) == 0 ? word(4) : std::nullopt);
      break;
    case device_path::kMessaging << 8 | 1:
      return step(Kind::Ata, byte(0), 0, byte(1));
    case device_path::kMessaging << 8 | 2:
      return step(Kind::Scsi, half(0), half(2));
    case device_path::kMessaging << 8 | 5:
      return step(Kind::Usb, byte(0));
    case device_path::kMessaging << 8 | 17:
      return step(Kind::Unit, byte(0));
    case device_path::kMessaging << 8 | 18: {
      constexpr std::uint16_t kDirect = 0x8000;  // no multiplier between
      const std::uint16_t multiplier = half(2).value_or(kDirect);
      return step(Kind::Ata, half(0), (multiplier & kDirect) != 0 ? 0 : multiplier);
    }
    case device_path::kMessaging << 8 | 23:
      return step(Kind::Nvme, word(0));
    case device_path::kMessaging << 8 | 26:
    case device_path::kMessaging << 8 | 29:
      return step(Kind::Card, byte(0));
    case device_path::kMedia << 8 | 3:  // of a vendor: a disk that a program made
    case device_path::kMedia << 8 | 9:  // RAM disk
      break;
    default:
      if (node.type == device_path::kMedia) return std::nullopt;
      break;
  }
  return HardwareStep{};
}

std::optional<HardwareStep> parse_step(std::string_view text) {
  const auto name = text.substr(0, text.find(':'));
  const auto found = std::ranges::find(kNames, name);
  if (found == kNames.end()) return std::nullopt;
  HardwareStep step{.kind = static_cast<Kind>(found - kNames.begin()), .numbers = {}};
  if (name.size() == text.size()) return step;
  const auto numbers = split(text.substr(name.size() + 1), '.');
  if (numbers.size() > step.numbers.size()) return std::nullopt;
  for (std::size_t i = 0; i < numbers.size(); ++i) {
    if (numbers[i] == "?") continue;
    const auto number = parse_u64(numbers[i]);
    if (!number || *number > UINT32_MAX) return std::nullopt;
    step.numbers.at(i) = static_cast<std::uint32_t>(*number);
  }
  return step;
}

}  // namespace

SamePlace compare(const HardwarePath& one, const HardwarePath& other) {
  SamePlace same = one.empty() || one.size() != other.size() ? SamePlace::Perhaps : SamePlace::Yes;
  for (std::size_t i = 0; i < std::min(one.size(), other.size()); ++i) {
    const bool roots = one[i].kind == Kind::Root && other[i].kind == Kind::Root;
    // Behind another device there is but one bridge.
    const SamePlace step = roots && i > 0 ? SamePlace::Yes : compare(one[i], other[i]);
    if (step == SamePlace::No) return step;
    same = std::min(same, step);
    // Behind what is not known nothing can be told apart.
    if (step == SamePlace::Perhaps && !roots) return same;
  }
  return same;
}

HardwarePath parse_device_path(Bytes path) {
  HardwarePath steps;
  device_path::Reader reader(path);
  while (const auto node = reader.next()) {
    const auto step = step_of(*node);
    if (!step || steps.size() == kMaxHardwareSteps) break;
    // The first unit of a disk goes without saying.
    if (step->kind != Kind::Unit || step->numbers[0] != 0U) steps.push_back(*step);
  }
  return steps;
}

std::string to_text(const HardwarePath& path) {
  std::string text;
  for (const HardwareStep& step : path) {
    text += concat(text.empty() ? "" : " ", kNames.at(static_cast<std::size_t>(step.kind)));
    auto last = step.numbers.end();
    while (last != step.numbers.begin() && !*(last - 1)) --last;
    for (auto number = step.numbers.begin(); number != last; ++number)
      text += concat(number == step.numbers.begin() ? ":" : ".", *number ? concat(**number) : "?");
  }
  return text;
}

std::optional<HardwarePath> parse_hardware_path(std::string_view text) {
  HardwarePath path;
  for (const std::string_view word : split(text, ' ')) {
    const auto step = parse_step(word);
    if (!step || path.size() == kMaxHardwareSteps) return std::nullopt;
    path.push_back(*step);
  }
  return path;
}

}  // namespace vhdboot::disk
