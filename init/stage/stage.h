// SPDX-License-Identifier: GPL-2.0-or-later
// The stages of a boot. Each is the whole life of one process.
#pragma once

#include <string>
#include <vector>

namespace vhdboot::stage {

using Arguments = std::vector<std::string>;

/// Process 1 of the boot kernel: finds the image and jumps into the guest's kernel.
[[noreturn]] void stage1();

/// Process 1 of the guest's kernel: attaches the image and becomes the guest's own init, with `arguments` as the kernel
/// gave them. `argv0` is the text that ps shows for this process.
[[noreturn]] void stage2(const Arguments& arguments, char* argv0);

/// Process 1 of the exitrd, after the guest went down: undoes what stage 2 did. `arguments[1]` is the verb: poweroff,
/// reboot, halt or kexec.
[[noreturn]] void shutdown(const Arguments& arguments);

/// A person's look at the disks; never writes. The exit status of the program.
[[nodiscard]] int inspect(const Arguments& arguments);

}  // namespace vhdboot::stage
