// SPDX-License-Identifier: GPL-2.0-or-later
// The firmware's tables, from gnu-efi's headers, and what those lack. Include it last: it brings C macros with it.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/bytes.h"
#include "base/guid.h"

#ifndef GNU_EFI_USE_MS_ABI
#define GNU_EFI_USE_MS_ABI  // calls through the tables follow the firmware's calling convention without wrappers
#endif
extern "C" {
#include <efi.h>
}
#undef IN
#undef OUT
#undef OPTIONAL

namespace vhdboot::efi {

inline constexpr Guid kLoadedImage = "5b1b31a1-9562-11d2-8e3f-00a0c969723b"_guid;
inline constexpr Guid kLoadedImageDevicePath = "bc62157e-3e33-4fec-9920-2d3b36d750df"_guid;
inline constexpr Guid kDevicePath = "09576e91-6d3f-11d2-8e39-00a0c969723b"_guid;
inline constexpr Guid kBlockIo = "964e5b21-6459-11d2-8e39-00a0c969723b"_guid;
inline constexpr Guid kSimpleFileSystem = "964e5b22-6459-11d2-8e39-00a0c969723b"_guid;
inline constexpr Guid kFileInfo = "09576e92-6d3f-11d2-8e39-00a0c969723b"_guid;
inline constexpr Guid kLoadFile2 = "4006c0c1-fcb3-403e-996d-4a6c8724e06d"_guid;

[[nodiscard]] constexpr EFI_GUID efi_guid(const Guid& guid) {
  return std::bit_cast<EFI_GUID>(guid);
}

/// EFI_LOAD_FILE2_PROTOCOL (UEFI 2.10, 13.2), which gnu-efi 3.0.15 does not know.
struct LoadFile2Protocol {
  EFI_STATUS(EFIAPI* LoadFile)(LoadFile2Protocol*, EFI_DEVICE_PATH*, BOOLEAN, UINTN*, void*);
};

[[nodiscard]] constexpr bool failed(EFI_STATUS status) {
  return (status & EFI_ERROR_MASK) != 0;
}

/// The protocol that `handle` carries; null when it has none or `handle` is null.
template <class Protocol>
[[nodiscard]] Protocol* find_protocol(EFI_BOOT_SERVICES& boot, EFI_HANDLE handle, const Guid& guid) {
  if (handle == nullptr) return nullptr;
  EFI_GUID efi = efi_guid(guid);
  void* found = nullptr;
  if (failed(boot.HandleProtocol(handle, &efi, &found))) return nullptr;
  return static_cast<Protocol*>(found);
}

/// A firmware name known at compile time, with its NUL.
template <std::size_t Size>
struct Name16 {
  std::array<CHAR16, Size> text{};

  consteval explicit Name16(const char16_t (&literal)[Size]) {
    for (std::size_t i = 0; i < Size; ++i) text[i] = literal[i];
  }
};

/// A status for a person: "not found".
[[nodiscard]] std::string_view describe(EFI_STATUS status);

}  // namespace vhdboot::efi
