// SPDX-License-Identifier: GPL-2.0-or-later
// What a file of a folder of WSL 1 is to Linux.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "init/volume/lx_metadata.h"
#include "init/volume/ntfs_tree.h"

namespace vhdboot::volume {

enum class LxType : std::uint8_t { File, Directory, Symlink, Character, Block, Fifo, Socket };

/// What a file has that has no metadata of WSL: root's, and nobody else may write it.
inline constexpr std::uint32_t kDefaultFileMode = 0644;
inline constexpr std::uint32_t kDefaultDirectoryMode = 0755;

struct LxFile {
  LxType type = LxType::File;
  std::uint32_t mode = 0;  ///< permissions, with set-user-ID, set-group-ID and the sticky bit
  std::uint32_t uid = 0;
  std::uint32_t gid = 0;
  LxDevice device;                    ///< of Character and Block
  std::optional<std::string> target;  ///< of Symlink; nothing: the contents are the target
  UnixTime accessed;
  UnixTime modified;
  std::vector<LxAttribute> attributes;
  bool without_metadata = false;  ///< owner, group or mode is missing: the default
  bool windows_link = false;      ///< a symbolic link or junction that Windows made
  std::string damage;             ///< what of its metadata could not be used, and is the default; empty: nothing

  friend bool operator==(const LxFile&, const LxFile&) = default;
};

/// By the metadata of `generation`. Unsupported when its contents are kept by other software (WOF, deduplication, the
/// cloud), Corrupt when where it leads cannot be read.
[[nodiscard]] Result<LxFile> lx_file(const NtfsNode& node, LxGeneration generation);

}  // namespace vhdboot::volume
