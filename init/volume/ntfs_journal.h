// SPDX-License-Identifier: GPL-2.0-or-later
// NTFS's journal: whether Windows has left something in it to be completed. Only its restart pages are read; the format
// is that of ntfs-3g's logfile.h.
#pragma once

#include "base/byte_source.h"
#include "base/result.h"

namespace vhdboot::volume {

/// `log` is the contents of $LogFile. True when the volume was not let go of cleanly, and also when the journal cannot
/// be understood: who cannot tell must not write. An error only when it cannot be read.
[[nodiscard]] Result<bool> ntfs_journal_pending(const ByteSource& log);

}  // namespace vhdboot::volume
