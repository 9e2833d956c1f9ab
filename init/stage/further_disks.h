// SPDX-License-Identifier: GPL-2.0-or-later
// Further disks of the guest, whose images lie on the volume of its own one: `disk PATH` in a configuration. Where the
// guest forgets what it writes they are read-only, so that nothing is kept that should not be; else what is written to
// them goes in place into their files.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "init/guest/other_disks.h"
#include "init/record/handoff.h"
#include "init/stage/find_image.h"
#include "init/sys/attached_disk.h"
#include "init/sys/devices.h"

namespace vhdboot::stage {

/// The image with further disks of those paths. Each has passed the checks of an image; no two share a file, but for
/// parents of both, and none shares one with the guest's own disk or its scratch file. Unless they are read-only
/// all of their blocks must be there. Never NotFound.
[[nodiscard]] Result<FoundImage> with_further_disks(FoundImage image, const std::vector<volume::Path>& paths,
                                                    bool read_only);

/// The same, as a configuration names them.
[[nodiscard]] Result<FoundImage> with_further_disks(FoundImage image, const record::Config& config);

/// How they are attached, in their order. Nothing is changed yet.
[[nodiscard]] Result<std::vector<blocks::AttachPlan>> plan_further_disks(const FoundImage& image, bool read_only);

/// The kernel modules that it takes to attach all disks of the guest, its own one by that plan.
[[nodiscard]] std::vector<std::string> modules_of(const blocks::AttachPlan& own, const FoundImage& image);

/// What is on each of several disks.
using DiskContents = std::vector<std::vector<guest::PresentDevice>>;

/// Those of an image as disks, in their order; detached when the object ends.
class FurtherDisks {
 public:
  /// For a boot. With a plan that writes, what an image file needs before that is written into it.
  [[nodiscard]] static Result<FurtherDisks> attach(const std::vector<blocks::AttachPlan>& plans,
                                                   const FoundImage& image);
  /// For a look beside a running system.
  [[nodiscard]] static Result<FurtherDisks> attach_to_look(const std::vector<blocks::AttachPlan>& plans,
                                                           const FoundImage& image);

  /// "/dev/loop1" and so on.
  [[nodiscard]] std::vector<std::string> devices() const;
  [[nodiscard]] bool direct_io(std::size_t disk) const { return disks_[disk].disk().direct_io(); }

  /// What is on each of them.
  [[nodiscard]] DiskContents contents(const FoundImage& image, const sys::Devices& devices) const;

  /// The first failure is what is told.
  [[nodiscard]] Result<void> detach();

 private:
  std::vector<sys::AttachedDisk> disks_;
};

/// The device-mapper name of the further disk of that number, from 0 on: "vhdboot-disk1".
[[nodiscard]] std::string further_map_name(std::size_t number);

}  // namespace vhdboot::stage
