// SPDX-License-Identifier: GPL-2.0-or-later
#include "tools/vhdboot/ventoy_next.h"

#include <algorithm>
#include <array>
#include <optional>

#include "base/ascii.h"
#include "base/fd.h"
#include "base/text.h"
#include "init/sys/file.h"
#include "init/volume/path.h"
#include "tools/common/json_reader.h"
#include "tools/common/safe_write.h"
#include "tools/vhdboot/boot_file.h"
#include "tools/vhdboot/image_folders.h"
#include "tools/vhdboot/ventoy_json.h"

namespace vhdboot::command {
namespace {

constexpr std::string_view kFolder = "/ventoy";
// https://www.ventoy.net/en/doc_start.html
constexpr std::array<std::string_view, 7> kShown{".iso", ".wim", ".img", ".vhd", ".vhdx", ".efi", ".vtoy"};

bool may_be_ventoys(const tools::MountedVolume& mount) {
  return mount.top == "/" &&
         (mount.type == "exfat" || mount.type.starts_with("ntfs") || mount.type.starts_with("fuse"));
}

std::string below(const tools::MountedVolume& mount, std::string_view path) {
  return concat(mount.place == "/" ? "" : mount.place, path);
}

// Ventoy compares names letter by letter, the driver need not.
bool is_spelled_so(const RunningSystem& system, const tools::MountedVolume& mount, const volume::Path& path) {
  const std::string place = system.at(mount.place == "/" ? "" : mount.place);
  const auto spelled = spelled_at(place, path);
  return spelled && *spelled == place + path.text();
}

}  // namespace

std::string VentoyVolume::json_path() const {
  return below(mount, concat(kFolder, "/ventoy.json"));
}

std::vector<VentoyVolume> read_ventoy_volumes(const RunningSystem& system) {
  std::vector<VentoyVolume> volumes;
  for (const tools::MountedVolume& mount : system.mounts()) {
    if (!may_be_ventoys(mount) || !sys::exists(system.at(below(mount, kFolder)))) continue;
    VentoyVolume volume{.mount = mount, .json = {}};
    volume.json = read_text(system.at(volume.json_path()), tools::kMaxJson).value_or(std::string());
    volumes.push_back(std::move(volume));
  }
  return volumes;
}

Result<VentoyImage> find_ventoy_image(const RunningSystem& system, const std::vector<VentoyVolume>& volumes,
                                      std::string_view path) {
  const auto mounts = system.mounts();
  const tools::MountedVolume* mount = tools::mount_of(mounts, path);
  const auto found = std::ranges::find_if(
      volumes, [&](const VentoyVolume& one) { return mount != nullptr && one.mount.place == mount->place; });
  if (found == volumes.end())
    return fail(Code::NotFound, "it is on no mounted volume of Ventoy's, which has a folder ventoy at its top");
  VentoyImage image{.volume = &*found, .path = tools::path_on_volume(*mount, path)};
  const auto own = TRY(volume::parse_path(image.path));
  if (!is_spelled_so(system, *mount, own))
    return fail(Code::NotFound, "there is no such file, with upper and lower case as Ventoy has it");
  TRY(check_ventoy_path(image.path));
  if (std::ranges::find(kShown, to_lower_ascii(own.extension())) == kShown.end())
    return fail(Code::Unsupported, "Ventoy's menu has no files of this kind");
  if (const auto efi = own.sibling(concat(own.stem(), ".efi")); efi && own.extension() != ".efi") {
    const std::string beside = below(*mount, efi->text());
    const auto file =
        sys::exists(system.at(beside)) ? sys::FdSource::open(system.at(beside)) : fail(Code::NotFound, "");
    if (file && boot_file_version(**file))
      return fail(Code::Unsupported, concat("Ventoy starts no Linux from it, but from ", printable(beside)));
  }
  return image;
}

Result<void> write_ventoy_default(const RunningSystem& system, const std::string& json_path, const std::string& image) {
  const std::string path = system.at(json_path);
  std::optional<std::string> text;
  if (sys::exists(path)) text = TRY(read_text(path, tools::kMaxJson));
  if (image.empty()) {
    if (!text) return {};
    text = TRY_IN(json_path, clear_ventoy_default(*text));
  } else {
    text = TRY_IN(json_path, set_ventoy_default(text, image));
  }
  return text ? tools::write_safely(path, as_bytes(*text)) : tools::remove_safely(path);
}

}  // namespace vhdboot::command
