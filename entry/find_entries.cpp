// SPDX-License-Identifier: GPL-2.0-or-later
#include "entry/find_entries.h"

#include <algorithm>
#include <array>
#include <iterator>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "base/text.h"
#include "disk/selector.h"
#include "entry/boot_loaders.h"
#include "entry/find_kernels.h"
#include "entry/find_limine.h"
#include "entry/find_type1.h"
#include "entry/find_ukis.h"
#include "entry/folders.h"
#include "entry/grub_files.h"
#include "entry/loader_conf.h"
#include "entry/menu_files.h"
#include "entry/profile.h"
#include "kexec/cmdline.h"

namespace vhdboot::entry {
namespace {

constexpr std::string_view kLoaderConf = "/loader/loader.conf";

std::vector<BootEntry> entries_of(const FoundEntries& found) {
  std::vector<BootEntry> entries;
  std::ranges::transform(found.entries, std::back_inserter(entries), &FoundEntry::entry);
  return entries;
}

// Two that are the same keep their order.
void sort(FoundEntries& found) {
  std::multimap<std::string, FoundEntry> by_path;
  const auto ordered = order_entries(entries_of(found));
  for (FoundEntry& entry : found.entries) {
    std::string path = entry.entry.path;
    by_path.emplace(std::move(path), std::move(entry));
  }
  found.entries.clear();
  for (const BootEntry& entry : ordered) {
    const auto [first, last] = by_path.equal_range(entry.path);
    const auto next = std::find_if(first, last, [&](const auto& one) { return one.second.entry == entry; });
    found.entries.push_back(std::move(next->second));
    by_path.erase(next);
  }
}

void add(FoundEntries more, FoundEntries& found) {
  std::ranges::move(more.entries, std::back_inserter(found.entries));
  std::ranges::move(more.broken, std::back_inserter(found.broken));
  sort(found);
}

using Partitions = std::vector<const disk::GuestPartition*>;

// What systemd-boot on one of these partitions would start, whatever GRUB says. They are in order. It reads loader.conf
// of its own partition, and of XBOOTLDR the entries alone.
void mark_default(disk::GuestDisk& disk, const Partitions& partitions, FoundEntries& found) {
  const auto is_esp = [&](const disk::GuestPartition* partition) {
    return partition->entry != nullptr && disk::is_esp(disk.table(), *partition->entry);
  };
  const bool has_esp = std::ranges::any_of(partitions, is_esp);
  for (const disk::GuestPartition* partition : partitions) {
    if (has_esp && !is_esp(partition)) continue;
    const auto tree = disk.mount(*partition);
    const auto text = tree ? tree->read_text(kLoaderConf, kMaxLoaderConf) : std::unexpected(tree.error());
    if (!text) continue;
    const LoaderConf conf = parse_loader_conf(*text);
    const std::size_t meant = default_of(conf, entries_of(found));
    const std::string rule = concat("`default` of ", kLoaderConf);
    const bool is_found = meant != found.entries.size();
    if (!is_found && conf.usual.empty()) return;
    for (FoundEntry& one : found.entries) {
      if (is_found) one.entry.default_by.clear();
      if (one.entry.default_by.empty())
        one.entry.no_default = is_found ? "" : concat(rule, ", \"", printable(conf.usual), '"');
    }
    if (is_found) found.entries[meant].entry.default_by = rule;
    return;
  }
}

bool has_tries_left(const BootEntry& entry) {
  return !entry.count || entry.count->left > 0;
}

// What of an entry's rootflags= begins so, without that.
std::string root_flag(const BootEntry& entry, std::string_view key) {
  const auto flags = kexec::CommandLine::parse(entry.options).find("rootflags");
  for (const std::string_view flag : split(flags ? std::string_view(*flags) : "", ','))
    if (flag.starts_with(key)) return std::string(flag.substr(key.size()));
  return "";
}

// The subvolume that an entry has mounted as its root.
std::string subvolume_of(const BootEntry& entry) {
  return root_flag(entry, "subvol=");
}

// A boot loader that is told nothing of a rollback, as openSUSE's was: the root that is mounted by default.
void mark_default_subvolume(disk::GuestDisk& disk, FoundEntries& found) {
  const auto has_default = [](const FoundEntry& one) { return !one.entry.default_by.empty(); };
  if (std::ranges::any_of(found.entries, has_default)) return;
  std::set<std::string> subvolumes;
  for (const FoundEntry& one : found.entries)
    if (auto subvolume = subvolume_of(one.entry); !subvolume.empty()) subvolumes.insert(std::move(subvolume));
  if (subvolumes.size() < 2) return;
  for (FoundEntry& one : found.entries) {
    const std::string subvolume = subvolume_of(one.entry);
    const auto root = disk::device_selector(kexec::CommandLine::parse(one.entry.options).find("root").value_or(""));
    if (subvolume.empty() || !root || !has_tries_left(one.entry)) continue;
    for (const disk::GuestPartition& partition : disk.partitions()) {
      if (partition.type != "btrfs" || !matches(*root, partition.identity)) continue;
      const auto usual = disk.mount(partition);
      const auto all = disk.mount(partition, std::string(disk::kTopSubvolume));
      if (!usual || !all || usual->subvolume("") == 0 || usual->subvolume("") != all->subvolume(subvolume)) continue;
      one.entry.default_by = "the default subvolume of the btrfs";
      return;
    }
  }
}

FoundEntries look_at(disk::GuestDisk& disk, const Partitions& partitions, const std::vector<BootFolder>& folders,
                     Menu menu) {
  FoundEntries found = find_ukis(disk, partitions, menu);
  add(find_type1_entries(disk, folders, menu), found);
  const bool is_limines = add_limine_entries(disk, partitions, menu, found);
  sort(found);
  if (!is_limines) mark_default(disk, partitions, found);
  mark_default_subvolume(disk, found);
  return found;
}

FoundEntries look_at_loader(disk::GuestDisk& disk) {
  const Partitions partitions = loader_partitions(disk);
  std::vector<BootFolder> folders;
  for (const disk::GuestPartition* partition : partitions)
    if (auto tree = disk.mount(*partition)) folders.push_back({*std::move(tree), ""});
  return look_at(disk, partitions, folders, Menu::Loader);
}

FoundEntries look_at_folders(disk::GuestDisk& disk) {
  const Partitions seen = loader_partitions(disk);
  std::vector<BootFolder> folders = boot_folders(disk);
  std::erase_if(folders, [&](const BootFolder& boot) {
    return boot.folder.empty() && std::ranges::find(seen, &boot.top.partition()) != seen.end();
  });
  return look_at(disk, other_fat_partitions(disk), folders, Menu::Folders);
}

// GRUB is there, or without any program for EFI its files for a BIOS are, and systemd-boot is not, whose files may be
// left from before.
bool is_grubs(disk::GuestDisk& disk) {
  const auto has_files = [](const BootFolder& boot) {
    return boot.top.has(concat(boot.folder, "/grub/grub.cfg")) || boot.top.has(concat(boot.folder, "/grub2/grub.cfg"));
  };
  const Partitions partitions = loader_partitions(disk);
  if (has_systemd_boot(disk, partitions)) return false;
  if (has_grub(disk, partitions)) return true;
  return !has_programs(disk, partitions) && std::ranges::any_of(boot_folders(disk), has_files);
}

bool grub_shows_images(disk::GuestDisk& disk) {
  return std::ranges::any_of(boot_folders(disk), [&](const BootFolder& boot) {
    const GrubFiles files = read_grub(disk, boot, true);
    return files.menu && files.menu->shows_images;
  });
}

// Its menu names a kernel, or shows entries by `blscfg`, in the order of their names: then the files of another loader
// do not count. Of two menus that of the file system where GRUB's program looks for it.
void put_grub_first(disk::GuestDisk& disk, FoundEntries& found) {
  const auto is_image = [](const FoundEntry& one) { return one.entry.kind == EntryKind::Uki; };
  if (std::ranges::any_of(found.entries, is_image) && grub_shows_images(disk))
    for (FoundEntry& one : found.entries) one.in_grubs_menu |= is_image(one);
  const auto is_kernel = [](const FoundEntry& one) { return one.entry.menu == Menu::Kernels; };
  const auto is_shown = [](const FoundEntry& one) { return one.in_grubs_menu; };
  const auto is_default = [](const FoundEntry& one) { return !one.entry.default_by.empty(); };
  const auto first = [&](auto is_it) {
    return std::ranges::find_if(found.entries, [&](const FoundEntry& one) { return is_it(one) && is_default(one); });
  };
  const auto kernel = first(is_kernel);
  const auto shown = first(is_shown);
  const auto none = found.entries.end();
  bool starts_kernel = kernel != none;
  if (!starts_kernel && std::ranges::none_of(found.entries, is_shown)) return;
  if (starts_kernel && shown != none) {
    const std::string volume = grub_target(disk).volume;
    starts_kernel = is_on_volume(*kernel->partition, volume) && !is_on_volume(*shown->partition, volume);
  }
  for (FoundEntry& one : found.entries) {
    if (is_shown(one) && !is_image(one)) one.entry.sort_key.clear();
    if (starts_kernel ? !is_kernel(one) : !is_shown(one) && !is_kernel(one)) one.entry.menu = Menu::Left;
  }
  sort(found);
  FoundEntry& started = found.entries.front();
  if (is_shown(started) && !is_default(started)) started.entry.default_by = "the first entry of GRUB's menu";
}

using Look = FoundEntries (*)(disk::GuestDisk& disk);
constexpr std::array<Look, 3> kLooks{&look_at_loader, &look_at_folders, &find_kernels};

// With a pattern no further than to what it names: looking on costs time.
FoundEntries look_everywhere(disk::GuestDisk& disk, std::optional<std::string_view> pattern) {
  const bool is_of_grub = is_grubs(disk);
  FoundEntries found;
  for (const Look look : kLooks) {
    add(look(disk), found);
    if (!pattern || is_of_grub) continue;
    const auto picked = pick_entry(entries_of(found), split_entry_pattern(*pattern).name);
    if (picked && has_tries_left(*picked)) break;
  }
  if (is_of_grub) put_grub_first(disk, found);
  return found;
}

std::string_view scheme_name(disk::Scheme scheme) {
  switch (scheme) {
    case disk::Scheme::Gpt:
      return "GPT";
    case disk::Scheme::Mbr:
      return "MBR";
    case disk::Scheme::None:
      break;
  }
  return "no partition table";
}

std::string what_to_do(disk::GuestDisk& disk) {
  if (const auto roots = root_trees(disk); !roots.empty())
    return concat("install a kernel in the guest, whose root is on ", roots.front().partition().description(),
                  ", or name an image that has one by `kernel`");
  const auto is_foreign = [](const disk::GuestPartition& partition) {
    return !partition.type.empty() && !disk::guest_mount_options(partition.type);
  };
  if (std::ranges::any_of(disk.partitions(), is_foreign))
    return "let the guest have its kernels where they can be read, on its ESP or in a /boot of its own";
  return "name the disk that the guest starts from, or install the guest";
}

// What there is instead, with the partitions that nobody could look into.
Error nothing_found(disk::GuestDisk& disk) {
  const disk::PartitionTable& table = disk.table();
  const std::size_t count = table.partitions.size();
  Error error{Code::NotFound, 0,
              concat("nothing to boot on the guest disk (", scheme_name(table.scheme),
                     table.scheme == disk::Scheme::None ? "" : concat(", ", count, " partition", count == 1 ? "" : "s"),
                     "): no unified kernel image in /EFI/Linux, no entry in /loader/entries, no kernel in a /boot that "
                     "the boot kernel can read")};
  for (const disk::GuestPartition& partition : disk.partitions())
    if (const auto tree = disk.mount(partition); !tree) error.text += concat("; ", tree.error().message());
  error.text += concat(": ", what_to_do(disk));
  return error;
}

// Those of a snapshot have the root as it was at another time.
bool have_same_root(const BootEntry& one, const BootEntry& other) {
  const auto root_of = [](const BootEntry& entry) { return kexec::CommandLine::parse(entry.options).find("root"); };
  const auto without_slash = [](const std::string& path) { return path.starts_with('/') ? path.substr(1) : path; };
  return root_of(one) == root_of(other) && root_flag(one, "subvolid=") == root_flag(other, "subvolid=") &&
         without_slash(subvolume_of(one)) == without_slash(subvolume_of(other));
}

bool is_of_same_system(const BootEntry& one, const BootEntry& other) {
  return one.kind == other.kind && one.menu == other.menu && one.system == other.system &&
         one.machine_id == other.machine_id && one.sort_key == other.sort_key && have_same_root(one, other);
}

}  // namespace

FoundEntries find_entries(disk::GuestDisk& disk) {
  return look_everywhere(disk, std::nullopt);
}

FoundEntries find_entries(disk::GuestDisk& disk, std::string_view pattern) {
  return look_everywhere(disk, pattern);
}

Result<Choice> choose_entry(const FoundEntries& found, std::string_view pattern, disk::GuestDisk& disk) {
  if (found.entries.empty() && !found.broken.empty()) return std::unexpected(found.broken.front());
  if (found.entries.empty()) return std::unexpected(nothing_found(disk));
  const auto [name, profile] = split_entry_pattern(pattern);
  const BootEntry picked = TRY(pick_entry(entries_of(found), name));
  return Choice{&*std::ranges::find(found.entries, picked, &FoundEntry::entry), profile};
}

Result<std::vector<Choice>> choose_entries(const FoundEntries& found, std::string_view pattern, disk::GuestDisk& disk) {
  std::vector<Choice> choices{TRY(choose_entry(found, pattern, disk))};
  const Choice first = choices.front();
  const std::string_view name = split_entry_pattern(pattern).name;
  const auto stands_in = [&](const BootEntry& entry) {
    return name.empty() ? is_of_same_system(entry, first.entry->entry) && has_tries_left(entry)
                        : pick_entry({entry}, name).has_value();
  };
  for (const FoundEntry& entry : found.entries)
    if (&entry != first.entry && stands_in(entry.entry)) choices.push_back({&entry, first.profile});
  return choices;
}

}  // namespace vhdboot::entry
