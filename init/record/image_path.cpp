// SPDX-License-Identifier: GPL-2.0-or-later
#include "init/record/image_path.h"

#include <algorithm>
#include <array>
#include <utility>

#include "base/text.h"

namespace vhdboot::record {

namespace {
constexpr std::string_view kUntold = "the firmware did not tell from which file it started this program";
constexpr std::string_view kAdvice = "say where the image is: image=/boot/debian.vhd in the load options";
}  // namespace

Result<std::vector<volume::Path>> image_candidates(const Config& config, const Origin& origin) {
  if (config.image) {
    if (config.image->starts_with('/')) return std::vector{TRY(volume::parse_path(*config.image))};
    if (!origin.path)
      return fail(Code::Invalid, concat("image ", *config.image, " is to be beside the EFI file, but ", kUntold,
                                        ": give the whole path, from / on"));
    const auto program = TRY(volume::parse_path(*origin.path));
    return std::vector{TRY(volume::parse_path(concat(program.parent().text(), '/', *config.image)))};
  }
  if (!origin.path) return fail(Code::NotFound, concat(kUntold, ": ", kAdvice));
  const auto program = TRY(volume::parse_path(*origin.path));
  if (program.is_root() || !equals_ignoring_ascii_case(program.extension(), ".efi"))
    return fail(Code::NotFound, concat("no name for the image follows from ", printable(program.text()),
                                       ", which does not end in .efi: ", kAdvice));
  std::vector<volume::Path> candidates;
  for (const std::string_view ending : kBootedEndings)
    candidates.push_back(TRY(program.sibling(concat(program.stem(), ending))));
  return candidates;
}

Result<volume::Path> disk_path(std::string_view disk, const volume::Path& image) {
  if (disk.starts_with('/')) return volume::parse_path(disk);
  return volume::parse_path(concat(image.parent().text(), '/', disk));
}

bool has_booted_name(const volume::Path& path) {
  return std::ranges::find(kBootedEndings, to_lower_ascii(path.extension())) != kBootedEndings.end();
}

bool has_image_name(const volume::Path& path) {
  constexpr std::array<std::string_view, 4> kOthers{".avhdx", ".vdi", ".vmdk", ".qcow2"};
  return has_booted_name(path) || std::ranges::find(kOthers, to_lower_ascii(path.extension())) != kOthers.end();
}

std::vector<volume::Path> image_folders(const Config& config, const Origin& origin, bool has_efi_file,
                                        bool may_have_default) {
  std::vector<volume::Path> folders;
  const auto add = [&](volume::Path folder) {
    const auto same = [&](const volume::Path& other) {
      return equals_ignoring_ascii_case(folder.text(), other.text());
    };
    if (std::ranges::none_of(folders, same)) folders.push_back(std::move(folder));
  };
  if (has_efi_file && origin.path)
    if (const auto file = volume::parse_path(*origin.path); file && !file->is_root()) add(file->parent());
  if (may_have_default)
    if (const auto paths = image_candidates(config, origin))
      for (const volume::Path& path : *paths) add(path.parent());
  for (const std::string_view folder : kImageFolders)
    if (auto path = volume::parse_path(folder)) add(*std::move(path));
  for (const std::string& folder : config.folders)
    if (auto path = volume::parse_path(folder)) add(*std::move(path));
  return folders;
}

std::optional<volume::Path> listed_image(const volume::Path& folder, const volume::DirEntry& file) {
  auto path = folder.child(file.name);
  if (file.directory || file.size < kMinImageSize || !path || !has_image_name(*path)) return std::nullopt;
  return *std::move(path);
}

}  // namespace vhdboot::record
