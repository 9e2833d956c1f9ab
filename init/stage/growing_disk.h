// SPDX-License-Identifier: GPL-2.0-or-later
// The guest disk of an image in which new blocks are made while the guest runs (init/blocks/new_blocks.h).
#pragma once

#include <string>
#include <utility>

#include "base/result.h"
#include "init/blocks/attach_plan.h"
#include "init/stage/find_image.h"
#include "init/sys/device_mapper.h"
#include "init/sys/process.h"

namespace vhdboot::stage {

/// Its devices below the loop device, and the program that makes new blocks; undone in reverse when the object ends. It
/// all stays when this process becomes another program.
class GrowingDisk {
 public:
  /// From here on the image's file is changed. `plan` is one that grows. Errors as check_new_blocks(), those of the
  /// kernel, and those of who changes the block table.
  [[nodiscard]] static Result<GrowingDisk> start(const blocks::AttachPlan& plan, const FoundImage& image);
  GrowingDisk(GrowingDisk&& other) noexcept
      : view_(std::move(other.view_)),
        file_(std::move(other.file_)),
        keeper_(std::move(other.keeper_)),
        path_(std::exchange(other.path_, {})) {}
  GrowingDisk& operator=(GrowingDisk&&) = delete;
  ~GrowingDisk();

  /// Of the disk.
  [[nodiscard]] const std::string& path() const { return path_; }

 private:
  GrowingDisk(sys::MappedDevice view, sys::MappedDevice file, sys::Companion keeper)
      : view_(std::move(view)), file_(std::move(file)), keeper_(std::move(keeper)) {}

  // Destroyed from the last to the first.
  sys::MappedDevice view_;
  sys::MappedDevice file_;
  sys::Companion keeper_;
  std::string path_;  // empty: there is nothing to be undone
};

/// What is written into the file of a VHDX image before anything is written to its blocks, which all are there: its
/// GUIDs, by which others see that it has changed, and for good what its log asks for. What its guest sees stays the
/// same. Nothing for other formats. `map_name`: the device-mapper name of the disk, to which something is added
/// meanwhile.
[[nodiscard]] Result<void> begin_writes(const FoundImage& image, const std::string& map_name);

}  // namespace vhdboot::stage
