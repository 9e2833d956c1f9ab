// SPDX-License-Identifier: GPL-2.0-or-later
#include "efi/boot_sector.h"

#include <cstdint>

namespace vhdboot::efi {

namespace {
constexpr std::uint64_t kOemName = 3;
constexpr std::uint64_t kNtfsSerial = 0x48;   // 64 bits, little-endian
constexpr std::uint64_t kExfatSerial = 0x64;  // 32 bits, little-endian
}  // namespace

std::optional<VolumeSerial> volume_serial(Bytes first_block) {
  const auto oem_name = slice(first_block, kOemName, 8);
  if (!oem_name) return std::nullopt;
  VolumeSerial text;
  if (as_text(*oem_name) == "NTFS    ") {
    const auto serial = load_le<std::uint64_t>(first_block, kNtfsSerial);
    if (!serial) return std::nullopt;
    text.put_hex(*serial, 16, VolumeSerial::kUpperDigits);
    return text;
  }
  if (as_text(*oem_name) == "EXFAT   ") {
    const auto serial = load_le<std::uint32_t>(first_block, kExfatSerial);
    if (!serial) return std::nullopt;
    text.put_hex(*serial >> 16, 4, VolumeSerial::kUpperDigits);
    text.put('-');
    text.put_hex(*serial & 0xFFFF, 4, VolumeSerial::kUpperDigits);
    return text;
  }
  return std::nullopt;
}

}  // namespace vhdboot::efi
