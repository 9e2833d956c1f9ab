// SPDX-License-Identifier: GPL-2.0-or-later
// Would this image boot, as far as its own bytes tell: format, footer, partition table.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>

#include "base/byte_source.h"
#include "disk/partition_table.h"
#include "tools/vhdtool/finding.h"
#include "vhd/disk.h"

namespace vhdboot::vhdtool {

struct CheckedImage {
  std::uint64_t payload_size = 0;             ///< 0: the disk does not lie in the file as it is
  std::unique_ptr<ByteSource> disk;           ///< borrows from the file; null: it cannot be read
  const vhd::Disk* blocks = nullptr;          ///< `disk`, when it is made of blocks of the file and of its parents
  std::optional<disk::PartitionTable> table;  ///< nothing: it cannot be read
};

/// Goes on as far as it can after each error. `file_name` is how a person would name `file`, and by which `open_parent`
/// knows it.
[[nodiscard]] CheckedImage check_image(const ByteSource& file, std::string_view file_name,
                                       const vhd::OpenParent& open_parent, Findings& findings);

}  // namespace vhdboot::vhdtool
