// SPDX-License-Identifier: GPL-2.0-or-later
// vhdtool map: where a file lies on its disk.
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include <fcntl.h>

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "base/text.h"
#include "init/blocks/view.h"
#include "init/sys/file.h"
#include "init/volume/file_source.h"
#include "init/volume/volume.h"
#include "tools/common/file_extents.h"
#include "tools/common/image_reader.h"
#include "tools/common/options.h"
#include "tools/common/output.h"
#include "tools/vhdtool/commands.h"
#include "tools/vhdtool/volume_device.h"
#include "tools/vhdtool/volume_parents.h"
#include "vhd/disk.h"
#include "vhd/pieces.h"

namespace vhdboot::vhdtool {
namespace {

using namespace vhdboot::tools;
using namespace vhdboot::vhd;

constexpr std::string_view kHelp = R"(Usage: vhdtool map [--dmsetup] FILE
       vhdtool map [--dmsetup] --volume DEVICE [--parent-volume DEVICE] PATH

Shows where the image FILE lies: a line for each extent with its first byte in
the file, its first byte on the partition of its file system, and its length.
What is still in memory is written first.

With --volume the file PATH is one of the NTFS or exFAT volume on DEVICE, which
must not be mounted.

With --dmsetup it is a table for dmsetup(8): the disk in the image as a device
on the partition, also of a VHDX, a dynamic VHD, and a differencing image with
its parents. Never use that for writing while the volume is mounted, nor ever
with an image that is not fixed: what is written to its gaps is lost.

