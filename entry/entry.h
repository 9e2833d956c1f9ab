// SPDX-License-Identifier: GPL-2.0-or-later
// What of the guest is booted: unified kernel images and boot loader entries on its ESP and XBOOTLDR partition, else
// the kernels in its /boot.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/byte_source.h"
#include "base/result.h"
#include "disk/guest_disk.h"
#include "entry/bls.h"
#include "entry/uki.h"
#include "kexec/plan.h"

namespace vhdboot::entry {

/// The file of an entry with tries left, see entry/boot_count.h.
struct CountedFile {
  unsigned partition = 0;  ///< of the guest disk, a FAT
  std::string path;        ///< "/loader/entries/arch+3.conf"
  std::string next_path;   ///< "/loader/entries/arch+2-1.conf"
};

/// The chosen entry, ready to be planned. What its parts point into lives as long as this and the guest disk.
struct GuestEntry {
  BootEntry entry;
  kexec::BootParts parts;
  std::string release;                 ///< of its kernel, as far as the entry says
  std::optional<CountedFile> counted;  ///< absent: this boot is not counted
  std::vector<Profile> profiles;       ///< of its image
  std::vector<std::string> warnings;   ///< sentences
  std::vector<std::unique_ptr<ByteSource>> files;
};

/// What is not in the guest and still counts when an entry is opened.
struct OpenRequest {
  std::optional<std::string_view> profile;  ///< of an image that has profiles, as the person asks for it
  std::string smbios_options;               ///< see stub_options_of_smbios()
};

/// An entry that was found, and how to open it when it is chosen.
struct FoundEntry {
  BootEntry entry;
  const disk::GuestPartition* partition = nullptr;  ///< that it lies on
  std::string path;                                 ///< there
  std::function<Result<GuestEntry>(const OpenRequest& request)> open;
};

/// What looking has found.
struct FoundEntries {
  std::vector<FoundEntry> entries;
  std::vector<Error> broken;  ///< what looks like an entry and cannot be booted
};

/// The ways of looking: in /EFI/Linux, in /loader/entries, in /boot. The guest disk must outlive what they find.
[[nodiscard]] FoundEntries find_ukis(disk::GuestDisk& disk);
[[nodiscard]] FoundEntries find_entry_files(disk::GuestDisk& disk);
/// Kernels of one system, which may lie in several folders (its /boot partition, the /boot of its root), have one
/// BootEntry::system and so come newest first. The systems of a disk are kept apart, in the order of their folders, as
/// nobody compares the kernels of Debian with those of Fedora; so are folders of which nothing says whose they are. A
/// /boot partition belongs to the only root there is, or to the one alone whose fstab mounts it.
[[nodiscard]] FoundEntries find_kernels(disk::GuestDisk& disk);

/// An image on the partition of `tree`, as `entry`, with what lies beside it; the options and extras of a Type #1 entry
/// are given to it as systemd-boot does.
[[nodiscard]] Result<GuestEntry> open_uki(const disk::GuestTree& tree, const std::string& path, const BootEntry& entry,
                                          const OpenRequest& request);

/// The file of a boot entry, when boots of it are counted and it has tries left.
[[nodiscard]] std::optional<CountedFile> counted_file(const disk::GuestTree& tree, std::string_view path);

/// Everything that can be found, in the order of a boot menu: unified kernel images come before boot loader entries,
/// and these before kernels in /boot; among themselves they have the order of the Boot Loader Specification; last those
/// without tries left.
[[nodiscard]] FoundEntries find_entries(disk::GuestDisk& disk);

/// The same as far as a boot needs it: it looks on only while there is nothing that `pattern` names, or nothing but
/// what failed to boot before.
[[nodiscard]] FoundEntries find_entries(disk::GuestDisk& disk, std::string_view pattern);

struct Choice {
  const FoundEntry* entry = nullptr;        ///< borrowed from what was found
  std::optional<std::string_view> profile;  ///< borrowed from the pattern
};

/// The entry that `pattern` names ("NAME@PROFILE" for a profile of an image), or the first of `found`, which was found
/// for this pattern. NotFound: nothing to boot, or nothing that matches. Otherwise what is wrong with the only one.
[[nodiscard]] Result<Choice> choose_entry(const FoundEntries& found, std::string_view pattern, disk::GuestDisk& disk);

/// What a boot tries, in order: the entry of choose_entry(), whose errors these are, and behind it the others that
/// `pattern` names; all others when it names none.
[[nodiscard]] Result<std::vector<Choice>> choose_entries(const FoundEntries& found, std::string_view pattern,
                                                         disk::GuestDisk& disk);

}  // namespace vhdboot::entry
