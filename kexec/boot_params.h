// SPDX-License-Identifier: GPL-2.0-or-later
// The "zero page": what a kernel is told by whoever starts it (Documentation/arch/x86/zero-page.rst), with what hangs
// on it: the command line, the EFI memory map, setup_data.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "kexec/bzimage.h"
#include "kexec/machine_facts.h"

namespace vhdboot::kexec {

/// Bytes that make_boot_params() will need. Unsupported: the facts cannot be told in this form.
[[nodiscard]] Result<std::size_t> boot_params_size(const MachineFacts& facts, std::string_view cmdline);

/// The block that is to lie at physical address `address`, the zero page first. `image_header` is the start of the
/// kernel image, `header.header_end` bytes of it at least. The same facts are handed on as by the kernel's own
/// kexec_file_load (arch/x86/kernel/kexec-bzimage64.c). `initrd.length` 0: no initrd.
[[nodiscard]] Result<std::vector<std::byte>> make_boot_params(const MachineFacts& facts, const BzImage& header,
                                                              Bytes image_header, std::string_view cmdline,
                                                              std::uint64_t address, MemoryRange initrd);

}  // namespace vhdboot::kexec
