// SPDX-License-Identifier: GPL-2.0-or-later
// A volume as the input of a fuzzer: only what is not zero, so that a mutation hits something that matters and the
// corpus stays small. The size in sectors (u32), then pieces, each by its kind:
//   0: offset (u32), length (u16), that many bytes
//   1: offset (u32), length (u32), the byte that fills it
//   2: offset (u32): NTFS's usual $UpCase table
// What does not fit, or is cut off, ends the list.
#pragma once

#include <algorithm>
#include <cstdint>
#include <functional>
#include <vector>

#include "base/units.h"
#include "tests/support/sparse_image.h"

namespace vhdboot::test {

inline constexpr std::uint64_t kMaxDecodedSize = 64 * kMiB;

/// `upcase` is what kind 2 stands for.
inline SparseImage decode_sparse(Bytes in, Bytes upcase = {}) {
  std::uint64_t at = 0;
  std::uint64_t filled = 0;
  const auto sectors = load_le<std::uint32_t>(in, at);
  SparseImage image(std::min<std::uint64_t>(sectors.value_or(0) * kSectorSize, kMaxDecodedSize));
  at += 4;
  for (;;) {
    const auto kind = load_le<std::uint8_t>(in, at);
    const auto offset = load_le<std::uint32_t>(in, at + 1);
    if (!kind || !offset) break;
    at += 5;
    if (*kind == 0) {
      const auto length = load_le<std::uint16_t>(in, at);
      const auto bytes = slice(in, at + 2, length.value_or(0));
      if (!length || !bytes) break;
      image.write(*offset, *bytes);
      at += 2 + *length;
    } else if (*kind == 1) {
      const auto length = load_le<std::uint32_t>(in, at);
      const auto value = load_le<std::uint8_t>(in, at + 4);
      if (!length || !value) break;
      filled += *length;
      if (filled > kMiB) break;
      image.write(*offset, std::vector<std::byte>(*length, static_cast<std::byte>(*value)));
      at += 5;
    } else if (*kind == 2) {
      filled += upcase.size();
      if (filled > kMiB) break;
      image.write(*offset, upcase);
    } else {
      break;
    }
  }
  return image;
}

/// What decode_sparse() makes the same image of.
inline std::vector<std::byte> encode_sparse(const SparseImage& image, Bytes upcase = {}) {
  constexpr std::uint64_t kBlock = 512;
  std::vector<std::byte> out;
  const auto put = [&]<class T>(T value) {
    out.resize(out.size() + sizeof(T));
    (void)store_le(MutableBytes(out), out.size() - sizeof(T), value);
  };
  put(static_cast<std::uint32_t>(image.size() / kSectorSize));
  std::vector<std::byte> block(kBlock);
  std::vector<std::byte> table(upcase.size());
  const auto uniform = [&](std::byte value) {
    return std::ranges::all_of(block, [&](std::byte b) { return b == value; });
  };
  for (std::uint64_t at = 0; at < image.size();) {
    block.resize(static_cast<std::size_t>(std::min(kBlock, image.size() - at)));
    if (!image.read(at, block)) break;
    if (!upcase.empty() && std::ranges::equal(block, upcase.first(block.size())) && image.read(at, table) &&
        std::ranges::equal(table, upcase)) {
      put(std::uint8_t{2});
      put(static_cast<std::uint32_t>(at));
      at += upcase.size();
      continue;
    }
    if (!uniform(block.front())) {
      // From the first to the last byte that is not zero.
      std::size_t first = 0;
      while (block[first] == std::byte{0}) ++first;
      std::size_t last = block.size();
      while (block[last - 1] == std::byte{0}) --last;
      put(std::uint8_t{0});
      put(static_cast<std::uint32_t>(at + first));
      put(static_cast<std::uint16_t>(last - first));
      out.insert(out.end(), block.begin() + static_cast<std::ptrdiff_t>(first),
                 block.begin() + static_cast<std::ptrdiff_t>(last));
      at += block.size();
      continue;
    }
    const std::byte value = block.front();
    const std::uint64_t start = at;
    do {
      at += block.size();
    } while (at + kBlock <= image.size() && image.read(at, block) && uniform(value));
    if (value == std::byte{0}) continue;
    put(std::uint8_t{1});
    put(static_cast<std::uint32_t>(start));
    put(static_cast<std::uint32_t>(at - start));
    put(std::to_integer<std::uint8_t>(value));
  }
  return out;
}

}  // namespace vhdboot::test
