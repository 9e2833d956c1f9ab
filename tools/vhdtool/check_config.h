// SPDX-License-Identifier: GPL-2.0-or-later
// The configuration file of the boot, as stage 1 reads it.
#pragma once

#include <string_view>

#include "init/record/config.h"
#include "tools/vhdtool/finding.h"

namespace vhdboot::vhdtool {

/// What `text` of the configuration file `file_name` says for the image `image_name` (its last component). After an
/// error: nothing configured.
[[nodiscard]] record::Config check_config(std::string_view text, std::string_view file_name,
                                          std::string_view image_name, Findings& findings);

}  // namespace vhdboot::vhdtool
