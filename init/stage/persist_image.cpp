// SPDX-License-Identifier: GPL-2.0-or-later
#include "init/stage/persist_image.h"

#include <algorithm>
#include <memory>
#include <utility>

#include "base/text.h"
#include "init/blocks/check_writer.h"
#include "init/guest/check_persist.h"
#include "init/stage/attach.h"
#include "init/stage/attached_guest_disk.h"
#include "init/stage/growing_disk.h"

namespace vhdboot::stage {
namespace {

constexpr char kKey[] = "`persist`";
constexpr char kPersistMap[] = "vhdboot-persist";

// The same file by another name, too.
bool has_file(const FoundImage& image, const volume::FileLayout& file) {
  return std::ranges::any_of(
      image.view.files, [&](const blocks::MappedFile& one) { return one.device == 0 && one.extents == file.extents; });
}

Result<void> add(FoundImage& image, std::string_view file) {
  if (image.volume->device.read_only)
    return fail(Code::Unsupported, "its disk is write-protected: look for a switch at it");
  auto persist =
      std::make_unique<FoundImage>(TRY(examine_image(*image.volume, TRY(volume::parse_path(file)), Writes::Kept)));
  const volume::FileLayout& layout = persist->layout;
  if (has_file(image, layout))
    return fail(Code::Invalid, concat(printable(file), " is a file of this guest already: name another image"));
  if (!persist->parents.empty()) return fail(Code::Unsupported, "it is a differencing image: use one in one file");
  TRY(check_unshared(*persist, Writes::Kept));
  TRY(blocks::check_in_place(*persist->disk));
  image.view = TRY(blocks::with_file(
      std::move(image.view), {.size = layout.size, .extents = layout.extents, .device = 0, .name = std::string(file)}));
  image.persist = std::move(persist);
  return {};
}

}  // namespace

Result<void> add_persist_image(FoundImage& image, const std::optional<std::string>& file) {
  if (!file) return {};
  auto added = add(image, *file);
  // The image itself is there: nobody is to look for it elsewhere.
  if (!added && added.error().code == Code::NotFound) added.error().code = Code::Unsupported;
  TRY_IN(kKey, std::move(added));
  return {};
}

Result<PersistDisk> attach_persist(const FoundImage& persist, bool read_only, bool trim) {
  PersistDisk attached{.table = TRY(read_table(persist)), .disk = {}, .device = {}};
  const unsigned partition = TRY_IN(kKey, guest::persist_partition(attached.table));
  auto plan = TRY(plan_attachment(persist, read_only, attached.table.logical_block));
  plan.trim = trim;
  if (!read_only) TRY(begin_writes(persist, kPersistMap));
  attached.disk = std::make_unique<sys::AttachedDisk>(
      TRY_IN(kKey, sys::AttachedDisk::attach(
                       plan, {.map = kPersistMap, .map_uuid = "VHDBOOT-PERSIST", .image = persist.path.text()})));
  attached.device = attached.disk->disk().path();
  if (partition != 0) attached.device += concat('p', partition);
  return attached;
}

Result<std::string> check_persist_disk(const sys::LoopDevice& disk, const disk::PartitionTable& table,
                                       const disk::GuestDisk& own, const FurtherDisks& further,
                                       const sys::Devices& devices, const sys::Reporter& report) {
  const AttachedGuestDisk persist(disk, table, devices, report);
  TRY_IN(kKey, guest::check_persist(persist, own, further.contents(devices)));
  return persist.partitions().empty() ? std::string() : persist.partitions().front().type;
}

}  // namespace vhdboot::stage
