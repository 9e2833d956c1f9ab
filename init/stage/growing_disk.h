// SPDX-License-Identifier: GPL-2.0-or-later
// The guest disk of an image in which new blocks are made while the guest runs (init/blocks/new_blocks.h), or to which
// the missing ones come (keep_arriving.h).
#pragma once

#include <string>
#include <utility>

#include "base/result.h"
#include "init/blocks/attach_plan.h"
#include "init/stage/find_image.h"
#include "init/sys/attached_disk.h"
#include "init/sys/process.h"

namespace vhdboot::stage {

/// Its devices below the loop device, and the program that makes or brings blocks; undone in reverse when the object
/// ends. It all stays when this process becomes another program.
class GrowingDisk {
 public:
  /// From here on the image's file is changed. `plan` is one that needs a keeper. Errors as check_new_blocks(), those
  /// of the kernel, and those of who changes the block table.
  [[nodiscard]] static Result<GrowingDisk> start(const blocks::AttachPlan& plan, const FoundImage& image);
  GrowingDisk(GrowingDisk&& other) noexcept
      : maps_(std::move(other.maps_)), keeper_(std::move(other.keeper_)), path_(std::exchange(other.path_, {})) {}
  GrowingDisk& operator=(GrowingDisk&&) = delete;
  ~GrowingDisk();

  /// Of the disk.
  [[nodiscard]] const std::string& path() const { return path_; }

 private:
  GrowingDisk(sys::MappedStack maps, sys::Companion keeper) : maps_(std::move(maps)), keeper_(std::move(keeper)) {}

  // Destroyed from the last to the first.
  sys::MappedStack maps_;
  sys::Companion keeper_;
  std::string path_;  // empty: there is nothing to be undone
};

/// What is written into the file of a VHDX image before anything is written to its blocks, which all are there: its
/// GUIDs, by which others see that it has changed, and for good what its log asks for. What its guest sees stays the
/// same. Nothing for other formats. `map_name`: the device-mapper name of the disk, to which something is added
/// meanwhile.
[[nodiscard]] Result<void> begin_writes(const FoundImage& image, const std::string& map_name);

}  // namespace vhdboot::stage
