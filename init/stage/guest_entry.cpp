// SPDX-License-Identifier: GPL-2.0-or-later
#include "init/stage/guest_entry.h"

#include <algorithm>
#include <array>
#include <iterator>
#include <optional>

#include "base/text.h"
#include "init/core/bootable.h"
#include "kexec/profile.h"

namespace vhdboot::stage {
namespace {

using Look = FoundEntries (*)(GuestDisk& disk);
constexpr std::array<Look, 3> kLooks{&find_ukis, &find_entry_files, &find_kernels};

std::vector<kexec::BootEntry> ordered(const std::vector<FoundEntry>& found) {
  std::vector<kexec::BootEntry> entries;
  std::ranges::transform(found, std::back_inserter(entries), &FoundEntry::entry);
  return kexec::order_entries(std::move(entries));
}

// Why nothing was found, with the partitions that nobody could look into.
Error nothing_found(GuestDisk& disk) {
  Error error = core::no_entry(disk.table());
  for (const GuestPartition& partition : disk.partitions())
    if (const auto tree = disk.mount(partition); !tree) error.text += concat("; ", tree.error().message());
  return error;
}

bool has_tries_left(const kexec::BootEntry& entry) {
  return !entry.count || entry.count->left > 0;
}

}  // namespace

std::optional<CountedFile> counted_file(const GuestTree& tree, std::string_view folder, std::string_view name) {
  const GuestPartition& partition = tree.partition();
  const auto next = kexec::next_boot_name(name);
  if (!next || partition.entry == nullptr || partition.content.type != "vfat") return std::nullopt;
  return CountedFile{.partition = partition.entry->number,
                     .partuuid = partition.entry->partuuid,
                     .folder = tree.full_path(folder),
                     .name = std::string(name),
                     .next_name = *next};
}

Result<GuestEntry> choose_entry(GuestDisk& disk, std::string_view pattern, const sys::Reporter& report) {
  const auto [name, profile] = kexec::split_entry_pattern(pattern);
  std::vector<FoundEntry> found;
  std::vector<Error> broken;
  for (const Look look : kLooks) {
    FoundEntries more = look(disk);
    std::ranges::move(more.entries, std::back_inserter(found));
    std::ranges::move(more.broken, std::back_inserter(broken));
    // Looking on costs time: only while there is nothing that matches, or nothing but what failed to boot before.
    const auto picked = kexec::pick_entry(ordered(found), name);
    if (picked && (has_tries_left(*picked) || look == kLooks.back())) break;
  }
  if (found.empty() && !broken.empty()) return std::unexpected(broken.front());
  if (found.empty()) return std::unexpected(nothing_found(disk));
  const kexec::BootEntry picked = TRY(kexec::pick_entry(ordered(found), name));
  for (const Error& error : broken) report.warn(error.message());
  return std::ranges::find(found, picked, &FoundEntry::entry)->open(profile);
}

}  // namespace vhdboot::stage
