// SPDX-License-Identifier: GPL-2.0-or-later
// The command line of a kernel in the guest's /boot, which itself says nothing of it.
#pragma once

#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "entry/boot_menu.h"
#include "entry/fstab.h"

namespace vhdboot::entry {

inline constexpr std::size_t kMaxKernelCmdlineBytes = 64 * 1024;  ///< of /etc/kernel/cmdline

/// The contents of the guest's files; absent: there is no such file, or it cannot be read.
struct OptionTexts {
  std::optional<std::string> kernel_cmdline;  ///< /etc/kernel/cmdline, kernel-install(8)
  std::optional<BootMenu> menu;               ///< of the boot loader: see read_menu()
  std::optional<std::string> fstab;
  std::string found_root = {};        ///< the file system that has the guest's /etc: "UUID=..."; empty: not known
  std::string found_root_flags = {};  ///< what it is mounted with: "subvol=/@"
};

/// What those files say, read once for all kernels of a folder. A file that cannot be understood is passed over like
/// one that is not there.
struct OptionFiles {
  std::optional<std::string> kernel_cmdline;  ///< one line, without comments; never empty
  std::optional<BootMenu> menu;
  std::optional<FstabEntry> root;  ///< the last entry for "/" in fstab
  std::string no_root;             ///< why there is none, a clause
  std::string found_root;
  std::string found_root_flags;
};

[[nodiscard]] OptionFiles read_option_files(const OptionTexts& texts);

struct KernelOptions {
  std::string text;                        ///< root= as the guest spells it: what becomes of it is said by map_root()
  std::string source;                      ///< the file that says it, for people: "grub.cfg"
  std::vector<std::string> warnings = {};  ///< sentences

  friend bool operator==(const KernelOptions&, const KernelOptions&) = default;
};

/// Whether options name a root that can be there.
using FitsDisk = std::function<bool(const std::string& options)>;

/// The options for the kernel with this file name: what the menu passes to this very kernel, else what
/// /etc/kernel/cmdline says (without its lines of comment), else what the menu passes to another one, else root= and
/// what its file system needs from fstab, else the file system that holds the guest. What grub.cfg leaves to GRUB of
/// the root comes from fstab, too: the source is grub.cfg then. The first of them whose root fits, or, when none does,
/// the first. NotFound: none of them says it. Unsupported: fstab's root is nothing that a kernel option can name.
[[nodiscard]] Result<KernelOptions> kernel_options(const OptionFiles& files, std::string_view kernel_file_name,
                                                   const FitsDisk& fits);

/// The same for an entry of the menu.
[[nodiscard]] Result<KernelOptions> entry_options(const OptionFiles& files, const MenuEntry& entry,
                                                  const FitsDisk& fits);

}  // namespace vhdboot::entry
