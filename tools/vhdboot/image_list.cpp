// SPDX-License-Identifier: GPL-2.0-or-later
#include "tools/vhdboot/image_list.h"

#include <algorithm>
#include <array>
#include <utility>

#include "base/text.h"
#include "init/record/image_path.h"
#include "tools/common/json.h"

namespace vhdboot::command {
namespace {

std::string_view word(ImageState state) {
  switch (state) {
    case ImageState::Unknown:
      break;
    case ImageState::Ready:
      return "ready";
    case ImageState::Refused:
      return "refused";
    case ImageState::Windows:
      return "windows";
    case ImageState::Running:
      return "running";
  }
  return "unknown";
}

std::string state_text(const ListedImage& image) {
  if (image.state == ImageState::Windows) return "not by vhdboot: Windows' own menu, or Ventoy";
  return concat(word(image.state), image.reason.empty() ? "" : ": ", printable(image.reason));
}

void find_in(const VolumeFiles& volume, const volume::Path& folder, const ListedImage& place, ImageList& list) {
  const auto pass_over = [&](std::string_view why) {
    list.passed_over.push_back(concat(printable(folder.text()), " on ", printable(place.volume), ": ", why));
  };
  const auto names = volume.list(folder);
  if (!names && names.error().code != Code::NotFound) pass_over(names.error().message());
  if (!names) return;
  if (names->size() > record::kMaxListedFolder)
    return pass_over(concat("more than ", record::kMaxListedFolder, " names"));
  for (const volume::DirEntry& file : *names) {
    const auto path = record::listed_image(folder, file);
    if (!path) continue;
    if (list.images.size() == kMaxListed) return pass_over(concat("more than ", kMaxListed, " images"));
    ListedImage image = place;
    image.name = path->stem();
    image.path = path->text();
    if (!place.file.empty()) image.file = spelled_at(place.file, *path).value_or(concat(place.file, image.path));
    image.size = file.size;
    list.images.push_back(std::move(image));
  }
}

}  // namespace

void find_images(const VolumeFiles& volume, const std::vector<volume::Path>& folders, const ListedImage& place,
                 ImageList& list) {
  for (const volume::Path& folder : folders) find_in(volume, folder, place, list);
}

std::vector<ListedVolume> mounted_volumes(const std::vector<tools::MountedVolume>& mounts) {
  // FUSE does not say of which kind it is: whatever is on a disk is looked at.
  constexpr std::array<std::string_view, 5> kTypes{"exfat", "ntfs", "ntfs3", "fuseblk", "fuse.ntfs-3g"};
  std::vector<ListedVolume> volumes;
  for (const tools::MountedVolume& mount : mounts) {
    if (mount.top != "/" || std::ranges::find(kTypes, mount.type) == kTypes.end()) continue;
    if (std::ranges::find(volumes, mount.source, &ListedVolume::device) == volumes.end())
      volumes.push_back({.device = mount.source, .place = mount.place});
  }
  return volumes;
}

void take_verdict(const vhdtool::Findings& findings, ListedImage& image) {
  image.system = findings.booted().value_or("");
  for (const vhdtool::Finding& finding : findings.all()) {
    const bool is_kernel = finding.check == "kernel" && finding.severity == vhdtool::Severity::Ok;
    if (is_kernel && image.system.empty()) image.system = finding.text;
    if (finding.severity == vhdtool::Severity::Error && image.reason.empty()) image.reason = finding.text;
  }
  if (findings.worst() == vhdtool::Severity::Error) {
    image.state = ImageState::Refused;
  } else if (findings.open()) {
    image.state = ImageState::Unknown;
    image.reason = "not all of it could be looked at, see vhdboot check";
  } else {
    image.state = ImageState::Ready;
  }
}

std::string list_text(const ImageList& list) {
  if (list.images.empty()) return "";
  std::vector<std::array<std::string, 5>> rows{{"NAME", "SYSTEM", "SIZE", "WHERE", "STATE"}};
  for (const ListedImage& image : list.images)
    rows.push_back({printable(image.name), image.system.empty() ? "-" : printable(image.system), human_size(image.size),
                    concat(printable(image.volume), ':', printable(image.path)), state_text(image)});
  std::array<std::size_t, 5> widths{};
  for (const auto& row : rows)
    for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], row[i].size());
  std::string text;
  for (const auto& row : rows) {
    for (std::size_t i = 0; i + 1 < row.size(); ++i) text += row[i] + std::string(widths[i] - row[i].size() + 2, ' ');
    text += row.back() + '\n';
  }
  return text;
}

std::string list_json(const ImageList& list) {
  tools::JsonWriter json;
  const auto text = [&](std::string_view name, std::string_view value) {
    if (!value.empty()) json.member(name, value);
  };
  json.begin_object().member("schema", "vhdboot.list/1").key("images").begin_array();
  for (const ListedImage& image : list.images) {
    json.begin_object();
    text("name", image.name);
    text("path", image.path);
    text("volume", image.volume);
    text("device", image.device);
    text("file", image.file);
    json.member("size", image.size);
    text("system", image.system);
    json.member("state", word(image.state));
    text("reason", image.reason);
    json.end_object();
  }
  json.end_array().key("passed_over").begin_array();
  for (const std::string& place : list.passed_over) json.value(std::string_view(place));
  json.end_array().end_object();
  return json.text();
}

}  // namespace vhdboot::command
