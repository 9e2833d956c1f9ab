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

std::string where_is(const FoundImage& persist) {
  return concat("the image of `persist`, ", printable(persist.path.text()), " on ", persist.volume->description());
}

// The same file by another name, too.
bool is_same(const volume::FileLayout& one, const volume::FileLayout& other) {
  return !one.extents.empty() && one.extents == other.extents;
}

Result<void> check_other_file(const FoundImage& image, const volume::FileLayout& file) {
  const auto is_own = [&](const volume::PlacedFile& one) { return is_same(one.layout, file); };
  if (is_same(image.layout, file) || std::ranges::any_of(image.parents, is_own))
    return fail(Code::Invalid, "it is a file of the guest's own disk: name another image");
  if (image.scratch && is_own(*image.scratch))
    return fail(Code::Invalid, "it is the scratch file of `ephemeral`: name another image");
  return {};
}

}  // namespace

Result<FoundImage> with_persist_image(FoundImage image, const std::optional<std::string>& file) {
  if (!file) return image;
  const auto path = TRY(volume::parse_path(*file));
  const std::string where =
      concat("the image of `persist`, ", printable(path.text()), " on ", image.volume->description());
  auto found = examine_image(*image.volume, path, Writes::Kept);
  // The image itself is there: nobody is to look for it elsewhere.
  if (!found && found.error().code == Code::NotFound) found.error().code = Code::Unsupported;
  FoundImage persist = TRY_IN(where, std::move(found));
  TRY_IN(where, check_other_file(image, persist.layout));
  if (!persist.parents.empty())
    return fail(Code::Unsupported, concat(where, ": it is a ", persist.kind(), ": use one that is in one file"));
  TRY_IN(where, check_unshared(persist, Writes::Kept));
  TRY_IN(where, blocks::check_in_place(*persist.disk));
  image.view = TRY(blocks::with_file(
      std::move(image.view),
      {.size = persist.layout.size, .extents = persist.layout.extents, .device = 0, .name = persist.path.text()}));
  image.persist = std::make_unique<FoundImage>(std::move(persist));
  return image;
}

Result<disk::Identity> identify_persist(const FoundImage& persist,
                                        Result<sys::AttachedDisk> (*attach)(const blocks::AttachPlan&,
                                                                            const FoundImage&),
                                        const sys::Devices& devices, const sys::Reporter& report) {
  const std::string where = where_is(persist);
  const disk::PartitionTable table = TRY(read_table(persist));
  (void)TRY_IN(where, guest::persist_partition(table));
  auto attached = TRY_IN(where, attach(TRY(plan_attachment(persist, true, table.logical_block)), persist));
  disk::Identity identity;
  {
    const AttachedGuestDisk disk(attached.disk(), table, devices, report);
    const std::string type = disk.partitions().empty() ? "" : disk.partitions().front().type;
    TRY_IN(where, guest::check_persist_type(type));
    identity = disk.partitions().front().identity;
  }
  TRY(attached.detach());
  return identity;
}

Result<PersistDisk> attach_persist(const FoundImage& persist, bool trim) {
  const std::string where = where_is(persist);
  const disk::PartitionTable table = TRY(read_table(persist));
  const unsigned partition = TRY_IN(where, guest::persist_partition(table));
  auto plan = TRY_IN(where, plan_attachment(persist, false, table.logical_block));
  plan.trim = trim;
  TRY_IN(where, begin_writes(persist));
  auto disk = TRY_IN(
      where, sys::AttachedDisk::attach(plan, {.map = kPersistName,
                                              .map_uuid = concat("VHDBOOT-PERSIST-", persist.volume->identity.uuid),
                                              .image = persist.path.text()}));
  std::string device = disk.disk().path();
  if (partition != 0) device += concat('p', partition);
  return PersistDisk{.disk = std::move(disk), .device = std::move(device)};
}

}  // namespace vhdboot::stage
