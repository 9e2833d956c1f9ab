// SPDX-License-Identifier: GPL-2.0-or-later
#include "entry/find_ukis.h"

#include <algorithm>
#include <iterator>
#include <optional>

#include "base/text.h"
#include "entry/boot_loaders.h"
#include "entry/folders.h"
#include "entry/profile.h"
#include "entry/thin_uki.h"
#include "entry/uki.h"
#include "entry/uki_parts.h"
#include "kexec/bzimage.h"

namespace vhdboot::entry {
namespace {

constexpr std::string_view kFolder = "/EFI/Linux";

// What comes with the image of an entry; the entry keeps the files open, and has the warnings.
class CompanionOpener {
 public:
  CompanionOpener(const disk::GuestTree& tree, GuestEntry& entry) : tree_(tree), entry_(entry) {}

  // Those of a folder that count.
  Result<std::vector<CompanionFile>> folder(CompanionFolder kind, const std::string& path) {
    auto selected = TRY_IN(path, select_companions(kind, tree_.list(path)));
    std::ranges::move(selected.warnings, std::back_inserter(entry_.warnings));
    std::vector<CompanionFile> files;
    for (const std::string& name : selected.names)
      if (const auto file = TRY(open(concat(path, '/', name)))) files.push_back(*file);
    return files;
  }

  // Those that an entry names by `extra`, together with the ones of the image's folder.
  Result<std::vector<CompanionFile>> named(const std::vector<std::string>& paths, std::vector<CompanionFile> files) {
    for (const std::string& path : paths) {
      const std::string_view name = std::string_view(path).substr(path.find_last_of('/') + 1);
      if (!companion_kind(CompanionFolder::Extra, name))
        pass_over(path, "by its name it is no addon, credential or extension");
      else if (std::ranges::find(files, name, &CompanionFile::name) != files.end())
        pass_over(path, "there is another file of that name for the image");
      else if (const auto file = TRY(open(path)))
        files.push_back(*file);
    }
    return files;
  }

 private:
  // Nothing for a folder: systemd-stub passes that over. What cannot be read otherwise is an error.
  Result<std::optional<CompanionFile>> open(const std::string& path) {
    if (tree_.is_folder(path)) {
      pass_over(path, "it is a folder");
      return std::nullopt;
    }
    entry_.files.push_back(TRY_IN(printable(path), tree_.open(path)));
    return CompanionFile{path.substr(path.find_last_of('/') + 1), entry_.files.back().get()};
  }

  void pass_over(const std::string& path, std::string_view why) {
    entry_.warnings.push_back(concat(printable(path), " is passed over: ", why));
  }

