// SPDX-License-Identifier: GPL-2.0-or-later
// In what state a volume was left, and what is done with it then.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/result.h"

namespace vhdboot::volume {

/// What keeps an image on a volume from being booted. The order is that in which a person is told.
enum class Condition : std::uint8_t {
  Hibernated,
  JournalOpen,
  Dirty,
  ChkdskScheduled,
  MediaFailure,
  Damaged,
  NewerNtfs,
  BitLocker,
  DynamicDisk,
  StorageSpaces,
  Refs,
};

/// One line of the table of all conditions, which stands in vhdboot(7), too.
struct ConditionRow {
  Condition condition;
  std::string_view name;    ///< for people
  Code code;                ///< of the refusal
  std::string_view clause;  ///< what was found and what to do; of Damaged the latter alone
};
[[nodiscard]] std::span<const ConditionRow> condition_rows();
[[nodiscard]] const ConditionRow& row_of(Condition condition);

/// The refusal of a partition for something that is seen before the volume on it is read.
[[nodiscard]] std::unexpected<Error> refuse(Condition condition);

/// What a partition's type says of it: "0x42" in an MBR, a GUID in lower case in a GPT, as libblkid writes it. Nothing
/// for all types that Windows gives to ordinary volumes, and those it does not know.
[[nodiscard]] std::optional<Condition> condition_of_type(std::string_view partition_type);

/// What forbids writing into a volume, even only inside one file. All false is a volume that was left in order.
struct VolumeState {
  bool dirty = false;             ///< NTFS: volume flag 0x0001; exFAT: VolumeDirty
  bool journal_pending = false;   ///< NTFS: $LogFile holds transactions that Windows has still to complete
  bool hibernated = false;        ///< NTFS: hiberfil.sys holds a session (hibernation or Fast Startup)
  bool chkdsk_scheduled = false;  ///< NTFS: volume flags say that chkdsk or an upgrade has to run before use
  bool media_failure = false;     ///< exFAT: MediaFailure, the medium has bad clusters that are not marked yet

  [[nodiscard]] bool clean() const { return *this == VolumeState{}; }
  friend bool operator==(const VolumeState&, const VolumeState&) = default;
};

/// The clause of each thing that is wrong; "clean" when nothing is.
[[nodiscard]] std::string describe(const VolumeState& state);

/// Whether being dirty is its one fault: what lies on it can be read as it is.
[[nodiscard]] bool is_only_dirty(const VolumeState& state);

/// Unsafe with describe() as its text unless the volume is clean.
[[nodiscard]] Result<void> check_clean(const VolumeState& state);

}  // namespace vhdboot::volume
