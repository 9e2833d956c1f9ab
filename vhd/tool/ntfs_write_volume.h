// SPDX-License-Identifier: GPL-2.0-or-later
// An NTFS volume that nobody has mounted, opened by libntfs-3g for writing. It is marked dirty as long as it is open,
// so Windows checks it after a loss of power.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "base/result.h"
#include "init/volume/ntfs3g.h"
#include "init/volume/path.h"
#include "vhd/tool/byte_device.h"
#include "vhd/tool/ntfs_mft_room.h"
#include "vhd/tool/ntfs_runs.h"
#include "vhd/tool/ntfs_write_device.h"

namespace vhdboot::tool {

/// What is said of a volume whose dirty flag stays.
inline constexpr std::string_view kNtfsLeftDirty =
    "the volume is left marked dirty: let Windows check it (\"chkdsk /f\"), or run ntfsfix";

/// `error`, and behind all of it one more clause.
[[nodiscard]] Error followed_by(const Error& error, std::string_view clause);

/// Closes without writing, and without keeping the inode in the library's cache, which would not see what is changed in
/// the record. Whatever is to be written is written before: the library marks a base record as changed when one of its
/// others is taken or given back, and would write the old one over the new.
struct InodeDrop {
  void operator()(ntfs_inode* inode) const;
};
using FreshInode = std::unique_ptr<ntfs_inode, InodeDrop>;

class NtfsWriteVolume {
 public:
  /// `target` must outlive it.
  explicit NtfsWriteVolume(ByteDevice& target) : target_(target), device_(target) {}
  NtfsWriteVolume(const NtfsWriteVolume&) = delete;
  NtfsWriteVolume& operator=(const NtfsWriteVolume&) = delete;
  /// Without finish(), the volume stays dirty.
  ~NtfsWriteVolume();

  /// Its error says what state the volume is in, as that of finish() does.
  [[nodiscard]] Result<void> begin();
  /// Everything is in order: the volume is left clean. With an error of the device before, it stays dirty.
  [[nodiscard]] Result<void> finish();

  /// What went wrong within the library: the first error of the device if it had one, else by errno.
  [[nodiscard]] std::unexpected<Error> failed(std::string_view doing, int err = errno) const;

  /// Whether the device had an error while the library used it: nothing more can be put in order then.
  [[nodiscard]] bool broken() const { return device_.error().has_value(); }

  [[nodiscard]] Result<void> sync() { return target_.sync(); }
  [[nodiscard]] Result<void> write(std::uint64_t offset, Bytes data) { return target_.write(offset, data); }
  [[nodiscard]] ntfs_volume* get() const { return volume_; }
  /// Bytes of a cluster, and of a record of the MFT.
  [[nodiscard]] std::uint64_t cluster() const { return volume_->cluster_size; }
  [[nodiscard]] std::size_t record_size() const { return volume_->mft_record_size; }

  /// False between the first change of something that is in use and the moment when all of it is on the disk.
  bool in_order = true;

  /// The number of its record. As init/volume finds it: the very name first, then ignoring case.
  [[nodiscard]] Result<std::uint64_t> find(const volume::Path& path);
  [[nodiscard]] Result<FreshInode> open(std::uint64_t number);

  /// A new record that belongs to the file `base`, which owns it; on the disk it is only taken. Unsupported
  /// when the MFT would have to grow in a way that is not safe.
  [[nodiscard]] Result<ntfs_inode*> allocate_record(ntfs_inode* base);
  /// Gives back a record that nothing refers to.
  [[nodiscard]] Result<void> free_record(ntfs_inode* record);
  /// Writes one record, in one step.
  [[nodiscard]] Result<void> write_record(std::uint64_t number, Bytes record);

  /// `count` clusters, from `hint` on where they are free there (-1: anywhere). In no particular order.
  [[nodiscard]] Result<NtfsRuns> allocate_clusters(std::uint64_t count, std::int64_t hint);
  [[nodiscard]] Result<void> free_clusters(const NtfsRuns& runs);

 private:
  /// Writes what the library keeps of the volume's own files, and all of it is on the disk then.
  [[nodiscard]] Result<void> settle();
  [[nodiscard]] Result<NtfsMftRoom> mft_room() const;

  ByteDevice& target_;
  NtfsWriteDevice device_;
  ntfs_volume* volume_ = nullptr;
  std::uint16_t clean_flags_ = 0;
};

/// Clusters that are taken on the volume and not yet anybody's; given back unless release() is called.
class NewClusters {
 public:
  NewClusters(NtfsWriteVolume& volume, NtfsRuns runs) : volume_(volume), runs_(std::move(runs)) {}
  NewClusters(const NewClusters&) = delete;
  NewClusters& operator=(const NewClusters&) = delete;
  ~NewClusters() {
    if (!runs_.empty() && !volume_.free_clusters(runs_)) volume_.in_order = false;
  }
  [[nodiscard]] const NtfsRuns& runs() const { return runs_; }
  void release() { runs_.clear(); }

 private:
  NtfsWriteVolume& volume_;
  NtfsRuns runs_;
};

}  // namespace vhdboot::tool
