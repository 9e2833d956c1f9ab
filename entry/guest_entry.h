// SPDX-License-Identifier: GPL-2.0-or-later
// A boot entry that was found on the guest disk, and the same one opened.
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
  bool in_grubs_menu = false;  ///< by its `blscfg` or `uki`
};

/// What looking has found.
struct FoundEntries {
  std::vector<FoundEntry> entries;
  std::vector<Error> broken;  ///< what looks like an entry and cannot be booted
};

/// The file of a boot entry, when boots of it are counted and it has tries left.
[[nodiscard]] std::optional<CountedFile> counted_file(const disk::GuestTree& tree, std::string_view path);

}  // namespace vhdboot::entry
