// SPDX-License-Identifier: GPL-2.0-or-later
// The guest disk as it is looked into: its partitions, and the file systems on them.
#pragma once

#include <array>
#include <cstdint>
#include <list>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "disk/file_tree.h"
#include "disk/partition_table.h"
#include "disk/selector.h"

namespace vhdboot::disk {

/// How to mount a guest's file system of this type (as blkid names it) without replaying its journal: the disk is
/// read-only, and a guest that was not shut down must still boot. Nothing for a type that the boot kernel does not
/// read.
[[nodiscard]] std::optional<std::string_view> guest_mount_options(std::string_view type);

/// Where a root file system may begin on its file system: at the top, or in what installers call their subvolume.
inline constexpr std::array<std::string_view, 4> kRootFolders{"", "/@", "/@rootfs", "/root"};

/// The rootflags= of a btrfs with which all its subvolumes are seen, whichever one is the default.
inline constexpr std::string_view kTopSubvolume = "subvolid=5";

/// A partition, a logical volume of LVM that lies on some, or a whole disk without a partition table.
struct GuestPartition {
  const Partition* entry = nullptr;  ///< in the table; null for what is no partition
  std::string device;                ///< as the boot kernel calls it: "loop0p2"
  std::string type;                  ///< of its file system, as libblkid says; empty when unknown
  Identity identity;
  bool unread = false;  ///< it cannot be read: what it holds is not known
  std::string group;    ///< of a logical volume: its volume group
  std::string volume;   ///< its name; empty for everything else

  [[nodiscard]] bool is_whole_disk() const { return entry == nullptr && volume.empty(); }
  /// "partition 2 of the guest disk"
  [[nodiscard]] std::string description() const;
};

/// A folder on one of the partitions, borrowed from the disk.
class GuestTree : public Folder {
 public:
  GuestTree(const GuestPartition& partition, const FileTree& files, std::string folder = {})
      : Folder(files, std::move(folder)), partition_(&partition) {}

  [[nodiscard]] const GuestPartition& partition() const { return *partition_; }
  [[nodiscard]] GuestTree below(std::string_view path) const {
    return GuestTree(*partition_, files(), full_path(path));
  }
  /// The same, whatever it lies on.
  [[nodiscard]] Folder folder() const { return Folder(files(), full_path("")); }

 private:
  const GuestPartition* partition_;
};

class GuestDisk {
 public:
  GuestDisk(const GuestDisk&) = delete;
  GuestDisk& operator=(const GuestDisk&) = delete;
  virtual ~GuestDisk() = default;

  [[nodiscard]] const PartitionTable& table() const { return table_; }
  /// By number, logical volumes behind them; a disk without a partition table is one of them.
  [[nodiscard]] const std::vector<GuestPartition>& partitions() const { return partitions_; }
  /// Null when it is not there.
  [[nodiscard]] const GuestPartition* find(const Partition* entry) const;

  /// The file system on one of the partitions, open until this ends; nothing is written to the disk. `root_flags` are
  /// the guest's rootflags=, of which a btrfs needs its subvolume; NotFound when it has none such. Unsupported for a
  /// type that the boot kernel does not read.
  [[nodiscard]] Result<GuestTree> mount(const GuestPartition& partition, const std::string& root_flags = {});

  /// Fills `out` from `offset`, in bytes, of one of the partitions, whatever is there.
  [[nodiscard]] virtual Result<void> read(const GuestPartition& partition, std::uint64_t offset,
                                          MutableBytes out) const = 0;

 protected:
  /// `table` must outlive this.
  explicit GuestDisk(const PartitionTable& table) : table_(table) {}

  /// For constructors.
  void add(GuestPartition partition) { partitions_.push_back(std::move(partition)); }

 private:
  /// Opens a file system of a type with guest_mount_options(); `root_flags` is empty unless it is a btrfs.
  [[nodiscard]] virtual Result<std::unique_ptr<FileTree>> open_files(const GuestPartition& partition,
                                                                     const std::string& root_flags) = 0;

  struct Mounted {
    const GuestPartition* partition;
    std::string root_flags;
    std::unique_ptr<FileTree> files;
  };

  const PartitionTable& table_;
  std::vector<GuestPartition> partitions_;
  std::list<Mounted> mounted_;
};

}  // namespace vhdboot::disk
