// SPDX-License-Identifier: GPL-2.0-or-later
// Device names of one machine on another: what the guest calls /dev/sda2 may be the host's disk under vhdboot.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/guid.h"
#include "base/result.h"
#include "disk/device_node.h"
#include "disk/partition_table.h"
#include "kexec/cmdline.h"

namespace vhdboot::guest {

/// What is known of one partition of the guest disk; an unknown fact is empty.
struct PartitionFacts {
  unsigned number = 0;
  std::string partuuid;          ///< as in Partition
  std::string fs_type;           ///< as libblkid says: "ext4", "crypto_LUKS"
  std::string fs_uuid;           ///< of the file system or of the LUKS header
  Guid type;                     ///< GPT only
  std::uint64_t attributes = 0;  ///< GPT only

  friend bool operator==(const PartitionFacts&, const PartitionFacts&) = default;
};

struct DiskFacts {
  disk::Scheme scheme = disk::Scheme::None;
  std::vector<PartitionFacts> partitions;
  std::string fs_type;  ///< of a disk without a table: its file system, if it has one
  std::string fs_uuid;
  bool holds_system = false;  ///< of a disk without a table: that file system is a root, and no person said another one
};

/// The partitions of `table`, without what only their contents tell.
[[nodiscard]] DiskFacts facts_of(const disk::PartitionTable& table);

/// The partition that the Discoverable Partitions Specification (UAPI.2) makes the root file system of x86-64: the
/// first of that type that is not marked "no-auto"; null when there is none.
[[nodiscard]] const PartitionFacts* discoverable_root(const DiskFacts& disk);

/// How to name a device of the guest by content: "UUID=..." or else "PARTUUID=..." for what parse_device_node() reads;
/// nothing for a text that may stay as it is. `text` is the value of root=, resume= and the like.
/// NotFound: there is no such partition, or it is on a second disk. Unsupported: a device number, or what has nothing
/// to be named by.
[[nodiscard]] Result<std::optional<std::string>> name_by_content(std::string_view text, const DiskFacts& disk);

/// What a boot changes on the guest's command line; all empty: nothing.
struct RootChange {
  std::optional<std::string> root;  ///< the new value of root=
  std::string append;               ///< parameters to add behind the others
  std::string remove;               ///< the name of a parameter that goes; empty: none

  friend bool operator==(const RootChange&, const RootChange&) = default;
};

/// What becomes of the guest's root=. A device name becomes "UUID=...". Without a root= (or with root=gpt-auto) the
/// guest counts on systemd-gpt-auto-generator(8), which would look at the disk that the firmware booted, the host's: it
/// gets the discoverable root partition by name, opened by its UUID when it is encrypted with LUKS. When there is no
/// such partition either, the initrd knows better: then only the generator is turned off.
/// Where the disk is one file system that holds a system, that is the root whatever device the guest names; other words
/// (root=live:..., root=fstab) and boot=live stay.
/// A root that was a file on another volume (loop=, as Wubi has it) is the image, when that is one file system.
/// Errors as name_by_content(), Unsupported for such a file when the image is more; NotFound also for root=gpt-auto
/// without such a partition.
[[nodiscard]] Result<RootChange> map_root(const kexec::CommandLine& line, const DiskFacts& disk);

/// Makes `change` on `line`. Invalid as CommandLine::set().
[[nodiscard]] Result<void> apply(const RootChange& change, kexec::CommandLine& line);

}  // namespace vhdboot::guest
