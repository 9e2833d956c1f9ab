// SPDX-License-Identifier: GPL-2.0-or-later
// The header of a Linux kernel for x86 (Documentation/arch/x86/boot.rst).
#pragma once

#include <cstdint>
#include <string>

#include "base/byte_source.h"
#include "base/range.h"
#include "base/result.h"

namespace vhdboot::kexec {

struct BzImage {
  std::uint16_t protocol = 0;          ///< boot protocol, 0x020c or later
  std::uint16_t load_flags = 0;        ///< xloadflags
  std::uint32_t setup_bytes = 0;       ///< real-mode part, boot sector included: the kernel proper begins here
  std::uint32_t header_end = 0;        ///< end of the setup header, from the start of the image
  std::uint32_t cmdline_size = 0;      ///< longest command line, without its NUL
  std::uint32_t initrd_addr_max = 0;   ///< highest byte an initrd may occupy (unless it may lie above 4 GiB)
  std::uint32_t kernel_alignment = 0;  ///< a power of two
  std::uint32_t init_size = 0;         ///< memory the kernel needs from where it is loaded
  std::uint64_t pref_address = 0;      ///< where it wants to be loaded
  bool relocatable = false;
  std::string version;  ///< first word of the version string, `uname -r`; empty when there is none
};

inline constexpr std::uint16_t kLoadFlagKernel64 = 1U << 0;          ///< 64-bit entry at 0x200
inline constexpr std::uint16_t kLoadFlagAbove4G = 1U << 1;           ///< kernel, initrd, ... may lie above 4 GiB
inline constexpr std::uint16_t kLoadFlagFiveLevel = 1U << 5;         ///< knows 5-level paging
inline constexpr std::uint16_t kLoadFlagFiveLevelEnabled = 1U << 6;  ///< may be entered with 5-level paging on

/// Checks the header of the kernel at `kernel` in `file`. Unsupported: not a Linux kernel, no bzImage, too old, no
/// 64-bit entry (a 32-bit kernel), not relocatable; a kernel for another machine says so. Corrupt: truncated, or
/// impossible values.
[[nodiscard]] Result<BzImage> parse_bzimage(const ByteSource& file, Range kernel);

}  // namespace vhdboot::kexec
