// SPDX-License-Identifier: GPL-2.0-or-later
// What the kernel looks for at the start of an initrd before it unpacks it: microcode, ACPI tables.
// Format: Linux, Documentation/arch/x86/microcode.rst.
#pragma once

#include "base/byte_source.h"
#include "base/range.h"

namespace vhdboot::kexec {

/// Whether those bytes are uncompressed cpio archives with nothing but such files, below "kernel/". With an initrd of
/// that alone the kernel finds no /init, and mounts root= itself. Their contents are passed over. False for what cannot
/// be read.
[[nodiscard]] bool is_early_archive(const ByteSource& file, const Range& range);

}  // namespace vhdboot::kexec
