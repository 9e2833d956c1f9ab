// SPDX-License-Identifier: GPL-2.0-or-later
// What `vhdtool info` tells of one image, for people and for programs.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "disk/partition_table.h"
#include "entry/bls.h"
#include "entry/uki.h"
#include "vhd/disk.h"

namespace vhdboot::vhdtool {

/// What vhdboot could start.
struct BootableEntry {
  entry::BootEntry entry;
  unsigned partition = 0;  ///< 0: the whole disk
  std::string path;        ///< on the partition
  std::string kernel;      ///< its release; empty when unknown
  std::string options;     ///< of the kernel, as far as they are known
  std::vector<entry::Profile> profiles;
};

struct Inspection {
  vhd::DiskInfo disk;
  std::vector<std::string> chain;             ///< its parents' files, the nearest first
  std::optional<std::string> parent_problem;  ///< why the parent could not be used: the rest is not known then
  bool takes_writes = false;                  ///< a guest can write into the image itself
  std::optional<disk::PartitionTable> partitions;
  std::vector<BootableEntry> boot;  ///< in the order of a boot menu
  std::vector<std::string> unread;  ///< where more may be that was not looked for
  std::vector<std::string> warnings;
};

/// A word for programs: "dynamic-vhdx".
[[nodiscard]] std::string format_word(const vhd::DiskInfo& disk);

/// Lines that each end with a line feed.
[[nodiscard]] std::string text_report(std::string_view file_name, const Inspection& inspection);

/// One JSON object on one line, without the line feed.
[[nodiscard]] std::string json_report(std::string_view file_name, const Inspection& inspection);

}  // namespace vhdboot::vhdtool
