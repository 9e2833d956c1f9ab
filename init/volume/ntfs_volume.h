// SPDX-License-Identifier: GPL-2.0-or-later
// An NTFS volume, read by libntfs-3g.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "init/volume/allocation.h"
#include "init/volume/ntfs3g.h"
#include "init/volume/ntfs_boot.h"
#include "init/volume/ntfs_device.h"
#include "init/volume/volume.h"

namespace vhdboot::volume {

class NtfsVolume final : public HostVolume {
 public:
  /// `partition` must outlive the volume; `sector` is its first 512 bytes, which name NTFS.
  [[nodiscard]] static Result<std::unique_ptr<HostVolume>> open(const ByteSource& partition, Bytes sector);
  ~NtfsVolume() override;

  [[nodiscard]] Kind kind() const override { return Kind::Ntfs; }
  [[nodiscard]] const std::string& label() const override { return label_; }
  [[nodiscard]] const std::string& serial_text() const override { return serial_text_; }
  [[nodiscard]] std::uint64_t cluster_size() const override { return geometry_.cluster_size; }
  [[nodiscard]] std::uint64_t volume_size() const override { return geometry_.volume_size; }

  [[nodiscard]] Result<VolumeState> state() override;
  [[nodiscard]] Result<FileLayout> layout(const Path& path) override;
  [[nodiscard]] Result<Path> spelling(const Path& path) override;
  [[nodiscard]] Result<std::vector<DirEntry>> list(const Path& path) override;
  [[nodiscard]] Result<void> check_allocation(const Path& path) override;
  [[nodiscard]] Result<std::vector<std::byte>> read_file(const Path& path, std::uint64_t cap) override;

 private:
  friend class NtfsTree;

  NtfsVolume(const ByteSource& partition, const NtfsGeometry& geometry);

  [[nodiscard]] Result<void> mount();
  [[nodiscard]] Result<std::string> read_label();
  [[nodiscard]] Result<bool> journal_pending();
  [[nodiscard]] Result<bool> hibernated();
  [[nodiscard]] Result<bool> half_awake();

  /// Opens an inode that may be given to the library again.
  [[nodiscard]] Result<InodePtr> open_inode(std::uint64_t reference, std::string_view doing);
  /// The inode of a path, found as Windows finds it.
  [[nodiscard]] Result<InodePtr> find(const Path& path);
  /// The inode of one name in `directory`, whose own path is `where`.
  [[nodiscard]] Result<InodePtr> find_in(ntfs_inode* directory, std::string_view name, const std::string& where);
  [[nodiscard]] Result<void> check_index(ntfs_inode* directory);
  [[nodiscard]] Result<std::uint32_t> reparse_tag(ntfs_inode* inode);
  [[nodiscard]] Result<FileLayout> layout_of(ntfs_inode* inode);
  /// Where everything that an inode holds lies, `without_contents`: all but its unnamed data attribute.
  [[nodiscard]] Result<std::vector<Extent>> places_of(ntfs_inode* inode, bool without_contents);
  [[nodiscard]] Result<void> check_apart_from_metadata(const AllocationCheck& check);
  /// From the folder itself and the files in it; not from the contents of the file `own`, an MFT number.
  [[nodiscard]] Result<void> check_apart_from_folder(const AllocationCheck& check, ntfs_inode* folder,
                                                     const std::string& where, std::uint64_t own);
  /// Where its first `covered` bytes lie.
  [[nodiscard]] Result<std::vector<Extent>> extents_of(ntfs_attr* data, std::uint64_t covered);

  /// What the library's errno, just set, means; the source's own error goes first.
  [[nodiscard]] std::unexpected<Error> failure(std::string_view doing, int err = errno) const;

  NtfsDevice device_;
  NtfsGeometry geometry_;
  ntfs_volume* volume_ = nullptr;
  std::string label_;
  std::string serial_text_;
};

}  // namespace vhdboot::volume
