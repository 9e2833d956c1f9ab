// SPDX-License-Identifier: GPL-2.0-or-later
// What the stub tells the boot kernel's init about where it was started from: a small archive behind the initramfs.
// Freestanding.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "base/bytes.h"

namespace vhdboot::efi {

/// Everything is borrowed. What is not known is empty.
struct Origin {
  std::string_view partuuid;  ///< as Linux prints PARTUUID, lower case
  std::string_view serial;    ///< the volume's, as libblkid prints its UUID
  std::string_view path;      ///< of our EFI file, "/boot/debian.efi"
  std::string_view options;   ///< load options, one line
  bool menu = false;          ///< somebody has pressed a key for the menu, or asked for it by LoaderEntryOneShot
  std::string_view one_shot;  ///< the name of the image to boot this time, "debian"
  std::optional<Bytes> conf;  ///< the text of debian.conf beside debian.efi, unchanged
  Bytes place;                ///< the firmware's device path of the partition
};

/// Size in bytes of the archive for `origin`: /vhdboot/origin, which has a line "key value" for each known fact, and
/// /vhdboot/origin.conf and /vhdboot/origin.place where there are such.
[[nodiscard]] std::uint64_t origin_archive_size(const Origin& origin);

/// Writes that archive into `out`, which is exactly as large. False when it is not.
[[nodiscard]] bool write_origin_archive(const Origin& origin, MutableBytes out);

}  // namespace vhdboot::efi
