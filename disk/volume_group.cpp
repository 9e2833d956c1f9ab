// SPDX-License-Identifier: GPL-2.0-or-later
#include "disk/volume_group.h"

#include <algorithm>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <utility>

#include "base/text.h"
#include "base/units.h"
#include "disk/lvm_label.h"
#include "disk/lvm_text.h"

namespace vhdboot::disk {
namespace {

constexpr std::uint64_t kMaxSectors = UINT64_C(1) << 54;  // 8 EiB; sums of two stay below 2^64

struct PhysicalVolume {
  std::string id;
  std::uint64_t first_extent = 0;  // sectors
  std::uint64_t extents = 0;
};
using PhysicalVolumes = std::map<std::string, PhysicalVolume, std::less<>>;

std::string without_dashes(std::string_view id) {
  std::string out(id);
  std::erase(out, '-');
  return out;
}

bool has_status(const LvmSection& section, std::string_view wanted) {
  const LvmValue* status = section.value("status");
  return status != nullptr && std::ranges::find(status->items, wanted) != status->items.end();
}

class Reader {
 public:
  explicit Reader(const LvmSection& group) : group_(group) {}

  Result<VolumeGroup> read() {
    VolumeGroup group{.name = group_.name,
                      .id = std::string(group_.text("id").value_or("")),
                      .seqno = group_.number("seqno").value_or(0),
                      .volumes = {}};
    extent_ = group_.number("extent_size").value_or(0);
    if (extent_ == 0 || extent_ > UINT32_MAX) return fail(Code::Corrupt, "its extents have no size");
    if (const LvmSection* physical = group_.section("physical_volumes"))
      for (const LvmSection& section : physical->sections) take_physical(section);
    const LvmSection* logical = group_.section("logical_volumes");
    if (logical == nullptr) return group;
    take_merging(*logical);
    for (const LvmSection& section : logical->sections) {
      if (!has_status(section, "VISIBLE")) continue;
      if (group.volumes.size() == kMaxLogicalVolumes) break;
      group.volumes.push_back({.name = section.name, .is_linear = true, .pieces = take_pieces(section)});
      group.volumes.back().is_linear = !group.volumes.back().pieces.empty();
    }
    if (pieces_ > kMaxVolumePieces) return fail(Code::Corrupt, "it has too many pieces");
    return group;
  }

 private:
  void take_physical(const LvmSection& section) {
    const auto number = [&](std::string_view name) { return section.number(name).value_or(0); };
    physical_.insert_or_assign(section.name, PhysicalVolume{without_dashes(section.text("id").value_or("")),
                                                            number("pe_start"), number("pe_count")});
  }

  void take_merging(const LvmSection& logical) {
    for (const LvmSection& section : logical.sections)
      for (const LvmSection& segment : section.sections)
        if (segment.value("merging_store") != nullptr)
          merging_.insert(std::string(segment.text("origin").value_or("")));
  }

  // Linear is called striped, with one stripe. Empty for every other kind.
  std::vector<VolumePiece> take_pieces(const LvmSection& section) {
    if (merging_.contains(section.name)) return {};
    std::vector<VolumePiece> pieces;
    for (const LvmSection& segment : section.sections) {
      if (segment.text("type") != "striped" || segment.number("stripe_count") != 1) return {};
      if (++pieces_ > kMaxVolumePieces) return {};
      const auto piece = piece_of(segment);
      if (!piece) return {};
      pieces.push_back(*piece);
    }
    std::ranges::sort(pieces, {}, &VolumePiece::start);
    std::uint64_t end = 0;
    for (const VolumePiece& piece : pieces) {
      if (piece.start != end) return {};
      end += piece.length;
    }
    return pieces;
  }

  // Nothing for one that has no place on a physical volume: there may be another volume below it.
  [[nodiscard]] std::optional<VolumePiece> piece_of(const LvmSection& segment) const {
    constexpr std::uint64_t kNone = UINT64_MAX;
    const std::uint64_t start = segment.number("start_extent").value_or(kNone);
    const std::uint64_t count = segment.number("extent_count").value_or(0);
    const LvmValue* stripes = segment.value("stripes");
    if (count == 0 || stripes == nullptr || stripes->items.size() != 2) return std::nullopt;
    const std::uint64_t first = parse_u64(stripes->items[1]).value_or(kNone);
    const auto physical = physical_.find(stripes->items[0]);
    if (physical == physical_.end() || physical->second.id.empty()) return std::nullopt;
    const PhysicalVolume& on = physical->second;
    const std::uint64_t most = kMaxSectors / extent_;
    const bool fits = first <= on.extents && count <= on.extents - first && on.extents <= most &&
                      on.first_extent <= kMaxSectors && start <= most && count <= most;
    if (!fits) return std::nullopt;
    return VolumePiece{.start = start * extent_,
                       .length = count * extent_,
                       .physical = on.id,
                       .physical_start = on.first_extent + first * extent_};
  }

  const LvmSection& group_;
  std::uint64_t extent_ = 0;                    // sectors
  PhysicalVolumes physical_;                    // by the names that the text has for them
  std::set<std::string, std::less<>> merging_;  // volumes with a snapshot that is to become them
  std::size_t pieces_ = 0;
};

}  // namespace

Result<VolumeGroup> parse_volume_group(std::string_view text) {
  const LvmSection root = TRY(parse_lvm_text(text));
  if (root.sections.empty()) return fail(Code::Corrupt, "the metadata of LVM2 has no volume group");
  return TRY_IN(concat("volume group ", printable(root.sections.front().name)), Reader(root.sections.front()).read());
}

Result<void> VolumeGroups::add(const ByteSource& device) {
  devices_.push_back({.id = {}, .sectors = device.size() / kSectorSize});
  const auto text = TRY(read_physical_volume(device));
  devices_.back().id = text.id;
  if (text.metadata.empty()) return {};
  auto group = TRY(parse_volume_group(text.metadata));
  const auto known = groups_.find(group.name);
  if (known != groups_.end() && known->second.seqno >= group.seqno) return {};
  std::string name = group.name;
  groups_.insert_or_assign(std::move(name), std::move(group));
  return {};
}

Result<std::vector<PlacedPiece>> VolumeGroups::place(const LogicalVolume& volume) const {
  std::vector<PlacedPiece> placed;
  for (const VolumePiece& piece : volume.pieces) {
    const auto on = std::ranges::find(devices_, piece.physical, &Device::id);
    if (on == devices_.end()) return fail(Code::NotFound, "a physical volume of it is not on the guest disk");
    if (piece.physical_start > on->sectors || piece.length > on->sectors - piece.physical_start)
      return fail(Code::Corrupt, "a piece of it lies behind the end of its physical volume");
    placed.push_back({.start = piece.start,
                      .length = piece.length,
                      .device = static_cast<std::size_t>(on - devices_.begin()),
                      .device_start = piece.physical_start});
  }
  return placed;
}

std::string mapper_name(std::string_view group, std::string_view volume) {
  std::string name;
  const auto add = [&](std::string_view part) {
    for (const char c : part) name += c == '-' ? std::string_view("--") : std::string_view(&c, 1);
  };
  add(group);
  name += '-';
  add(volume);
  return name;
}

bool names_volume(std::string_view device, std::string_view group, std::string_view volume) {
  return device == concat("/dev/", group, '/', volume) || device == concat("/dev/mapper/", mapper_name(group, volume));
}

}  // namespace vhdboot::disk
