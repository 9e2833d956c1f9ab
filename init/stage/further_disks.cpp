// SPDX-License-Identifier: GPL-2.0-or-later
#include "init/stage/further_disks.h"

#include <algorithm>
#include <utility>

#include "base/text.h"
#include "init/blocks/check_writer.h"
#include "init/record/image_path.h"
#include "init/stage/attach.h"
#include "init/stage/growing_disk.h"
#include "init/stage/present_device.h"
#include "init/stage/scratch_file.h"
#include "init/sys/block.h"

namespace vhdboot::stage {
namespace {

bool is_parent_in(const FoundImage& image, const volume::Path& path) {
  return std::ranges::find(image.parents, path, &volume::PlacedFile::path) != image.parents.end();
}

// A file that one disk is written to is of no other; a parent of both is only read.
Result<void> check_apart(const FoundImage& one, const FoundImage& other) {
  if (one.path == other.path) return fail(Code::Invalid, "it is a disk of this guest already");
  if (is_parent_in(one, other.path))
    return fail(Code::Invalid, concat("it is a parent of ", printable(one.path.text()), ", a disk of this guest"));
  if (is_parent_in(other, one.path))
    return fail(Code::Invalid, concat(printable(one.path.text()), ", a disk of this guest, is a parent of it"));
  return {};
}

Result<void> check_apart(const FoundImage& image, const FoundImage& disk, const volume::Path& scratch) {
  if (disk.path == scratch || is_parent_in(disk, scratch))
    return fail(Code::Invalid, "it is the scratch file of this guest");
  TRY(check_apart(image, disk));
  for (const FoundImage& other : image.further) TRY(check_apart(other, disk));
  return {};
}

// So that the host device leaves the files out, and that none lies where another does.
Result<void> add_files(FoundImage& image, const FoundImage& disk) {
  const auto add = [&](const volume::Path& path, const volume::FileLayout& layout) -> Result<void> {
    image.view = TRY(blocks::with_file(
        std::move(image.view), {.size = layout.size, .extents = layout.extents, .device = 0, .name = path.text()}));
    return {};
  };
  TRY(add(disk.path, disk.layout));
  for (const volume::PlacedFile& parent : disk.parents) {
    const auto has = [&](const FoundImage& other) { return is_parent_in(other, parent.path); };
    if (!has(image) && std::ranges::none_of(image.further, has)) TRY(add(parent.path, parent.layout));
  }
  return {};
}

Result<void> add_disk(FoundImage& image, const volume::Path& path, bool read_only) {
  const Writes writes = read_only ? Writes::Forgotten : Writes::Kept;
  FoundImage disk = TRY(examine_image(*image.volume, path, writes));
  TRY(check_apart(image, disk, image.scratch ? image.scratch->path : volume::Path()));
  TRY(check_unshared(disk, writes));
  if (!read_only) TRY(blocks::check_further(*disk.disk));
  disk.guest_block = TRY(read_table(disk)).logical_block;
  (void)TRY(plan_attachment(disk, read_only, disk.guest_block));
  TRY(add_files(image, disk));
  image.further.push_back(std::move(disk));
  return {};
}

Result<sys::AttachedDisk> attach_one(const FoundImage& disk, std::size_t number, FurtherDisks::Use use,
                                     const sys::Reporter& report) {
  auto plan = TRY(plan_attachment(disk, use.read_only, disk.guest_block));
  plan.trim = use.trim;
  for (const std::string& warning : plan.warnings) report.warn(warning);
  if (use.beside_system) return attach_to_look(plan, disk, number);
  const std::string map = concat(kMapName, "-disk", number);
  if (!use.read_only) TRY(begin_writes(disk, map));
  auto attached =
      TRY(sys::AttachedDisk::attach(plan, {.map = map,
                                           .map_uuid = concat("VHDBOOT-DISK", number, '-', disk.volume->identity.uuid),
                                           .image = disk.path.text()}));
  const std::string device = attached.disk().path();
  if (use.read_only && !TRY(sys::is_read_only(device)))
    return fail(Code::Unsafe, concat(device, " can be written to all the same"));
  if (plan.direct_io && !attached.disk().direct_io())
    report.warn(concat("the kernel refused direct I/O: ", device, " is slower"));
  return attached;
}

}  // namespace

Result<FoundImage> with_further_disks(FoundImage image, const std::vector<std::string>& disks, bool read_only) {
  for (const std::string& disk : disks) {
    const volume::Path path = TRY(record::disk_path(disk, image.path));
    auto added = add_disk(image, path, read_only);
    // The image is there: nobody is to look for it elsewhere.
    if (!added && added.error().code == Code::NotFound) added.error().code = Code::Unsupported;
    TRY_IN(concat("the further disk ", printable(path.text())), std::move(added));
  }
  return image;
}

Result<FoundImage> with_other_files(Result<FoundImage> image, const record::Config& config) {
  return with_further_disks(TRY(with_scratch_file(TRY(std::move(image)), config.ephemeral)), config.disks,
                            config.forgets());
}

std::vector<std::string> modules_of(const blocks::AttachPlan& own, const FoundImage& image) {
  auto modules = blocks::modules_of(own);
  const std::string zero = "dm_zero";
  for (const FoundImage& disk : image.further)
    for (const blocks::Row& row : disk.view.rows)
      if (row.kind == blocks::RowKind::Zero && std::ranges::find(modules, zero) == modules.end())
        modules.insert(modules.end() - 1, zero);
  return modules;
}

Result<FurtherDisks> FurtherDisks::attach(const FoundImage& image, Use use, const sys::Reporter& report) {
  FurtherDisks attached;
  for (const FoundImage& disk : image.further) {
    const std::string name = printable(disk.path.text());
    attached.disks_.push_back(
        {.image = &disk, .disk = TRY_IN(name, attach_one(disk, attached.disks_.size() + 1, use, report))});
    report.log(concat("further disk ", attached.disks_.size(), ": ", name, " is ",
                      attached.disks_.back().disk.disk().path(), use.read_only ? ", read-only" : ""));
  }
  return attached;
}

std::vector<std::string> FurtherDisks::devices() const {
  std::vector<std::string> devices;
  for (const Attached& one : disks_) devices.push_back(one.disk.disk().path());
  return devices;
}

std::vector<guest::PresentDevice> FurtherDisks::contents(const sys::Devices& devices) const {
  std::vector<guest::PresentDevice> contents;
  unsigned number = 0;
  for (const Attached& one : disks_) {
    ++number;
    const std::string disk = one.disk.disk().path();
    const std::string name = printable(one.image->path.text());
    for (const sys::BlockDevice& device : devices.list()) {
      if (device.path != disk && !device.path.starts_with(disk + "p")) continue;
      auto content = devices.content(device);
      contents.push_back(present_device(
          device.path, device.partition == 0 ? name : concat("partition ", device.partition, " of ", name), device.size,
          content ? *std::move(content) : sys::Content()));
      contents.back().disk = number;
    }
  }
  return contents;
}

Result<void> FurtherDisks::detach() {
  Result<void> done;
  for (; !disks_.empty(); disks_.pop_back()) {
    auto one = disks_.back().disk.detach();
    if (done) done = std::move(one);
  }
  return done;
}

}  // namespace vhdboot::stage
