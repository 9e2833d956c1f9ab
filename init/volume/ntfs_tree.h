// SPDX-License-Identifier: GPL-2.0-or-later
// All that the files of an NTFS volume say of themselves, one MFT record at a time: for what goes through a whole
// folder.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/byte_source.h"
#include "base/extent.h"
#include "base/range.h"
#include "init/volume/lx_metadata.h"
#include "init/volume/path.h"
#include "init/volume/volume.h"

namespace vhdboot::volume {

class NtfsVolume;

struct NtfsNode {
  std::uint64_t number = 0;  ///< of its MFT record
  bool directory = false;
  bool read_only = false;
  bool encrypted = false;
  std::uint64_t size = 0;           ///< of its contents; 0 for a directory
  std::uint32_t hard_links = 0;     ///< names, DOS names not counted
  std::uint32_t other_streams = 0;  ///< data beside its contents
  UnixTime accessed;
  UnixTime modified;
  UnixTime changed;                            ///< something of its record
  std::vector<std::byte> extended_attributes;  ///< the list; empty: none
  std::vector<std::byte> reparse_point;        ///< empty: none
};

struct NtfsName {
  std::u16string name;
  std::uint64_t reference = 0;
};

/// The contents of a file. Reads from the volume that it comes from.
struct NtfsContents {
  std::unique_ptr<ByteSource> bytes;
  std::vector<Range> data;      ///< in their order; between two of them, and behind the last, are zeros
  std::vector<Extent> extents;  ///< where on the partition that is as it is; empty: in the record, or compressed
};

class NtfsTree {
 public:
  /// Of `volume`, opened on `partition`; both must outlive the tree. Unsupported when it is no NTFS.
  [[nodiscard]] static Result<NtfsTree> of(HostVolume& volume, const ByteSource& partition);

  /// Found as HostVolume::layout finds it.
  [[nodiscard]] Result<std::uint64_t> find(const Path& path);
  [[nodiscard]] Result<NtfsNode> node(std::uint64_t reference);
  /// In the volume's order, without ".", "..", DOS names and the file system's own files; at most kMaxListed.
  [[nodiscard]] Result<std::vector<NtfsName>> names(std::uint64_t reference);
  /// What Windows compressed is decompressed. Unsupported for an encrypted file; a reparse point is not looked at.
  [[nodiscard]] Result<NtfsContents> contents(std::uint64_t reference);

 private:
  NtfsTree(NtfsVolume& volume, const ByteSource& partition) : volume_(&volume), partition_(&partition) {}

  NtfsVolume* volume_;
  const ByteSource* partition_;
};

}  // namespace vhdboot::volume
