// SPDX-License-Identifier: GPL-2.0-or-later
// Looks into the root file system of a guest disk: the one thing in an image that takes a mount, and so root.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/extent.h"
#include "base/fd.h"
#include "base/result.h"
#include "init/core/modules.h"
#include "init/core/partition_table.h"
#include "init/core/selector.h"
#include "init/sys/loop.h"
#include "vhd/tool/check_entry.h"

namespace vhdboot::tool {

/// The mounted file system that has the modules of the kernel that is booted; unmounted when the object ends.
class GuestRoot {
 public:
  /// Looks for the modules of the kernel that `choice` boots. `backing` is open for reading and holds the guest disk as
  /// `extents` tell: itself an image, or a volume with one. Partitions are attached and mounted read-only, out of sight
  /// of everybody else; the kernel undoes that with this process, however it ends. `configured`: the partition that the
  /// configuration names, the only one to look at; Invalid when the disk has no such partition. Other errors say, for a
  /// person, why it could not be looked at.
  [[nodiscard]] static Result<GuestRoot> open(const Fd& backing, const std::vector<Extent>& extents,
                                              const core::PartitionTable& table, const BootChoice& choice,
                                              const std::optional<core::Selector>& configured);

  /// The lists of the modules.
  [[nodiscard]] Result<core::ModuleTexts> module_lists() const;
  /// A module by its path in these lists, uncompressed.
  [[nodiscard]] Result<std::vector<std::byte>> read_module(std::string_view file) const;
  /// /etc/fstab; NotFound when there is none.
  [[nodiscard]] Result<std::string> fstab() const;

 private:
  GuestRoot(sys::LoopDevice device, Fd root, std::string folder)
      : device_(std::move(device)), root_(std::move(root)), folder_(std::move(folder)) {}

  sys::LoopDevice device_;
  Fd root_;  // goes first: the device is busy until then
  std::string folder_;
};

}  // namespace vhdboot::tool
