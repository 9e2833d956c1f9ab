// SPDX-License-Identifier: GPL-2.0-or-later
// Reads debian.conf beside debian.efi, where the firmware can read the file system.
#pragma once

#include <string_view>

#include "efi/fixed_text.h"
#include "efi/memory.h"
#include "efi/uefi.h"

namespace vhdboot::efi {

/// Larger ones are no configuration.
inline constexpr std::size_t kMaxConfSize = 64 * 1024;

struct ConfigFile {
  bool found = false;
  PoolBytes memory;
  std::size_t size = 0;
  Sentence problem;  ///< why it is there but could not be read; empty otherwise

  [[nodiscard]] Bytes bytes() const { return Bytes(memory.bytes()).first(size); }
};

/// `own_path` is the path of our own file with '/'. Not found as well when `device` has no file system that the
/// firmware knows, which is usual for NTFS and exFAT.
[[nodiscard]] ConfigFile read_config_file(EFI_BOOT_SERVICES& boot, EFI_HANDLE device, std::string_view own_path);

}  // namespace vhdboot::efi
