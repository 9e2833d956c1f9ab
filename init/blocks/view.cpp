// SPDX-License-Identifier: GPL-2.0-or-later
#include "init/blocks/view.h"

#include <algorithm>
#include <array>
#include <utility>

#include "base/crc32.h"
#include "base/text.h"
#include "init/volume/extents.h"

namespace vhdboot::blocks {

namespace {

std::string name_of(const MappedFile& file) {
  return file.name.empty() ? "the image" : printable(file.name);
}

/// Extents in order, without overlap, within the device.
Result<void> check_extents(const MappedFile& file, const LowerDevice& device) {
  std::uint64_t end = 0;
  for (const auto& extent : file.extents) {
    if (extent.logical < end || sum_overflows(extent.logical, extent.length))
      return fail(Code::Corrupt, concat("the extents of ", name_of(file), " overlap at its byte ", extent.logical));
    end = extent.logical + extent.length;
    if (extent.physical > device.size || extent.length > device.size - extent.physical)
      return fail(Code::Corrupt,
                  concat("byte ", extent.logical, " of ", name_of(file), " would lie at byte ", extent.physical,
                         " of the host volume, past its end at ", device.size, ": run chkdsk on the volume"));
  }
  return {};
}

/// Two extents never share bytes of a device, of one file or of two.
Result<void> check_places(std::span<const MappedFile> files) {
  struct Place {
    const MappedFile* file;
    Extent extent;
  };
  std::vector<Place> places;
  for (const MappedFile& file : files)
    for (const Extent& extent : file.extents) places.push_back({&file, extent});
  const auto order = [](const Place& place) { return std::pair(place.file->device, place.extent.physical); };
  std::ranges::sort(places, {}, order);
  for (std::size_t i = 1; i < places.size(); ++i) {
    const Place& one = places[i - 1];
    const Place& other = places[i];
    if (one.file->device != other.file->device || other.extent.physical >= one.extent.physical + one.extent.length)
      continue;
    if (one.file == other.file)
      return fail(Code::Corrupt, concat("bytes ", one.extent.logical, " and ", other.extent.logical, " of ",
                                        name_of(*one.file), " share a place on the host volume: run chkdsk on it"));
    return fail(Code::Corrupt,
                concat("byte ", one.extent.logical, " of ", name_of(*one.file), " and byte ", other.extent.logical,
                       " of ", name_of(*other.file), " share a place on the host volume: run chkdsk on it"));
  }
  return {};
}

Result<void> check_file(const MappedFile& file, std::span<const LowerDevice> devices) {
  if (file.device >= devices.size())
    return fail(Code::Invalid, concat(name_of(file), " would lie on device ", file.device, " of ", devices.size()));
  TRY(check_extents(file, devices[file.device]));
  if (file.extents.size() <= kMaxRows) return {};
  return fail(Code::Unsupported, concat(name_of(file), " lies in ", file.extents.size(), " pieces, more than ",
                                        kMaxRows, ": defragment it (in Windows: contig, or defrag)"));
}

/// Adds rows piece by piece.
class Rows {
 public:
  Rows(std::span<const MappedFile> files, std::span<const LowerDevice> devices) : files_(files), devices_(devices) {
    // The kernel takes the largest of all devices for the whole table.
    for (const LowerDevice& device : devices) block_ = std::max<std::uint64_t>(block_, device.logical_block);
  }

  /// `is_last`: what comes behind it is cut off.
  Result<void> add(const vhd::DiskPiece& piece, bool is_last) {
    if (piece.start != position_ || piece.length == 0)
      return fail(Code::Corrupt, concat("a piece of the disk is missing at its byte ", position_));
    if (!piece.file) return add_zeros(piece.length, is_last);
    if (*piece.file >= files_.size())
      return fail(Code::Invalid, concat("the disk would lie in file ", *piece.file, " of ", files_.size()));
    const MappedFile& file = files_[*piece.file];
    if (piece.file_offset > file.size || piece.length > file.size - piece.file_offset)
      return fail(Code::Corrupt,
                  concat("byte ", piece.start, " of the disk and ", piece.length - 1, " behind it would be from byte ",
                         piece.file_offset, " of ", name_of(file), " on, which has ", file.size));
    if (piece.start % block_ != 0 || piece.file_offset % block_ != 0 || (!is_last && piece.length % block_ != 0))
      return fail(Code::Unsupported,
                  concat("bytes ", piece.start, " to ", piece.start + piece.length, " of the disk lie from byte ",
                         piece.file_offset, " of ", name_of(file),
                         " on, which are no logical blocks of the disk below (", block_,
                         " bytes): convert the image to a fixed VHD or a VHDX, or keep it on a disk with blocks "
                         "of 512 bytes"));
    return add_bytes(file, piece, is_last);
  }

