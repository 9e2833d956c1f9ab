// SPDX-License-Identifier: GPL-2.0-or-later
#include "init/volume/volume.h"

#include <algorithm>
#include <array>

#include "base/guid.h"
#include "base/units.h"
#include "init/volume/exfat_volume.h"
#include "init/volume/ntfs_volume.h"

namespace vhdboot::volume {
namespace {
constexpr std::size_t kOemId = 3;
constexpr std::size_t kOemIdSize = 8;

std::string_view oem_id(Bytes sector) {
  return as_text(sector.subspan(kOemId, kOemIdSize));
}

/// BitLocker's own boot sector, or that of a BitLocker To Go disk, which looks like FAT32 and carries an identifier
/// (libbde, "BitLocker Drive Encryption format", volume header).
bool is_bitlocker(Bytes sector) {
  constexpr Guid kIdentifier = "4967d63b-2e29-4ad8-8399-f6a339e3d001"_guid;
  constexpr std::size_t kIdentifierOffset = 424;
  if (oem_id(sector) == "-FVE-FS-") return true;
  return oem_id(sector) == "MSWIN4.1" &&
         std::ranges::equal(sector.subspan(kIdentifierOffset, kIdentifier.bytes.size()), kIdentifier.bytes);
}

using Sector = std::array<std::byte, kSectorSize>;

Result<Sector> read_boot_sector(const ByteSource& partition) {
  Sector sector{};
  if (partition.size() < sector.size()) return fail(Code::NotFound, "the partition is too small for NTFS or exFAT");
  TRY_IN("reading the boot sector", partition.read(0, sector));
  return sector;
}

Result<Kind> kind_of(const Sector& sector) {
  const std::string_view id = oem_id(sector);
  if (id == "NTFS    ") return Kind::Ntfs;
  if (id == "EXFAT   ") return Kind::Exfat;
  if (id == "ReFS" + std::string(4, '\0')) return refuse(Condition::Refs);
  if (is_bitlocker(sector)) return refuse(Condition::BitLocker);
  return fail(Code::NotFound, "the partition holds neither NTFS nor exFAT");
}

}  // namespace

std::string_view name(Kind kind) {
  return kind == Kind::Ntfs ? "NTFS" : "exFAT";
}

Result<std::unique_ptr<HostVolume>> HostVolume::open(const ByteSource& partition) {
  const Sector sector = TRY(read_boot_sector(partition));
  return TRY(kind_of(sector)) == Kind::Ntfs ? NtfsVolume::open(partition, sector) : ExfatVolume::open(partition);
}

}  // namespace vhdboot::volume
