// SPDX-License-Identifier: GPL-2.0-or-later
// A volume's serial number from its first block. Freestanding.
#pragma once

#include <optional>

#include "base/bytes.h"
#include "efi/fixed_text.h"

namespace vhdboot::efi {

using VolumeSerial = FixedText<16>;

/// The serial number of an NTFS ("0123456789ABCDEF") or exFAT ("1234-ABCD") volume whose first block this is, written
/// as libblkid writes a volume's UUID. Nothing for any other contents.
[[nodiscard]] std::optional<VolumeSerial> volume_serial(Bytes first_block);

}  // namespace vhdboot::efi
