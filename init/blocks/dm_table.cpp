// SPDX-License-Identifier: GPL-2.0-or-later
#include "init/blocks/dm_table.h"

#include <algorithm>

#include "base/bytes.h"
#include "base/text.h"
#include "init/volume/extents.h"

namespace vhdboot::blocks {

namespace {

constexpr std::string_view kLinear = "linear";

// struct dm_target_spec of linux/dm-ioctl.h.
constexpr std::size_t kSpecBytes = 40;
constexpr std::size_t kSpecLength = 8;
constexpr std::size_t kSpecNext = 20;
constexpr std::size_t kSpecType = 24;

std::string parameters(const LinearRow& row, std::string_view device) {
  return concat(device, ' ', row.device_sector);
}

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

Result<void> check_device(const Payload& payload, const LowerDevice& device) {
  if (device.logical_block != 512 && device.logical_block != 4096)
    return fail(Code::Unsupported, concat("the disk has logical blocks of ", device.logical_block,
                                          " bytes, only 512 and 4096 are supported"));
  if (payload.size == 0 || sum_overflows(payload.offset, payload.size))
    return fail(Code::Corrupt, concat("an image cannot hold a disk of ", payload.size, " bytes"));
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

}  // namespace

Result<std::vector<LinearRow>> linear_table(std::span<const Extent> extents, const Payload& payload,
                                            const LowerDevice& device) {
  TRY(check_device(payload, device));
  const auto merged = volume::merge_extents(extents);
  TRY(check_extents(merged, device));
  if (merged.size() > kMaxLinearRows)
    return fail(Code::Unsupported, concat("the image lies in ", merged.size(), " pieces, more than ", kMaxLinearRows,
                                          ": defragment it (in Windows: contig, or defrag)"));

  const std::uint64_t end = payload.offset + payload.size;
  std::uint64_t position = payload.offset;
  std::vector<LinearRow> rows;
  for (const auto& extent : merged) {
    if (position >= end) break;
    const auto extent_end = extent.logical + extent.length;
    if (extent_end <= position) continue;
    if (extent.logical > position)
      return fail(Code::Corrupt, concat("the image has a hole from its byte ", position, " to ", extent.logical));
    const auto physical = extent.physical + (position - extent.logical);
    auto length = std::min(extent_end, end) - position;
    const bool last = position + length == end;
    if (last) length = up_to_block(physical, length, device);
    if (physical % device.logical_block != 0 || length % device.logical_block != 0)
      return misaligned(position, physical, device);
    rows.push_back({.start = (position - payload.offset) / kSectorSize,
                    .length = length / kSectorSize,
                    .device_sector = physical / kSectorSize});
    position += length;
  }
  if (position < end)
    return fail(Code::Corrupt, concat("the extents of the image end at byte ", position, ", its disk at ", end));
  return rows;
}

void append_target(std::vector<std::byte>& packed, std::uint64_t start, std::uint64_t length, std::string_view type,
                   std::string_view parameters) {
  const auto begin = packed.size();
  const auto bytes = align_up(kSpecBytes + parameters.size() + 1, 8);
  packed.resize(begin + bytes);
  const MutableBytes spec = MutableBytes(packed).subspan(begin);
  // The bounds hold by construction.
  (void)store_le<std::uint64_t>(spec, 0, start);
  (void)store_le<std::uint64_t>(spec, kSpecLength, length);
  (void)store_le<std::uint32_t>(spec, kSpecNext, static_cast<std::uint32_t>(bytes));
  std::ranges::copy(as_bytes(type), spec.begin() + kSpecType);
  std::ranges::copy(as_bytes(parameters), spec.begin() + kSpecBytes);
}

std::vector<std::byte> pack_linear_targets(std::span<const LinearRow> rows, std::string_view device) {
  std::vector<std::byte> packed;
  for (const auto& row : rows) append_target(packed, row.start, row.length, kLinear, parameters(row, device));
  return packed;
}

std::string to_text(std::span<const LinearRow> rows, std::string_view device) {
  std::string text;
  for (const auto& row : rows)
    text += concat(row.start, ' ', row.length, ' ', kLinear, ' ', parameters(row, device), '\n');
  return text;
}

}  // namespace vhdboot::blocks
