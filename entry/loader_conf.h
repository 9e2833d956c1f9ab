// SPDX-License-Identifier: GPL-2.0-or-later
// systemd-boot's /loader/loader.conf: which entry it starts (loader.conf(5)). What the machine's EFI variables say of
// it is about the systems that were installed there, and not asked.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "entry/bls.h"

namespace vhdboot::entry {

inline constexpr std::size_t kMaxLoaderConf = 64 * 1024;

/// Patterns as in fnmatch(3); empty where nothing is said, and for "@saved", which only those variables know.
struct LoaderConf {
  std::string preferred;  ///< passed over when that entry has no tries left
  std::string usual;      ///< `default`
};

/// Never fails: other text says nothing. The last line with a key counts.
[[nodiscard]] LoaderConf parse_loader_conf(std::string_view text);

/// The entry that it makes the default, as an index into `entries`, which are in the order of the menu;
/// entries.size() when it names none of them. Names are compared without upper and lower case, and without the suffix
/// too, as several installers write them.
[[nodiscard]] std::size_t default_of(const LoaderConf& conf, const std::vector<BootEntry>& entries);

}  // namespace vhdboot::entry
