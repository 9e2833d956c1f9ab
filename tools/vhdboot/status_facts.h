// SPDX-License-Identifier: GPL-2.0-or-later
// How the running system was started by vhdboot, and what its disk is made of.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "init/guest/guest_cmdline.h"
#include "tools/vhdboot/next_boot.h"
#include "tools/vhdboot/running_system.h"

namespace vhdboot::command {

/// The image's file, as its volume tells; only root may read that.
struct ImageFacts {
  std::string format;        ///< "fixed VHD"
  std::uint64_t size = 0;    ///< bytes of the file
  std::uint64_t pieces = 0;  ///< in which it lies
  std::string volume_kind;   ///< "NTFS"
  std::string volume_label;  ///< may be empty
};

/// Where what is written to the guest disk goes.
enum class Written : std::uint8_t {
  Nowhere,  ///< it is read-only
  Image,
  Memory,          ///< it is forgotten
  MemoryAndImage,  ///< to memory, but for partitions that are kept
  Scratch,         ///< to a scratch file: it is forgotten
  ScratchAndImage,
};

/// The guest disk, from the loop device down.
struct DiskFacts {
  std::string device;      ///< "/dev/loop0"
  std::uint64_t size = 0;  ///< bytes
  Written written = Written::Image;
  bool direct_io = false;
  std::string map;          ///< "/dev/dm-1"
  std::string partition;    ///< "/dev/sda2", that the image lies on; empty: not known
  std::string volume_uuid;  ///< of the volume, as blkid prints it
};

/// A further disk of the guest, which `disk` in its configuration names.
struct FurtherDisk {
  std::string name;    ///< "disk1"
  std::string device;  ///< "/dev/loop1"; empty: it is not attached any more
  std::string map;     ///< "/dev/dm-3"
  std::uint64_t size = 0;
  bool read_only = false;
};

/// The volume without the image, as the guest may mount it.
struct HostFacts {
  std::string device;     ///< "/dev/dm-2"
  bool read_only = true;  ///< the device is
  std::string place;      ///< where it is mounted; empty: it is not
  bool mounted_read_only = true;
};

struct Status {
  std::string system;                 ///< of /etc/os-release
  std::string kernel;                 ///< release
  std::optional<guest::Start> start;  ///< absent: the command line does not tell
  std::optional<DiskFacts> disk;      ///< absent: there is no such disk
  std::vector<FurtherDisk> further;
  std::vector<std::string> kept;  ///< directories that `persist-paths` keeps, as they are mounted
  std::optional<HostFacts> host;
  std::optional<ImageFacts> image;  ///< absent: it could not be read
  std::string firmware_entry;       ///< that this start began with; empty: not known
  std::string loader;               ///< "systemd-boot 252"; empty: it has not told
  std::vector<NextBoot> next;

  /// Whether vhdboot has started this system.
  [[nodiscard]] bool in_guest() const { return start || disk; }
};

/// Reads /proc, /sys, /etc and the EFI variables.
[[nodiscard]] Status read_status(const RunningSystem& system);

/// Looks for the image on its volume, which stays as it is. Fails for who may not read the disk.
[[nodiscard]] Result<ImageFacts> read_image_facts(const DiskFacts& disk, const guest::Start& start);

}  // namespace vhdboot::command
