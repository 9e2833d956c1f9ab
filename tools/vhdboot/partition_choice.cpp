// SPDX-License-Identifier: GPL-2.0-or-later
#include "tools/vhdboot/partition_choice.h"

#include <algorithm>
#include <array>

#include "base/text.h"
#include "init/sys/content.h"
#include "vhd/image.h"

namespace vhdboot::command {
namespace {

constexpr std::array<std::string_view, 7> kLinux{"ext2", "ext3", "ext4", "btrfs", "xfs", "f2fs", "jfs"};

bool is_linux(const ImagePartition& partition) {
  return std::ranges::find(kLinux, partition.type) != kLinux.end();
}

std::string all(const std::vector<ImagePartition>& partitions) {
  std::string text;
  for (const ImagePartition& one : partitions)
    text += concat(text.empty() ? "" : ", ", one.number, " (", one.type.empty() ? "unknown" : printable(one.type), ", ",
                   human_size(one.length), ')');
  return text.empty() ? "none" : text;
}

Result<ImagePartition> check(const ImagePartition& partition) {
  const std::string name =
      partition.number == 0 ? "the disk, which has no partitions," : concat("partition ", partition.number);
  const auto refuse = [&](std::string_view what) {
    return fail(Code::Unsupported,
                concat(name, ' ', what, ": attach the image by `losetup --read-only --partscan` and go on from there"));
  };
  if (partition.type == "crypto_LUKS") return refuse("is encrypted (LUKS)");
  if (partition.type == "LVM2_member") return refuse("is a part of LVM");
  if (partition.type == "swap") return fail(Code::Unsupported, concat(name, " is swap space"));
  if (partition.type.empty()) return fail(Code::Unsupported, concat(name, " has no file system that is known"));
  return partition;
}

}  // namespace

std::vector<ImagePartition> list_partitions(const ByteSource& disk, const disk::PartitionTable& table) {
  std::vector<ImagePartition> partitions;
  const auto add = [&](unsigned number, std::uint64_t start, std::uint64_t length, bool is_root) {
    partitions.push_back({.number = number,
                          .start = start,
                          .length = length,
                          .type = sys::identify(SliceSource(disk, start, length)).type,
                          .is_root = is_root});
  };
  if (table.scheme == disk::Scheme::None) add(0, 0, disk.size(), false);
  for (const disk::Partition& one : table.partitions)
    add(one.number, one.start, one.length, one.type == disk::kRootX8664Type);
  return partitions;
}

bool holds_windows(const ByteSource& file) {
  const auto info = vhd::identify(file);
  if (!info) return false;
  const SliceSource disk(file, 0, info->payload_size);
  const auto table = disk::read_partition_table(disk);
  if (!table) return false;
  const auto partitions = list_partitions(disk, *table);
  return std::ranges::none_of(partitions, is_linux) &&
         std::ranges::find(partitions, "ntfs", &ImagePartition::type) != partitions.end();
}

Result<ImagePartition> choose_partition(const std::vector<ImagePartition>& partitions, unsigned wanted) {
  if (wanted != 0) {
    const auto found = std::ranges::find(partitions, wanted, &ImagePartition::number);
    if (found == partitions.end())
      return fail(Code::NotFound, concat("there is no partition ", wanted, ", there is ", all(partitions)));
    return check(*found);
  }
  if (const auto root = std::ranges::find(partitions, true, &ImagePartition::is_root); root != partitions.end())
    return check(*root);
  const auto count = std::ranges::count_if(partitions, is_linux);
  if (count == 1) return *std::ranges::find_if(partitions, is_linux);
  if (partitions.size() == 1) return check(partitions.front());
  return fail(Code::Invalid, concat("which partition? Say --partition; there is ", all(partitions)));
}

}  // namespace vhdboot::command
