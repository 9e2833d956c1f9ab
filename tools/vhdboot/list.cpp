// SPDX-License-Identifier: GPL-2.0-or-later
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <iterator>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/text.h"
#include "init/sys/block.h"
#include "init/sys/content.h"
#include "init/sys/file.h"
#include "init/volume/file_source.h"
#include "tools/common/options.h"
#include "tools/common/output.h"
#include "tools/vhdboot/commands.h"
#include "tools/vhdboot/image_folders.h"
#include "tools/vhdboot/image_list.h"
#include "tools/vhdboot/partition_choice.h"
#include "tools/vhdboot/status_facts.h"
#include "tools/vhdtool/judge.h"

namespace vhdboot::command {
namespace {

constexpr std::string_view kHelp = R"(Usage: vhdboot list [OPTION]... [DEVICE|FOLDER]...

Lists the disk images of this machine as the menu of a boot does: those in /,
/boot, /vhd and /images of every NTFS and exFAT volume, mounted or not, and in the
folders that the configurations of EFI files name; also what cannot be booted, with
the reason. Only reads. Volumes that are not mounted, and what is in an image, only
root can look at. With DEVICE or FOLDER (where one is mounted) only that volume.

      --names      only the names, one a line, without looking into the images
      --json       one JSON object
  -h, --help       this text

Examples:
  sudo vhdboot list
  vhdboot list /media/data
)";

// A volume that is looked at: by its driver, or, where it is not mounted, by our own reader.
struct OpenVolume {
  ListedImage about;  ///< what is known of each image on it
  std::unique_ptr<ByteSource> source{};
  std::unique_ptr<volume::HostVolume> volume{};
  VolumeFiles files;
  disk::Identity identity;
};

class Lister {
 public:
  explicit Lister(bool only_names) : only_names_(only_names), status_(read_status(system_)) {
    const std::string own = status_.start ? status_.start->efi_file : "";
    setups_ = find_setups_on_esps(system_, own);
    if (status_.disk && !own.empty())
      setups_.push_back({.device = status_.disk->partition, .origin = {.path = own}, .config = {}});
  }

  void open_all() {
    auto mounted = mounted_volumes(system_.mounts());
    // In a guest it is the volume that the image lies on, without what this start uses.
    for (ListedVolume& one : mounted)
      if (status_.host && status_.disk && one.place == status_.host->place) one.device = status_.disk->partition;
    for (const ListedVolume& one : mounted) open_mounted(one);
    for (const sys::BlockDevice& device : devices_) {
      if (sys::is_virtual(device)) continue;
      if (std::ranges::find(mounted, device.path, &ListedVolume::device) == mounted.end())
        (void)open_device(device.path, false);
    }
  }

  // What a person has named.
  Result<void> open(const std::string& place) {
    struct stat status{};
    if (::stat(place.c_str(), &status) < 0) return fail_errno(place);
    if (!S_ISDIR(status.st_mode)) return open_device(place, true);
    open_mounted({.device = "", .place = place});
    return {};
  }

  // Of all that are open: what is on one of them says where the menu looks on the others.
  ImageList list() && {
    for (const OpenVolume& volume : open_) {
      auto more = find_setups(volume.files, volume.about.device, own_folder(volume.about.device));
      std::ranges::move(more, std::back_inserter(setups_));
    }
    for (const OpenVolume& volume : open_) {
      const std::size_t before = list_.images.size();
      find_images(volume.files, folders_on(volume.about.device, volume.identity, setups_), volume.about, list_);
      judge_from(before);
    }
    return std::move(list_);
  }

 private:
  // Where this system's own EFI file is, if it is that volume.
  [[nodiscard]] std::vector<volume::Path> own_folder(std::string_view device) const {
    if (!status_.start || !status_.disk || status_.disk->partition != device) return {};
    const auto file = volume::parse_path(status_.start->efi_file);
    if (!file || file->is_root()) return {};
    return {file->parent()};
  }

  [[nodiscard]] disk::Identity identity_of(const std::string& device) const {
    const auto found = std::ranges::find(devices_, device, &sys::BlockDevice::path);
    const auto content =
        found == devices_.end() ? fail(Code::NotFound, device) : sys::identify(*found, sys::prober_here());
    return content ? content->identity : disk::Identity();
  }

  void open_mounted(const ListedVolume& one) {
    OpenVolume open{.about = {}, .files = files_at(one.place), .identity = identity_of(one.device)};
    open.about.device = one.device;
    open.about.volume = one.place;
    open.about.file = one.place;
    open_.push_back(std::move(open));
  }

  // `asked`: what is no volume of ours is an error then.
  Result<void> open_device(const std::string& device, bool asked) {
    const auto pass_over = [&](const Error& error) -> Result<void> {
      if (asked) return std::unexpected(error);
      if (error.code != Code::NotFound) list_.passed_over.push_back(concat(device, ": ", error.message()));
      return {};
    };
    auto source = sys::FdSource::open(device);
    if (!source && !asked && source.error().sys_errno == EACCES && std::exchange(told_root_, true)) return {};
    if (!source) return pass_over(source.error());
    auto volume = volume::HostVolume::open(**source);
    if (!volume) return pass_over(volume.error().within(device));
    OpenVolume open{.about = {}, .files = files_of(**volume), .identity = identity_of(device)};
    open.about.device = device;
    open.about.volume = (*volume)->label().empty() ? device : (*volume)->label();
    open.source = *std::move(source);
    open.volume = *std::move(volume);
    open_.push_back(std::move(open));
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

  RunningSystem system_;
  std::vector<sys::BlockDevice> devices_ = sys::block_devices();
  bool only_names_;
  bool told_root_ = false;
  Status status_;
  std::vector<BootSetup> setups_;
  std::vector<OpenVolume> open_;
  ImageList list_;
};

}  // namespace

ExitStatus run_list(int argc, char** argv) {
  const tools::CommandLine line =
      tools::read_command_line(argc, argv, {{"names", false}, {"json", false}}, {}, kHelp, {"DEVICE|FOLDER..."});
  if (line.status) return *line.status;
  Lister lister(line.has("names"));
  if (line.arguments.empty()) lister.open_all();
  for (const std::string& place : line.arguments)
    if (const auto opened = lister.open(place); !opened) return tools::failed(argv[0], place, opened.error());
  const ImageList list = std::move(lister).list();
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
