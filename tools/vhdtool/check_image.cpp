// SPDX-License-Identifier: GPL-2.0-or-later
#include "tools/vhdtool/check_image.h"

#include <memory>
#include <string>
#include <utility>

#include "base/guid.h"
#include "base/text.h"
#include "base/units.h"
#include "disk/gpt.h"
#include "vhd/disk.h"
#include "vhd/footer.h"
#include "vhd/image.h"

namespace vhdboot::vhdtool {
namespace {

using disk::PartitionTable;
using disk::Scheme;

// Flash memory and disks with large sectors write in such pieces.
constexpr std::uint64_t kAlignment = 4 * kKiB;

std::string_view last_component(std::string_view path) {
  return path.substr(path.rfind('/') + 1);
}

// How large the disk is, perhaps, in a file of which that is not sure.
std::uint64_t likely_payload(const ByteSource& file) {
  vhd::FooterBytes tail{};
  const std::uint64_t size = file.size();
  if (size > tail.size() && file.read(size - tail.size(), tail) && vhd::has_footer_cookie(tail))
    return size - tail.size();
  return size - size % kSectorSize;
}

// The format and its footer; returns the payload's size, 0 when only a conversion makes it a disk.
std::uint64_t check_format(const ByteSource& file, std::string_view file_name, Findings& findings) {
  const auto info = vhd::recognise(file, printable(file_name));
  if (!info) {
    findings.error("footer", info.error());
    return likely_payload(file);
  }
  const bool is_flat = info->format == vhd::Format::Raw || info->format == vhd::Format::FixedVhd;
  if (is_flat) findings.ok("format", concat(vhd::name(info->format), ", a disk of ", human_size(info->payload_size)));
  if (const auto footer = vhd::check_footer(*info, last_component(file_name)); !footer)
    findings.error("footer", footer.error());
  else if (const auto uuid = info->uuid()) {
    const GuidText text = to_text(*uuid);
    findings.ok("footer", concat("the footer fits the file, UUID ", std::string_view(text.data(), text.size())));
  }
  return info->payload_size;
}

void check_alignment(const PartitionTable& table, Findings& findings) {
  std::string crooked;
  for (const disk::Partition& partition : table.partitions)
    if (partition.start % kAlignment != 0) crooked += concat(crooked.empty() ? "" : ", ", partition.number);
  if (table.partitions.empty()) return;
  if (crooked.empty())
    findings.ok("alignment", "all partitions begin on 4 KiB");
  else
    findings.warning("alignment", concat("these partitions do not begin on 4 KiB, which makes writing slow: ", crooked,
                                         "; move them with a partition editor"));
}

void check_backup(const ByteSource& disk, const PartitionTable& table, std::string_view file_name, Findings& findings) {
  const auto gpt = disk::read_gpt(disk);
  if (gpt && *gpt && disk::backup_is_inside(**gpt, disk.size())) {
    findings.warning("gpt-backup",
                     concat("the backup GPT is not at the end of the disk: run `raw2vhd --relocate-gpt \"",
                            printable(file_name), "\"`"));
    return;
  }
  const std::uint64_t blocks = disk.size() / table.logical_block;
  const auto backup = disk::read_gpt_copy(disk, table.logical_block, blocks - 1);
  if (backup && backup->state == disk::GptCopy::State::Good)
    findings.ok("gpt-backup", "the backup GPT is at the end of the disk");
  else if (gpt && *gpt && (*gpt)->disk_end() > disk.size())
    findings.warning("gpt-backup",
                     concat("the partition table is of a disk of ", (*gpt)->disk_end(), " bytes and this one has ",
                            disk.size(), ": if the image was cut off, copy all of it again"));
  else
    findings.warning("gpt-backup",
                     "there is no good backup GPT at the end of the disk: write one in the guest with `sgdisk -e`");
}

std::optional<PartitionTable> check_table(const ByteSource& disk, std::string_view file_name, Findings& findings) {
  auto table = disk::read_partition_table(disk);
  if (!table) {
    findings.error("partition-table", table.error());
    return std::nullopt;
  }
  if (table->scheme != Scheme::None)
    findings.ok("partition-table", concat(table->scheme == Scheme::Gpt ? "GPT" : "MBR", " with ",
                                          table->partitions.size(), " partitions"));
  for (const std::string& warning : table->warnings)
    findings.add("partition-table", warning == table->unseen ? Severity::Error : Severity::Warning, warning);
  check_alignment(*table, findings);
  if (table->scheme == Scheme::Gpt && !table->backup_used) check_backup(disk, *table, file_name, findings);
  return *std::move(table);
}

// The disk of an image that is made of blocks, with its parents; null when there is none.
std::unique_ptr<vhd::Disk> check_blocks(const ByteSource& file, std::string_view file_name,
                                        const vhd::OpenParent& open_parent, Findings& findings) {
  auto disk = vhd::open_disk(file, file_name, open_parent);
  if (!disk) {
    findings.error("format", disk.error());
    return nullptr;
  }
  const vhd::DiskInfo& info = (*disk)->info();
  findings.ok("format", concat(vhd::describe(info), ", a disk of ", human_size(info.size), ", ", info.allocated_blocks,
                               " of ", info.blocks, " blocks in place, a reserve of ", human_size(info.reserve)));
  if (info.allocated_blocks < info.blocks)
    findings.ok("blocks", concat("`vhdtool provision --full \"", printable(file_name),
                                 "\"` gives all of them a place that can be written to"));
  for (const std::string& warning : info.warnings) findings.warning("format", warning);
  std::string parents;
  for (const vhd::Disk* one = disk->get(); one->parent() != nullptr; one = one->parent())
    parents += concat(parents.empty() ? "" : ", ", printable(one->info().parent_name));
  if (!parents.empty()) findings.ok("parents", concat("it stands on ", parents));
  if (info.log_dirty) findings.ok("log", "its log must be replayed, and is, in memory, at each boot");
  return *std::move(disk);
}

}  // namespace

CheckedImage check_image(const ByteSource& file, std::string_view file_name, const vhd::OpenParent& open_parent,
                         Findings& findings) {
  CheckedImage checked;
  checked.payload_size = check_format(file, file_name, findings);
  if (checked.payload_size > 0)
    checked.disk = std::make_unique<SliceSource>(file, 0, checked.payload_size);
  else if (auto disk = check_blocks(file, file_name, open_parent, findings)) {
    checked.blocks = disk.get();
    checked.disk = std::move(disk);
  }
  if (checked.disk) checked.table = check_table(*checked.disk, file_name, findings);
  return checked;
}

}  // namespace vhdboot::vhdtool
