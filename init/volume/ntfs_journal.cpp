// SPDX-License-Identifier: GPL-2.0-or-later
#include "init/volume/ntfs_journal.h"

#include <algorithm>
#include <array>
#include <bit>
#include <optional>
#include <vector>

#include "base/units.h"

namespace vhdboot::volume {
namespace {

constexpr std::uint32_t kRestartPage = 0x52545352;      // "RSTR"
constexpr std::uint32_t kRestartByChkdsk = 0x444B4843;  // "CHKD"
constexpr std::uint32_t kRecordPage = 0x44524352;       // "RCRD"
constexpr std::uint32_t kNeverUsed = 0xFFFFFFFF;

// Offsets in a restart page, and in the restart area within it.
constexpr std::uint64_t kUpdateSequenceOffset = 4;
constexpr std::uint64_t kUpdateSequenceCount = 6;
constexpr std::uint64_t kChkdskLsn = 8;
constexpr std::uint64_t kSystemPageSize = 16;
constexpr std::uint64_t kRestartAreaOffset = 24;
constexpr std::uint64_t kMinorVersion = 26;
constexpr std::uint64_t kMajorVersion = 28;
constexpr std::uint64_t kHeaderSize = 30;
constexpr std::uint64_t kCurrentLsn = 0;
constexpr std::uint64_t kClientInUse = 12;
constexpr std::uint64_t kAreaFlags = 14;
constexpr std::uint64_t kAreaSize = 48;

constexpr std::uint16_t kNoClient = 0xFFFF;
constexpr std::uint16_t kVolumeIsClean = 0x0002;
constexpr std::uint64_t kMaxSystemPage = 64 * kKiB;

struct RestartPage {
  std::uint64_t lsn = 0;
  std::uint16_t major = 0;
  std::uint16_t client_in_use = kNoClient;
  bool clean = false;
};

/// Puts back the last two bytes of each sector, which Windows keeps in the update sequence array; false when one of
/// them is not as it was written, so that the page is a mixture of two.
bool undo_update_sequence(MutableBytes page) {
  const std::uint64_t offset = *load_le<std::uint16_t>(page, kUpdateSequenceOffset);
  const std::uint64_t count = *load_le<std::uint16_t>(page, kUpdateSequenceCount);
  if (count != page.size() / kSectorSize + 1 || offset < kHeaderSize || offset % 2 != 0) return false;
  if (offset + 2 * count > kSectorSize - 2) return false;
  const std::uint16_t number = *load_le<std::uint16_t>(page, offset);
  for (std::uint64_t i = 1; i < count; ++i) {
    const std::uint64_t end = i * kSectorSize - 2;
    if (*load_le<std::uint16_t>(page, end) != number) return false;
    (void)store_le(page, end, *load_le<std::uint16_t>(page, offset + 2 * i));
  }
  return true;
}

/// The restart page at `position`, whose first sector is `sector`; nothing when it is not one that we understand.
Result<std::optional<RestartPage>> read_page(const ByteSource& log, std::uint64_t position, Bytes sector) {
  constexpr std::optional<RestartPage> kNone;
  const std::uint32_t magic = *load_le<std::uint32_t>(sector, 0);
  const std::uint64_t size = *load_le<std::uint32_t>(sector, kSystemPageSize);
  const unsigned major = *load_le<std::uint16_t>(sector, kMajorVersion);
  const unsigned minor = *load_le<std::uint16_t>(sector, kMinorVersion);
  if (!std::has_single_bit(size) || size < kSectorSize || size > kMaxSystemPage) return kNone;
  if (position != 0 && position != size) return kNone;
  if ((major != 1 || minor != 1) && (major != 2 || minor != 0)) return kNone;
  if (position > log.size() || size > log.size() - position) return kNone;

  std::vector<std::byte> page(static_cast<std::size_t>(size));
  TRY(log.read(position, page));
  const bool unprotected = magic == kRestartByChkdsk && *load_le<std::uint16_t>(sector, kUpdateSequenceCount) == 0;
  if (!unprotected && !undo_update_sequence(page)) return kNone;

  const std::uint64_t area_offset = *load_le<std::uint16_t>(page, kRestartAreaOffset);
  const auto area = slice(page, area_offset, kAreaSize);
  if (!area || area_offset % 8 != 0 || area_offset < kHeaderSize) return kNone;
  RestartPage out;
  out.major = static_cast<std::uint16_t>(major);
  out.lsn = magic == kRestartByChkdsk ? *load_le<std::uint64_t>(page, kChkdskLsn)
                                      : *load_le<std::uint64_t>(*area, kCurrentLsn);
  out.client_in_use = *load_le<std::uint16_t>(*area, kClientInUse);
  out.clean = (*load_le<std::uint16_t>(*area, kAreaFlags) & kVolumeIsClean) != 0;
  return std::optional(out);
}

}  // namespace

Result<bool> ntfs_journal_pending(const ByteSource& log) {
  constexpr std::uint64_t kUsualSystemPage = 4096;
  std::optional<RestartPage> newest;
  bool used = false;
  std::array<std::byte, kSectorSize> sector{};
  // There are two restart pages: the first, and the second where the first ends, at a power of two.
  for (std::uint64_t position = 0; position <= kMaxSystemPage; position = std::max(2 * position, kSectorSize)) {
    if (position > log.size() || sector.size() > log.size() - position) break;
    TRY(log.read(position, sector));
    const std::uint32_t magic = *load_le<std::uint32_t>(sector, 0);
    if (magic == kNeverUsed) continue;
    used = true;
    if (magic == kRecordPage) break;
    if (magic != kRestartPage && magic != kRestartByChkdsk) continue;
    const auto page = TRY(read_page(log, position, sector));
    // A torn page, or one of a later version, may be the newer one: nothing is known then.
    if (!page && (position == 0 || position == kUsualSystemPage)) return true;
    if (page && (!newest || page->lsn > newest->lsn)) newest = page;
  }
  if (!newest) return used;
  // Windows raises the version to 2.0 while it has the volume mounted and lowers it again when it has let go of all
  // that it caches. What says 2.0 now was left by Fast Startup, by hibernation or by a crash.
  if (newest->major != 1) return true;
  return newest->client_in_use != kNoClient && !newest->clean;
}

}  // namespace vhdboot::volume
