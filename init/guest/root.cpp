// SPDX-License-Identifier: GPL-2.0-or-later
#include "init/guest/root.h"

#include <algorithm>
#include <utility>

#include "base/text.h"
#include "disk/selector.h"
#include "disk/volume_group.h"
#include "entry/debconf.h"
#include "init/record/handoff.h"

namespace vhdboot::guest {

Result<std::vector<const disk::GuestPartition*>> root_candidates(const disk::GuestDisk& disk,
                                                                 const record::Config& config,
                                                                 const std::string& root_option) {
  const auto from_option = disk::parse_root_selector(root_option);
  const disk::GuestPartition* by_type = disk.find(disk::find_by_type(disk.table(), disk::kRootX8664Type));
  struct Candidate {
    const disk::GuestPartition* partition;
    int rank;
  };
  std::vector<Candidate> candidates;
  for (const disk::GuestPartition& partition : disk.partitions()) {
    const disk::Identity& identity = partition.identity;
    if (config.modules_from) {
      if (matches(*config.modules_from, identity)) return std::vector{&partition};
      continue;
    }
    const bool is_option = (from_option && matches(*from_option, identity)) ||
                           disk::names_volume(root_option, partition.group, partition.volume);
    const int rank = is_option ? 0 : &partition == by_type ? 1 : partition.type != "vfat" ? 2 : 3;
    candidates.push_back({&partition, rank});
  }
  if (config.modules_from)
    return fail(Code::Invalid,
                concat("modules-from ", to_text(*config.modules_from), ": the guest disk has no such partition"));
  // Not stable_sort, for which clang 19 finds libstdc++ 12 deprecated; they lie in one array, by number.
  std::ranges::sort(candidates, {}, [](const Candidate& one) { return std::pair(one.rank, one.partition); });
  std::vector<const disk::GuestPartition*> partitions;
  for (const Candidate& candidate : candidates) partitions.push_back(candidate.partition);
  return partitions;
}

std::vector<std::string> system_folders(const std::string& ostree_option) {
  if (!ostree_option.starts_with('/') || ostree_option.contains("/../")) return {""};
  return {ostree_option, ""};
}

namespace {

// `named`: by init=. A link that does not lead on below `root` tells nothing, and a program that is called otherwise
// may be a shell of a rescue, or start systemd, as the script in NixOS' store does.
void tell_init(const disk::GuestTree& root, const std::optional<std::string>& named, RootTables& tables) {
  const std::string path = named.value_or(std::string(record::kDefaultRootInit));
  const auto init = root.id(path);
  tables.has_systemd = init && (init == root.id("/usr/lib/systemd/systemd") || init == root.id("/lib/systemd/systemd"));
  tables.has_other_init = init && !tables.has_systemd && path.ends_with("init") && !path.starts_with("/nix/");
}

}  // namespace

Result<RootTables> read_tables(const disk::GuestTree& root) {
  // Only one that is not there names nothing.
  const auto read = [&](std::string_view path, std::size_t cap) -> Result<std::string> {
    auto text = root.read_text(path, cap);
    if (!text && text.error().code == Code::NotFound) return std::string();
    if (!text)
      return std::unexpected(text.error().within(concat("which devices the guest's ", path, " names cannot be told")));
    return text;
  };
  RootTables tables;
  tell_init(root, std::nullopt, tables);
  tables.fstab = TRY_IN("the guest's /etc/fstab", entry::parse_fstab(TRY(read("/etc/fstab", entry::kMaxFstabBytes))));
  tables.crypttab =
      TRY_IN("the guest's /etc/crypttab", entry::parse_crypttab(TRY(read("/etc/crypttab", entry::kMaxCrypttabBytes))));
  // The answer outlives the package.
  if (root.open("/var/lib/dpkg/info/grub-pc.list"))
    if (const auto text = root.read_text("/var/cache/debconf/config.dat", entry::kMaxDebconfBytes))
      tables.grub_disks = entry::debconf_value(*text, "grub-pc/install_devices").value_or("");
  return tables;
}

std::optional<disk::GuestTree> find_root_tree(disk::GuestDisk& disk, const kexec::CommandLine& line) {
  const std::string option = line.find("root").value_or("");
  const auto selector = disk::device_selector(option);
  const auto found = std::ranges::find_if(disk.partitions(), [&](const disk::GuestPartition& one) {
    return selector ? matches(*selector, one.identity) : disk::names_volume(option, one.group, one.volume);
  });
  if (found == disk.partitions().end()) return std::nullopt;
  const auto top = disk.mount(*found, line.find("rootflags").value_or(""));
  if (!top) return std::nullopt;
  for (const std::string_view prefix : disk::kRootFolders)
    for (const std::string& folder : system_folders(line.find("ostree").value_or("")))
      if (auto root = top->below(prefix).below(folder); root.is_folder("/etc")) return root;
  return *top;
}

Result<std::optional<RootTables>> root_tables(disk::GuestDisk& disk, const kexec::CommandLine& line) {
  const auto root = find_root_tree(disk, line);
  if (!root) return std::optional<RootTables>();
  if (!root->is_folder("/etc")) return std::optional(RootTables{});
  RootTables tables = TRY(read_tables(*root));
  tell_init(*root, line.find("init"), tables);
  return std::optional(std::move(tables));
}

Result<void> check_spares_keeper(const RootTables& tables) {
  if (!tables.has_other_init) return {};
  return fail(Code::Unsupported,
              "the image has not all of its blocks, and the init of its guest, which is not systemd, would end the "
              "program that makes or brings new ones before the last writes: give it all of them with `vhdtool "
              "provision --full` or `vhdtool fetch`, or set `ephemeral yes`");
}

std::optional<std::string> loader_partuuid(const disk::GuestDisk& disk, const disk::GuestPartition& entry,
                                           const std::optional<RootTables>& tables) {
  const disk::Partition* esp = disk::find_esp(disk.table());
  if (disk.table().scheme != disk::Scheme::Gpt || esp == nullptr || !tables) return std::nullopt;
  if (entry.entry == nullptr) return std::nullopt;
  if (entry.entry != esp && entry.entry != disk::find_xbootldr(disk.table())) return std::nullopt;
  for (const std::string_view place : {"/boot", "/efi", "/boot/efi"})
    if (entry::find_mount(tables->fstab, place) != nullptr) return std::nullopt;
  return esp->partuuid;
}

}  // namespace vhdboot::guest
