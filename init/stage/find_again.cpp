// SPDX-License-Identifier: GPL-2.0-or-later
#include "init/stage/find_again.h"

#include "base/text.h"

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

}  // namespace

Result<HostVolume*> find_volume(HostVolumes& volumes, const record::Handoff& handoff, const sys::Reporter& report) {
  const record::HandoffFile& file = handoff.files.front();
  PatientWait wait(volumes, handoff.wait_seconds, report);
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
      concat("the volume ", file.serial, " with the image did not appear within ", handoff.wait_seconds, " seconds: ");
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

Result<FoundImage> find_same_image(HostVolume& volume, const record::Handoff& handoff) {
  if (handoff.files.size() != 1)
    return fail(Code::Unsupported,
                concat("the guest disk is made of ", handoff.files.size(), " files, this program attaches one"));
  const record::HandoffFile& file = handoff.files.front();
  auto image = TRY(
      examine_image(volume, TRY(volume::parse_path(file.path)), handoff.ephemeral ? Writes::Forgotten : Writes::Kept));
  TRY(record::compare_extents(file, image.layout.size, image.layout.extents));
  if (image.info.payload_size != handoff.payload_size)
    return fail(Code::Unsafe, concat(printable(file.path), " is not the image that stage 1 saw"));
  return image;
}

}  // namespace vhdboot::stage
