// SPDX-License-Identifier: GPL-2.0-or-later
#include "vhd/roll_back.h"

#include "base/size_text.h"
#include "base/text.h"

namespace vhdboot::vhd {

std::uint64_t vhdx_table_size(const DiskInfo& disk) {
  VhdxMetadata metadata;
  metadata.block_size = disk.block_size;
  metadata.disk_size = disk.size;
  metadata.logical_sector = disk.logical_sector;
  metadata.parent.emplace();
  return align_up(shape_of(metadata).entries * 8, kMiB);
}

Result<void> roll_back(ByteFile& file, VhdxWriter& writer) {
  const VhdxTable& old = writer.table();
  if (!old.metadata.parent) return fail(Code::Invalid, "the image has no parent to which it could be rolled back");
  const std::uint64_t size = align_up(old.shape.entries * 8, kMiB);
  const auto place = old.places.find(size, 0);
  if (!place || *place + size > file.size())
    return fail(Code::Invalid, concat("the file has no free place of ", human_size(size), " for an empty block table"));
  TRY_IN("writing an empty block table", write_zeros(file, {*place, size}));
  const auto regions = TRY(moved_block_table(file, {*place, static_cast<std::uint32_t>(size)}));
  TRY(writer.update(region_table_sectors(regions)));
  return writer.close();
}

}  // namespace vhdboot::vhd