  std::vector<Row> finish() && { return std::move(rows_); }

 private:
  Result<void> add_zeros(std::uint64_t length, bool is_last) {
    if (position_ > UINT64_MAX / 2 || length > UINT64_MAX / 2) return fail(Code::Corrupt, "a disk cannot be so large");
    if (is_last) length = align_up(position_ + length, block_) - position_;
    return append({.kind = RowKind::Zero, .start = position_ / kSectorSize, .length = length / kSectorSize});
  }

  Result<void> add_bytes(const MappedFile& file, const vhd::DiskPiece& piece, bool is_last) {
    auto extent = std::ranges::upper_bound(file.extents, piece.file_offset, {}, &Extent::logical);
    if (extent != file.extents.begin()) --extent;
    for (std::uint64_t done = 0; done < piece.length; ++extent) {
      const std::uint64_t offset = piece.file_offset + done;
      if (extent == file.extents.end() || extent->logical > offset || extent->logical + extent->length <= offset)
        return hole(file, offset, extent);
      const std::uint64_t length = std::min(extent->logical + extent->length - offset, piece.length - done);
      const bool ends = is_last && done + length == piece.length;
      TRY(add_extent(file, offset, extent->physical + (offset - extent->logical), length, ends));
      done += length;
    }
    return {};
  }

  Result<void> add_extent(const MappedFile& file, std::uint64_t offset, std::uint64_t physical, std::uint64_t length,
                          bool ends) {
    const LowerDevice& device = devices_[file.device];
    if (ends) length = up_to_block(physical, length, device);
    if (physical % device.logical_block != 0 || length % block_ != 0)
      return fail(Code::Unsupported,
                  concat("byte ", offset, " of ", name_of(file), " lies at byte ", physical,
                         " of the host volume, which is not on a logical block of the disk (", device.logical_block,
                         " bytes): copy the image to a volume with larger clusters"));
    return append({.start = position_ / kSectorSize,
                   .length = length / kSectorSize,
                   .device = file.device,
                   .device_sector = physical / kSectorSize});
  }

  Result<void> append(const Row& row) {
    append_row(rows_, row);
    position_ += row.length * kSectorSize;
    if (rows_.size() <= kMaxRows) return {};
    return fail(Code::Unsupported, concat("the disk would take more than ", kMaxRows,
                                          " rows: defragment its files (in Windows: contig, or defrag)"));
  }

  /// How long the last row may be so that it ends on a logical block: up to there the file's own cluster reaches, as
  /// clusters are whole blocks. Unchanged when that cannot be.
  [[nodiscard]] std::uint64_t up_to_block(std::uint64_t physical, std::uint64_t length,
                                          const LowerDevice& device) const {
    if (device.cluster_size == 0 || device.cluster_size % block_ != 0) return length;
    const auto rounded = align_up(length, block_);
    return rounded <= device.size - physical ? rounded : length;
  }

  static std::unexpected<Error> hole(const MappedFile& file, std::uint64_t offset,
                                     std::vector<Extent>::const_iterator next) {
    while (next != file.extents.end() && next->logical <= offset) ++next;
    if (next == file.extents.end())
      return fail(Code::Corrupt,
                  concat("the extents of ", name_of(file), " end at byte ", offset, ", where the disk goes on"));
    return fail(Code::Corrupt, concat(name_of(file), " has a hole from its byte ", offset, " to ", next->logical));
  }

