// SPDX-License-Identifier: GPL-2.0-or-later
#include "init/stage/count_boot.h"

#include <sys/mount.h>

#include "base/text.h"
#include "init/stage/attach.h"
#include "init/stage/growing_disk.h"
#include "init/sys/file.h"
#include "init/sys/mount.h"

namespace vhdboot::stage {
namespace {

constexpr char kMountPoint[] = "/run/vhdboot/counted";

Result<void> rename_on(const std::string& partition, const entry::CountedFile& entry) {
  auto mount =
      TRY(sys::Mount::mount(partition, kMountPoint, "vfat", MS_NOSUID | MS_NODEV | MS_NOEXEC | MS_SYNCHRONOUS));
  const std::string before = concat(kMountPoint, entry.path);
  const std::string after = concat(kMountPoint, entry.next_path);
  TRY(sys::rename_to_new(before, after));
  return mount.unmount();
}

}  // namespace

Result<void> count_boot(const entry::CountedFile& entry, const FoundImage& image, std::uint32_t guest_block) {
  const auto plan = TRY(plan_attachment(image, false, guest_block));
  if (plan.needs_keeper())
    return fail(Code::Unsupported, "nothing is written to an image that grows or arrives before its guest runs");
  TRY(begin_writes(image, kMapName));
  auto disk = TRY(attach_image(plan, image));
  TRY(rename_on(concat(disk.disk().path(), 'p', entry.partition), entry));
  return disk.detach();
}

}  // namespace vhdboot::stage
