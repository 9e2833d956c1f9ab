// SPDX-License-Identifier: GPL-2.0-or-later
#include "entry/find_type1.h"

#include <optional>

#include "base/text.h"
#include "entry/find_ukis.h"
#include "entry/folders.h"
#include "entry/grub_env.h"
#include "entry/type1.h"
#include "entry/uki.h"

namespace vhdboot::entry {
namespace {

constexpr std::string_view kFolder = "/loader/entries";

// Fedora's entries leave a part to GRUB's variables. Its older releases have them on the ESP, and beside the entries a
// link that leads there once /boot/efi is mounted.
std::optional<GrubVariables> read_environment(disk::GuestDisk& disk, const BootFolder& boot) {
  for (const char* grub : {"/grub2", "/grub"})
    if (const auto text = boot.top.read_text(concat(boot.folder, grub, "/grubenv"), kMaxGrubEnvironment))
      if (auto variables = parse_grub_environment(*text)) return *std::move(variables);
  if (const auto text = read_vendor_file(disk, "grubenv", kMaxGrubEnvironment))
    if (auto variables = parse_grub_environment(*text)) return *std::move(variables);
  return std::nullopt;
}

// Where a path of an entry begins: at the top of the file system, or, for a boot loader that looks from the folder with
// its files, there.
disk::GuestTree tree_of(const BootFolder& boot, const std::string& path) {
  return boot.top.has(path) ? boot.top : boot.top.below(boot.folder);
}

Result<GuestEntry> open_linux(const BootFolder& boot, const BootEntry& entry) {
  GuestEntry opened{.entry = entry};
  const auto open = [&](const std::string& path) -> Result<kexec::Piece> {
    opened.files.push_back(TRY_IN(path, tree_of(boot, path).open(path)));
    const ByteSource& source = *opened.files.back();
    return kexec::Piece{&source, {0, source.size()}};
  };
  opened.parts.kernel = TRY(open(entry.kernel));
  for (const std::string& path : entry.initrds) opened.parts.initrds.push_back(TRY(open(path)));
  opened.parts.cmdline = entry.options;
  // UAPI.1 has them for every entry, systemd-boot for images alone.
  for (const std::string& path : entry.extras)
    opened.warnings.push_back(concat(printable(path), " is passed over: `extra` is for entries with `uki`"));
  return opened;
}

Result<GuestEntry> open_unified(const BootFolder& boot, const BootEntry& entry, const OpenRequest& request) {
  const std::string number = concat(entry.profile);
  const OpenRequest with_profile{.profile = request.profile.value_or(number), .smbios_options = request.smbios_options};
  return open_uki(tree_of(boot, entry.kernel), entry.kernel, entry, with_profile);
}

Result<GuestEntry> open_entry(const BootFolder& boot, const BootEntry& entry, const std::string& name,
                              const OpenRequest& request) {
  GuestEntry opened = TRY_IN(entry.id, entry.unified ? open_unified(boot, entry, request) : open_linux(boot, entry));
  opened.counted = counted_file(boot.top, concat(boot.folder, kFolder, '/', name));
  return opened;
}

Result<BootEntry> read_entry(const BootFolder& boot, const std::string& path,
                             const std::optional<GrubVariables>& variables) {
  auto file = parse_entry_file(TRY(boot.top.read_text(path, kMaxEntryFile)));
  if (variables) file = TRY(with_grub_variables(std::move(file), *variables));
  for (const std::string_view word : split_words(file.options))
    if (word.starts_with('$'))
      return fail(Code::NotFound, concat("its options have GRUB's variable ", printable(word),
                                         ", and there is no grubenv that tells its value"));
  return type1_entry(path, std::move(file));
}

}  // namespace

FoundEntries find_type1_entries(disk::GuestDisk& disk) {
  FoundEntries found;
  for (const BootFolder& boot : boot_folders(disk)) {
    const std::string folder = concat(boot.folder, kFolder);
    const auto names = entry_names(boot.top.list(folder), &is_entry_file_name, folder, found.broken);
    if (names.empty()) continue;
    const auto variables = read_environment(disk, boot);
    for (const std::string& name : names) {
      const auto entry = read_entry(boot, concat(folder, '/', name), variables);
      if (!entry) {
        found.broken.push_back(entry.error().within(printable(concat(folder, '/', name))));
        continue;
      }
      found.entries.push_back(
          {.entry = *entry,
           .partition = &boot.top.partition(),
           .path = boot.top.full_path(concat(folder, '/', name)),
           .open = [=, entry = *entry](const OpenRequest& request) { return open_entry(boot, entry, name, request); }});
    }
  }
  return found;
}

}  // namespace vhdboot::entry
