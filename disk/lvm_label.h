// SPDX-License-Identifier: GPL-2.0-or-later
// The label of an LVM2 physical volume, as far as it leads to its volume group. No specification exists; the layout is
// that of LVM2's lib/format_text/layout.h and lib/label/label.h.
#pragma once

#include <string>

#include "base/byte_source.h"
#include "base/result.h"
#include "disk/lvm_text.h"

namespace vhdboot::disk {

/// Whether there is a label. libblkid, which looks for everything else as well, takes much longer.
[[nodiscard]] bool has_lvm_label(const ByteSource& device);

/// What a physical volume says of itself and of its volume group.
struct PhysicalVolumeText {
  std::string id;        ///< of the physical volume, 32 characters
  std::string metadata;  ///< the text for parse_volume_group(); empty when this one holds none
};

/// NotFound when there is no label; Corrupt when it leads nowhere, or to more than kMaxLvmText bytes.
[[nodiscard]] Result<PhysicalVolumeText> read_physical_volume(const ByteSource& device);

/// The name of the volume group that the physical volume belongs to. NotFound when there is no label, or none of the
/// group's metadata on this volume; Corrupt when it leads nowhere. Checksums are not looked at: LVM may accept what is
/// damaged, too.
[[nodiscard]] Result<std::string> read_volume_group(const ByteSource& device);

}  // namespace vhdboot::disk
