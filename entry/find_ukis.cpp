// SPDX-License-Identifier: GPL-2.0-or-later
#include "entry/find_ukis.h"

#include <algorithm>
#include <iterator>
#include <optional>

#include "base/text.h"
#include "disk/partition_table.h"
#include "entry/folders.h"
#include "entry/profile.h"
#include "entry/uki.h"
#include "entry/uki_parts.h"

namespace vhdboot::entry {
namespace {

constexpr std::string_view kFolder = "/EFI/Linux";

// One file, unless it is a folder: systemd-stub passes that over. What cannot be read otherwise is an error.
Result<void> open_companion(const disk::GuestTree& tree, const std::string& path, std::vector<CompanionFile>& files,
                            GuestEntry& opened) {
  if (tree.is_folder(path)) {
    opened.warnings.push_back(concat(printable(path), " is passed over: it is a folder"));
    return {};
  }
  opened.files.push_back(TRY_IN(printable(path), tree.open(path)));
  files.push_back({path.substr(path.find_last_of('/') + 1), opened.files.back().get()});
  return {};
}

Result<std::vector<CompanionFile>> open_companions(const disk::GuestTree& tree, CompanionFolder kind,
                                                   const std::string& folder, GuestEntry& opened) {
  auto selected = TRY_IN(folder, select_companions(kind, tree.list(folder)));
  std::ranges::move(selected.warnings, std::back_inserter(opened.warnings));
  std::vector<CompanionFile> files;
  for (const std::string& name : selected.names) TRY(open_companion(tree, concat(folder, '/', name), files, opened));
  return files;
}

// The files that an entry names by `extra` join those of the image's folder.
Result<void> open_extras(const disk::GuestTree& tree, const std::vector<std::string>& paths,
                         std::vector<CompanionFile>& files, GuestEntry& opened) {
  for (const std::string& path : paths) {
    const std::string_view name = std::string_view(path).substr(path.find_last_of('/') + 1);
    const auto pass_over = [&](std::string_view why) {
      opened.warnings.push_back(concat(printable(path), " is passed over: ", why));
    };
    if (!companion_kind(CompanionFolder::Extra, name))
      pass_over("by its name it is no addon, credential or extension");
    else if (std::ranges::find(files, name, &CompanionFile::name) != files.end())
      pass_over("there is another file of that name for the image");
    else
      TRY(open_companion(tree, path, files, opened));
  }
  return {};
}

}  // namespace

Result<GuestEntry> open_uki(const disk::GuestTree& tree, const std::string& path, const BootEntry& entry,
                            const OpenRequest& request) {
  GuestEntry opened{.entry = entry};
  opened.files.push_back(TRY_IN(path, tree.open(path)));
  const ByteSource& file = *opened.files.back();
  Uki uki = TRY_IN(path, parse_uki(file));
  if (request.profile) uki = TRY_IN(path, parse_uki(file, TRY_IN(path, find_profile(uki.profiles, *request.profile))));
  Companions companions{
      .addons = TRY(open_companions(tree, CompanionFolder::Addons, std::string(kAddonFolder), opened)),
      .credentials = TRY(open_companions(tree, CompanionFolder::Credentials, std::string(kCredentialFolder), opened)),
      .extra = TRY(open_companions(tree, CompanionFolder::Extra, extra_folder(path), opened)),
      .smbios_options = request.smbios_options,
      .load_options = entry.options};
  TRY(open_extras(tree, entry.extras, companions.extra, opened));
  auto parts = TRY_IN(path, uki_parts(file, uki, companions));
  opened.parts = std::move(parts.parts);
  opened.files.push_back(std::move(parts.archives));
  opened.release = uki.uname;
  opened.profiles = std::move(uki.profiles);
  std::ranges::move(parts.warnings, std::back_inserter(opened.warnings));
  return opened;
}

FoundEntries find_ukis(disk::GuestDisk& disk) {
  FoundEntries found;
  for (const disk::Partition* entry : {disk::find_esp(disk.table()), disk::find_xbootldr(disk.table())}) {
    const disk::GuestPartition* partition = entry == nullptr ? nullptr : disk.find(entry);
    if (partition == nullptr) continue;
    const auto tree = disk.mount(*partition);
    if (!tree) {
      found.broken.push_back(tree.error());
      continue;
    }
    for (const std::string& name : entry_names(tree->list(kFolder), &is_entry_name, kFolder, found.broken)) {
      const std::string path = concat(kFolder, '/', name);
      const auto file = tree->open(path);
      const auto uki = file ? parse_uki(**file) : std::unexpected(file.error());
      if (!uki) {
        found.broken.push_back(uki.error().within(printable(path)));
        continue;
      }
      const auto boot_entry = uki_entry({.path = path, .osrel = uki->osrel, .uname = uki->uname});
      const auto open = [=, tree = *tree](const OpenRequest& request) -> Result<GuestEntry> {
        GuestEntry opened = TRY(open_uki(tree, path, boot_entry, request));
        opened.counted = counted_file(tree, path);
        return opened;
      };
      found.entries.push_back({.entry = boot_entry, .partition = partition, .path = path, .open = open});
    }
  }
  return found;
}

}  // namespace vhdboot::entry
