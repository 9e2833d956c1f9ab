// SPDX-License-Identifier: GPL-2.0-or-later
// Reads debian.conf beside debian.efi, where the firmware can read the file system.
#pragma once

#include <optional>
#include <string_view>

#include "efi/fixed_text.h"
#include "efi/memory.h"
#include "efi/uefi.h"

namespace vhdboot::efi {

/// Larger ones are no configuration.
inline constexpr std::size_t kMaxConfSize = 64 * 1024;

struct ConfigFile {
  PoolBytes memory;
  std::optional<Bytes> contents;  ///< within `memory`; nothing when there is no such file or it could not be read
  Sentence problem;               ///< why it could not be read; empty otherwise
};

/// `own_path` is the path of our own file with '/', or empty. No file as well when `device` is null or has no file
/// system that the firmware knows.
[[nodiscard]] ConfigFile read_config_file(EFI_BOOT_SERVICES& boot, EFI_HANDLE device, std::string_view own_path);

}  // namespace vhdboot::efi
