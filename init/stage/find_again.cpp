// SPDX-License-Identifier: GPL-2.0-or-later
#include "init/stage/find_again.h"

#include "base/text.h"

namespace vhdboot::stage {

Result<HostVolume*> find_volume(HostVolumes& volumes, const record::Handoff& handoff, const sys::Reporter& report) {
  const record::HandoffFile& file = handoff.files.front();
  PatientWait wait(volumes, handoff.wait_seconds, report);
  do {
    HostVolume* found = nullptr;
    for (HostVolume& volume : volumes.all()) {
      if (!record::is_volume_of(file, volume.identity)) continue;
      if (found != nullptr) return fail(Code::Unsafe, twins(*found, volume));
      found = &volume;
    }
    if (found != nullptr) return found;
  } while (TRY(wait.wait(concat("the volume ", file.serial))));
  const std::string missing =
      concat("the volume ", file.serial, " with the image did not appear within ", handoff.wait_seconds, " seconds: ");
  if (const auto doubt = volumes.doubt())
    return std::unexpected(doubt->within(concat(missing, "it may be on a disk that cannot be read")));
  return fail(
      Code::NotFound,
      concat(missing, "the guest's kernel has no driver for its disk, or the disk was unplugged; ", volumes.account()));
}

Result<FoundImage> find_same_image(HostVolume& volume, const record::Handoff& handoff) {
  if (handoff.files.size() != 1)
    return fail(Code::Unsupported,
                concat("the guest disk is made of ", handoff.files.size(), " files, this program attaches one"));
  const record::HandoffFile& file = handoff.files.front();
  auto image = TRY(examine_image(volume, TRY(volume::parse_path(file.path))));
  TRY(record::compare_extents(file, image.layout.size, image.layout.extents));
  if (image.info.payload_size != handoff.payload_size)
    return fail(Code::Unsafe, concat(printable(file.path), " is not the image that stage 1 saw"));
  return image;
}

}  // namespace vhdboot::stage
