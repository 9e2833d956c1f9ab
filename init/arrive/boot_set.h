// SPDX-License-Identifier: GPL-2.0-or-later
// Which blocks of an image a boot needs, in the order in which it needs them: the text FILE.boot-set beside the image
// on a server. After a line "vhdboot-boot-set/1 BLOCKS", how many blocks the image has, there is a line "FIRST COUNT"
// for each run of them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "init/arrive/hash_tree.h"

namespace vhdboot::arrive {

inline constexpr std::size_t kMostBootSetBytes = 4 << 20;

[[nodiscard]] inline std::string boot_set_path(const std::string& path) {
  return path + ".boot-set";
}

[[nodiscard]] std::string to_text(const std::vector<Blocks>& blocks, std::uint64_t data_blocks);
/// Of an image of `data_blocks`. Corrupt: it is no such list, with its line; Unsafe: one of another image.
[[nodiscard]] Result<std::vector<Blocks>> parse_boot_set(std::string_view text, std::uint64_t data_blocks);

}  // namespace vhdboot::arrive
