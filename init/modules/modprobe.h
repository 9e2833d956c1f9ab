// SPDX-License-Identifier: GPL-2.0-or-later
// What decides how modules are loaded besides their index: modprobe.d(5), and the words of the kernel command line that
// are for modprobe, since the kernel itself only knows the parameters of what is built in.
#pragma once

#include <cstddef>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "kexec/cmdline.h"

namespace vhdboot::modules {

inline constexpr std::size_t kMaxModprobeBytes = 1024 * 1024;  ///< of each file
inline constexpr std::size_t kMaxModprobeFiles = 1024;
inline constexpr std::size_t kMaxModprobeTotal = 4 * 1024 * 1024;  ///< bytes of all files together

struct ModprobeConfig {
  std::string aliases;                         ///< lines as in modules.alias
  std::string soft_dependencies;               ///< lines as in modules.softdep
  std::vector<std::string> blacklist;          ///< names that no alias loads, '_' for '-'
  std::map<std::string, std::string> options;  ///< "a=1 b=2" by name, '_' for '-'

  /// Empty when it has none.
  [[nodiscard]] std::string options_of(std::string_view module) const;
};

/// `files`: the contents of the *.conf in the order that counts. Never fails: a line that is none is passed over.
/// `install` with another program instead of the module counts as blacklisting.
[[nodiscard]] ModprobeConfig read_modprobe(std::span<const std::string> files, const kexec::CommandLine& line);

/// The directories of modprobe.d(5) below a root, the one that wins first: of two files of one name the first counts.
[[nodiscard]] std::span<const std::string_view> modprobe_directories();

}  // namespace vhdboot::modules
