// SPDX-License-Identifier: GPL-2.0-or-later
// The command line of a kernel in the guest's /boot, which itself says nothing of it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "entry/fstab.h"
#include "entry/grub_cfg.h"

namespace vhdboot::entry {

inline constexpr std::size_t kMaxKernelCmdlineBytes = 64 * 1024;  ///< of /etc/kernel/cmdline

/// The contents of the guest's files; absent: there is no such file, or it cannot be read.
struct OptionTexts {
  std::optional<std::string> kernel_cmdline;  ///< /etc/kernel/cmdline, kernel-install(8)
  std::optional<std::string> grub_cfg;
  std::optional<std::string> grub_environment;  ///< grubenv, beside grub.cfg
  std::optional<std::string> fstab;
};

/// What those files say, read once for all kernels of a folder. A file that cannot be understood is passed over like
/// one that is not there.
struct OptionFiles {
  std::optional<std::string> kernel_cmdline;  ///< one line, without comments; never empty
  std::optional<GrubConfig> grub;
  std::optional<FstabEntry> root;  ///< the last entry for "/" in fstab
  std::string no_root;             ///< why there is none, a clause
};

[[nodiscard]] OptionFiles read_option_files(const OptionTexts& texts);

enum class OptionSource : std::uint8_t { KernelCmdline, GrubCfg, Fstab };

/// The file's name, for messages.
[[nodiscard]] std::string_view name(OptionSource source);

struct KernelOptions {
  std::string text;  ///< root= as the guest spells it: what becomes of it is said by map_root()
  OptionSource source = OptionSource::Fstab;

  friend bool operator==(const KernelOptions&, const KernelOptions&) = default;
};

/// The options for the kernel with this file name: what /etc/kernel/cmdline says (without its lines of comment), else
/// what GRUB would pass, else root= and what its file system needs from fstab. What grub.cfg leaves to GRUB of the root
/// comes from fstab, too: KernelOptions::source is grub.cfg then.
/// NotFound: none of them says it. Unsupported: fstab's root is nothing that a kernel option can name.
[[nodiscard]] Result<KernelOptions> kernel_options(const OptionFiles& files, std::string_view kernel_file_name,
                                                   bool has_initrd);

}  // namespace vhdboot::entry
