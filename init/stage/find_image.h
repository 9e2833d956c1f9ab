// SPDX-License-Identifier: GPL-2.0-or-later
// Which file on which volume is booted.
#pragma once

#include <cstdint>
#include <list>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "disk/partition_table.h"
#include "init/blocks/view.h"
#include "init/stage/arriving_image.h"
#include "init/stage/host_volumes.h"
#include "init/stage/settings.h"
#include "init/sys/console.h"
#include "init/sys/file.h"
#include "init/sys/loop.h"
#include "init/tree/folder_image.h"
#include "init/volume/file_source.h"
#include "vhd/disk.h"

namespace vhdboot::stage {

/// What becomes of what the guest writes: some of it goes into the image, all of it to another place of its volume, or
/// all is forgotten and stays in memory, so that nothing is written to the volume.
enum class Writes : std::uint8_t { Kept, Elsewhere, Forgotten };
[[nodiscard]] Writes writes_of(const record::Config& config);

/// A file below an image.
struct FoundParent {
  HostVolume* volume = nullptr;  ///< borrowed: that of the image, or the one that `parent-volume` names
  volume::Path path;             ///< as its volume spells it
  volume::FileLayout layout;
};

/// A folder as a file system: what of that is not on the volume itself.
struct ShownFolder {
  tree::FolderImage image;                    ///< stage 1 only
  std::vector<std::string> said;              ///< sentences about what is not as it was; not all of many
  std::unique_ptr<const sys::FdSource> file;  ///< in memory
  std::optional<sys::LoopDevice> device;      ///< shows that
};

/// An image that may be attached: its volume is in order and its bytes lie in place.
struct FoundImage {
  HostVolume* volume = nullptr;  ///< borrowed from HostVolumes
  volume::Path path;             ///< as the volume spells it
  volume::FileLayout layout;
  std::vector<FoundParent> parents;               ///< the nearest first
  std::optional<ShownFolder> folder;              ///< of an image that is one, once it is shown; see folder_guest.h
  std::unique_ptr<const ByteSource> partition;    ///< of such a one
  std::unique_ptr<const ByteSource> file;         ///< the bytes of the file at `path`; of a folder what shows it
  std::unique_ptr<const ArrivingImage> arriving;  ///< what is known of one that is not complete; null: it is
  std::unique_ptr<const vhd::Disk> disk;          ///< what the guest sees; borrows the file
  blocks::View view;  ///< of the disk; its files are the image and its parents in their order, then all those below;
                      ///< its devices are the volume of the image, then other_volume(), or what shows a folder
  std::optional<volume::PlacedFile> scratch;  ///< see scratch_file.h
  std::list<FoundImage> further;              ///< see further_disks.h
  std::unique_ptr<FoundImage> persist;        ///< see persist_image.h; may be null
  std::uint32_t guest_block = 512;            ///< of a further one: its logical block, by its partition table
  bool has_kernel = false;                    ///< of a further one: the guest's kernel is taken from it

  /// It is a folder. Until that is shown there is neither a file nor a disk nor a view.
  [[nodiscard]] bool is_folder() const { return layout.directory; }
  [[nodiscard]] const vhd::DiskInfo& info() const { return disk->info(); }
  /// For people: "64 GiB fixed VHD".
  [[nodiscard]] std::string describe() const;
  /// For people: "differencing VHDX image with 2 parents".
  [[nodiscard]] std::string kind() const;
  /// That of the parents which do not lie on the volume of the image; null when they all do. It is only read.
  [[nodiscard]] HostVolume* other_volume() const;
};

/// The volume of parents that are not on that of their child. All is borrowed.
class ParentVolume {
 public:
  /// There is none.
  ParentVolume() = default;
  /// One that is known; null: there is none.
  explicit ParentVolume(HostVolume* volume) : volume_(volume) {}
  /// What `parent-volume` names, if anything: waited for so many seconds when it is needed.
  ParentVolume(const record::Config& config, HostVolumes& volumes, unsigned seconds, const sys::Reporter& report)
      : selector_(config.parent_volume ? &*config.parent_volume : nullptr),
        volumes_(&volumes),
        seconds_(seconds),
        report_(&report) {}

  /// Null: there is none. Unsupported when it does not appear, Invalid when two are called so.
  [[nodiscard]] Result<HostVolume*> find() const;

 private:
  HostVolume* volume_ = nullptr;
  const disk::Selector* selector_ = nullptr;
  HostVolumes* volumes_ = nullptr;
  unsigned seconds_ = 0;
  const sys::Reporter* report_ = nullptr;
};

/// Looks for the image, on the volume that was asked for or from which we were started, else on all of them; waits for
/// slow devices up to the configured time-out.
/// NotFound lists where it was looked for. Invalid when two volumes hold such an image and nothing says which is meant.
/// Unsafe, Unsupported or Corrupt when it was found but must not be used; Unsupported on a write-protected disk, too.
/// The error of a place that cannot be read when the image may be there.
[[nodiscard]] Result<FoundImage> find_image(HostVolumes& volumes, const Settings& settings,
                                            const sys::Reporter& report);

/// The image in a place that is known, with the same checks; with `arrival`, it may be one that is not complete; or a
/// folder on NTFS, which is only read. Where writes are forgotten, a volume may be dirty and a disk write-protected.
[[nodiscard]] Result<FoundImage> open_image(const Sighting& place, Writes writes, const ParentVolume& parent_volume,
                                            const std::optional<record::Arrival>& arrival = {});

/// The partition table of the guest disk, in blocks of 512 bytes unless it was made on a disk of larger ones.
[[nodiscard]] Result<disk::PartitionTable> read_table(const FoundImage& image);

/// exFAT has no mark for a Windows that sleeps with the volume in its cache; an NTFS volume of the same Windows has.
/// Unsafe when there is one, and a file of the image lies on exFAT.
[[nodiscard]] Result<void> check_no_windows_sleeps(HostVolumes& volumes, const FoundImage& image);

/// One more look at the devices before the guest is started. It takes no time when the firmware said where the image's
/// disk hangs; else until no more disks have appeared for a moment. Unsafe when another one with the same identity may
/// be the one that is meant, NotFound when the image's own has gone. The same of the volume of its parents.
[[nodiscard]] Result<void> check_still_alone(HostVolumes& volumes, const FoundImage& image, const Settings& settings);

/// Looks at one file and, where it is a differencing image, at its parents: each beside its child, or where the child
/// says that it is, from its folder on; else there on the other volume, or where the child's absolute path says. The
/// same checks but for check_unshared(). NotFound when it is not there. `arrival`: it may be one that is not complete.
[[nodiscard]] Result<FoundImage> examine_image(HostVolume& volume, const volume::Path& path, Writes writes,
                                               const ParentVolume& parent_volume = ParentVolume(),
                                               const std::optional<record::Arrival>& arrival = {});

/// Corrupt when something else lies in the clusters of the image or a parent; Unsafe when it is to be written and a
/// differencing image in its folder says that this is its parent.
[[nodiscard]] Result<void> check_unshared(const FoundImage& image, Writes writes);

}  // namespace vhdboot::stage
