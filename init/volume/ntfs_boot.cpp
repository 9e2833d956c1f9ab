// SPDX-License-Identifier: GPL-2.0-or-later
#include "init/volume/ntfs_boot.h"

#include <bit>
#include <optional>

#include "base/text.h"
#include "base/units.h"

namespace vhdboot::volume {
namespace {

// Offsets in the boot sector (ntfs-3g's layout.h, NTFS_BOOT_SECTOR).
constexpr std::uint64_t kBytesPerSector = 11;
constexpr std::uint64_t kSectorsPerCluster = 13;
constexpr std::uint64_t kSectorCount = 40;
constexpr std::uint64_t kMftCluster = 48;
constexpr std::uint64_t kMftMirrorCluster = 56;
constexpr std::uint64_t kClustersPerMftRecord = 64;
constexpr std::uint64_t kClustersPerIndexRecord = 68;
constexpr std::uint64_t kSerial = 72;

constexpr std::uint64_t kMaxClusterSize = 2 * kMiB;
// Windows makes MFT records of 1 KiB, or of 4 KiB on disks with 4 KiB blocks.
constexpr std::uint64_t kMaxMftRecordSize = 4 * kKiB;
constexpr std::uint64_t kMaxIndexRecordSize = 64 * kKiB;

/// A count of clusters, or as a negative number the exponent of a size in bytes; nothing when out of bounds.
std::optional<std::uint32_t> record_size(std::uint8_t code, std::uint64_t cluster_size, std::uint64_t most) {
  const auto value = static_cast<std::int8_t>(code);
  if (value < -16) return std::nullopt;
  const std::uint64_t size = value < 0 ? 1ull << -value : static_cast<std::uint64_t>(value) * cluster_size;
  if (!std::has_single_bit(size) || size < kSectorSize || size > most) return std::nullopt;
  return static_cast<std::uint32_t>(size);
}

/// Sectors in a cluster: a power of two, from 256 sectors on written as 256 minus the exponent.
std::optional<std::uint64_t> sectors_per_cluster(std::uint8_t code) {
  if (code > 128) return code >= 240 ? std::optional(1ull << (256 - code)) : std::nullopt;
  return std::has_single_bit(code) ? std::optional<std::uint64_t>(code) : std::nullopt;
}

}  // namespace

Result<NtfsGeometry> parse_ntfs_boot(Bytes sector, std::uint64_t partition_size) {
  const auto corrupt = [](std::string_view what) {
    return fail(Code::Corrupt, concat("the boot sector of the NTFS volume is damaged: ", what));
  };
  const auto serial = load_le<std::uint64_t>(sector, kSerial);
  if (!serial) return corrupt("it is too short");

  NtfsGeometry out;
  out.serial = *serial;
  out.sector_size = *load_le<std::uint16_t>(sector, kBytesPerSector);
  if (out.sector_size == 256) return fail(Code::Unsupported, "an NTFS volume with sectors of 256 bytes");
  if (!std::has_single_bit(out.sector_size) || out.sector_size < kSectorSize || out.sector_size > 4096)
    return corrupt(concat("sectors of ", out.sector_size, " bytes"));

  const auto cluster_sectors = sectors_per_cluster(*load_le<std::uint8_t>(sector, kSectorsPerCluster));
  if (!cluster_sectors || *cluster_sectors * out.sector_size > kMaxClusterSize)
    return corrupt("an impossible cluster size");
  out.cluster_size = static_cast<std::uint32_t>(*cluster_sectors * out.sector_size);

  const std::uint64_t sectors = *load_le<std::uint64_t>(sector, kSectorCount);
  if (sectors < *cluster_sectors) return corrupt("a volume size of zero");
  if (sectors > partition_size / out.sector_size)
    return corrupt(concat("the volume has ", sectors, " sectors of ", out.sector_size, " bytes and the partition only ",
                          partition_size / out.sector_size));
  out.volume_size = sectors * out.sector_size;

  const auto mft_record =
      record_size(*load_le<std::uint8_t>(sector, kClustersPerMftRecord), out.cluster_size, kMaxMftRecordSize);
  if (!mft_record) return corrupt("an impossible size of MFT records");
  out.mft_record_size = *mft_record;
  const auto index_record =
      record_size(*load_le<std::uint8_t>(sector, kClustersPerIndexRecord), out.cluster_size, kMaxIndexRecordSize);
  if (!index_record) return corrupt("an impossible size of index records");
  out.index_record_size = *index_record;

  const std::uint64_t clusters = sectors / *cluster_sectors;
  const std::uint64_t mft = *load_le<std::uint64_t>(sector, kMftCluster);
  const std::uint64_t mirror = *load_le<std::uint64_t>(sector, kMftMirrorCluster);
  if (mft == 0 || mft >= clusters || mirror == 0 || mirror >= clusters || mft == mirror)
    return corrupt("an MFT that lies outside of the volume");
  return out;
}

}  // namespace vhdboot::volume
