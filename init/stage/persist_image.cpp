// SPDX-License-Identifier: GPL-2.0-or-later
#include "init/stage/persist_image.h"

#include <unistd.h>

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
constexpr char kName[] = "vhdboot-persist";

// The same file by another name, too.
bool is_part_of(const FoundImage& image, const volume::FileLayout& file) {
  const auto is_same = [&](const volume::PlacedFile& one) { return one.layout.extents == file.extents; };
  return image.layout.extents == file.extents || std::ranges::any_of(image.parents, is_same) ||
         (image.scratch && is_same(*image.scratch));
}

Result<std::unique_ptr<FoundImage>> find_persist(const FoundImage& image, std::string_view file) {
  auto persist =
      std::make_unique<FoundImage>(TRY(examine_image(*image.volume, TRY(volume::parse_path(file)), Writes::Kept)));
  if (is_part_of(image, persist->layout))
    return fail(Code::Invalid, concat(printable(file), " is a file of the guest's own disk: name another image"));
  if (!persist->parents.empty()) return fail(Code::Unsupported, "it is a differencing image: use one in one file");
  TRY(check_unshared(*persist, Writes::Kept));
  TRY(blocks::check_in_place(*persist->disk));
  return persist;
}

}  // namespace

Result<void> add_persist_image(FoundImage& image, const std::optional<std::string>& file) {
  if (!file) return {};
  auto persist = find_persist(image, *file);
  // The image itself is there: nobody is to look for it elsewhere.
  if (!persist && persist.error().code == Code::NotFound) persist.error().code = Code::Unsupported;
  image.persist = TRY_IN(kKey, std::move(persist));
  const volume::FileLayout& layout = image.persist->layout;
  image.view =
      TRY_IN(kKey, blocks::with_file(std::move(image.view),
                                     {.size = layout.size, .extents = layout.extents, .device = 0, .name = *file}));
  return {};
}

Result<void> check_persist_disk(const FoundImage& persist, const disk::GuestDisk& own, const sys::Devices& devices,
                                const sys::Reporter& report) {
  const disk::PartitionTable table = TRY(read_table(persist));
  const std::string name = concat(kName, "-look-", ::getpid());
  const auto attached = TRY(sys::AttachedDisk::attach_to_look(TRY(plan_attachment(persist, true, table.logical_block)),
                                                              persist.volume->device.path,
                                                              {.map = name, .map_uuid = name, .image = kName}));
  const AttachedGuestDisk disk(attached.disk(), table, devices, report);
  TRY_IN(kKey, guest::check_persist(disk, own));
  return {};
}

Result<PersistDisk> attach_persist(const FoundImage& persist, bool trim) {
  const disk::PartitionTable table = TRY(read_table(persist));
  const unsigned partition = TRY_IN(kKey, guest::persist_partition(table));
  auto plan = TRY(plan_attachment(persist, false, table.logical_block));
  plan.trim = trim;
  TRY(begin_writes(persist));
  auto disk = TRY_IN(
      kKey, sys::AttachedDisk::attach(plan, {.map = kName,
                                             .map_uuid = concat("VHDBOOT-PERSIST-", persist.volume->identity.uuid),
                                             .image = persist.path.text()}));
  std::string device = disk.disk().path();
  if (partition != 0) device += concat('p', partition);
  return PersistDisk{.disk = std::move(disk), .device = std::move(device)};
}

}  // namespace vhdboot::stage
