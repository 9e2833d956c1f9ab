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
  (void)TRY(read_table(disk));
  TRY(add_files(image, disk));
  image.further.push_back(std::move(disk));
  return {};
}

sys::DiskNames names_of(std::size_t number, const FoundImage& disk) {
  return {.map = further_map_name(number),
          .map_uuid = concat("VHDBOOT-DISK", number + 1, '-', disk.volume->identity.uuid),
          .image = disk.path.text()};
}

}  // namespace

std::string further_map_name(std::size_t number) {
  return concat(kMapName, "-disk", number + 1);
}

Result<FoundImage> with_further_disks(FoundImage image, const std::vector<volume::Path>& paths, bool read_only) {
  for (const volume::Path& path : paths) {
    auto added = add_disk(image, path, read_only);
    // The image is there: nobody is to look for it elsewhere.
    if (!added && added.error().code == Code::NotFound) added.error().code = Code::Unsupported;
    TRY_IN(concat("the further disk ", printable(path.text())), std::move(added));
  }
  return image;
}

Result<FoundImage> with_further_disks(FoundImage image, const record::Config& config) {
  std::vector<volume::Path> paths;
  for (const std::string& disk : config.disks) paths.push_back(TRY(record::disk_path(disk, image.path)));
  return with_further_disks(std::move(image), paths, config.forgets());
}

Result<std::vector<blocks::AttachPlan>> plan_further_disks(const FoundImage& image, bool read_only) {
  std::vector<blocks::AttachPlan> plans;
  for (const FoundImage& disk : image.further)
    plans.push_back(TRY(plan_attachment(disk, read_only, TRY(read_table(disk)).logical_block)));
  return plans;
}

std::vector<std::string> modules_of(const blocks::AttachPlan& own, const FoundImage& image) {
  constexpr std::string_view kZero = "dm_zero";
  auto modules = blocks::modules_of(own);
  const bool needs_zero = std::ranges::any_of(image.further, [](const FoundImage& disk) {
    return std::ranges::find(disk.view.rows, blocks::RowKind::Zero, &blocks::Row::kind) != disk.view.rows.end();
  });
  if (needs_zero && std::ranges::find(modules, kZero) == modules.end())
    modules.insert(modules.end() - 1, std::string(kZero));
  return modules;
}

Result<FurtherDisks> FurtherDisks::attach(const std::vector<blocks::AttachPlan>& plans, const FoundImage& image) {
  FurtherDisks disks;
  for (std::size_t i = 0; i < plans.size(); ++i) {
    const FoundImage& disk = image.further[i];
    const sys::DiskNames names = names_of(i, disk);
    if (!plans[i].read_only) TRY(begin_writes(disk, names.map));
    disks.disks_.push_back(TRY_IN(printable(names.image), sys::AttachedDisk::attach(plans[i], names)));
  }
  return disks;
}

Result<FurtherDisks> FurtherDisks::attach_to_look(const std::vector<blocks::AttachPlan>& plans,
                                                  const FoundImage& image) {
  FurtherDisks disks;
  for (std::size_t i = 0; i < plans.size(); ++i)
    disks.disks_.push_back(TRY(stage::attach_to_look(plans[i], image.further[i], i + 1)));
  return disks;
}

std::vector<std::string> FurtherDisks::devices() const {
  std::vector<std::string> devices;
  for (const sys::AttachedDisk& disk : disks_) devices.push_back(disk.disk().path());
  return devices;
}

DiskContents FurtherDisks::contents(const FoundImage& image, const sys::Devices& devices) const {
  DiskContents all(disks_.size());
  const auto present = disks_.empty() ? std::vector<sys::BlockDevice>() : devices.list();
  for (std::size_t i = 0; i < disks_.size(); ++i) {
    const std::string disk = disks_[i].disk().path();
    const std::string name = printable(image.further[i].path.text());
    for (const sys::BlockDevice& device : present) {
      const bool is_disk = device.path == disk;
      if (!is_disk && !device.path.starts_with(disk + "p")) continue;
      auto shown = is_disk ? name : concat("partition ", device.partition, " of ", name);
      auto content = devices.content(device).value_or(sys::Content());
      all[i].push_back(present_device(device.path, std::move(shown), device.size, std::move(content)));
    }
  }
  return all;
}

Result<void> FurtherDisks::detach() {
  Result<void> done;
  for (; !disks_.empty(); disks_.pop_back())
    if (auto one = disks_.back().detach(); !one && done) done = std::move(one);
  return done;
}

}  // namespace vhdboot::stage
