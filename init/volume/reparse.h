// SPDX-License-Identifier: GPL-2.0-or-later
// Reparse tags ([MS-FSCC] 2.1.2.1): who keeps the data of a file, or where a directory goes on.
#pragma once

#include <cstdint>

namespace vhdboot::volume {

inline constexpr std::uint32_t kTagMountPoint = 0xA0000003;
inline constexpr std::uint32_t kTagSymlink = 0xA000000C;
inline constexpr std::uint32_t kTagWof = 0x80000017;
inline constexpr std::uint32_t kTagDedup = 0x80000013;
inline constexpr std::uint32_t kTagCloud = 0x9000001A;
inline constexpr std::uint32_t kTagCloudMask = 0xFFFF0FFF;  ///< of a cloud tag; bits 12 to 15 vary

/// Whether a directory or file with this tag stands for another one.
[[nodiscard]] constexpr bool is_link(std::uint32_t tag) {
  return tag == kTagMountPoint || tag == kTagSymlink;
}

}  // namespace vhdboot::volume