      --dmsetup        print a table for dmsetup
      --volume DEVICE  the unmounted volume that has the file
      --parent-volume DEVICE
                       the one that has those of its parents which are not on
                       the volume of their child
  -h, --help           this text

Examples:
  vhdtool map /media/data/debian.vhd
  vhdtool map --dmsetup --volume /dev/sda3 /vm/debian.vhd | dmsetup create -r vm
)";

struct Row {
  Extent place;
  std::string note;
};

/// A file and what lies below it.
struct Mapped {
  std::vector<Row> rows;
  // For --dmsetup:
  std::vector<blocks::MappedFile> files;
  std::vector<blocks::LowerDevice> devices;
  std::vector<vhd::DiskPiece> pieces;
};

/// Size and logical block of a partition or disk, by its numbers.
Result<blocks::LowerDevice> lower_device(const std::string& numbers, std::uint64_t cluster_size) {
  const std::string folder = concat("/sys/dev/block/", numbers);
  const auto number = [&](const char* attribute) { return parse_u64(sys::read_attribute(folder + attribute)); };
  const auto sectors = number("/size");
  auto block = number("/queue/logical_block_size");
  if (!block) block = number("/../queue/logical_block_size");
  if (!sectors || !block) return fail(Code::NotFound, concat(folder, " tells no size and no block"));
  return blocks::LowerDevice{.numbers = numbers,
                             .size = *sectors * kSectorSize,
                             .logical_block = static_cast<std::uint32_t>(*block),
                             .cluster_size = cluster_size};
}

/// A file of the image and the device that it lies on.
Result<void> add_file(const sys::FdSource& file, const std::string& path, Mapped& mapped) {
  struct stat status{};
  if (::fstat(file.fd().get(), &status) != 0) return fail_errno("looking at it");
  auto device = lower_device(concat(major(status.st_dev), ':', minor(status.st_dev)),
                             static_cast<std::uint64_t>(status.st_blksize));
  if (!device)
    return fail(Code::Unsupported, "its file system does not lie on one block device, so no table can name its place");
  auto known = std::ranges::find(mapped.devices, device->numbers, &blocks::LowerDevice::numbers);
  if (known == mapped.devices.end()) known = mapped.devices.insert(known, *std::move(device));
  mapped.files.push_back({.size = file.size(),
                          .extents = TRY(plain_extents(TRY(file_extents(file.fd().get())), file.size())),
                          .device = static_cast<std::size_t>(known - mapped.devices.begin()),
                          .name = mapped.files.empty() ? "" : path});
  return {};
}

Result<Mapped> map_file(const std::string& path, bool table) {
  struct stat status{};
  if (::stat(path.c_str(), &status) != 0) return fail_errno("opening it");
  if (!S_ISREG(status.st_mode)) return fail(Code::Invalid, "it is no regular file");
  const auto file = TRY(sys::FdSource::adopt(TRY(sys::open_file(path, O_RDONLY | O_NONBLOCK | O_NOCTTY))));
  auto extents = file_extents(file->fd().get());
  if (!extents && extents.error().code == Code::Unsupported)
    extents.error().text += "; unmount it and use `vhdtool map --volume`";
  Mapped mapped;
  for (const FileExtent& extent : TRY(std::move(extents)))
    mapped.rows.push_back({extent.place, describe_flags(extent.flags)});
  if (!table) return mapped;

  TRY(add_file(*file, path, mapped));
  std::vector<std::string> parents;
  const auto open_parent = [&](std::string_view child, std::string_view name) -> Result<OpenedFile> {
    auto opened = TRY(open_parent_beside(child, name));
    parents.push_back(opened.name);
    return opened;
  };
  const auto disk = TRY(open_disk(*file, path, open_parent));
  for (const std::string& parent : parents)
    TRY_IN(printable(parent),
           add_file(*TRY(sys::FdSource::adopt(TRY(sys::open_file(parent, O_RDONLY | O_NONBLOCK | O_NOCTTY)))), parent,
                    mapped));
  mapped.pieces = TRY(pieces_of(*disk));
  return mapped;
}

/// `other_path`: of the device with parents; empty: none.
Attempt<Mapped> map_on_volume(const std::string& device_path, const std::string& other_path,
                              const std::string& path_text, bool table) {
  const volume::Path path = TRY(volume::parse_path(path_text));
  const auto device = TRY(VolumeDevice::open(device_path));
  const auto reader = TRY(volume::HostVolume::open(*device));
  const volume::FileLayout layout = TRY(reader->layout(path));
  if (layout.directory) return refuse(Reason::NotRegular, printable(path.text()) + " is a directory");
  Mapped mapped;
  for (const Extent& extent : layout.extents) mapped.rows.push_back({extent, ""});
  if (!table) return mapped;

  if (device->numbers().empty())
    return refuse(Reason::NotRegular, "a table needs a block device; `losetup --find --show` makes one of this file");
  TRY(volume::check_clean(TRY(reader->state())));
  TRY(volume::check_mappable(layout, path));
  const volume::FileSource contents(*device, layout.extents, layout.size, layout.valid_size);
  mapped.files.push_back({.size = layout.size, .extents = layout.extents, .device = 0, .name = {}});
  std::unique_ptr<VolumeDevice> other_device;
  std::unique_ptr<volume::HostVolume> other;
  if (!other_path.empty()) {
    other_device = TRY(VolumeDevice::open(other_path));
    other = TRY_IN(other_path, volume::HostVolume::open(*other_device));
  }
  VolumeParents parents({device.get(), reader.get()}, {other_device.get(), other.get()}, path);
  const auto disk = TRY(
      open_disk(contents, path.text(), [&](std::string_view, std::string_view name) { return parents.open(name); }));
  for (const auto& [elsewhere, place, parent] : parents.found()) {
    TRY(volume::check_mappable(parent, place));
    mapped.files.push_back(
        {.size = parent.size, .extents = parent.extents, .device = elsewhere ? 1U : 0U, .name = place.text()});
  }
  mapped.devices.push_back(TRY(lower_device(device->numbers(), reader->cluster_size())));
  if (other) {
    TRY_IN(other_path, volume::check_clean(TRY(other->state())));
    mapped.devices.push_back(TRY_IN(other_path, lower_device(other_device->numbers(), other->cluster_size())));
  }
  mapped.pieces = TRY(pieces_of(*disk));
  return mapped;
}

void print_rows(const std::vector<Row>& rows) {
  const auto column = [](std::string_view text) {
    constexpr std::size_t kWidth = 16;
    return concat(std::string(kWidth - std::min(kWidth - 1, text.size()), ' '), text);
  };
  tools::print(concat(column("logical"), column("physical"), column("length"), '\n'));
  for (const Row& row : rows)
    tools::print(concat(column(concat(row.place.logical)), column(concat(row.place.physical)),
                        column(concat(row.place.length)), row.note.empty() ? "" : "  ", row.note, '\n'));
}

}  // namespace

ExitStatus run_map(int argc, char** argv) {
  const tools::CommandLine line = tools::read_command_line(
      argc, argv, {{"dmsetup", false}, {"volume", true}, {"parent-volume", true}}, {"FILE"}, kHelp);
  if (line.status) return *line.status;
  const std::string& path = line.arguments[0];
  const bool table = line.has("dmsetup");
  const bool offline = line.has("volume");
  const std::string subject = offline ? line.value("volume") : path;
  if (line.has("parent-volume") && !offline) return tools::wrong_usage(argv[0], "--parent-volume goes with --volume");
  const auto mapped = offline ? map_on_volume(subject, line.value("parent-volume"), path, table)
                              : Attempt<Mapped>([&]() -> Attempt<Mapped> { return TRY(map_file(path, table)); }());
  if (!mapped) return tools::failed(argv[0], subject, mapped.error().error);
  if (!table) {
    print_rows(mapped->rows);
    return ExitStatus::Done;
  }
  const auto view = blocks::chain_view(mapped->files, mapped->devices, mapped->pieces);
  const auto text = view ? to_text(view->rows, device_numbers(*view)) : std::unexpected(view.error());
  if (!text) return tools::failed(argv[0], subject, text.error());
  tools::print(*text);
  return ExitStatus::Done;
}

}  // namespace vhdboot::vhdtool
