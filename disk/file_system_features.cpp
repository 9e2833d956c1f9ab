// SPDX-License-Identifier: GPL-2.0-or-later
#include "disk/file_system_features.h"

#include <array>
#include <bit>
#include <cstdint>
#include <span>
#include <vector>

#include "base/bytes.h"
#include "base/text.h"
#include "base/units.h"

namespace vhdboot::disk {
namespace {

struct Feature {
  std::uint64_t bit;
  std::string_view name;
};

// What mke2fs, mkfs.xfs and mkfs.btrfs call those that are not known.
constexpr std::array kExt4{Feature{0x1, "compression"}, Feature{0x8, "journal_dev"}, Feature{0x1000, "dirdata"}};
constexpr std::uint64_t kExt4Known = 0x3E7D6;
constexpr std::array kXfs{Feature{0x100, "metadir"}, Feature{0x200, "zoned"}, Feature{0x400, "zone gaps"}};
constexpr std::uint64_t kXfsKnown = 0xFF;
constexpr std::array kBtrfs{Feature{0x1000, "zoned"}, Feature{0x2000, "extent-tree-v2"},
                            Feature{0x4000, "raid-stripe-tree"}};
constexpr std::uint64_t kBtrfsKnown = 0x10FFF;

constexpr std::uint64_t kXfsNeedsRepair = 0x10;

// The superblock's part that matters; nothing when there is none.
template <std::size_t size>
std::optional<std::array<std::byte, size>> read_at(const ByteSource& device, std::uint64_t offset) {
  std::array<std::byte, size> bytes{};
  if (!device.read(offset, bytes)) return std::nullopt;
  return bytes;
}

std::optional<std::string> describe(std::string_view type, std::uint64_t features, std::uint64_t known,
                                    std::span<const Feature> names) {
  std::vector<std::string> unknown;
  for (std::uint64_t bit = 1; bit != 0; bit <<= 1) {
    if ((features & bit & ~known) == 0) continue;
    std::string called = concat("0x", to_hex(bit, (std::bit_width(bit) + 3) / 4));
    for (const Feature& feature : names)
      if (feature.bit == bit) called = feature.name;
    unknown.push_back(std::move(called));
  }
  if (unknown.empty()) return std::nullopt;
  std::string list;
  for (std::size_t i = 0; i < unknown.size(); ++i)
    list += concat(i == 0 ? "" : i + 1 < unknown.size() ? ", " : " and ", unknown[i]);
  return concat("its ", type, " has the feature", unknown.size() == 1 ? " " : "s ", list,
                ", which the boot kernel does not know");
}

std::optional<std::string> of_ext4(const ByteSource& device) {
  constexpr std::size_t kIncompat = 0x60;
  const auto super = read_at<1024>(device, 1024);
  if (!super || load_le<std::uint16_t>(*super, 0x38) != 0xEF53) return std::nullopt;
  return describe("ext4", load_le<std::uint32_t>(*super, kIncompat).value_or(0), kExt4Known, kExt4);
}

std::optional<std::string> of_xfs(const ByteSource& device) {
  constexpr std::size_t kVersion = 100;
  constexpr std::size_t kIncompat = 216;
  const auto super = read_at<512>(device, 0);
  if (!super || !as_text(*super).starts_with("XFSB")) return std::nullopt;
  if ((load_be<std::uint16_t>(*super, kVersion).value_or(0) & 0xF) < 5) return std::nullopt;
  const std::uint64_t features = load_be<std::uint32_t>(*super, kIncompat).value_or(0);
  if ((features & kXfsNeedsRepair) != 0) return "its xfs asks to be repaired: run xfs_repair on it";
  return describe("xfs", features, kXfsKnown, kXfs);
}

std::optional<std::string> of_btrfs(const ByteSource& device) {
  constexpr std::size_t kMagic = 0x40;
  constexpr std::size_t kDevices = 0x88;
  constexpr std::size_t kIncompat = 0xBC;
  const auto super = read_at<512>(device, 64 * kKiB);
  if (!super || !as_text(*super).substr(kMagic).starts_with("_BHRfS_M")) return std::nullopt;
  if (const auto devices = load_le<std::uint64_t>(*super, kDevices).value_or(1); devices > 1)
    return concat("its btrfs lies on ", devices, " devices");
  return describe("btrfs", load_le<std::uint64_t>(*super, kIncompat).value_or(0), kBtrfsKnown, kBtrfs);
}

}  // namespace

std::optional<std::string> unknown_features(const ByteSource& device, std::string_view type) {
  if (type == "ext4" || type == "ext3" || type == "ext2") return of_ext4(device);
  if (type == "xfs") return of_xfs(device);
  if (type == "btrfs") return of_btrfs(device);
  return std::nullopt;
}

}  // namespace vhdboot::disk
