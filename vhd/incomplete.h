// SPDX-License-Identifier: GPL-2.0-or-later
// The end of a fixed VHD that is not complete yet (init/arrive/block_map.h): in place of its footer a mark, by which
// every program of ours knows it and refuses it as an image, and which belongs to one map beside it.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "base/bytes.h"

namespace vhdboot::vhd {

inline constexpr std::size_t kIncompleteSize = 512;

struct IncompleteMark {
  std::array<std::byte, 16> id{};  ///< random, of this file and its map
  std::uint64_t starts = 0;        ///< how often a guest was started from it: an older copy has another number

  friend bool operator==(const IncompleteMark&, const IncompleteMark&) = default;
};

[[nodiscard]] std::array<std::byte, kIncompleteSize> serialise(const IncompleteMark& mark);
/// Nothing for what is no such mark, or a damaged one.
[[nodiscard]] std::optional<IncompleteMark> parse_incomplete(Bytes sector);
/// Whether it was meant to be one.
[[nodiscard]] bool is_incomplete(Bytes sector);

}  // namespace vhdboot::vhd
