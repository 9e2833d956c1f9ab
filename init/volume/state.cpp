// SPDX-License-Identifier: GPL-2.0-or-later
#include "init/volume/state.h"

#include <algorithm>
#include <array>
#include <iterator>

#include "base/text.h"

namespace vhdboot::volume {
namespace {

constexpr std::array kRows{
    ConditionRow{Condition::Hibernated, "hibernated, or Fast Startup", Code::Unsafe,
                 "Windows is hibernated on it, perhaps by Fast Startup: start Windows and shut it down with the Shift "
                 "key held, or turn this off for good with \"powercfg /h off\""},
    ConditionRow{Condition::JournalOpen, "journal open", Code::Unsafe,
                 "its journal is still open, Windows crashed, hibernated or used Fast Startup: start Windows, let it "
                 "mount the volume and shut it down with the Shift key held"},
    ConditionRow{Condition::Dirty, "dirty", Code::Unsafe,
                 "it is marked dirty, it was not unmounted cleanly: let Windows check it with \"chkdsk /f\", then shut "
                 "Windows down or eject the disk"},
    ConditionRow{Condition::ChkdskScheduled, "check scheduled", Code::Unsafe,
                 "Windows has a check or an upgrade of it pending: start Windows, let it finish (chkdsk), and shut it "
                 "down"},
    ConditionRow{Condition::MediaFailure, "media failure", Code::Unsafe,
                 "its medium has reported failures: copy the files to another disk, or let \"chkdsk /r\" find the bad "
                 "places"},
    ConditionRow{Condition::Damaged, "damaged", Code::Corrupt, "let Windows repair the volume with \"chkdsk /f\""},
    ConditionRow{Condition::NewerNtfs, "newer NTFS", Code::Unsupported,
                 "its NTFS is newer than version 3.1, and nobody knows what has changed: keep the image on another "
                 "volume"},
    ConditionRow{
        Condition::BitLocker, "BitLocker", Code::Unsupported,
        "the partition is encrypted by BitLocker: turn BitLocker off for it in Windows (\"manage-bde -off X:\"), "
        "or keep the image on another partition"},
    ConditionRow{Condition::DynamicDisk, "dynamic disk", Code::Unsupported,
                 "it belongs to a dynamic disk of Windows (LDM), where a volume may lie on several disks: keep the "
                 "image on a basic disk"},
    ConditionRow{
        Condition::StorageSpaces, "Storage Spaces", Code::Unsupported,
        "it belongs to a pool of Storage Spaces, which only Windows can put together: keep the image on a disk "
        "outside of it"},
    ConditionRow{Condition::Refs, "ReFS", Code::Unsupported,
                 "the partition holds ReFS: keep the image on an NTFS or exFAT volume"},
};

struct StateFlag {
  Condition condition;
  bool VolumeState::* flag;
};
constexpr std::array kFlags{
    StateFlag{Condition::Hibernated, &VolumeState::hibernated},
    StateFlag{Condition::JournalOpen, &VolumeState::journal_pending},
    StateFlag{Condition::Dirty, &VolumeState::dirty},
    StateFlag{Condition::ChkdskScheduled, &VolumeState::chkdsk_scheduled},
    StateFlag{Condition::MediaFailure, &VolumeState::media_failure},
};

// Microsoft's PARTITION_LDM and the GUIDs of PARTITION_INFORMATION_GPT.
struct PartitionType {
  std::string_view type;
  Condition condition;
};
constexpr std::array kTypes{
    PartitionType{"0x42", Condition::DynamicDisk},
    PartitionType{"5808c8aa-7e8f-42e0-85d2-e1e90434cfb3", Condition::DynamicDisk},
    PartitionType{"af9b60a0-1431-4f62-bc68-3311714a69ad", Condition::DynamicDisk},
    PartitionType{"e75caf8f-f680-4cee-afa3-b001e56efc2d", Condition::StorageSpaces},
};

}  // namespace

std::span<const ConditionRow> condition_rows() {
  return kRows;
}

const ConditionRow& row_of(Condition condition) {
  return *std::ranges::find(kRows, condition, &ConditionRow::condition);
}

std::unexpected<Error> refuse(Condition condition) {
  const ConditionRow& row = row_of(condition);
  return fail(row.code, std::string(row.clause));
}

std::optional<Condition> condition_of_type(std::string_view partition_type) {
  const auto* const found = std::ranges::find(kTypes, partition_type, &PartitionType::type);
  return found == std::end(kTypes) ? std::nullopt : std::optional(found->condition);
}

std::string describe(const VolumeState& state) {
  std::string out;
  for (const StateFlag& flag : kFlags)
    if (state.*flag.flag) out += concat(out.empty() ? "" : "; ", row_of(flag.condition).clause);
  return out.empty() ? "clean" : out;
}

bool is_only_dirty(const VolumeState& state) {
  return state == VolumeState{.dirty = true};
}

Result<void> check_clean(const VolumeState& state) {
  if (state.clean()) return {};
  return fail(Code::Unsafe, "the volume must not be written: " + describe(state));
}

}  // namespace vhdboot::volume
