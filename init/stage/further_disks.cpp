// SPDX-License-Identifier: GPL-2.0-or-later
#include "init/stage/further_disks.h"

#include <algorithm>
#include <utility>

#include "base/text.h"
#include "init/blocks/check_writer.h"
#include "init/record/image_path.h"
#include "init/stage/attach.h"
#include "init/stage/growing_disk.h"
#include "init/stage/persist_image.h"
#include "init/stage/present_device.h"
#include "init/stage/scratch_file.h"
#include "init/sys/block.h"

namespace vhdboot::stage {
namespace {

// Its files, of which none is a file of this guest yet: the host device leaves them out, and none lies where another
// does.
Result<void> add_files(FoundImage& image, const FoundImage& disk) {
  for (blocks::MappedFile file : disk.view.files) {
    if (file.name.empty()) file.name = disk.path.text();
    const bool is_known = std::ranges::any_of(image.view.files, [&](const blocks::MappedFile& one) {
      return one.device == file.device && one.name == file.name;
    });
    if (is_known || file.name == image.path.text())
      return fail(Code::Invalid, concat(printable(file.name), " is of another disk of this guest already"));
    image.view = TRY(blocks::with_file(std::move(image.view), std::move(file)));
  }
  return {};
}

Result<void> add_disk(FoundImage& image, const volume::Path& path, bool read_only) {
  const Writes writes = read_only ? Writes::Forgotten : Writes::Kept;
  FoundImage disk = TRY(examine_image(*image.volume, path, writes));
  TRY(add_files(image, disk));
  TRY(check_unshared(disk, writes));
  if (!read_only) TRY(blocks::check_further(*disk.disk));
  disk.guest_block = TRY(read_table(disk)).logical_block;
  (void)TRY(plan_attachment(disk, read_only, disk.guest_block));
  image.further.push_back(std::move(disk));
  return {};
}

Result<sys::AttachedDisk> attach_one(const FoundImage& disk, std::size_t number, FurtherDisks::Use use,
                                     const sys::Reporter& report) {
  auto plan = TRY(plan_attachment(disk, use.read_only, disk.guest_block));
  plan.trim = use.trim;
  for (const std::string& warning : plan.warnings) report.warn(warning);
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

Result<void> add_called(FoundImage& image, const std::string& file, std::string_view what, bool read_only) {
  const volume::Path path = TRY(record::disk_path(file, image.path));
  auto added = add_disk(image, path, read_only);
  // The image is there: nobody is to look for it elsewhere.
  if (!added && added.error().code == Code::NotFound) added.error().code = Code::Unsupported;
  TRY_IN(concat(what, printable(path.text())), std::move(added));
  return {};
}

}  // namespace

Result<FoundImage> with_further_disks(FoundImage image, const std::vector<std::string>& disks, bool read_only) {
  for (const std::string& disk : disks) TRY(add_called(image, disk, "the further disk ", read_only));
  return image;
}

Result<void> add_kernel_image(FoundImage& image, const std::optional<std::string>& file) {
  if (!file) return {};
  TRY(add_called(image, *file, "the image of `kernel`, ", true));
  image.further.back().has_kernel = true;
  return {};
}

Result<FoundImage> with_other_files(Result<FoundImage> image, const record::Config& config) {
  FoundImage own = TRY(std::move(image));
  const bool is_folder = own.is_folder();
  if (is_folder && !own.folder)
    return fail(Code::Unsupported, "it is a folder, which is only looked at when it is started");
  if (!is_folder && config.persist_paths == record::kPersistAll)
    return fail(Code::Invalid,
                "`persist-paths /` is for a folder: of a disk, name the directories that are kept, or leave "
                "`ephemeral` out");
  auto all = TRY(with_further_disks(TRY(with_scratch_file(std::move(own), config.ephemeral)), config.disks,
                                    config.forgets() || is_folder));
  TRY(add_kernel_image(all, config.kernel));
  TRY(add_persist_image(all, config.persist_file()));
  return all;
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
    const Use own{.read_only = use.read_only || disk.has_kernel, .trim = use.trim};
    attached.add(disk, TRY_IN(name, attach_one(disk, attached.disks_.size() + 1, own, report)));
    report.log(concat("further disk ", attached.disks_.size(), ": ", name, " is ",
                      attached.disks_.back().disk.disk().path(), own.read_only ? ", read-only" : "",
                      disk.has_kernel ? ", with the kernel" : ""));
  }
  return attached;
}

std::vector<std::string> FurtherDisks::devices(std::string own) const {
  std::vector<std::string> devices;
  devices.push_back(std::move(own));
  for (const Attached& one : disks_) devices.push_back(one.disk.disk().path());
  return devices;
}

const FoundImage* FurtherDisks::kernel_image() const {
  return !disks_.empty() && disks_.back().image->has_kernel ? disks_.back().image : nullptr;
}

const sys::LoopDevice* FurtherDisks::kernel_disk() const {
  return kernel_image() == nullptr ? nullptr : &disks_.back().disk.disk();
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
