// SPDX-License-Identifier: GPL-2.0-or-later
#include "tools/vhdtool/persist_findings.h"

#include "disk/partition_table.h"
#include "init/blocks/check_writer.h"
#include "init/guest/check_persist.h"
#include "init/sys/content.h"
#include "vhd/disk.h"

namespace vhdboot::vhdtool {
namespace {

Result<void> judge(const ByteSource& file, std::string_view name) {
  const auto no_parents = [](std::string_view, std::string_view) -> Result<vhd::OpenedFile> {
    return fail(Code::Unsupported, "use an image that is in one file");
  };
  const auto image = TRY(vhd::open_disk(file, name, no_parents));
  TRY(blocks::check_in_place(*image));
  const disk::PartitionTable table = TRY(disk::read_partition_table(*image));
  const bool is_whole = TRY(guest::persist_partition(table)) == 0;
  const std::uint64_t start = is_whole ? 0 : table.partitions.front().start;
  const SliceSource partition(*image, start, is_whole ? image->size() : table.partitions.front().length);
  return guest::check_persist_type(sys::identify(partition).type);
}

}  // namespace

void check_persist_image(const ByteSource& file, std::string_view name, Findings& findings) {
  if (const auto judged = judge(file, name); !judged) findings.error("persist", judged.error());
}

}  // namespace vhdboot::vhdtool
