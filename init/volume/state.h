// SPDX-License-Identifier: GPL-2.0-or-later
// In what state a volume was left.
#pragma once

#include <string>

#include "base/result.h"

namespace vhdboot::volume {

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

/// One clause for each thing that is wrong and what to do about it; "clean" when nothing is.
[[nodiscard]] std::string describe(const VolumeState& state);

/// Unsafe with describe() as its text unless the volume is clean.
[[nodiscard]] Result<void> check_clean(const VolumeState& state);

}  // namespace vhdboot::volume
