// SPDX-License-Identifier: GPL-2.0-or-later
// A person's look at the disks, from the rescue shell or from any Linux. Never writes.
#include <cstdio>
#include <optional>

#include "base/exit_status.h"
#include "base/text.h"
#include "init/stage/find_image.h"
#include "init/stage/host_volumes.h"
#include "init/stage/inspect.h"
#include "init/stage/inspect_plan.h"
#include "init/sys/file.h"
#include "init/sys/reader.h"
#include "init/sys/reader_process.h"

namespace vhdboot::stage {
namespace {

void print(std::string_view line) {
  std::printf("%.*s\n", static_cast<int>(line.size()), line.data());
}

int complain(const Error& error) {
  std::fprintf(stderr, "inspect: %s\n", error.message().c_str());
  return number(exit_status(error));
}

constexpr std::string_view kHelp =
    "usage: inspect                  list disks, partitions and what is on them\n"
    "       inspect DEVICE           the state of the NTFS or exFAT volume on DEVICE, and its root directory\n"
    "       inspect DEVICE PATH      a directory, or where a file lies and whether it could be booted\n"
    "       inspect --plan [--conf FILE] DEVICE PATH\n"
    "                                what a boot of that image would do, and why\n"
    "       inspect --plan           in the rescue shell: what this boot would do\n"
    "       inspect --version\n"
    "Reads only, also from a file that holds a volume. For --plan the image is attached read-only for a moment.";

void list_devices() {
  for (const sys::BlockDevice& device : sys::block_devices()) {
    const sys::Content content = sys::identify(device, sys::prober_here()).value_or(sys::Content());
    std::string line = concat(device.path, "  ", human_size(device.size));
    const auto add = [&](std::string_view key, std::string_view value) {
      if (!value.empty()) line += concat("  ", key, printable(value));
    };
    add("", content.type);
    add("LABEL=", content.identity.label);
    add("UUID=", content.identity.uuid);
    add("PARTUUID=", content.identity.partuuid);
    print(line);
  }
}

// A device by its name, or a file that holds a volume.
Result<HostVolume> open_volume(const std::string& path) {
  if (path.starts_with("/dev/"))
    if (auto device = sys::block_device(path.substr(5)))
      return open_host_volume(*TRY(sys::MachineDevices::open(sys::readers_here())), *device);
  HostVolume volume{.device = {.name = path, .path = path}};
  auto source = TRY(sys::FdSource::open(path));
  volume.device.size = source->size();
  volume.reader = TRY_IN(path, sys::VolumeReader::open(*source, path, {.child = sys::reader_here()}));
  volume.source = std::move(source);
  volume.identity.uuid = volume.reader->serial_text();
  return volume;
}

Result<void> show_volume(HostVolume& volume) {
  print(volume.description());
  print(concat("  serial   ", volume.identity.uuid));
  print(concat("  cluster  ", human_size(volume.reader->cluster_size())));
  print(concat("  state    ", volume::describe(TRY(volume.reader->state()))));
  return {};
}

Result<void> show_directory(HostVolume& volume, const volume::Path& path) {
  for (const volume::DirEntry& entry : TRY(volume.reader->list(path)))
    print(concat("  ", printable(entry.name), entry.directory ? "/" : concat("  ", human_size(entry.size))));
  return {};
}

Result<void> show_file(HostVolume& volume, const volume::Path& path, const volume::FileLayout& layout) {
  constexpr std::size_t kMostExtents = 16;
  print(concat(printable(path.text()), "  ", layout.size, " bytes, ", layout.extents.size(), " extents"));
  std::size_t shown = 0;
  for (const Extent& extent : layout.extents) {
    if (shown++ == kMostExtents) {
      print(concat("  ... ", layout.extents.size() - kMostExtents, " more"));
      break;
    }
    print(concat("  ", extent.logical, " -> ", extent.physical, " + ", extent.length));
  }
  const FoundImage image = TRY(examine_image(volume, path, Writes::Kept));
  print(concat("  ", image.kind(), ", a disk of ", human_size(image.info().size), ": can be attached"));
  for (const FoundParent& parent : image.parents) print(concat("  parent ", printable(parent.path.text())));
  return {};
}

Result<void> show(const std::vector<std::string>& arguments) {
  HostVolume volume = TRY(open_volume(arguments[1]));
  const auto path = TRY(volume::parse_path(arguments.size() > 2 ? arguments[2] : "/"));
  if (path.is_root()) TRY(show_volume(volume));
  const auto layout = TRY(volume.reader->layout(path));
  return layout.directory ? show_directory(volume, path) : show_file(volume, path, layout);
}

// What stands behind --plan; nothing when that is no command.
std::optional<PlanRequest> parse_plan(const std::vector<std::string>& arguments) {
  PlanRequest request;
  std::size_t at = 2;
  if (arguments.size() > at + 1 && arguments[at] == "--conf") {
    request.conf = arguments[at + 1];
    at += 2;
  }
  if (arguments.size() == at && request.conf.empty()) return request;
  if (arguments.size() != at + 2 || arguments[at].starts_with('-')) return std::nullopt;
  request.device = arguments[at];
  request.path = arguments[at + 1];
  return request;
}

int show_plan(const PlanRequest& request) {
  const auto plan = plan_of_boot(request);
  if (!plan) return complain(plan.error());
  for (const std::string& line : plan->lines) print(line);
  return number(plan->warned ? ExitStatus::Warnings : ExitStatus::Done);
}

int complain_about_usage() {
  std::fprintf(stderr, "%s\n", std::string(kHelp).c_str());
  return number(ExitStatus::Usage);
}

}  // namespace

int inspect(const std::vector<std::string>& arguments) {
  if (arguments.size() == 1) {
    list_devices();
    return 0;
  }
  if (arguments[1] == "--help") {
    print(kHelp);
    return 0;
  }
  if (arguments[1] == "--version") {
    print("vhdboot " VHDBOOT_VERSION);
    return 0;
  }
  if (arguments[1] == "--plan") {
    const auto request = parse_plan(arguments);
    return request ? show_plan(*request) : complain_about_usage();
  }
  if (arguments.size() > 3 || arguments[1].starts_with('-')) return complain_about_usage();
  const auto shown = show(arguments);
  return shown ? 0 : complain(shown.error());
}

}  // namespace vhdboot::stage
