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
/// gave them.
[[noreturn]] void stage2(const Arguments& arguments);

}  // namespace vhdboot::stage
