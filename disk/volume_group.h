// SPDX-License-Identifier: GPL-2.0-or-later
// A volume group of LVM2: what its metadata says of its logical volumes. No specification exists; the form is that of
// LVM2's lib/format_text/import_vsn1.c.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/byte_source.h"
#include "base/result.h"

namespace vhdboot::disk {

inline constexpr std::size_t kMaxLogicalVolumes = 256;      ///< of a group that are looked at
inline constexpr std::size_t kMaxVolumePieces = 64 * 1024;  ///< of all of them together

/// A piece of a logical volume, in sectors of 512 bytes.
struct VolumePiece {
  std::uint64_t start = 0;           ///< on the logical volume
  std::uint64_t length = 0;          ///< at least 1
  std::string physical;              ///< id of the physical volume
  std::uint64_t physical_start = 0;  ///< on that

  friend bool operator==(const VolumePiece&, const VolumePiece&) = default;
};

struct LogicalVolume {
  std::string name;
  bool is_linear = false;           ///< else it is one that we do not map (RAID, thin, striped, damaged, ...)
  std::vector<VolumePiece> pieces;  ///< of a linear one: without a gap, from its start on

  friend bool operator==(const LogicalVolume&, const LogicalVolume&) = default;
};

struct VolumeGroup {
  std::string name;
  std::string id;                      ///< as it is written, with dashes; another group of that name has another
  std::uint64_t seqno = 0;             ///< the highest of all its copies is the one that counts
  std::vector<LogicalVolume> volumes;  ///< that are seen, not those that are parts of others

  friend bool operator==(const VolumeGroup&, const VolumeGroup&) = default;
};

/// Reads the text that a physical volume holds. Ids are without dashes. Corrupt when it is no volume group, and beyond
/// the caps. A volume whose pieces are not all on physical volumes, one after the other, is not linear; nor is one that
/// a snapshot is to be merged into, for it is about to be another.
[[nodiscard]] Result<VolumeGroup> parse_volume_group(std::string_view text);

/// A piece of a logical volume on a device, in sectors of 512 bytes.
struct PlacedPiece {
  std::uint64_t start = 0;  ///< on the logical volume
  std::uint64_t length = 0;
  std::size_t device = 0;  ///< number of its physical volume
  std::uint64_t device_start = 0;

  friend bool operator==(const PlacedPiece&, const PlacedPiece&) = default;
};

/// What several physical volumes say together.
class VolumeGroups {
 public:
  /// The next one; what cannot be read of it has a number all the same. Errors as read_physical_volume() and
  /// parse_volume_group().
  [[nodiscard]] Result<void> add(const ByteSource& device);

  /// By name; of several copies the newest.
  [[nodiscard]] const std::map<std::string, VolumeGroup>& groups() const { return groups_; }

  /// Where the pieces of a linear volume lie. NotFound when a physical volume is missing, Corrupt when a piece does not
  /// lie on its own.
  [[nodiscard]] Result<std::vector<PlacedPiece>> place(const LogicalVolume& volume) const;

 private:
  struct Device {
    std::string id;
    std::uint64_t sectors = 0;
  };
  std::vector<Device> devices_;
  std::map<std::string, VolumeGroup> groups_;
};

/// "guest-my--root" of the group "guest" and the volume "my-root": its name in /dev/mapper.
[[nodiscard]] std::string mapper_name(std::string_view group, std::string_view volume);

/// Whether a device's name is that of the logical volume: "/dev/GROUP/VOLUME" or "/dev/mapper/NAME".
[[nodiscard]] bool names_volume(std::string_view device, std::string_view group, std::string_view volume);

}  // namespace vhdboot::disk
