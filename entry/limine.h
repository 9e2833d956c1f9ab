// SPDX-License-Identifier: GPL-2.0-or-later
// The configuration of Limine: limine.conf, and limine.cfg of its versions before 8 (CONFIG.md of its sources). It is
// read, not verified: the hashes behind its paths are not looked at.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "disk/selector.h"

namespace vhdboot::entry {

inline constexpr std::size_t kMaxLimine = 1024 * 1024;  ///< bytes of a file
inline constexpr std::size_t kMaxLimineEntries = 1024;  ///< folders among them
inline constexpr std::size_t kMaxLimineMacros = 256;
inline constexpr std::size_t kMaxLimineLine = 64 * 1024;  ///< bytes, with its macros put in
inline constexpr std::size_t kMaxLimineModules = 64;      ///< of an entry

/// Where Limine looks on a partition, the first one counts; beside them in the folder of its own program, which is one
/// of /EFI.
inline constexpr std::array<std::string_view, 5> kLimineFolders{"", "/limine", "/boot", "/boot/limine", "/EFI/BOOT"};

enum class LimineStyle : std::uint8_t {
  Conf,  ///< "/Title", "key: value", "boot():/path"
  Cfg,   ///< ":Title", "KEY=value", "boot:///path"
};

struct LimineFile {
  std::string path;  ///< from the top of its file system; empty: not known
  /// Of its partition, each of which it may be; none: it is the one with the configuration.
  std::vector<disk::Selector> partition;

  friend bool operator==(const LimineFile&, const LimineFile&) = default;
};

struct LimineEntry {
  std::string title;
  std::optional<std::size_t> parent;  ///< the folder it stands in, as an index
  bool is_folder = false;
  bool is_expanded = false;  ///< a folder whose entries are seen at once
  LimineFile program;        ///< a kernel or an EFI program; without a path: it boots something else
  bool is_efi = false;       ///< the program is started as an EFI program, which may be anything
  std::vector<LimineFile> modules;
  std::string cmdline;

  friend bool operator==(const LimineEntry&, const LimineEntry&) = default;
};

struct LimineMenu {
  std::vector<LimineEntry> entries;  ///< in the order of the text
  /// What it starts when nobody chooses, as an index: an entry with a program.
  std::optional<std::size_t> usual;
  std::string started;  ///< what that is called, which may be no such entry
};

/// Corrupt beyond the caps, and for macros that would not end.
[[nodiscard]] Result<LimineMenu> parse_limine(std::string_view text, LimineStyle style);

}  // namespace vhdboot::entry
