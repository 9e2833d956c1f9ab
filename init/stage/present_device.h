// SPDX-License-Identifier: GPL-2.0-or-later
// A disk or partition as what a guest looks for.
#pragma once

#include <string>

#include "init/guest/other_disks.h"
#include "init/sys/content.h"

namespace vhdboot::stage {

/// That of the device at `path` with that content; `shown`: what people call it. Of a physical volume of LVM its group
/// is read, too.
[[nodiscard]] guest::PresentDevice present_device(const std::string& path, std::string shown, std::uint64_t size,
                                                  sys::Content content);

}  // namespace vhdboot::stage
