// SPDX-License-Identifier: GPL-2.0-or-later
// Changes where a file on NTFS lies, in one step, however many records of the MFT tell it.
//
// A file in few pieces tells it in one record. For a file that needs more: its contents get new records, and its
// attribute list new clusters; nothing refers to them yet, so a loss of power leaves them taken and nobody's. When they
// are on the disk, one write of the file's base record makes its attribute list the new one. Then what the old list
// alone referred to is given back.
//
// That a record, of up to 4096 bytes, is written whole or not at all is an assumption: a device whose physical sectors
// are smaller does not guarantee it, and the update sequence does no more than tell that a record is torn.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "base/result.h"
#include "vhd/tool/ntfs_attribute_list.h"
#include "vhd/tool/ntfs_record.h"
#include "vhd/tool/ntfs_runs.h"
#include "vhd/tool/ntfs_write_volume.h"

namespace vhdboot::tool {

/// Where the contents of a file lie.
struct NtfsMap {
  NtfsRuns runs;                 ///< from cluster 0 on, up to the end of the file at least
  std::uint64_t data_size = 0;   ///< bytes
  std::uint64_t valid_size = 0;  ///< bytes, data_size at most
  bool sparse = false;           ///< the attribute says that it is

  bool operator==(const NtfsMap&) const = default;
};

/// Of the file `number` (of its base record). Corrupt when it is no whole map; Unsupported when it is compressed,
/// encrypted or resident.
[[nodiscard]] Result<NtfsMap> read_ntfs_map(NtfsWriteVolume& volume, std::uint64_t number);

/// A change that is ready. Until take_effect() the file is as it was, and what was taken for the change is given back
/// when the object goes.
class NtfsSwitch {
 public:
  /// Takes what the change of the file `number` to `target` needs. Unsupported, with nothing changed, when NTFS cannot
  /// tell it.
  [[nodiscard]] static Result<std::unique_ptr<NtfsSwitch>> prepare(NtfsWriteVolume& volume, std::uint64_t number,
                                                                   const NtfsMap& target);
  NtfsSwitch(const NtfsSwitch&) = delete;
  NtfsSwitch& operator=(const NtfsSwitch&) = delete;
  ~NtfsSwitch();

  /// Writes what nothing refers to yet; it must be synced before it takes effect.
  [[nodiscard]] Result<void> write_new();
  /// The step. After that the file lies as `target` says, on the disk; what is not needed any more has been given back.
  [[nodiscard]] Result<void> take_effect();

 private:
  NtfsSwitch(NtfsWriteVolume& volume, std::uint64_t number) : volume_(volume), number_(number) {}

  struct Piece {
    NtfsPiece header;
    std::vector<std::byte> pairs;
  };

  [[nodiscard]] Result<void> plan(const NtfsMap& target);
  [[nodiscard]] Result<void> read_old();
  [[nodiscard]] Result<ntfs_inode*> record_of(std::uint64_t reference);
  [[nodiscard]] Result<std::vector<std::byte>> copy_of(const ntfs_inode* record) const;
  /// Whether the one record that tells it today can tell the target.
  [[nodiscard]] Result<bool> plan_in_place(const NtfsMap& target);
  [[nodiscard]] Result<void> plan_list(const NtfsMap& target);
  /// All but the place in the file.
  [[nodiscard]] NtfsPiece header_for(const NtfsMap& target) const;
  [[nodiscard]] std::vector<Piece> pieces_of(const NtfsMap& target) const;
  [[nodiscard]] Result<std::vector<NtfsListEntry>> take_records(std::span<const Piece> pieces);
  [[nodiscard]] Result<void> take_list(std::span<const NtfsListEntry> entries);
  [[nodiscard]] Result<void> give_back_old();

  NtfsWriteVolume& volume_;
  std::uint64_t number_;
  FreshInode base_;

  std::vector<NtfsListEntry> old_entries_;
  std::uint8_t compression_unit_ = 0;       ///< that a sparse file has
  std::vector<std::uint64_t> old_records_;  ///< references of those that hold pieces of the contents, but the base
  NtfsRuns old_list_;

  std::vector<ntfs_inode*> new_records_;  ///< of base_
  std::vector<NtfsListEntry> new_entries_;
  std::unique_ptr<NewClusters> new_list_;
  std::vector<std::byte> new_list_bytes_;

  std::uint64_t step_number_ = 0;  ///< the record whose write is the step
  std::vector<std::byte> step_;
};

/// Sets the valid data length of the file `number`, in one step. All before it is on the disk.
[[nodiscard]] Result<void> write_ntfs_valid_size(NtfsWriteVolume& volume, std::uint64_t number, std::uint64_t bytes);

}  // namespace vhdboot::tool
