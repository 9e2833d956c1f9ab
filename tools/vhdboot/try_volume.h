// SPDX-License-Identifier: GPL-2.0-or-later
// A throw-away exFAT volume (Microsoft's exFAT specification) around a file that stays where it is: what is in front of
// the file's bytes and behind them. A virtual machine sees the three in a row as one disk.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace vhdboot::command {

struct TryVolume {
  std::vector<std::byte> head;  ///< boot regions, FAT, bitmap, up-case table, root directory
  std::uint64_t tail = 0;       ///< zeros behind the file, bytes

  friend bool operator==(const TryVolume&, const TryVolume&) = default;
};

/// The volume with nothing but the file `name` of `size` bytes, in one piece, in its root. Invalid for a name that
/// exFAT does not take; Unsupported for a size that is no multiple of 512, or too large for this program (16 TiB).
[[nodiscard]] Result<TryVolume> lay_out_try_volume(std::string_view name, std::uint64_t size);

/// The description of the disk for QEMU (VMDK with flat extents): the files one after the other, sizes in bytes.
/// Invalid for a path that cannot be written there.
struct TryPiece {
  std::string path;
  std::uint64_t size = 0;
};
[[nodiscard]] Result<std::string> describe_try_disk(const std::vector<TryPiece>& pieces);

}  // namespace vhdboot::command
