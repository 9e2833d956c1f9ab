// SPDX-License-Identifier: GPL-2.0-or-later
// What shows the bytes of image files as one disk.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "base/extent.h"
#include "base/range.h"
#include "base/result.h"
#include "base/units.h"
#include "init/blocks/row.h"
#include "vhd/pieces.h"

namespace vhdboot::blocks {

/// A partition that files lie on.
struct LowerDevice {
  std::string numbers;                ///< "8:3", as device-mapper names it
  std::uint64_t size = 0;             ///< bytes
  std::uint32_t logical_block = 512;  ///< 512 or 4096
  std::uint64_t cluster_size = 0;     ///< of the volume on it, bytes

  friend bool operator==(const LowerDevice&, const LowerDevice&) = default;
};

/// A file whose bytes are part of a view.
struct MappedFile {
  std::uint64_t size = 0;       ///< bytes
  std::vector<Extent> extents;  ///< of the whole file, in logical order
  std::size_t device = 0;       ///< that it lies on: which one of the view's
  std::string name;             ///< for people; empty: it is the image

  friend bool operator==(const MappedFile&, const MappedFile&) = default;
};

/// Rows over files. Their devices count in `devices`.
struct View {
  std::vector<LowerDevice> devices;
  std::vector<MappedFile> files;
  std::vector<Row> rows;   ///< from sector 0 on without gaps, neighbours merged
  std::uint64_t size = 0;  ///< bytes of the disk; the rows may reach further, to the end of a logical block

  friend bool operator==(const View&, const View&) = default;
};

/// The view of a disk that is made of `pieces`, in order and without gaps, of `files`. On devices of larger logical
/// blocks the last row reaches up to the end of its block, which then lies in the same cluster: the loop device above
/// cuts it off.
/// Corrupt on holes, on what overlaps within a file or between two, on pieces beyond their file and what lies outside
/// of its device. Unsupported, with what to do about it, when pieces do not lie on logical blocks or are more than
/// kMaxRows.
[[nodiscard]] Result<View> chain_view(std::vector<MappedFile> files, std::vector<LowerDevice> devices,
                                      std::span<const vhd::DiskPiece> pieces);

/// The same of an image whose disk is the first `payload_size` bytes of its one file.
[[nodiscard]] Result<View> flat_view(MappedFile file, LowerDevice device, std::uint64_t payload_size);

/// The same disk, where one more file on its devices is mapped for something else. Errors of chain_view().
[[nodiscard]] Result<View> with_file(View view, MappedFile file);

/// The same disk, of which the bytes of `missing`, in their order, are an error to whoever reads them. They are whole
/// sectors of linear rows.
[[nodiscard]] View with_missing(View view, std::span<const Range> missing);

/// Of the rows and the size: two views of the same devices that have another one are not the same.
[[nodiscard]] std::uint32_t checksum(const View& view);

/// For pack_rows() and to_text().
[[nodiscard]] std::vector<std::string> device_numbers(const View& view);

}  // namespace vhdboot::blocks
