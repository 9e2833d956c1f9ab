// SPDX-License-Identifier: GPL-2.0-or-later
// A distribution's /boot: which files are kernels, and which initrd belongs to which, by their names alone.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "entry/bls.h"

namespace vhdboot::entry {

/// A kernel and what is loaded with it; all are file names of the folder.
struct KernelFiles {
  std::string kernel;                  ///< "vmlinuz-6.1.0-21-amd64"
  std::string version;                 ///< what follows the '-'; empty for a plain "vmlinuz"
  std::optional<std::string> initrd;   ///< absent when there is none of this version
  std::vector<std::string> microcode;  ///< archives to be placed before every initrd
  bool rescue = false;                 ///< made for emergencies: never the default as long as there is another

  friend bool operator==(const KernelFiles&, const KernelFiles&) = default;
};

/// The kernels among the names of a folder, the one to boot by default first: the newest version (UAPI.10) first, those
/// for rescue last. As Debian, Fedora, Arch, openSUSE, Gentoo, Alpine and those who follow them call their files. The
/// same list in any order gives the same result.
[[nodiscard]] std::vector<KernelFiles> kernels_among(const std::vector<std::string>& file_names);

/// The boot entry of a kernel in `folder` ("/boot", "/"): its id is its file name, its options are not known yet.
/// Without an initrd the microcode is left out, too: alone it would look like one.
[[nodiscard]] BootEntry kernel_entry(const KernelFiles& files, std::string_view folder);

}  // namespace vhdboot::entry
