// SPDX-License-Identifier: GPL-2.0-or-later
// Where on the guest disk its root file system is.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "disk/guest_disk.h"
#include "entry/crypttab.h"
#include "entry/fstab.h"
#include "init/record/config.h"
#include "kexec/cmdline.h"

namespace vhdboot::guest {

/// The partitions of the guest disk, the likeliest root first: the one that `root_option` (the guest's root=) names,
/// the one with the type of a root, the others, those with a FAT last. Only the one that the configuration names, if it
/// names one: Invalid when it is not there.
[[nodiscard]] Result<std::vector<const disk::GuestPartition*>> root_candidates(const disk::GuestDisk& disk,
                                                                               const record::Config& config,
                                                                               const std::string& root_option);

/// Where below its root file system a system may have its files: the deployment that `ostree_option` (the guest's
/// ostree=) names, and "" for the root itself.
[[nodiscard]] std::vector<std::string> system_folders(const std::string& ostree_option);

/// The files of a root file system that name devices; empty where there is none.
struct RootTables {
  std::vector<entry::FstabEntry> fstab;
  std::vector<entry::CrypttabEntry> crypttab;
  std::string grub_disks;       ///< on which an upgrade of Debian's grub-pc installs GRUB, separated by ", "
  bool has_systemd = false;     ///< what a kernel starts first there is systemd
  bool has_other_init = false;  ///< it is another init, as far as can be told
};

/// The root file system that `line` names by root=: the folder of it that has the guest's /etc, else its top; nothing
/// when it is not on the guest disk, as one that is encrypted, or cannot be mounted.
[[nodiscard]] std::optional<disk::GuestTree> find_root_tree(disk::GuestDisk& disk, const kexec::CommandLine& line);
/// Those in it. An error when they are there and cannot be read.
[[nodiscard]] Result<std::optional<RootTables>> root_tables(disk::GuestDisk& disk, const kexec::CommandLine& line);
/// Those below `root`.
[[nodiscard]] Result<RootTables> read_tables(const disk::GuestTree& root);

/// Whether the program that makes new blocks in an image (init/stage/keep_growing.h) may live as long as this guest:
/// Unsupported when its init ends every process before its file systems are read-only.
[[nodiscard]] Result<void> check_spares_keeper(const RootTables& tables);

/// The partition UUID by which a boot loader would tell the guest's systemd from where it was started
/// (guest/loader_interface.h): the ESP, when the entry lies there or on XBOOTLDR. Nothing where the fstab says what is
/// mounted for booting, or is not known: then systemd does not need it, or it could do harm.
[[nodiscard]] std::optional<std::string> loader_partuuid(const disk::GuestDisk& disk, const disk::GuestPartition& entry,
                                                         const std::optional<RootTables>& tables);

}  // namespace vhdboot::guest
