// SPDX-License-Identifier: GPL-2.0-or-later
// Would this image boot, as far as its own bytes tell: format, footer, partition table, what is to be started.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "base/byte_source.h"
#include "init/core/config.h"
#include "init/core/partition_table.h"
#include "vhd/tool/check_entry.h"
#include "vhd/tool/finding.h"

namespace vhdboot::tool {

struct CheckedImage {
  std::uint64_t payload_size = 0;             ///< 0: the disk does not lie in the file as it is
  std::optional<core::PartitionTable> table;  ///< nothing: it cannot be read
  std::optional<BootChoice> choice;           ///< nothing: there is nothing to boot
};

/// Goes on as far as it can after each error. `file_name` is how a person would name `file`; `config` is what the boot
/// is configured to do.
[[nodiscard]] CheckedImage check_image(const ByteSource& file, std::string_view file_name, const core::Config& config,
                                       Findings& findings);

}  // namespace vhdboot::tool
