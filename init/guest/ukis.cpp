// SPDX-License-Identifier: GPL-2.0-or-later
// Unified kernel images in /EFI/Linux of the ESP and the XBOOTLDR partition, with what lies beside them.
#include <iterator>
#include <optional>

#include "base/text.h"
#include "init/core/partition_table.h"
#include "init/guest/entry.h"
#include "init/guest/folders.h"
#include "kexec/profile.h"
#include "kexec/uki.h"
#include "kexec/uki_parts.h"

namespace vhdboot::guest {
namespace {

constexpr std::string_view kFolder = "/EFI/Linux";

Result<std::vector<kexec::CompanionFile>> open_companions(const GuestTree& tree, kexec::CompanionFolder kind,
                                                          const std::string& folder, GuestEntry& opened) {
  auto selected = TRY_IN(folder, kexec::select_companions(kind, tree.list(folder)));
  std::ranges::move(selected.warnings, std::back_inserter(opened.warnings));
  std::vector<kexec::CompanionFile> files;
  for (const std::string& name : selected.names) {
    opened.files.push_back(TRY_IN(folder, tree.open(concat(folder, '/', name))));
    files.push_back({name, opened.files.back().get()});
  }
  return files;
}

}  // namespace

Result<GuestEntry> open_uki(const GuestTree& tree, const std::string& path, const kexec::BootEntry& entry,
                            const OpenRequest& request) {
  GuestEntry opened{.entry = entry};
  opened.files.push_back(TRY_IN(path, tree.open(path)));
  const ByteSource& file = *opened.files.back();
  kexec::Uki uki = TRY_IN(path, kexec::parse_uki(file));
  if (request.profile)
    uki = TRY_IN(path, kexec::parse_uki(file, TRY_IN(path, kexec::find_profile(uki.profiles, *request.profile))));
  const kexec::Companions companions{
      .addons = TRY(open_companions(tree, kexec::CompanionFolder::Addons, std::string(kexec::kAddonFolder), opened)),
      .credentials = TRY(
          open_companions(tree, kexec::CompanionFolder::Credentials, std::string(kexec::kCredentialFolder), opened)),
      .extra = TRY(open_companions(tree, kexec::CompanionFolder::Extra, kexec::extra_folder(path), opened)),
      .smbios_options = request.smbios_options};
  auto parts = TRY_IN(path, kexec::uki_parts(file, uki, companions));
  opened.parts = std::move(parts.parts);
  opened.files.push_back(std::move(parts.archives));
  opened.release = uki.uname;
  opened.profiles = std::move(uki.profiles);
  std::ranges::move(parts.warnings, std::back_inserter(opened.warnings));
  return opened;
}

FoundEntries find_ukis(GuestDisk& disk) {
  FoundEntries found;
  for (const core::Partition* entry : {core::find_esp(disk.table()), core::find_xbootldr(disk.table())}) {
    const GuestPartition* partition = entry == nullptr ? nullptr : disk.find(entry);
    if (partition == nullptr) continue;
    const auto tree = disk.mount(*partition);
    if (!tree) {
      found.broken.push_back(tree.error());
      continue;
    }
    for (const std::string& name : entry_names(tree->list(kFolder), &kexec::is_entry_name, kFolder, found.broken)) {
      const std::string path = concat(kFolder, '/', name);
      const auto file = tree->open(path);
      const auto uki = file ? kexec::parse_uki(**file) : std::unexpected(file.error());
      if (!uki) {
        found.broken.push_back(uki.error().within(printable(path)));
        continue;
      }
      const auto boot_entry = kexec::uki_entry({.path = path, .osrel = uki->osrel, .uname = uki->uname});
      const auto open = [=, tree = *tree](const OpenRequest& request) {
        return open_uki(tree, path, boot_entry, request);
      };
      found.entries.push_back({.entry = boot_entry, .partition = partition, .path = path, .open = open});
    }
  }
  return found;
}

}  // namespace vhdboot::guest
