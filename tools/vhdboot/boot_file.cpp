// SPDX-License-Identifier: GPL-2.0-or-later
#include "tools/vhdboot/boot_file.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <memory>
#include <utility>

#include "base/ascii.h"
#include "base/fd.h"
#include "base/text.h"
#include "entry/uki.h"
#include "init/record/config.h"
#include "init/record/image_path.h"
#include "init/sys/directory.h"
#include "init/sys/file.h"

namespace vhdboot::command {
namespace {

constexpr std::string_view kEnd = ".efi";
constexpr std::string_view kEspFolder = "/EFI/vhdboot";

bool is_fat(const tools::MountedVolume& mount) {
  return mount.type == "vfat" || mount.type == "msdos";
}

bool may_hold_images(const tools::MountedVolume& mount) {
  return mount.type == "exfat" || mount.type.starts_with("ntfs") || mount.type.starts_with("fuse");
}

bool is_efi_name(std::string_view name) {
  return name.size() > kEnd.size() && equals_ignoring_ascii_case(name.substr(name.size() - kEnd.size()), kEnd);
}

std::optional<std::string> version_of(const std::string& path) {
  struct stat status{};
  if (::lstat(path.c_str(), &status) < 0 || !S_ISREG(status.st_mode)) return std::nullopt;
  if (static_cast<std::uint64_t>(status.st_size) > kMaxBootFile) return std::nullopt;
  const auto file = sys::FdSource::open(path);
  return file ? boot_file_version(**file) : std::nullopt;
}

void look_into(const RunningSystem& system, const tools::MountedVolume& mount, const std::string& folder,
               std::vector<InstalledFile>& found) {
  for (const std::string& name : sys::list_directory(system.at(folder))) {
    std::string path = concat(folder == "/" ? "" : folder, '/', name);
    if (!is_efi_name(name) || std::ranges::find(found, path, &InstalledFile::path) != found.end()) continue;
    if (auto version = version_of(system.at(path)))
      found.push_back({.path = std::move(path),
                       .name = name.substr(0, name.size() - kEnd.size()),
                       .version = *std::move(version),
                       .mount = mount});
  }
}

std::string joined(const std::string& place, std::string_view folder) {
  if (folder == "/") return place;
  return concat(place == "/" ? "" : place, folder);
}

std::string stem_of(std::string_view path) {
  path.remove_prefix(path.rfind('/') + 1);
  return std::string(path.substr(0, path.rfind('.')));
}

// By its configuration, or as the one beside it.
bool starts(const RunningSystem& system, const InstalledFile& file, std::string_view image) {
  const auto text = read_text(system.at(file.configuration()), record::kMaxConfigBytes);
  const auto parsed = text ? record::parse_config(*text, "") : fail(Code::NotFound, "");
  const auto folder = [](std::string_view path) { return path.substr(0, path.rfind('/')); };
  if (!parsed || !parsed->config.image)
    return folder(file.path) == folder(image) && equals_ignoring_ascii_case(file.name, stem_of(image));
  const std::string& meant = *parsed->config.image;
  if (!meant.starts_with('/')) return concat(folder(file.path), '/', meant) == image;
  const auto mounts = system.mounts();
  const tools::MountedVolume* mount = tools::mount_of(mounts, image);
  return mount != nullptr && equals_ignoring_ascii_case(tools::path_on_volume(*mount, image), meant);
}

}  // namespace

std::optional<std::string> boot_file_version(const ByteSource& file) {
  const auto pe = entry::parse_pe(file);
  if (!pe || pe->find(".linux") == nullptr) return std::nullopt;
  const entry::Section* section = pe->find(".osrel");
  const auto text = section == nullptr ? fail(Code::NotFound, "") : entry::read_text(file, *section);
  if (!text || entry::osrel_value(*text, "ID") != "vhdboot") return std::nullopt;
  return entry::osrel_value(*text, "VERSION").value_or("");
}

std::string InstalledFile::configuration() const {
  return concat(path.substr(0, path.size() - kEnd.size()), ".conf");
}

std::vector<InstalledFile> find_installed(const RunningSystem& system, const std::vector<std::string>& folders) {
  const auto mounts = system.mounts();
  std::vector<InstalledFile> found;
  for (const std::string& folder : folders)
    if (const tools::MountedVolume* mount = tools::mount_of(mounts, folder)) look_into(system, *mount, folder, found);
  for (const tools::MountedVolume& mount : mounts) {
    if (is_fat(mount)) look_into(system, mount, joined(mount.place, kEspFolder), found);
    if (!may_hold_images(mount)) continue;
    for (const std::string_view folder : record::kImageFolders)
      look_into(system, mount, joined(mount.place, folder), found);
  }
  return found;
}

std::vector<InstalledFile> called(const RunningSystem& system, const std::vector<InstalledFile>& installed,
                                  std::string_view name) {
  const bool is_path = name.find('/') != std::string_view::npos;
  std::vector<InstalledFile> found;
  for (const InstalledFile& file : installed) {
    const bool is_it =
        is_path ? file.path == name || starts(system, file, name) : equals_ignoring_ascii_case(file.name, name);
    if (is_it) found.push_back(file);
  }
  return found;
}

Result<std::vector<InstalledFile>> find_named(const RunningSystem& system, const std::string& name) {
  std::string path = name;
  std::vector<std::string> folders;
  if (name.find('/') != std::string::npos || (name.find('.') != std::string::npos && sys::exists(name))) {
    const std::unique_ptr<char, void (*)(void*)> whole(::realpath(name.c_str(), nullptr), &std::free);
    if (!whole) return fail_errno(name);
    path = whole.get();
    folders.push_back(path.substr(0, path.rfind('/')));
  }
  auto files = called(system, find_installed(system, folders), path);
  if (files.empty())
    return fail(Code::NotFound, "there is no EFI file of vhdboot's for it on the volumes that are mounted");
  return files;
}

Result<BootFileSource> read_boot_file(const std::string& asked) {
  std::vector<std::string> places{asked};
  if (asked.empty()) {
    std::array<char, 4096> self{};
    const ssize_t length = ::readlink("/proc/self/exe", self.data(), self.size());
    std::string folder(self.data(), length < 0 ? 0 : static_cast<std::size_t>(length));
    folder.erase(std::min(folder.size(), folder.rfind('/')));
    places = {concat(folder, "/vhdboot.efi"), concat(folder, "/../share/vhdboot/vhdboot.efi"),
              concat(folder, "/../../vhdboot.efi"), "/usr/local/share/vhdboot/vhdboot.efi",
              "/usr/share/vhdboot/vhdboot.efi"};
  }
  for (const std::string& place : places) {
    auto bytes = read_file(place, kMaxBootFile);
    if (!bytes && (bytes.error().code != Code::NotFound || !asked.empty())) return std::unexpected(bytes.error());
    if (!bytes) continue;
    auto version = boot_file_version(MemorySource(*bytes));
    if (!version) return fail(Code::Unsupported, concat(printable(place), " is no EFI file of vhdboot's"));
    return BootFileSource{.path = place, .version = *std::move(version), .bytes = *std::move(bytes)};
  }
  return fail(Code::NotFound, "there is no vhdboot.efi beside this program nor in /usr/share/vhdboot: say --efi FILE");
}

}  // namespace vhdboot::command
