// SPDX-License-Identifier: GPL-2.0-or-later
#include "tools/vhdboot/image_folders.h"

#include <sys/stat.h>

#include <algorithm>
#include <utility>

#include "base/ascii.h"
#include "base/fd.h"
#include "base/text.h"
#include "init/record/image_path.h"
#include "init/sys/directory.h"
#include "tools/vhdboot/boot_file.h"

namespace vhdboot::command {
namespace {

constexpr std::string_view kEfi = ".efi";
constexpr std::string_view kConf = ".conf";

Result<std::vector<volume::DirEntry>> list_mounted(const std::string& place, const volume::Path& folder) {
  const std::string path = TRY(spelled_at(place, folder));
  std::vector<volume::DirEntry> entries;
  for (const std::string& name : sys::list_directory(path)) {
    struct stat status{};
    if (::lstat(concat(path, '/', name).c_str(), &status) < 0) continue;
    const bool is_file = S_ISREG(status.st_mode);
    entries.push_back(
        {.name = name, .directory = !is_file, .size = is_file ? static_cast<std::uint64_t>(status.st_size) : 0});
  }
  return entries;
}

bool is_same(const volume::Path& a, const volume::Path& b) {
  return equals_ignoring_ascii_case(a.text(), b.text());
}

void add_new(std::vector<volume::Path>& folders, const std::vector<volume::Path>& more) {
  for (const volume::Path& folder : more)
    if (std::ranges::none_of(folders, [&](const volume::Path& one) { return is_same(one, folder); }))
      folders.push_back(folder);
}

}  // namespace

Result<std::string> spelled_at(const std::string& place, const volume::Path& path) {
  std::string found = place;
  for (const std::string& name : path.components()) {
    const auto names = sys::list_directory(found);
    auto own = std::ranges::find(names, name);
    if (own == names.end())
      own = std::ranges::find_if(names, [&](const auto& one) { return equals_ignoring_ascii_case(one, name); });
    if (own == names.end()) return fail(Code::NotFound, concat("there is no ", name, " in ", found));
    found = concat(found == "/" ? "" : found, '/', *own);
  }
  return found;
}

VolumeFiles files_at(const std::string& place) {
  return {.list = [place](const volume::Path& folder) { return list_mounted(place, folder); },
          .read = [place](const volume::Path& file, std::uint64_t cap) -> Result<std::string> {
            return read_text(TRY(spelled_at(place, file)), cap);
          }};
}

VolumeFiles files_of(volume::HostVolume& volume) {
  return {.list = [&volume](const volume::Path& folder) { return volume.list(folder); },
          .read = [&volume](const volume::Path& file, std::uint64_t cap) -> Result<std::string> {
            return std::string(as_text(TRY(volume.read_file(file, cap))));
          }};
}

std::vector<BootSetup> find_setups(const VolumeFiles& volume, const std::string& device,
                                   const std::vector<volume::Path>& more) {
  std::vector<volume::Path> folders = more;
  add_new(folders, record::image_folders({}, {}, false, false));
  std::vector<BootSetup> setups;
  for (const volume::Path& folder : folders) {
    const auto names = volume.list(folder);
    if (!names || names->size() > record::kMaxListedFolder) continue;
    for (const volume::DirEntry& file : *names) {
      const auto path = folder.child(file.name);
      if (file.directory || !path || !equals_ignoring_ascii_case(path->extension(), kEfi)) continue;
      const auto conf = path->sibling(concat(path->stem(), kConf));
      const auto text = conf ? volume.read(*conf, record::kMaxConfigBytes) : fail(Code::NotFound, "");
      const auto parsed = text ? record::parse_config(*text, "") : fail(Code::NotFound, "");
      if (parsed) setups.push_back({.device = device, .origin = {.path = path->text()}, .config = parsed->config});
    }
  }
  return setups;
}

std::vector<BootSetup> find_setups_on_esps(const RunningSystem& system, const std::string& efi_file) {
  std::vector<std::string> folders;
  const std::string folder = efi_file.substr(0, std::min(efi_file.size(), efi_file.rfind('/')));
  for (const tools::MountedVolume& mount : system.mounts())
    if (!folder.empty() && mount.top == "/") folders.push_back(concat(mount.place == "/" ? "" : mount.place, folder));
  std::vector<BootSetup> setups;
  for (const InstalledFile& file : find_installed(system, folders)) {
    if (!file.is_on_esp()) continue;
    const auto text = read_text(system.at(file.configuration()), record::kMaxConfigBytes);
    const auto parsed = text ? record::parse_config(*text, "") : fail(Code::NotFound, "");
    if (parsed) setups.push_back({.device = {}, .origin = {.path = file.path_on_volume()}, .config = parsed->config});
  }
  return setups;
}

std::vector<volume::Path> folders_on(const std::string& device, const disk::Identity& identity,
                                     const std::vector<BootSetup>& setups) {
  std::vector<volume::Path> folders;
  for (const BootSetup& setup : setups) {
    const bool has_efi_file = !setup.device.empty() && setup.device == device;
    const bool may_have_default =
        setup.config.volume ? disk::matches(*setup.config.volume, identity) : setup.device.empty() || has_efi_file;
    add_new(folders, record::image_folders(setup.config, setup.origin, has_efi_file, may_have_default));
  }
  add_new(folders, record::image_folders({}, {}, false, false));
  return folders;
}

}  // namespace vhdboot::command
