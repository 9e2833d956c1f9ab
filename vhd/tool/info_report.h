// SPDX-License-Identifier: GPL-2.0-or-later
// What `vhdtool info` tells of one image, for people and for programs.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "init/core/partition_table.h"
#include "vhd/disk.h"
#include "vhd/tool/boot_files.h"

namespace vhdboot::tool {

/// A partition that a boot loader reads: the ESP or XBOOTLDR.
struct BootPartition {
  unsigned number = 0;
  std::string role;  ///< "ESP" or "XBOOTLDR"
  BootFiles files;
};

struct Inspection {
  vhd::DiskInfo disk;
  std::optional<std::string> parent_problem;  ///< why the parent could not be used: the rest is not known then
  std::optional<core::PartitionTable> partitions;
  std::vector<BootPartition> boot;
  std::vector<std::string> warnings;
};

/// A word for programs: "dynamic-vhdx".
[[nodiscard]] std::string format_word(const vhd::DiskInfo& disk);

/// Lines that each end with a line feed.
[[nodiscard]] std::string text_report(std::string_view file_name, const Inspection& inspection);

/// One JSON object on one line, without the line feed.
[[nodiscard]] std::string json_report(std::string_view file_name, const Inspection& inspection);

}  // namespace vhdboot::tool
