// SPDX-License-Identifier: GPL-2.0-or-later
#include "init/volume/exfat_boot.h"

#include <array>
#include <optional>
#include <utility>
#include <vector>

#include "base/text.h"
#include "base/units.h"

namespace vhdboot::volume {
namespace {

// Offsets in the boot sector (3.1, table 4).
constexpr std::uint64_t kFileSystemName = 3;
constexpr std::uint64_t kMustBeZero = 11;
constexpr std::uint64_t kMustBeZeroSize = 53;
constexpr std::uint64_t kVolumeLength = 72;
constexpr std::uint64_t kFatOffset = 80;
constexpr std::uint64_t kFatLength = 84;
constexpr std::uint64_t kClusterHeapOffset = 88;
constexpr std::uint64_t kClusterCount = 92;
constexpr std::uint64_t kRootCluster = 96;
constexpr std::uint64_t kSerialNumber = 100;
constexpr std::uint64_t kRevision = 104;
constexpr std::uint64_t kVolumeFlags = 106;
constexpr std::uint64_t kBytesPerSectorShift = 108;
constexpr std::uint64_t kSectorsPerClusterShift = 109;
constexpr std::uint64_t kNumberOfFats = 110;
constexpr std::uint64_t kPercentInUse = 112;
constexpr std::uint64_t kBootSignature = 510;

constexpr unsigned kMinSectorShift = 9;
constexpr unsigned kMaxSectorShift = 12;
constexpr unsigned kMaxClusterShift = 25;
constexpr std::uint64_t kRegionSectors = 12;
constexpr std::uint64_t kChecksumSector = 11;
constexpr std::uint32_t kMaxClusters = 0xFFFFFFF5;

constexpr std::uint16_t kFlagActiveFat = 1;
constexpr std::uint16_t kFlagVolumeDirty = 2;
constexpr std::uint16_t kFlagMediaFailure = 4;

/// 3.4: over all sectors but the last, without the fields that change while the volume is in use.
std::uint32_t region_checksum(Bytes sectors) {
  std::uint32_t sum = 0;
  for (std::size_t i = 0; i < sectors.size(); ++i) {
    if (i == kVolumeFlags || i == kVolumeFlags + 1 || i == kPercentInUse) continue;
    sum = (sum << 31 | sum >> 1) + std::to_integer<std::uint32_t>(sectors[i]);
  }
  return sum;
}

std::unexpected<Error> corrupt(std::string_view what) {
  return fail(Code::Corrupt, concat("the boot region of the exFAT volume is damaged: ", what));
}

/// The boot sector of the region at `offset`, whose sectors have `1 << shift` bytes, when all of it is in order.
Result<std::vector<std::byte>> read_region(const ByteSource& partition, std::uint64_t offset, unsigned shift) {
  const std::uint64_t sector = 1ull << shift;
  std::vector<std::byte> region(static_cast<std::size_t>(kRegionSectors * sector));
  if (offset > partition.size() || region.size() > partition.size() - offset)
    return corrupt("the partition ends within it");
  TRY_IN("reading the boot region of the exFAT volume", partition.read(offset, region));
  const Bytes bytes(region);
  if (as_text(bytes.subspan(kFileSystemName, 8)) != "EXFAT   ") return corrupt("it does not name exFAT");
  if (*load_le<std::uint16_t>(bytes, kBootSignature) != 0xAA55) return corrupt("it has no signature");
  for (const std::byte b : bytes.subspan(kMustBeZero, kMustBeZeroSize))
    if (b != std::byte{0}) return corrupt("a field that must be zero is not");
  if (*load_le<std::uint8_t>(bytes, kBytesPerSectorShift) != shift) return corrupt("an impossible sector size");
  const std::uint64_t summed = kChecksumSector * sector;
  const std::uint32_t sum = region_checksum(bytes.first(static_cast<std::size_t>(summed)));
  for (std::uint64_t at = summed; at < region.size(); at += 4)
    if (*load_le<std::uint32_t>(bytes, at) != sum) return corrupt("its checksum is wrong");
  region.resize(kSectorSize);
  return region;
}

Result<ExfatGeometry> parse(Bytes sector, std::uint64_t partition_size) {
  const unsigned sector_shift = *load_le<std::uint8_t>(sector, kBytesPerSectorShift);
  const unsigned cluster_shift = sector_shift + *load_le<std::uint8_t>(sector, kSectorsPerClusterShift);
  if (cluster_shift > kMaxClusterShift) return corrupt("an impossible cluster size");
  const std::uint16_t revision = *load_le<std::uint16_t>(sector, kRevision);
  if (revision >> 8 != 1)
    return fail(Code::Unsupported, concat("an exFAT volume of revision ", revision >> 8, '.', revision & 0xFF));

  ExfatGeometry out;
  out.cluster_size = 1ull << cluster_shift;
  const std::uint64_t sectors = *load_le<std::uint64_t>(sector, kVolumeLength);
  if (sectors > partition_size >> sector_shift)
    return corrupt(
        concat("the volume has ", sectors, " sectors and the partition only ", partition_size >> sector_shift));
  out.volume_size = sectors << sector_shift;

  const std::uint64_t fat_offset = *load_le<std::uint32_t>(sector, kFatOffset);
  const std::uint64_t fat_length = *load_le<std::uint32_t>(sector, kFatLength);
  const unsigned fats = *load_le<std::uint8_t>(sector, kNumberOfFats);
  const std::uint64_t heap = *load_le<std::uint32_t>(sector, kClusterHeapOffset);
  out.cluster_count = *load_le<std::uint32_t>(sector, kClusterCount);
  out.root_cluster = *load_le<std::uint32_t>(sector, kRootCluster);
  out.serial = *load_le<std::uint32_t>(sector, kSerialNumber);
  if (fats != 1 && fats != 2) return corrupt(concat(fats, " FATs"));
  if (out.cluster_count == 0 || out.cluster_count > kMaxClusters) return corrupt("an impossible number of clusters");
  if (fat_offset < 2 * kRegionSectors || fat_offset + fat_length * fats > heap) return corrupt("the FAT lies wrong");
  if (fat_length << sector_shift < (std::uint64_t{out.cluster_count} + 2) * 4) return corrupt("the FAT is too short");
  if (heap > sectors || std::uint64_t{out.cluster_count} << (cluster_shift - sector_shift) > sectors - heap)
    return corrupt("the clusters lie past the end of the volume");
  if (!out.in_heap(out.root_cluster)) return corrupt("the root directory lies in no cluster");

  const std::uint16_t flags = *load_le<std::uint16_t>(sector, kVolumeFlags);
  out.second_fat = fats == 2 && (flags & kFlagActiveFat) != 0;
  out.fat_offset = (fat_offset + (out.second_fat ? fat_length : 0)) << sector_shift;
  out.heap_offset = heap << sector_shift;
  out.dirty = (flags & kFlagVolumeDirty) != 0;
  out.media_failure = (flags & kFlagMediaFailure) != 0;
  return out;
}

}  // namespace

Result<ExfatGeometry> read_exfat_boot(const ByteSource& partition) {
  std::array<std::byte, kSectorSize> sector{};
  TRY_IN("reading the boot sector of the exFAT volume", partition.read(0, sector));
  const unsigned shift = std::to_integer<unsigned>(sector[kBytesPerSectorShift]);
  std::optional<Error> damage;
  if (shift >= kMinSectorShift && shift <= kMaxSectorShift) {
    auto region = read_region(partition, 0, shift);
    if (region) return parse(*region, partition.size());
    damage = std::move(region).error();
    if (damage->code == Code::Io) return std::unexpected(std::move(*damage));
  } else {
    damage = corrupt("an impossible sector size").error();
  }
  // Where the backup lies depends on the sector size, which the main boot sector may have lost.
  for (unsigned try_shift = kMinSectorShift; try_shift <= kMaxSectorShift; ++try_shift) {
    const auto region = read_region(partition, kRegionSectors << try_shift, try_shift);
    if (!region) continue;
    auto geometry = parse(*region, partition.size());
    if (geometry) geometry->from_backup = true;
    return geometry;
  }
  return std::unexpected(std::move(*damage));
}

}  // namespace vhdboot::volume
