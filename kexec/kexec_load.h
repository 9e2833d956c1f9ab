// SPDX-License-Identifier: GPL-2.0-or-later
// The system calls that hand a kernel over to the running one. The only part of this library that touches the system.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/result.h"

namespace vhdboot::kexec {

/// kexec_file_load(2): the running kernel reads, checks and keeps both files; the descriptors may be closed afterwards.
/// Each must be a regular, non-empty file that nobody holds open for writing: of a memfd, open it again
/// through /proc/self/fd/N for reading and close the writer.
/// `initrd_fd` nothing: no initrd at all. Errors say in a sentence what the kernel's errno means here.
[[nodiscard]] Result<void> load(int kernel_fd, std::optional<int> initrd_fd, const std::string& cmdline);

/// The same by kexec_load(2), with the memory laid out by us (segments.h): it saves the two SHA-256 sums of everything
/// that kexec_file_load(2) computes, and takes both from memory. The same kernel gets the same facts about the machine.
/// An empty `initrd`: none. The memory may be given back afterwards.
/// Unsupported: not in this situation (locked down, an unknown firmware memory map, ...): nothing was loaded or
/// changed, and load() is the way.
[[nodiscard]] Result<void> load_segments(Bytes kernel, Bytes initrd, std::string_view cmdline);

/// The error that load() gives for `err`, the errno of kexec_file_load(2).
[[nodiscard]] Error load_error(int err);

}  // namespace vhdboot::kexec
