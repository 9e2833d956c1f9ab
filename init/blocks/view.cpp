// SPDX-License-Identifier: GPL-2.0-or-later
#include "init/blocks/view.h"

#include <algorithm>
#include <span>
#include <utility>

#include "base/text.h"
#include "init/volume/extents.h"

namespace vhdboot::blocks {

namespace {

/// Extents in order, without overlap, within the device; two of them never share bytes of it.
Result<void> check_extents(std::span<const Extent> extents, const LowerDevice& device) {
  std::uint64_t end = 0;
  for (const auto& extent : extents) {
    if (extent.logical < end || sum_overflows(extent.logical, extent.length))
      return fail(Code::Corrupt, concat("the extents of the image overlap at its byte ", extent.logical));
    end = extent.logical + extent.length;
    if (extent.physical > device.size || extent.length > device.size - extent.physical)
      return fail(Code::Corrupt,
                  concat("byte ", extent.logical, " of the image would lie at byte ", extent.physical,
                         " of the host volume, past its end at ", device.size, ": run chkdsk on the volume"));
  }
  std::vector<Extent> by_place(extents.begin(), extents.end());
  std::ranges::sort(by_place, {}, &Extent::physical);
  for (std::size_t i = 1; i < by_place.size(); ++i) {
    if (by_place[i].physical < by_place[i - 1].physical + by_place[i - 1].length)
      return fail(Code::Corrupt, concat("bytes ", by_place[i - 1].logical, " and ", by_place[i].logical,
                                        " of the image share a place on the host volume: run chkdsk on the volume"));
  }
  return {};
}

Result<void> check_sizes(const MappedFile& file, const LowerDevice& device, std::uint64_t payload_size) {
  if (device.logical_block != 512 && device.logical_block != 4096)
    return fail(Code::Unsupported, concat("the disk has logical blocks of ", device.logical_block,
                                          " bytes, only 512 and 4096 are supported"));
  if (payload_size == 0) return fail(Code::Corrupt, "an image cannot hold a disk of 0 bytes");
  if (payload_size > file.size)
    return fail(Code::Corrupt,
                concat("the disk in the image would have ", payload_size, " bytes, the file has ", file.size));
  return {};
}

std::unexpected<Error> misaligned(std::uint64_t logical, std::uint64_t physical, const LowerDevice& device) {
  return fail(Code::Unsupported,
              concat("byte ", logical, " of the image lies at byte ", physical,
                     " of the host volume, which is not on a logical block of the disk (", device.logical_block,
                     " bytes): copy the image to a volume with larger clusters"));
}

/// How long the last row may be so that it ends on a logical block: up to there the file's own cluster reaches, as
/// clusters are whole blocks. Unchanged when that cannot be.
std::uint64_t up_to_block(std::uint64_t physical, std::uint64_t length, const LowerDevice& device) {
  if (device.cluster_size == 0 || device.cluster_size % device.logical_block != 0) return length;
  const auto rounded = align_up(length, device.logical_block);
  return rounded <= device.size - physical ? rounded : length;
}

/// The first `size` bytes of the file.
Result<std::vector<Row>> flat_rows(const MappedFile& file, const LowerDevice& device, std::uint64_t size) {
  const auto merged = volume::merge_extents(file.extents);
  TRY(check_extents(merged, device));
  if (merged.size() > kMaxRows)
    return fail(Code::Unsupported, concat("the image lies in ", merged.size(), " pieces, more than ", kMaxRows,
                                          ": defragment it (in Windows: contig, or defrag)"));
  std::uint64_t position = 0;
  std::vector<Row> rows;
  for (const auto& extent : merged) {
    if (position >= size) break;
    if (extent.logical > position)
      return fail(Code::Corrupt, concat("the image has a hole from its byte ", position, " to ", extent.logical));
    auto length = std::min(extent.length, size - position);
    if (position + length == size) length = up_to_block(extent.physical, length, device);
    if (extent.physical % device.logical_block != 0 || length % device.logical_block != 0)
      return misaligned(position, extent.physical, device);
    append_row(rows, {.start = position / kSectorSize,
                      .length = length / kSectorSize,
                      .device = file.device,
                      .device_sector = extent.physical / kSectorSize});
    position += length;
  }
  if (position < size)
    return fail(Code::Corrupt, concat("the extents of the image end at byte ", position, ", its disk at ", size));
  return rows;
}

}  // namespace

Result<View> flat_view(MappedFile file, LowerDevice device, std::uint64_t payload_size) {
  TRY(check_sizes(file, device, payload_size));
  file.device = 0;
  View view{.devices = {}, .files = {}, .rows = TRY(flat_rows(file, device, payload_size)), .size = payload_size};
  view.devices.push_back(std::move(device));
  view.files.push_back(std::move(file));
  return view;
}

std::vector<std::string> device_numbers(const View& view) {
  std::vector<std::string> numbers;
  for (const LowerDevice& device : view.devices) numbers.push_back(device.numbers);
  return numbers;
}

}  // namespace vhdboot::blocks
