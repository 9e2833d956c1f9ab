// SPDX-License-Identifier: GPL-2.0-or-later
#include "entry/guest_entry.h"

#include <utility>

#include "entry/boot_count.h"

namespace vhdboot::entry {

std::optional<CountedFile> counted_file(const disk::GuestTree& tree, std::string_view path) {
  const disk::GuestPartition& partition = tree.partition();
  if (partition.entry == nullptr || partition.type != "vfat") return std::nullopt;
  std::string full_path = tree.full_path(path);
  auto next = next_boot_path(full_path);
  if (!next) return std::nullopt;
  return CountedFile{partition.entry->number, std::move(full_path), *std::move(next)};
}

}  // namespace vhdboot::entry
