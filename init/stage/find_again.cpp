// SPDX-License-Identifier: GPL-2.0-or-later
#include "init/stage/find_again.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "base/text.h"
#include "init/stage/folder_guest.h"
#include "init/stage/further_disks.h"
#include "init/stage/persist_image.h"
#include "init/stage/scratch_file.h"

namespace vhdboot::stage {
namespace {

// The volumes of that identity. A maker's name tells disks apart, as far as both kernels know the same one; some
// bridges give all of theirs the same.
struct Named {
  std::vector<HostVolume*> volumes;
  HostVolume* of_another_disk = nullptr;
};
Named named_by(const record::HandoffFile& file, HostVolumes& volumes) {
  Named named;
  for (HostVolume& volume : volumes.all()) {
    if (!record::is_volume_of(file, volume.identity)) continue;
    if (sys::are_of_two_disks(volume.hardware.wwid, file.wwid))
      named.of_another_disk = &volume;
    else
      named.volumes.push_back(&volume);
  }
  return named;
}

// A disk as it is now, and as stage 1 saw it.
Result<void> check_same(const FoundImage& image, const std::vector<record::HandoffFile>& files,
                        std::uint64_t payload_size, std::uint32_t view) {
  const record::HandoffFile& first = files.front();
  const auto differs = [&](std::string_view how) {
    return fail(Code::Unsafe,
                concat(printable(first.path), " is not the image that stage 1 saw", how, ": start the machine again"));
  };
  if (files.size() != image.parents.size() + 1)
    return differs(
        concat(", it was made of ", files.size(), " files and is made of ", image.parents.size() + 1, " now"));
  TRY(record::compare_extents(first, image.layout.size, image.layout.extents));
  for (std::size_t i = 0; i < image.parents.size(); ++i) {
    const record::HandoffFile& then = files[i + 1];
    const FoundParent& now = image.parents[i];
    if (!record::is_volume_of(then, now.volume->identity) || then.path != now.path.text())
      return differs(concat(", its parent was ", printable(then.path), " and is ", printable(now.path.text()), " now"));
    TRY(record::compare_extents(then, now.layout.size, now.layout.extents));
  }
  if (image.info().size != payload_size || blocks::checksum(image.view) != view)
    return differs(", its disk is made of other pieces now");
  return {};
}

Result<void> check_same_disk(const FoundImage& disk, const record::HandoffDisk& then) {
  const record::HandoffFile& file = then.files.front();
  if (!record::is_volume_of(file, disk.volume->identity))
    return fail(Code::Unsafe, concat(printable(file.path), " was on another volume, ", file.serial));
  TRY(check_same(disk, then.files, then.payload_size, then.view));
  if (disk.guest_block == then.guest_block) return {};
  return fail(Code::Unsafe, concat(printable(file.path), " has other logical blocks now: start the machine again"));
}

// The volume of `file`, which people know as the one with `what`.
Result<HostVolume*> find_volume(HostVolumes& volumes, const record::HandoffFile& file, std::string_view what,
                                unsigned seconds, const sys::Reporter& report) {
  PatientWait wait(volumes, seconds, report);
  Named named;
  Picked picked;
  for (bool settled = false;;) {
    named = named_by(file, volumes);
    picked = pick(named.volumes, file.places);
    if (picked.volume != nullptr && picked.certain()) return picked.volume;
    if (picked.twin != nullptr && settled) return fail(Code::Unsafe, twins(*picked.volume, *picked.twin));
    if (picked.volume != nullptr && settled) return picked.volume;
    if (picked.volume != nullptr) {
      TRY(volumes.settle(wait.deadline()));
      settled = true;
      continue;
    }
    settled = false;
    if (!TRY(wait.wait(concat("the volume ", file.serial)))) break;
  }
  const std::string missing =
      concat("the volume ", file.serial, " with ", what, " did not appear within ", seconds, " seconds: ");
  if (const auto doubt = volumes.doubt())
    return std::unexpected(doubt->within(concat(missing, "it may be on a disk that cannot be read")));
  if (named.of_another_disk != nullptr)
    return fail(Code::Unsafe,
                concat(missing, named.of_another_disk->description(), " of the same identity calls itself ",
                       printable(named.of_another_disk->hardware.wwid), " and not ", printable(file.wwid),
                       ": it may be a copy, and is not used"));
  if (picked.elsewhere != nullptr)
    return fail(Code::Unsafe, concat(missing, "its disk hangs at ", to_text(file.places.front()), ", but ",
                                     picked.elsewhere->description(),
                                     " of the same identity hangs elsewhere: it may be a copy, and is not used"));
  return fail(
      Code::NotFound,
      concat(missing, "the guest's kernel has no driver for its disk, or the disk was unplugged; ", volumes.account()));
}

Result<FoundImage> find_same_files(const VolumesAgain& volumes, const record::Handoff& handoff) {
  const record::HandoffFile& first = handoff.files.front();
  auto own = TRY(examine_image(
      *volumes.image, TRY(volume::parse_path(first.path)), handoff.writes_nothing() ? Writes::Forgotten : Writes::Kept,
      ParentVolume(volumes.parents), handoff.arrival ? std::optional(handoff.arrival->from) : std::nullopt));
  TRY(check_same(own, handoff.files, handoff.payload_size, handoff.view));
  if (handoff.arrival.has_value() != (own.arriving != nullptr))
    return fail(Code::Unsafe, concat(printable(first.path), " is not what stage 1 saw: start the machine again"));
  if (handoff.arrival) {
    TRY(record::compare_extents(handoff.arrival->map, own.arriving->map.layout.size, own.arriving->map.layout.extents));
    TRY(record::compare_extents(handoff.arrival->tree, own.arriving->tree.layout.size,
                                own.arriving->tree.layout.extents));
  }
  return own;
}

}  // namespace

Result<VolumesAgain> find_volumes(HostVolumes& volumes, const record::Handoff& handoff, const sys::Reporter& report) {
  const record::HandoffFile& image = handoff.files.front();
  const auto find = [&](const record::HandoffFile& file, std::string_view what) {
    return find_volume(volumes, file, what, handoff.wait_seconds, report);
  };
  VolumesAgain again;
  again.image = TRY(find(image, "the image"));
  const auto other = std::ranges::find_if(
      handoff.files, [&](const record::HandoffFile& file) { return file.identity() != image.identity(); });
  if (other != handoff.files.end()) again.parents = TRY(find(*other, "the parents of the image"));
  return again;
}

Result<FoundImage> find_same_image(const VolumesAgain& volumes, const record::Handoff& handoff) {
  auto own = TRY(handoff.is_folder() ? find_same_folder(*volumes.image, handoff) : find_same_files(volumes, handoff));
  auto with_scratch = TRY(with_scratch_file(std::move(own), handoff.ephemeral));
  if (handoff.scratch)
    TRY(record::compare_extents(*handoff.scratch, with_scratch.scratch->layout.size,
                                with_scratch.scratch->layout.extents));
  std::vector<std::string> disks;
  for (const record::HandoffDisk& disk : handoff.disks) disks.push_back(disk.files.front().path);
  std::optional<std::string> kernel;
  if (handoff.has_kernel_disk) {
    kernel = std::move(disks.back());
    disks.pop_back();
  }
  auto image = TRY(with_further_disks(std::move(with_scratch), disks, handoff.ephemeral.has_value()));
  TRY(add_kernel_image(image, kernel));
  auto then = handoff.disks.begin();
  for (const FoundImage& disk : image.further) TRY(check_same_disk(disk, *then++));
  if (!handoff.persist) return image;
  TRY(add_persist_image(image, handoff.persist->path));
  TRY(record::compare_extents(*handoff.persist, image.persist->layout.size, image.persist->layout.extents));
  return image;
}

}  // namespace vhdboot::stage
