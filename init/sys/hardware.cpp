// SPDX-License-Identifier: GPL-2.0-or-later
#include "init/sys/hardware.h"

#include <climits>
#include <cstdlib>

#include <algorithm>
#include <charconv>
#include <iterator>

#include "base/crc32.h"
#include "base/text.h"
#include "init/sys/directory.h"
#include "init/sys/file.h"

namespace vhdboot::sys {
namespace {

std::string canonical_path(const std::string& path) {
  char canonical[PATH_MAX];
  return ::realpath(path.c_str(), canonical) == nullptr ? "" : canonical;
}

std::string_view last_name(std::string_view path) {
  return path.substr(path.rfind('/') + 1);
}

std::optional<std::uint32_t> number_of(std::string_view text, unsigned base = 10) {
  std::uint32_t number = 0;
  const auto read = std::from_chars(text.data(), text.data() + text.size(), number, static_cast<int>(base));
  return read.ec == std::errc() && read.ptr == text.data() + text.size() ? std::optional(number) : std::nullopt;
}

std::optional<std::uint32_t> attribute_number(const std::string& path) {
  return number_of(read_attribute(path));
}

// The controllers of an NVMe disk as a whole; nothing of any other device.
std::vector<std::string> nvme_controllers(const std::string& path) {
  std::vector<std::string> controllers;
  if (!last_name(path).starts_with("nvme-subsys")) return controllers;
  for (const std::string& name : list_directory(path)) {
    if (!name.starts_with("nvme") || !number_of(std::string_view(name).substr(4))) continue;
    std::string controller = canonical_path(concat(path, '/', name));
    if (!controller.empty() && !controller.starts_with(path)) controllers.push_back(std::move(controller));
  }
  return controllers;
}

// The folders of sysfs from `/devices/` on, outermost first, each with its whole path.
std::vector<std::string> folders_of(const std::string& path) {
  constexpr std::string_view kRoot = "/devices/";
  std::vector<std::string> folders;
  const std::size_t devices = path.find(kRoot);
  if (devices == std::string::npos) return folders;
  for (std::size_t end = devices + kRoot.size(); end < path.size();) {
    end = std::min(path.find('/', end), path.size());
    folders.push_back(path.substr(0, end++));
  }
  return folders;
}

void add_chain(std::vector<DrivenDevice>& chain, const std::string& path) {
  for (const std::string& at : folders_of(path)) {
    for (const std::string& controller : nvme_controllers(at)) add_chain(chain, controller);
    std::string alias = read_attribute(at + "/modalias");
    const std::string driver = canonical_path(at + "/driver");
    if (alias.empty() || driver.empty() || last_name(driver) == "pcieport") continue;
    DrivenDevice device{std::move(alias), std::string(last_name(driver))};
    if (std::ranges::find(chain, device) == chain.end()) chain.push_back(std::move(device));
  }
}

using disk::HardwareStep;
using Kind = HardwareStep::Kind;

HardwareStep step(Kind kind, std::optional<std::uint32_t> first, std::optional<std::uint32_t> second = {},
                  std::optional<std::uint32_t> third = {}) {
  return {kind, {first, second, third}};
}

// "pci0000:00": a root bridge, which the firmware knows by its ACPI device. One that hangs at another PCI device is
// made by a driver (VMD), and what it is called by the order in which such devices were found.
std::optional<HardwareStep> root_step(const std::string& at, std::string_view name, bool outermost) {
  if (!name.starts_with("pci")) return std::nullopt;
  const auto parts = split(name.substr(3), ':');
  if (parts.size() != 2) return std::nullopt;
  const auto domain = number_of(parts[0], 16);
  const auto bus = number_of(parts[1], 16);
  if (!domain || !bus || *domain > 0xFFFFFF || *bus > 0xFF) return std::nullopt;
  if (!outermost) return step(Kind::Root, std::nullopt);
  return step(Kind::Root, attribute_number(at + "/firmware_node/uid"), *domain << 8 | *bus);
}

// "0000:00:1f.2".
std::optional<HardwareStep> pci_step(std::string_view name) {
  const auto parts = split(name, ':');
  if (parts.size() != 3 || !number_of(parts[0], 16) || !number_of(parts[1], 16)) return std::nullopt;
  const auto numbers = split(parts[2], '.');
  if (numbers.size() != 2) return std::nullopt;
  const auto device = number_of(numbers[0], 16);
  const auto function = number_of(numbers[1], 16);
  if (!device || !function) return std::nullopt;
  return step(Kind::Pci, device, function);
}

// "1-2.3": the ports from the root hub on. A USB 3 controller has two root hubs, each of which counts from 1, while the
// firmware counts the ports of both; sysfs does not tell which come first.
disk::HardwarePath usb_steps(const std::string& at, std::string_view name) {
  disk::HardwarePath steps;
  const auto parts = split(name, '-');
  if (parts.size() != 2 || !number_of(parts[0])) return steps;
  for (const std::string_view text : split(parts[1], '.')) {
    const auto port = number_of(text);
    if (!port || *port == 0) return {};
    steps.push_back(step(Kind::Usb, *port - 1));
  }
  std::string controller = at;
  std::string hub;
  while (!controller.empty() && !last_name(controller).starts_with("usb")) controller.resize(controller.rfind('/'));
  hub = last_name(controller);
  controller.resize(controller.rfind('/') == std::string::npos ? 0 : controller.rfind('/'));
  if (auto& root = steps.front().numbers; !controller.empty())
    root[2] = attribute_number(concat(controller, '/', hub, "/speed"));
  for (const std::string& other : list_directory(controller)) {
    if (!other.starts_with("usb") || other == hub || !number_of(std::string_view(other).substr(3))) continue;
    if (const auto ports = attribute_number(concat(controller, '/', other, "/maxchild")))
      steps.front().numbers[1] = *steps.front().numbers[0] + *ports;
  }
  return steps;
}

// "0:0:1:0": what the steps before it say of its controller decides what the numbers mean.
std::optional<HardwareStep> scsi_step(const disk::HardwarePath& before, std::string_view name) {
  const auto parts = split(name, ':');
  if (parts.size() != 4 || before.empty()) return std::nullopt;
  const auto channel = number_of(parts[1]);
  const auto target = number_of(parts[2]);
  const auto unit = number_of(parts[3]);
  if (!channel || !target || !unit) return std::nullopt;
  switch (before.back().kind) {
    case Kind::Ata:
      return step(Kind::Ata, before.back().numbers[0], channel, target);
    case Kind::Usb:
      return step(Kind::Unit, unit);
    default:
      return step(Kind::Scsi, target, unit, channel);
  }
}

// Folders that say nothing of the place.
bool is_silent(std::string_view name) {
  for (const std::string_view kind : {"block", "nvme", "mmc_host"})
    if (name == kind) return true;
  for (const std::string_view kind : {"host", "target", "virtio", "usb", "mmc"})
    if (name.starts_with(kind)) return true;
  // The interface of a USB device.
  return name.contains('-') && name.contains(':') && name.contains('.');
}

void add_step(disk::HardwarePath& path, const std::string& at, std::string_view name) {
  if (const auto root = root_step(at, name, path.empty())) {
    path.push_back(*root);
  } else if (const auto pci = pci_step(name)) {
    path.push_back(*pci);
  } else if (const auto scsi = scsi_step(path, name)) {
    if (scsi->kind == Kind::Ata)
      path.back() = *scsi;
    else if (scsi->kind != Kind::Unit || scsi->numbers[0] != 0U)
      path.push_back(*scsi);
  } else if (name.starts_with("ata") && number_of(name.substr(3))) {
    const auto port = attribute_number(concat(at, "/ata_port/", name, "/port_no"));
    path.push_back(step(Kind::Ata, port && *port > 0 ? std::optional(*port - 1) : std::nullopt));
  } else if (name.starts_with("mmc") && name.contains(':')) {
    path.push_back(step(Kind::Card, std::nullopt));
  } else if (auto usb = usb_steps(at, name); !usb.empty()) {
    // Each hub on the way has a folder too: the last one has all ports.
    while (!path.empty() && path.back().kind == Kind::Usb) path.pop_back();
    std::ranges::move(usb, std::back_inserter(path));
  } else if (!is_silent(name)) {
    path.push_back(step(Kind::Unknown, crc32(as_bytes(name))));
  }
}

// Where the folder of a disk hangs.
disk::HardwarePath place_of(const std::string& disk) {
  disk::HardwarePath path;
  auto folders = folders_of(disk);
  if (folders.empty()) return path;
  folders.pop_back();  // the disk itself
  for (const std::string& at : folders) {
    const std::string_view name = last_name(at);
    // Of an NVMe controller, whose disks know their namespace.
    const bool controller = name.starts_with("nvme") && number_of(name.substr(4));
    if (!controller) add_step(path, at, name);
  }
  return path;
}

std::vector<disk::HardwarePath> places_of(const std::string& disk) {
  const auto space = attribute_number(disk + "/nsid");
  std::vector<disk::HardwarePath> places;
  const std::string parent = disk.substr(0, disk.rfind('/'));
  for (const std::string& controller : nvme_controllers(parent)) places.push_back(place_of(controller + "/x"));
  if (places.empty()) places.push_back(place_of(disk));
  if (last_name(disk).starts_with("nvme"))
    for (disk::HardwarePath& place : places) place.push_back(step(Kind::Nvme, space));
  std::erase(places, disk::HardwarePath());
  return places;
}

// With what it is, for kernels differ in what they tell of a disk.
std::string wwid_of(const std::string& disk) {
  for (const std::string_view attribute : {"/wwid", "/device/wwid", "/device/cid", "/serial", "/device/serial"})
    if (const std::string text = read_attribute(concat(disk, attribute)); !text.empty())
      return concat(last_name(attribute), '=', printable(text));
  return {};
}

}  // namespace

bool are_of_two_disks(std::string_view one_wwid, std::string_view other_wwid) {
  // "wwid=eui.", "wwid=naa.", "wwid=nvme.", "serial=".
  const auto kind = [](std::string_view name) {
    const auto equals = name.find('=');
    if (equals == std::string_view::npos) return std::string_view();
    if (!name.starts_with("wwid=")) return name.substr(0, equals + 1);
    return name.substr(0, std::min(name.size(), name.find('.', equals)));
  };
  return !kind(one_wwid).empty() && kind(one_wwid) == kind(other_wwid) && one_wwid != other_wwid;
}

Hardware hardware_of(const BlockDevice& device) {
  const std::string& path = device.sysfs;
  const std::string disk = device.partition == 0 ? path : path.substr(0, path.rfind('/'));
  Hardware hardware{.chain = {}, .places = places_of(disk), .wwid = wwid_of(disk)};
  add_chain(hardware.chain, path);
  return hardware;
}

std::vector<std::string> network_cards() {
  constexpr std::string_view kDevices = "/sys/bus/pci/devices";
  constexpr std::string_view kEthernet = "0x0200";
  std::vector<std::string> aliases;
  const auto add = [&](const std::string& device) {
    std::string alias = read_attribute(device + "/modalias");
    if (!alias.empty() && std::ranges::find(aliases, alias) == aliases.end()) aliases.push_back(std::move(alias));
  };
  for (const std::string& name : list_directory(std::string(kDevices))) {
    const std::string device = concat(kDevices, '/', name);
    if (!read_attribute(device + "/class").starts_with(kEthernet)) continue;
    add(device);
    for (const std::string& below : list_directory(device))
      if (below.starts_with("virtio")) add(concat(device, '/', below));
  }
  return aliases;
}

}  // namespace vhdboot::sys
