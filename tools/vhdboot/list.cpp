// SPDX-License-Identifier: GPL-2.0-or-later
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/text.h"
#include "init/sys/block.h"
#include "init/sys/file.h"
#include "init/volume/file_source.h"
#include "tools/common/options.h"
#include "tools/common/output.h"
#include "tools/vhdboot/commands.h"
#include "tools/vhdboot/image_list.h"
#include "tools/vhdboot/partition_choice.h"
#include "tools/vhdboot/status_facts.h"
#include "tools/vhdtool/judge.h"

namespace vhdboot::command {
namespace {

constexpr std::string_view kHelp = R"(Usage: vhdboot list [OPTION]... [DEVICE|FOLDER]...

Lists the disk images of this machine as the menu of a boot does: those in /,
/boot, /vhd and /images of every NTFS and exFAT volume, mounted or not, also what
cannot be booted, with the reason. Only reads. Volumes that are not mounted, and
what is in an image, only root can look at. With DEVICE or FOLDER only that
volume, or that folder alone.

      --names      only the names, one a line, without looking into the images
      --json       one JSON object
  -h, --help       this text

Examples:
  sudo vhdboot list
  vhdboot list /media/data
)";

class Lister {
 public:
  explicit Lister(bool only_names) : only_names_(only_names), status_(read_status(RunningSystem())) {}

  void all_volumes() {
    const auto mounted = mounted_volumes(RunningSystem().mounts());
    for (const ListedVolume& volume : mounted) add_mounted(volume, {});
    for (const sys::BlockDevice& device : sys::block_devices()) {
      if (sys::is_virtual(device)) continue;
      if (std::ranges::find(mounted, device.path, &ListedVolume::device) == mounted.end())
        add_device(device.path, false);
    }
  }

  // What a person has named.
  Result<void> one(const std::string& place) {
    struct stat status{};
    if (::stat(place.c_str(), &status) < 0) return fail_errno(place);
    if (!S_ISDIR(status.st_mode)) return add_device(place, true);
    add_mounted({.device = "", .place = place}, {});
    return {};
  }

  [[nodiscard]] const ImageList& list() const { return list_; }

 private:
  // Where this system's own EFI file is, if it is that volume.
  [[nodiscard]] std::vector<volume::Path> own_folder(std::string_view device) const {
    if (!status_.start || !status_.disk || status_.disk->partition != device) return {};
    const auto file = volume::parse_path(status_.start->efi_file);
    if (!file || file->is_root()) return {};
    return {file->parent()};
  }

  void add_mounted(const ListedVolume& volume, const std::vector<volume::Path>& more) {
    ListedImage place;
    place.device = volume.device;
    place.volume = volume.place;
    place.file = volume.place;
    const std::size_t before = list_.images.size();
    find_images([&](const volume::Path& folder) { return list_mounted(volume.place, folder); }, more, place, list_);
    judge_from(before);
  }

  // `asked`: what is no volume of ours is an error then.
  Result<void> add_device(const std::string& device, bool asked) {
    const auto pass_over = [&](const Error& error) -> Result<void> {
      if (asked) return std::unexpected(error);
      if (error.code != Code::NotFound) list_.passed_over.push_back(concat(device, ": ", error.message()));
      return {};
    };
    const auto source = sys::FdSource::open(device);
    if (!source && !asked && source.error().sys_errno == EACCES && std::exchange(told_root_, true)) return {};
    if (!source) return pass_over(source.error());
    const auto volume = volume::HostVolume::open(**source);
    if (!volume) return pass_over(volume.error().within(device));
    ListedImage place;
    place.device = device;
    place.volume = (*volume)->label().empty() ? device : (*volume)->label();
    const std::size_t before = list_.images.size();
    find_images([&](const volume::Path& folder) { return (*volume)->list(folder); }, own_folder(device), place, list_);
    judge_from(before);
    return {};
  }

  void judge_from(std::size_t first) {
    if (only_names_) return;
    for (std::size_t i = first; i < list_.images.size(); ++i) judge(list_.images[i]);
  }

  void judge(ListedImage& image) const {
    if (status_.start && status_.disk && status_.disk->partition == image.device &&
        equals_ignoring_ascii_case(status_.start->image, image.path)) {
      image.state = ImageState::Running;
      image.system = status_.system;
      return;
    }
    const auto findings = vhdtool::judge_image({.file = image.file.empty() ? image.path : image.file,
                                                .volume = image.file.empty() ? image.device : "",
                                                .conf = {}});
    if (findings)
      take_verdict(*findings, image);
    else
      image.reason = findings.error().message();
    if (image.state != ImageState::Refused || !is_windows(image)) return;
    image.state = ImageState::Windows;
    image.system = "Windows";
    image.reason.clear();
  }

  [[nodiscard]] static bool is_windows(const ListedImage& image) {
    if (!image.file.empty()) {
      const auto file = sys::FdSource::open(image.file);
      return file && holds_windows(**file);
    }
    const auto source = sys::FdSource::open(image.device);
    const auto volume = source ? volume::HostVolume::open(**source) : fail(Code::NotFound, "");
    const auto path = volume::parse_path(image.path);
    const auto layout = volume && path ? (*volume)->layout(*path) : fail(Code::NotFound, "");
    return layout && holds_windows(volume::FileSource(**source, layout->extents, layout->size, layout->valid_size));
  }

  bool only_names_;
  bool told_root_ = false;
  Status status_;
  ImageList list_;
};

}  // namespace

ExitStatus run_list(int argc, char** argv) {
  const tools::CommandLine line =
      tools::read_command_line(argc, argv, {{"names", false}, {"json", false}}, {}, kHelp, {"DEVICE|FOLDER..."});
  if (line.status) return *line.status;
  Lister lister(line.has("names"));
  if (line.arguments.empty()) lister.all_volumes();
  for (const std::string& place : line.arguments)
    if (const auto listed = lister.one(place); !listed) return tools::failed(argv[0], place, listed.error());
  const ImageList& list = lister.list();
  if (line.has("json")) {
    tools::print(list_json(list) + '\n');
  } else if (line.has("names")) {
    for (const ListedImage& image : list.images) tools::print(printable(image.name) + '\n');
  } else {
    tools::print(list.images.empty() ? "There are no images.\n" : list_text(list));
  }
  if (!line.has("names"))
    for (const std::string& place : list.passed_over) tools::warn(argv[0], "not looked at", place);
  return list.passed_over.empty() || line.has("names") ? ExitStatus::Done : ExitStatus::Warnings;
}

}  // namespace vhdboot::command
