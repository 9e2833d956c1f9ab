// SPDX-License-Identifier: GPL-2.0-or-later
// A person's look at the disks; never writes.
#pragma once

#include <string>
#include <vector>

namespace vhdboot::stage {

/// The whole program, with `arguments` as main() gets them; its exit status.
[[nodiscard]] int inspect(const std::vector<std::string>& arguments);

}  // namespace vhdboot::stage
