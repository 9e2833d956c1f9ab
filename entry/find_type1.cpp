// SPDX-License-Identifier: GPL-2.0-or-later
#include "entry/find_type1.h"

#include <algorithm>
#include <iterator>
#include <optional>
#include <utility>

#include "base/text.h"
#include "entry/find_ukis.h"
#include "entry/grub_env.h"
#include "entry/grub_files.h"
#include "entry/type1.h"
#include "entry/uki.h"

namespace vhdboot::entry {
namespace {

constexpr std::string_view kFolder = "/loader/entries";

// What GRUB knows when it reads the entries: Fedora's leave a part to it.
struct GrubState {
  bool is_there = false;
  BootMenu menu;           // without a grub.cfg what openSUSE's GRUB has built in: the entries, and nothing else
  std::string default_by;  // which file says so
};

// Fedora's older releases have grubenv on the ESP, and beside the entries a link that leads there once /boot/efi is
// mounted.
GrubState read_state(disk::GuestDisk& disk, const BootFolder& boot) {
  GrubFiles files = read_grub(disk, boot, true);
  GrubState state{.is_there = files.menu || files.environment, .menu = {}, .default_by = "`default` of grub.cfg"};
  if (files.menu) {
    state.menu = *std::move(files.menu);
  } else {
    state.menu.bls_place = 0;
    state.menu.variables = std::move(files.environment).value_or(GrubVariables());
  }
  const GrubVariables& variables = state.menu.variables;
  const auto saved = variables.find("saved_entry");
  const auto usual = variables.find("default");
  if (saved != variables.end() && (!files.menu || state.menu.default_name == saved->second)) {
    state.menu.default_name = saved->second;
    state.default_by = "saved_entry of grubenv";
  } else if (!files.menu && usual != variables.end()) {
    state.menu.default_name = usual->second;
    state.default_by = "`default` of grubenv";
  }
  return state;
}

// GRUB's menu has them by their names alone; the default is a name, a title or a place in it. openSUSE's tools write
// the name with its suffix, and the title there has the version behind it.
// `files`: the names of all, those that cannot be started, too.
void mark_default(const GrubState& grub, std::vector<std::string> files, std::vector<FoundEntry>& entries) {
  if (!grub.menu.bls_place || grub.menu.default_name.empty()) return;
  const auto name_of = [](const BootEntry& entry) { return std::string_view(entry.id).substr(0, entry.id.rfind('.')); };
  auto found = std::ranges::find_if(entries, [&](const FoundEntry& one) {
    const BootEntry& entry = one.entry;
    const std::string_view wanted = grub.menu.default_name;
    return wanted == name_of(entry) || wanted == entry.id || wanted == entry.title ||
           wanted == concat(entry.title, " (", entry.version, ')');
  });
  if (const auto place = started_file(grub.menu, files.size()); place && found == entries.end()) {
    std::ranges::sort(files, [](const auto& a, const auto& b) { return compare_versions(a, b) > 0; });
    found =
        std::ranges::find_if(entries, [&](const FoundEntry& one) { return one.path.ends_with("/" + files[*place]); });
  }
  if (found != entries.end())
    found->entry.default_by = grub.default_by;
  else
    for (FoundEntry& one : entries)
      one.entry.no_default = concat(grub.default_by, ", \"", printable(grub.menu.default_name), '"');
}

// Where the entries of a folder are, and what they name.
struct EntryFolder {
  BootFolder boot;
  std::optional<disk::GuestTree> whole;  // of a btrfs, with all its subvolumes
};

// Where a path of an entry begins: at the top of the file system, for GRUB that of a btrfs whichever subvolume is the
// default, or, for a boot loader that looks from the folder with its files, there.
disk::GuestTree tree_of(const EntryFolder& folder, const std::string& path) {
  const auto& [boot, whole] = folder;
  if (boot.top.has(path)) return boot.top;
  return whole && whole->has(path) ? *whole : boot.top.below(boot.folder);
}

// An entry, and what is said when it is started.
struct ReadEntry {
  BootEntry entry;
  std::vector<std::string> warnings;
};

Result<GuestEntry> open_linux(const EntryFolder& folder, const BootEntry& entry) {
  GuestEntry opened{.entry = entry};
  const auto open = [&](const std::string& path) -> Result<kexec::Piece> {
    opened.files.push_back(TRY_IN(path, tree_of(folder, path).open(path)));
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

Result<GuestEntry> open_unified(const EntryFolder& folder, const BootEntry& entry, const OpenRequest& request) {
  const std::string number = concat(entry.profile);
  const OpenRequest with_profile{.profile = request.profile.value_or(number), .smbios_options = request.smbios_options};
  return open_uki(tree_of(folder, entry.kernel), entry.kernel, entry, with_profile);
}

Result<GuestEntry> open_entry(const EntryFolder& folder, const ReadEntry& read, const std::string& name,
                              const OpenRequest& request) {
  const BootEntry& entry = read.entry;
  GuestEntry opened =
      TRY_IN(entry.id, entry.unified ? open_unified(folder, entry, request) : open_linux(folder, entry));
  std::ranges::copy(read.warnings, std::back_inserter(opened.warnings));
  opened.counted = counted_file(folder.boot.top, concat(folder.boot.folder, kFolder, '/', name));
  return opened;
}

// Whether the program is an image. `linux` and `efi` start images, too, and a kernel is an EFI program.
Result<bool> starts_image(const EntryFolder& folder, const std::string& path, EntryProgram said) {
  const disk::GuestTree tree = tree_of(folder, path);
  if (!tree.has(path)) return fail(Code::NotFound, concat(printable(path), " is not there"));
  auto image = is_image(tree, path);
  if (image) return image;
  if (said == EntryProgram::Efi)
    return fail(Code::Unsupported, concat("it starts the EFI program ", printable(path), ", no Linux kernel"));
  if (said == EntryProgram::Uki) TRY_IN(printable(path), look_at_uki(tree, path));
  return std::unexpected(std::move(image).error().within(printable(path)));
}

Result<EntryFile> replace_variables(EntryFile file, const GrubState& grub, std::vector<std::string>& warnings) {
  GrubSubstitution variables(grub.menu.variables);
  file = TRY(with_grub_variables(std::move(file), variables));
  for (const std::string& name : variables.unknown()) {
    // All that such an entry says of its root.
    if (name == "kernelopts")
      return fail(
          Code::NotFound,
          "its options have GRUB's variable $kernelopts, and there is no grubenv or grub.cfg that tells its value");
    if (!name.starts_with("tuned_"))
      warnings.push_back(concat("GRUB's variable $", printable(name), " has no value, and is left out"));
  }
  return file;
}

// GRUB takes a line as words, systemd-boot as one file.
void split_initrds(const EntryFolder& folder, EntryFile& file) {
  std::vector<std::string> files;
  for (const std::string& line : file.initrds) {
    if (tree_of(folder, line).has(line))
      files.push_back(line);
    else
      for (const std::string_view word : split_words(line)) files.emplace_back(word);
  }
  file.initrds = std::move(files);
}

Result<ReadEntry> read_entry(const EntryFolder& folder, const std::string& path, Menu menu, const GrubState& grub) {
  ReadEntry read;
  auto file = parse_entry_file(TRY(folder.boot.top.read_text(path, kMaxEntryFile)));
  // So the first releases of Fedora with blscfg had it.
  const auto usual = grub.menu.variables.find("default_kernelopts");
  if (file.options.empty() && usual != grub.menu.variables.end()) file.options = usual->second;
  if (grub.is_there || has_grub_variables(file)) file = TRY(replace_variables(std::move(file), grub, read.warnings));
  if (grub.is_there) split_initrds(folder, file);
  const EntryProgram program = file.program;
  read.entry = TRY(type1_entry(path, std::move(file)));
  read.entry.menu = menu;
  read.entry.unified = TRY(starts_image(folder, read.entry.kernel, program));
  if (!read.entry.unified)
    for (const std::string& initrd : read.entry.initrds)
      if (!tree_of(folder, initrd).has(initrd)) return fail(Code::NotFound, concat(printable(initrd), " is not there"));
  return read;
}

}  // namespace

FoundEntries find_type1_entries(disk::GuestDisk& disk, const std::vector<BootFolder>& folders, Menu menu) {
  FoundEntries found;
  for (const BootFolder& boot : folders) {
    const std::string path = concat(boot.folder, kFolder);
    const auto all = boot.top.list(path);
    auto names = entry_names(all, &is_entry_file_name, path, found.broken);
    if (names.empty()) continue;
    const GrubState grub = read_state(disk, boot);
    // However old it is.
    for (const std::string& meant : {concat(grub.menu.default_name, ".conf"), grub.menu.default_name})
      if (std::ranges::find(all, meant) != all.end() && std::ranges::find(names, meant) == names.end() &&
          is_entry_file_name(meant))
        names.push_back(meant);
    EntryFolder folder{.boot = boot, .whole = std::nullopt};
    if (boot.top.partition().type == "btrfs")
      if (auto whole = disk.mount(boot.top.partition(), std::string(disk::kTopSubvolume))) folder.whole = *whole;
    std::vector<FoundEntry> here;
    for (const std::string& name : names) {
      auto read = read_entry(folder, concat(path, '/', name), menu, grub);
      if (!read) {
        found.broken.push_back(std::move(read).error().within(printable(concat(path, '/', name))));
        continue;
      }
      here.push_back({.entry = read->entry,
                      .partition = &boot.top.partition(),
                      .path = boot.top.full_path(concat(path, '/', name)),
                      .open = {},
                      .in_grubs_menu = grub.is_there && grub.menu.bls_place});
      here.back().open = [=, read = *std::move(read)](const OpenRequest& request) {
        return open_entry(folder, read, name, request);
      };
    }
    mark_default(grub, names, here);
    std::ranges::move(here, std::back_inserter(found.entries));
  }
  return found;
}

}  // namespace vhdboot::entry