  const disk::GuestTree& tree_;
  GuestEntry& entry_;
};

}  // namespace

Result<Uki> look_at_uki(const disk::GuestTree& tree, const std::string& path) {
  const auto file = TRY(tree.open(path));
  Uki uki = TRY(parse_uki(*file));
  const auto thin = TRY(parse_thin_uki(*file, uki));
  if (!thin) {
    (void)TRY_IN("the kernel in it", kexec::parse_bzimage(*file, uki.kernel));
    return uki;
  }
  const std::string& kernel = thin->kernel.path;
  const auto named = TRY_IN(printable(kernel), tree.open(kernel));
  (void)TRY_IN(printable(kernel), kexec::parse_bzimage(*named, {0, named->size()}));
  if (thin->initrd && !tree.has(thin->initrd->path))
    return fail(Code::NotFound, concat(printable(thin->initrd->path), " is not there"));
  return uki;
}

Result<bool> is_image(const disk::GuestTree& tree, const std::string& path) {
  const auto file = TRY(tree.open(path));
  auto kernel = kexec::parse_bzimage(*file, {0, file->size()});
  if (kernel) return false;
  if (look_at_uki(tree, path)) return true;
  return std::unexpected(std::move(kernel).error());
}

namespace {

// A file that a thin image names, as a whole.
Result<kexec::Piece> open_named(const disk::GuestTree& tree, const NamedFile& named, GuestEntry& opened) {
  opened.files.push_back(TRY_IN(printable(named.path), tree.open(named.path)));
  const ByteSource& file = *opened.files.back();
  TRY(check_digest(file, named));
  return kexec::Piece{&file, {0, file.size()}};
}

}  // namespace

Result<GuestEntry> open_uki(const disk::GuestTree& tree, const std::string& path, const BootEntry& entry,
                            const OpenRequest& request) {
  GuestEntry opened{.entry = entry};
  opened.files.push_back(TRY_IN(path, tree.open(path)));
  const ByteSource& file = *opened.files.back();
  Uki uki = TRY_IN(path, parse_uki(file));
  if (request.profile) uki = TRY_IN(path, parse_uki(file, TRY_IN(path, find_profile(uki.profiles, *request.profile))));
  const auto thin = TRY_IN(path, parse_thin_uki(file, uki));
  if (thin && thin->initrd) uki.initrd.reset();  // the path, which is none
  CompanionOpener opener(tree, opened);
  const Companions companions{
      .addons = TRY(opener.folder(CompanionFolder::Addons, std::string(kAddonFolder))),
      .credentials = TRY(opener.folder(CompanionFolder::Credentials, std::string(kCredentialFolder))),
      .extra = TRY(opener.named(entry.extras, TRY(opener.folder(CompanionFolder::Extra, extra_folder(path))))),
      .smbios_options = request.smbios_options,
      .load_options = entry.options};
  auto parts = TRY_IN(path, uki_parts(file, uki, companions));
  opened.parts = std::move(parts.parts);
  if (thin) opened.parts.kernel = TRY_IN(path, open_named(tree, thin->kernel, opened));
  if (thin && thin->initrd) {
    auto& initrds = opened.parts.initrds;
    initrds.insert(initrds.begin(), TRY_IN(path, open_named(tree, *thin->initrd, opened)));
  }
  opened.files.push_back(std::move(parts.archives));
  opened.release = uki.uname;
  opened.profiles = std::move(uki.profiles);
  std::ranges::move(parts.warnings, std::back_inserter(opened.warnings));
  return opened;
}

namespace {

FoundEntry found_image(const disk::GuestTree& tree, const std::string& path, const Uki& uki, Menu menu) {
  BootEntry boot_entry = uki_entry({.path = path, .osrel = uki.osrel, .uname = uki.uname});
  boot_entry.menu = menu;
  const auto open = [=](const OpenRequest& request) -> Result<GuestEntry> {
    GuestEntry opened = TRY(open_uki(tree, path, boot_entry, request));
    opened.counted = counted_file(tree, path);
    return opened;
  };
  return {.entry = boot_entry, .partition = &tree.partition(), .path = path, .open = open};
}

}  // namespace

FoundEntries find_ukis(disk::GuestDisk& disk, const std::vector<const disk::GuestPartition*>& partitions, Menu menu) {
  FoundEntries found;
  for (const disk::GuestPartition* partition : partitions) {
    const auto tree = disk.mount(*partition);
    if (!tree) {
      found.broken.push_back(tree.error());
      continue;
    }
    for (const std::string& name : entry_names(tree->list(kFolder), &is_entry_name, kFolder, found.broken)) {
      const std::string path = concat(kFolder, '/', name);
      const auto uki = look_at_uki(*tree, path);
      if (!uki) {
        found.broken.push_back(uki.error().within(printable(path)));
        continue;
      }
      found.entries.push_back(found_image(*tree, path, *uki, menu));
    }
  }
  if (!found.entries.empty()) return found;
  // Without a boot loader, as mkosi makes them: it is one itself as a rule, and no image.
  for (const disk::GuestPartition* partition : partitions)
    if (const auto tree = disk.mount(*partition); tree && tree->has(kFirmwaresOwn))
      if (const auto uki = look_at_uki(*tree, kFirmwaresOwn))
        found.entries.push_back(found_image(*tree, kFirmwaresOwn, *uki, menu));
  return found;
}

}  // namespace vhdboot::entry
