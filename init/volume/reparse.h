// SPDX-License-Identifier: GPL-2.0-or-later
// Reparse points ([MS-FSCC] 2.1.2): who keeps the data of a file, or where a directory goes on; with WSL, what kind of
// file it is in Linux.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/result.h"

namespace vhdboot::volume {

inline constexpr std::uint32_t kTagMountPoint = 0xA0000003;
inline constexpr std::uint32_t kTagSymlink = 0xA000000C;
inline constexpr std::uint32_t kTagWof = 0x80000017;
inline constexpr std::uint32_t kTagDedup = 0x80000013;
inline constexpr std::uint32_t kTagCloud = 0x9000001A;
inline constexpr std::uint32_t kTagCloudMask = 0xFFFF0FFF;  ///< of a cloud tag; bits 12 to 15 vary
inline constexpr std::uint32_t kTagLxSymlink = 0xA000001D;
inline constexpr std::uint32_t kTagLxSocket = 0x80000023;
inline constexpr std::uint32_t kTagLxFifo = 0x80000024;
inline constexpr std::uint32_t kTagLxCharacter = 0x80000025;
inline constexpr std::uint32_t kTagLxBlock = 0x80000026;

/// Whether a directory or file with this tag stands for another one.
[[nodiscard]] constexpr bool is_link(std::uint32_t tag) {
  return tag == kTagMountPoint || tag == kTagSymlink;
}

struct ReparsePoint {
  std::uint32_t tag = 0;
  Bytes data;  ///< within the attribute that it was read from
};

/// Corrupt when it is shorter than it says, or has no tag.
[[nodiscard]] Result<ReparsePoint> parse_reparse_point(Bytes attribute);

/// Longest target of a symbolic link in Linux.
inline constexpr std::size_t kMaxLinkTarget = 4095;

/// `text` as the target of a symbolic link. Corrupt when it is empty, too long or has a zero in it.
[[nodiscard]] Result<std::string> lx_target(std::string_view text);

/// Where a symbolic link of WSL leads. Corrupt when it could not be one in Linux.
[[nodiscard]] Result<std::string> lx_symlink_target(Bytes data);

/// Where a symbolic link or junction of Windows leads, as WSL shows it: "C:\dir" as /mnt/c/dir, '/' for '\'. Corrupt
/// when its names do not lie within `data`.
[[nodiscard]] Result<std::string> windows_link_target(const ReparsePoint& point);

}  // namespace vhdboot::volume
