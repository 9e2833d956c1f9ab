// SPDX-License-Identifier: GPL-2.0-or-later
// What could be booted from a FAT volume of the disk: unified kernel images and boot loader entries.
#pragma once

#include <string>
#include <vector>

#include "base/byte_source.h"
#include "base/result.h"
#include "kexec/bls.h"
#include "kexec/entry_file.h"

namespace vhdboot::tool {

struct FoundUki {
  kexec::BootEntry entry;
  std::string kernel;  ///< its release; empty when unknown
};

struct FoundEntryFile {
  std::string id;  ///< "debian-6.1.conf"
  kexec::EntryFile entry;
  std::string kernel;  ///< release of the kernel that it names; empty when unknown
};

struct BootFiles {
  std::string file_system;              ///< "FAT32"
  std::vector<FoundUki> ukis;           ///< in /EFI/Linux, in the order of a boot menu
  std::vector<FoundEntryFile> entries;  ///< in /loader/entries, by id
  std::vector<std::string> warnings;    ///< what could not be read
};

/// At most so many files of each kind are looked into.
inline constexpr std::size_t kMaxBootFiles = 256;

/// Looks through the volume on `partition`. Fails when there is no FAT volume on it.
[[nodiscard]] Result<BootFiles> find_boot_files(const ByteSource& partition);

}  // namespace vhdboot::tool
