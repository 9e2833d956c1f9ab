// SPDX-License-Identifier: GPL-2.0-or-later
// Further disks of the guest, whose images lie on the volume of its own one: `disk PATH` in a configuration. Where the
// guest forgets what it writes they are read-only, so that nothing is kept that should not be; else what is written to
// them goes in place into their files. One with the guest's kernel, `kernel PATH`, comes last and is always read-only.
#pragma once

#include <list>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/result.h"
#include "init/guest/other_disks.h"
#include "init/record/config.h"
#include "init/stage/find_image.h"
#include "init/sys/attached_disk.h"
#include "init/sys/console.h"
#include "init/sys/devices.h"

namespace vhdboot::stage {

/// The image with those further disks, as record::disk_path() reads them. Each has passed the checks of an image; no
/// two share a file, and none shares one with the guest's own disk or its scratch file. Unless they are read-only all
/// of their blocks must be there. Never NotFound.
[[nodiscard]] Result<FoundImage> with_further_disks(FoundImage image, const std::vector<std::string>& disks,
                                                    bool read_only);

/// Adds the image with the guest's kernel, in the same way and read-only; nothing where there is none.
[[nodiscard]] Result<void> add_kernel_image(FoundImage& image, const std::optional<std::string>& file);

/// The image with all other files that the configuration names: with_scratch_file(), with_further_disks(),
/// add_kernel_image() and add_persist_image().
[[nodiscard]] Result<FoundImage> with_other_files(Result<FoundImage> image, const record::Config& config);

/// The kernel modules that it takes to attach all disks of the guest, its own one by that plan.
[[nodiscard]] std::vector<std::string> modules_of(const blocks::AttachPlan& own, const FoundImage& image);

/// Those of an image as disks, in their order; detached when the object ends.
class FurtherDisks {
 public:
  struct Use {
    bool read_only = true;  ///< else what an image's file needs to be written to is written into it
    bool trim = false;
  };
  /// For a boot. `image` must outlive the result. Unsafe when one that is to be read-only is not.
  [[nodiscard]] static Result<FurtherDisks> attach(const FoundImage& image, Use use, const sys::Reporter& report);

  /// One that is attached already; `image` must outlive this.
  void add(const FoundImage& image, sys::AttachedDisk disk) { disks_.push_back({&image, std::move(disk)}); }

  /// Of all disks of the guest, of which `own` is the first: "/dev/loop0", "/dev/loop1" and so on.
  [[nodiscard]] std::vector<std::string> devices(std::string own) const;

  /// The one that the guest's kernel is taken from, and its image; null: the guest has its own kernel.
  [[nodiscard]] const sys::LoopDevice* kernel_disk() const;
  [[nodiscard]] const FoundImage* kernel_image() const;

  /// What is on them.
  [[nodiscard]] std::vector<guest::PresentDevice> contents(const sys::Devices& devices) const;

  /// The first failure is what is told.
  [[nodiscard]] Result<void> detach();

 private:
  struct Attached {
    const FoundImage* image;
    sys::AttachedDisk disk;
  };
  std::list<Attached> disks_;
};

}  // namespace vhdboot::stage
