// SPDX-License-Identifier: GPL-2.0-or-later
// What the next kernel must be told about this machine, as the running kernel shows it in /sys and /proc: its boot
// parameters, the firmware's memory map, the EFI runtime services.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace vhdboot::kexec {

/// Memory types of the e820 table (arch/x86/include/asm/e820/types.h).
enum class MemoryType : std::uint32_t {
  Ram = 1,
  Reserved = 2,
  Acpi = 3,
  Nvs = 4,
  Unusable = 5,
  Persistent = 7,
  LegacyPersistent = 12,
  SoftReserved = 0xEFFFFFFF,
};

/// `length` bytes of physical memory; start + length does not overflow.
struct MemoryRange {
  std::uint64_t start = 0;
  std::uint64_t length = 0;
  MemoryType type = MemoryType::Ram;

  [[nodiscard]] constexpr std::uint64_t end() const { return start + length; }
  friend constexpr bool operator==(const MemoryRange&, const MemoryRange&) = default;
};

/// One entry of the memory map that was given to SetVirtualAddressMap() (UEFI 2.10, EFI_MEMORY_DESCRIPTOR).
struct EfiRegion {
  std::uint32_t type = 0;
  std::uint64_t physical = 0;
  std::uint64_t virtual_address = 0;
  std::uint64_t pages = 0;
  std::uint64_t attribute = 0;
};

/// Where the firmware's tables are; an address of 0 means that there is no such table.
struct EfiFacts {
  std::vector<EfiRegion> regions;
  std::uint64_t vendor = 0;         ///< the vendor string
  std::uint64_t configuration = 0;  ///< the configuration table
  std::uint64_t smbios = 0;
  std::uint64_t acpi = 0;  ///< the ACPI 2.0 root pointer, else the one of ACPI 1.0
};

inline constexpr std::size_t kBootParamsSize = 4096;

struct MachineFacts {
  std::array<std::byte, kBootParamsSize> boot_params{};  ///< as the running kernel was given them
  std::vector<MemoryRange> firmware_map;                 ///< in ascending order, without overlap
  std::vector<MemoryRange> system_ram;                   ///< what the running kernel uses as memory; likewise
  std::optional<MemoryRange> running_kernel;             ///< where the running kernel itself lies
  std::optional<EfiFacts> efi;                           ///< nothing on a machine started by a BIOS
  std::optional<std::uint64_t> framebuffer;              ///< where the running kernel sees the firmware's frame buffer
  bool five_level_paging = false;
  std::array<std::byte, 32> seed{};  ///< random bytes for the next kernel; all zero when there are none
};

/// Reads a whole small file; NotFound when there is no such file.
using FileReader = std::function<Result<std::string>(const std::string& path)>;

/// Gathers everything but the seed. Unsupported, with what is missing, whenever the picture is incomplete or one that
/// we do not know how to hand on: the caller then lets the running kernel do it (kexec_file_load).
[[nodiscard]] Result<MachineFacts> gather_facts(const FileReader& read);

}  // namespace vhdboot::kexec
