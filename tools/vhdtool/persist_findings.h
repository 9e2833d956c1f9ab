// SPDX-License-Identifier: GPL-2.0-or-later
// What `vhdtool check` finds in the image of `persist`.
#pragma once

#include <string_view>

#include "base/byte_source.h"
#include "tools/vhdtool/finding.h"

namespace vhdboot::vhdtool {

/// Whether it can be written in place and holds a file system of Linux. `name` of the file.
void check_persist_image(const ByteSource& file, std::string_view name, Findings& findings);

}  // namespace vhdboot::vhdtool
