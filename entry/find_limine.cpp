// SPDX-License-Identifier: GPL-2.0-or-later
#include "entry/find_limine.h"

#include <algorithm>
#include <optional>
#include <string>
#include <utility>

#include "base/text.h"
#include "entry/boot_loaders.h"
#include "entry/find_ukis.h"
#include "entry/limine.h"
#include "entry/menu_files.h"
#include "kexec/cmdline.h"

namespace vhdboot::entry {
namespace {

struct FoundMenu {
  const disk::GuestPartition* partition;
  std::string path;
  LimineMenu menu;
};

// From version 10 on the folder of its program comes first.
std::vector<std::string> folders_on(const disk::GuestTree& tree) {
  std::vector<std::string> folders = program_folders(tree);
  folders.insert(folders.end(), kLimineFolders.begin(), kLimineFolders.end());
  return folders;
}

std::optional<FoundMenu> find_menu(disk::GuestDisk& disk, const disk::GuestPartition& partition,
                                   std::vector<Error>& broken) {
  const auto tree = disk.mount(partition);
  if (!tree) return std::nullopt;
  for (const auto& [name, style] :
       {std::pair{"/limine.conf", LimineStyle::Conf}, std::pair{"/limine.cfg", LimineStyle::Cfg}})
    for (const std::string& folder : folders_on(*tree)) {
      const std::string path = concat(folder, name);
      if (!tree->has(path)) continue;
      const auto text = tree->read_text(path, kMaxLimine);
      auto menu = text ? parse_limine(*text, style) : std::unexpected(text.error());
      if (menu) return FoundMenu{&partition, tree->full_path(path), *std::move(menu)};
      broken.push_back(menu.error().within(printable(path)));
      return std::nullopt;
    }
  return std::nullopt;
}

std::optional<Place> find_file(disk::GuestDisk& disk, const FoundMenu& found, const LimineFile& file) {
  if (file.path.empty()) return std::nullopt;
  if (file.partition.empty()) return find_on(disk, *found.partition, file.path);
  for (const disk::GuestPartition& partition : disk.partitions())
    if (std::ranges::any_of(file.partition, [&](const auto& by) { return matches(by, partition.identity); }))
      if (auto place = find_on(disk, partition, file.path)) return place;
  return std::nullopt;
}

Error not_there(const LimineFile& file) {
  return Error{Code::NotFound, 0,
               file.path.empty() ? "a path of it is on no partition of this disk"
                                 : concat(printable(file.path), " is not there")};
}

Result<MenuFiles> files_of(disk::GuestDisk& disk, const FoundMenu& found, const LimineEntry& entry) {
  auto program = find_file(disk, found, entry.program);
  if (!program) return std::unexpected(not_there(entry.program));
  MenuFiles files{.program = *std::move(program)};
  files.is_image = TRY_IN(printable(entry.program.path), is_image(files.program.tree, files.program.path));
  for (const LimineFile& module : entry.modules) {
    auto initrd = find_file(disk, found, module);
    if (!initrd) return std::unexpected(not_there(module));
    files.initrds.push_back(*std::move(initrd));
  }
  return files;
}

FoundEntry found_entry(const LimineEntry& entry, const MenuFiles& files, Menu menu, std::size_t system,
                       const FoundMenu& found) {
  const disk::GuestPartition& partition = files.program.tree.partition();
  const std::string path = files.program.full_path();
  BootEntry boot{.kind = EntryKind::Kernel,
                 .menu = menu,
                 .path = concat(partition.device, ':', path),
                 .id = entry.title,
                 .title = entry.title,
                 .unified = files.is_image,
                 .options = entry.cmdline,
                 .system = system,
                 .options_from = found.path};
  for (const Place& initrd : files.initrds) boot.initrds.push_back(initrd.full_path());
  const auto open = [files, boot](const OpenRequest& request) { return open_menu_files(files, boot, request); };
  return {.entry = boot, .partition = &partition, .path = path, .open = open};
}

}  // namespace

bool add_limine_entries(disk::GuestDisk& disk, const std::vector<const disk::GuestPartition*>& partitions, Menu menu,
                        FoundEntries& found) {
  std::optional<FoundMenu> limine;
  for (const disk::GuestPartition* partition : partitions)
    if (!limine) limine = find_menu(disk, *partition, found.broken);
  if (!limine) return false;
  const bool may_be_default = !has_systemd_boot(disk, partitions);
  if (!may_be_default) menu = Menu::Folders;  // behind what systemd-boot shows
  // The default; where that is not to be had, the first one that is.
  std::optional<std::size_t> usual;
  bool is_default = false;
  std::vector<std::string> roots;  // entries of one root are of one system
  for (std::size_t i = 0; i < limine->menu.entries.size(); ++i) {
    const LimineEntry& entry = limine->menu.entries[i];
    if (entry.program.path.empty()) continue;
    const auto files = files_of(disk, *limine, entry);
    if (!files && entry.is_efi && !to_lower_ascii(entry.program.path).contains("/efi/linux/")) continue;  // Windows
    if (!files) {
      found.broken.push_back(
          files.error().within(concat(printable(limine->path), ": \"", printable(entry.title), '"')));
      continue;
    }
    auto same = std::ranges::find_if(found.entries, [&](const FoundEntry& one) {
      return one.entry.kind == EntryKind::Uki && one.partition == &files->program.tree.partition() &&
             equals_ignoring_ascii_case(one.path, files->program.full_path());
    });
    if (same == found.entries.end() || !entry.cmdline.empty()) {
      std::string root = kexec::CommandLine::parse(entry.cmdline).find("root").value_or("");
      const std::size_t system = std::ranges::find(roots, root) - roots.begin();
      if (system == roots.size()) roots.push_back(std::move(root));
      found.entries.push_back(found_entry(entry, *files, menu, system, *limine));
      same = found.entries.end() - 1;
    }
    is_default |= limine->menu.usual == i;
    if (!usual || limine->menu.usual == i) usual = same - found.entries.begin();
  }
  if (!may_be_default || !usual) return false;
  found.entries[*usual].entry.default_by =
      is_default ? concat("the default of ", limine->path) : rule_without_default(limine->path, limine->menu.started);
  return true;
}

}  // namespace vhdboot::entry
