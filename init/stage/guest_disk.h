// SPDX-License-Identifier: GPL-2.0-or-later
// The guest disk as stage 1 reads it: its partitions, and the file systems on them.
#pragma once

#include <list>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/fd.h"
#include "base/result.h"
#include "init/core/partition_table.h"
#include "init/sys/block.h"
#include "init/sys/file.h"
#include "init/sys/loop.h"

namespace vhdboot::stage {

struct GuestPartition {
  const core::Partition* entry = nullptr;  ///< in the table; null for a whole disk without a partition table
  sys::BlockDevice device;
  sys::Content content;

  /// "partition 2 of the guest disk"
  [[nodiscard]] std::string description() const;
};

/// A directory tree on one of the partitions, open for reading. Symbolic links do not lead out of its file system.
class GuestTree {
 public:
  GuestTree(const GuestPartition& partition, const Fd& root, std::string folder = {})
      : partition_(&partition), root_(&root), folder_(std::move(folder)) {}

  [[nodiscard]] const GuestPartition& partition() const { return *partition_; }
  /// The tree below `path` ("/boot").
  [[nodiscard]] GuestTree below(std::string_view path) const;
  /// The path from the root of the file system; empty for that root itself.
  [[nodiscard]] std::string full_path(std::string_view path) const;

  [[nodiscard]] bool has(std::string_view path) const;
  /// The names in a directory, sorted; empty when it cannot be read.
  [[nodiscard]] std::vector<std::string> list(std::string_view path) const;
  [[nodiscard]] Result<std::unique_ptr<sys::FdSource>> open(std::string_view path) const;
  [[nodiscard]] Result<std::vector<std::byte>> read(std::string_view path, std::uint64_t cap) const;
  [[nodiscard]] Result<std::string> read_text(std::string_view path, std::uint64_t cap) const;

 private:
  const GuestPartition* partition_;
  const Fd* root_;
  std::string folder_;  // "" or "/a/b"
};

class GuestDisk {
 public:
  /// `disk` is attached and shows its partitions; both must outlive this.
  GuestDisk(const sys::LoopDevice& disk, const core::PartitionTable& table);

  [[nodiscard]] const core::PartitionTable& table() const { return table_; }
  /// By number; the whole disk alone when it has no partition table.
  [[nodiscard]] const std::vector<GuestPartition>& partitions() const { return partitions_; }
  [[nodiscard]] const GuestPartition* find(const core::Partition* entry) const;

  /// The file system on one of the partitions, mounted read-only without replaying its journal, until this ends.
  /// `root_flags` are the guest's rootflags=, of which a btrfs needs its subvolume. Unsupported for a type that the
  /// boot kernel does not read.
  [[nodiscard]] Result<GuestTree> mount(const GuestPartition& partition, const std::string& root_flags = {});

 private:
  struct Mounted {
    const GuestPartition* partition;
    std::string root_flags;
    Fd root;
  };

  const core::PartitionTable& table_;
  std::vector<GuestPartition> partitions_;
  std::list<Mounted> mounted_;  // trees point to the descriptors
};

}  // namespace vhdboot::stage
