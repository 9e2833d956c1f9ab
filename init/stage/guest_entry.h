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
#include "init/stage/guest_disk.h"
#include "init/sys/console.h"
#include "kexec/bls.h"
#include "kexec/plan.h"

namespace vhdboot::stage {

/// A file of an entry with tries left, see count_boot().
struct CountedFile {
  unsigned partition = 0;  ///< of the guest disk
  std::string partuuid;
  std::string folder;     ///< "/loader/entries"
  std::string name;       ///< "arch+3.conf"
  std::string next_name;  ///< "arch+2-1.conf"
};

/// The chosen entry, ready to be planned. What its parts point into lives as long as this and the guest disk.
struct GuestEntry {
  kexec::BootEntry entry;
  kexec::BootParts parts;
  std::string release;                 ///< of its kernel, as far as the entry says
  std::optional<CountedFile> counted;  ///< absent: nothing is counted
  std::vector<std::string> warnings;   ///< sentences
  std::vector<std::unique_ptr<ByteSource>> files;
  std::vector<std::vector<std::byte>> memory;
};

/// An entry that was found, and how to open it when it is chosen; `profile` is what the person asks for, of an image
/// that has profiles.
struct FoundEntry {
  kexec::BootEntry entry;
  std::function<Result<GuestEntry>(std::optional<std::string_view> profile)> open;
};

/// What one way of looking has found.
struct FoundEntries {
  std::vector<FoundEntry> entries;
  std::vector<Error> broken;  ///< what looks like an entry and cannot be booted
};

/// The ways of looking: in /EFI/Linux, in /loader/entries, in /boot. The guest disk must outlive what they find.
[[nodiscard]] FoundEntries find_ukis(GuestDisk& disk);
[[nodiscard]] FoundEntries find_entry_files(GuestDisk& disk);
[[nodiscard]] FoundEntries find_kernels(GuestDisk& disk);

/// An image on the partition of `tree`, as `entry`, with what lies beside it.
[[nodiscard]] Result<GuestEntry> open_uki(const GuestTree& tree, const std::string& path, const kexec::BootEntry& entry,
                                          std::optional<std::string_view> profile);

/// What count_boot() needs for the file `name` in `folder`; nothing when its name has no tries left or is not counted.
[[nodiscard]] std::optional<CountedFile> counted_file(const GuestTree& tree, std::string_view folder,
                                                      std::string_view name);

/// The entry that `pattern` names ("NAME@PROFILE" for a profile of an image), or the first: unified kernel images come
/// before boot loader entries, and these before kernels in /boot; among themselves they have the order of the Boot
/// Loader Specification. What cannot be booted is passed over with a warning as long as there is something else.
/// NotFound: nothing to boot, or nothing that matches. Otherwise what is wrong with the only one.
[[nodiscard]] Result<GuestEntry> choose_entry(GuestDisk& disk, std::string_view pattern, const sys::Reporter& report);

}  // namespace vhdboot::stage