  std::span<const MappedFile> files_;
  std::span<const LowerDevice> devices_;
  std::uint64_t block_ = kSectorSize;
  std::uint64_t position_ = 0;
  std::vector<Row> rows_;
};

}  // namespace

Result<View> chain_view(std::vector<MappedFile> files, std::vector<LowerDevice> devices,
                        std::span<const vhd::DiskPiece> pieces) {
  for (const LowerDevice& device : devices)
    if (device.logical_block != 512 && device.logical_block != 4096)
      return fail(Code::Unsupported, concat("the disk has logical blocks of ", device.logical_block,
                                            " bytes, only 512 and 4096 are supported"));
  std::vector<MappedFile> merged;
  for (const MappedFile& file : files) {
    merged.push_back(
        {.size = file.size, .extents = volume::merge_extents(file.extents), .device = file.device, .name = file.name});
    TRY(check_file(merged.back(), devices));
  }
  TRY(check_places(merged));
  if (pieces.empty()) return fail(Code::Corrupt, "an image cannot hold a disk of 0 bytes");
  Rows rows(merged, devices);
  for (const vhd::DiskPiece& piece : pieces) TRY(rows.add(piece, &piece == &pieces.back()));
  return View{.devices = std::move(devices),
              .files = std::move(files),
              .rows = std::move(rows).finish(),
              .size = pieces.back().start + pieces.back().length};
}

Result<View> flat_view(MappedFile file, LowerDevice device, std::uint64_t payload_size) {
  if (payload_size == 0) return fail(Code::Corrupt, "an image cannot hold a disk of 0 bytes");
  if (payload_size > file.size)
    return fail(Code::Corrupt,
                concat("the disk in the image would have ", payload_size, " bytes, the file has ", file.size));
  file.device = 0;
  const std::array pieces{vhd::DiskPiece{.start = 0, .length = payload_size, .file = 0, .file_offset = 0}};
  std::vector<MappedFile> files;
  files.push_back(std::move(file));
  std::vector<LowerDevice> devices;
  devices.push_back(std::move(device));
  return chain_view(std::move(files), std::move(devices), pieces);
}

Result<View> with_file(View view, MappedFile file) {
  view.files.push_back(std::move(file));
  TRY(check_file(view.files.back(), view.devices));
  TRY(check_places(view.files));
  return view;
}

View with_missing(View view, std::span<const Range> missing) {
  std::vector<Row> rows;
  auto next = missing.begin();
  for (const Row& row : view.rows) {
    const std::uint64_t end = row.start + row.length;
    for (std::uint64_t at = row.start; at < end;) {
      while (next != missing.end() && next->end() <= at * kSectorSize) ++next;
      const bool has_one = next != missing.end() && next->offset < end * kSectorSize;
      const bool is_missing = has_one && next->offset <= at * kSectorSize;
      const std::uint64_t until = !has_one     ? end
                                  : is_missing ? std::min(end, next->end() / kSectorSize)
                                               : next->offset / kSectorSize;
      Row part = row;
      if (is_missing) part = {.kind = RowKind::Error};
      part.start = at;
      part.length = until - at;
      if (part.kind == RowKind::Linear) part.device_sector = row.device_sector + (at - row.start);
      append_row(rows, part);
      at = until;
    }
  }
  view.rows = std::move(rows);
  return view;
}

std::uint32_t checksum(const View& view) {
  std::array<std::byte, 40> bytes{};
  std::uint32_t sum = 0;
  const auto add = [&](std::initializer_list<std::uint64_t> numbers) {
    std::size_t at = 0;
    for (const std::uint64_t number : numbers) {
      (void)store_le(MutableBytes(bytes), at, number);
      at += 8;
    }
    sum = crc32(Bytes(bytes).first(at), sum);
  };
  add({view.size});
  for (const Row& row : view.rows)
    add({static_cast<std::uint64_t>(row.kind), row.start, row.length, row.device, row.device_sector});
  return sum;
}

std::vector<std::string> device_numbers(const View& view) {
  std::vector<std::string> numbers;
  for (const LowerDevice& device : view.devices) numbers.push_back(device.numbers);
  return numbers;
}

}  // namespace vhdboot::blocks
