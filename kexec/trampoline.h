// SPDX-License-Identifier: GPL-2.0-or-later
// The few instructions between the running kernel's last one and the next kernel's first one: kexec_load(2) enters an
// image with all registers zero, a kernel wants to find its boot parameters in one (64-bit boot protocol,
// Documentation/arch/x86/boot.rst).
#pragma once

#include <cstdint>
#include <vector>

#include "base/bytes.h"

namespace vhdboot::kexec {

/// Bytes of the trampoline without its stack.
[[nodiscard]] std::size_t trampoline_size();

/// Below the stack's end it may use this much; the stack follows the code.
inline constexpr std::size_t kTrampolineStack = 256;

/// Physical addresses.
struct TrampolineValues {
  std::uint64_t page_tables = 0;  ///< four levels, which map the trampoline too; 0: those that are there stay
  std::uint64_t boot_params = 0;
  std::uint64_t entry = 0;
};

/// The code, entered at its first byte wherever it lies: sets up a flat GDT and the page tables, puts `boot_params`
/// into RSI and jumps to `entry`. It writes to itself, and to kTrampolineStack bytes behind itself.
[[nodiscard]] std::vector<std::byte> make_trampoline(const TrampolineValues& values);

}  // namespace vhdboot::kexec
