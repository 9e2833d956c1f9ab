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

/// The code, entered at its first byte wherever it lies: sets up a flat GDT, puts `boot_params` (physical address) into
/// RSI and jumps to `entry` (physical address). It writes to itself, and to kTrampolineStack bytes behind itself.
[[nodiscard]] std::vector<std::byte> make_trampoline(std::uint64_t boot_params, std::uint64_t entry);

}  // namespace vhdboot::kexec
