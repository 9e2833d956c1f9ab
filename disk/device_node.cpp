// SPDX-License-Identifier: GPL-2.0-or-later
#include "disk/device_node.h"

#include <algorithm>
#include <array>

#include "base/text.h"

namespace vhdboot::disk {
namespace {

constexpr std::string_view kDev = "/dev/";

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

std::string_view take_while(std::string_view& rest, bool (*belongs)(char)) {
  std::size_t length = 0;
  while (length < rest.size() && belongs(rest[length])) ++length;
  const auto taken = rest.substr(0, length);
  rest.remove_prefix(length);
  return taken;
}

// A number as the kernel prints it: no zero in front of another digit.
std::optional<unsigned> take_number(std::string_view& rest) {
  const auto digits = take_while(rest, is_digit);
  if (digits.empty() || (digits.size() > 1 && digits.front() == '0')) return std::nullopt;
  const auto value = parse_u64(digits);
  if (!value || *value > UINT32_MAX) return std::nullopt;
  return static_cast<unsigned>(*value);
}

// All of `rest` as a partition's number; nothing when it is none.
std::optional<unsigned> partition_number(std::string_view rest) {
  const auto number = take_number(rest);
  return number && *number != 0 && rest.empty() ? number : std::nullopt;
}

// "a2" of "sda2".
std::optional<DeviceNode> lettered_node(std::string_view name, std::string_view kind) {
  std::string_view rest = name.substr(kind.size());
  const auto letters = take_while(rest, [](char c) { return c >= 'a' && c <= 'z'; });
  if (letters.empty()) return std::nullopt;
  DeviceNode node{.disk = concat(kind, letters), .partition = std::nullopt};
  if (rest.empty()) return node;
  node.partition = partition_number(rest);
  return node.partition ? std::optional(std::move(node)) : std::nullopt;
}

// "0n1p2" of "nvme0n1p2"; `namespaces` says whether there is an "n1".
std::optional<DeviceNode> numbered_node(std::string_view name, std::string_view kind, bool namespaces) {
  std::string_view rest = name.substr(kind.size());
  if (!take_number(rest)) return std::nullopt;
  if (namespaces) {
    if (!rest.starts_with('n')) return std::nullopt;
    rest.remove_prefix(1);
    if (!take_number(rest)) return std::nullopt;
  }
  DeviceNode node{.disk = std::string(name.substr(0, name.size() - rest.size())), .partition = std::nullopt};
  if (rest.empty()) return node;
  if (!rest.starts_with('p')) return std::nullopt;
  node.partition = partition_number(rest.substr(1));
  return node.partition ? std::optional(std::move(node)) : std::nullopt;
}

}  // namespace

std::optional<DeviceNode> parse_device_node(std::string_view text) {
  if (!text.starts_with(kDev)) return std::nullopt;
  std::string_view name = text.substr(kDev.size());
  if (name.starts_with("mapper/loop")) name.remove_prefix(std::string_view("mapper/").size());
  for (const std::string_view kind : {"sd", "hd", "vd", "xvd"})
    if (name.starts_with(kind)) return lettered_node(name, kind);
  if (name.starts_with("nvme")) return numbered_node(name, "nvme", true);
  for (const std::string_view kind : {"mmcblk", "loop"})
    if (name.starts_with(kind)) return numbered_node(name, kind, false);
  return std::nullopt;
}

bool is_first_disk(const DeviceNode& node) {
  constexpr std::array<std::string_view, 6> kFirst{"sda", "hda", "vda", "xvda", "nvme0n1", "mmcblk0"};
  return node.disk.starts_with("loop") || std::ranges::find(kFirst, node.disk) != kFirst.end();
}

}  // namespace vhdboot::disk
