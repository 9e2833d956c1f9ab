// SPDX-License-Identifier: GPL-2.0-or-later
// Everything that is decided about the boot of a guest, before anything is done about it.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/result.h"
#include "disk/guest_disk.h"
#include "entry/guest_entry.h"
#include "init/blocks/attach_plan.h"
#include "init/guest/boot.h"
#include "init/guest/guest_cmdline.h"
#include "init/guest/host_mount_unit.h"
#include "init/record/config.h"
#include "init/stage/attached_guest_disk.h"
#include "init/stage/find_image.h"
#include "init/stage/further_disks.h"
#include "init/stage/guest_modules.h"
#include "init/sys/console.h"

namespace vhdboot::stage {

/// What the firmware told this kernel, and this one tells the next (Documentation/arch/x86/zero-page.rst).
[[nodiscard]] bool secure_boot_is_on();

struct GuestBoot {
  entry::GuestEntry entry;
  const disk::GuestPartition* partition = nullptr;  ///< that the entry lies on
  std::string path;                                 ///< of its file there
  std::optional<std::string> loader_partuuid;       ///< see guest::loader_partuuid()
  guest::PlannedBoot planned;                       ///< borrows from the entry
  std::vector<guest::LineChange> line_changes;      ///< what of its command line is not the guest's own
  CarriedModules modules;
  std::vector<guest::GuestFile> run_files;  ///< for the guest's /run, named by their paths there
};

/// The disk that the guest's kernel is taken from, as it is read.
class KernelDisk {
 public:
  /// Null where the guest has its own kernel. All must outlive the result.
  [[nodiscard]] static Result<std::unique_ptr<KernelDisk>> open(const FurtherDisks& further,
                                                                const sys::Devices& devices,
                                                                const sys::Reporter& report);

  KernelDisk(disk::PartitionTable table, const sys::LoopDevice& loop, const sys::Devices& devices,
             const sys::Reporter& report)
      : table_(std::move(table)), disk_(loop, table_, devices, report) {}
  KernelDisk(const KernelDisk&) = delete;
  KernelDisk& operator=(const KernelDisk&) = delete;
  ~KernelDisk() = default;

  [[nodiscard]] disk::GuestDisk& disk() { return disk_; }

 private:
  disk::PartitionTable table_;
  AttachedGuestDisk disk_;
};

/// Plans the entries of entry::choose_entries() in their order, for a disk that is attached as `attached`, and gives
/// each to `use`, until one succeeds; reads only. `kernels`: the disk with the entries: that of the guest, or that of
/// KernelDisk. `further`: its further disks. One that cannot be planned or used is passed over with a
/// warning when there is another, see next_step.h. The disks must outlive what `use` keeps.
[[nodiscard]] Result<void> try_entries(disk::GuestDisk& disk, disk::GuestDisk& kernels, const FoundImage& image,
                                       const blocks::AttachPlan& attached, const FurtherDisks& further,
                                       const record::Config& config, const sys::Devices& devices,
                                       const modules::MakeDecompressor& decompressors, const sys::Reporter& report,
                                       const std::function<Result<void>(GuestBoot boot)>& use);

}  // namespace vhdboot::stage
