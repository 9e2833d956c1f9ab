// SPDX-License-Identifier: GPL-2.0-or-later
#include "init/volume/lznt1.h"

#include <algorithm>
#include <bit>
#include <cstdint>

namespace vhdboot::volume {
namespace {

constexpr std::size_t kChunk = 4096;
constexpr std::uint16_t kCompressed = 0x8000;

std::unexpected<Error> damaged() {
  return fail(Code::Corrupt, "what Windows compressed is damaged");
}

/// One compressed chunk into `out`, which is at most kChunk long and zero.
Result<void> decompress_chunk(Bytes in, MutableBytes out) {
  std::size_t done = 0;
  for (std::size_t at = 0; at < in.size();) {
    auto tokens = std::to_integer<unsigned>(in[at++]);
    for (int token = 0; token < 8 && at < in.size(); ++token, tokens >>= 1) {
      if ((tokens & 1) == 0) {
        if (done == out.size()) return damaged();
        out[done++] = in[at++];
        continue;
      }
      const auto copy = load_le<std::uint16_t>(in, at);
      if (!copy || done == 0) return damaged();
      at += sizeof(*copy);
      // The further on, the more of the 16 bits are the way back: 4 up to the 16th byte, 12 in the last half.
      const auto back_bits = std::max(4, static_cast<int>(std::bit_width(done - 1)));
      const int length_bits = 16 - back_bits;
      const std::size_t back = static_cast<std::size_t>(*copy >> length_bits) + 1;
      const std::size_t length = (*copy & ((1u << length_bits) - 1)) + 3;
      if (back > done || length > out.size() - done) return damaged();
      for (std::size_t i = 0; i < length; ++i, ++done) out[done] = out[done - back];  // may overlap
    }
  }
  return {};
}

}  // namespace

Result<std::vector<std::byte>> lznt1_decompress(Bytes input, std::size_t size) {
  std::vector<std::byte> out(size);
  std::size_t at = 0;
  for (std::size_t done = 0; done < size; done += kChunk) {
    const auto header = load_le<std::uint16_t>(input, at);
    if (!header || *header == 0) break;
    at += sizeof(*header);
    const auto chunk = slice(input, at, (*header & 0xFFFu) + 1);
    if (!chunk) return damaged();
    at += chunk->size();
    const MutableBytes place = MutableBytes(out).subspan(done, std::min(kChunk, size - done));
    if ((*header & kCompressed) == 0) {
      if (chunk->size() > place.size()) return damaged();
      std::ranges::copy(*chunk, place.begin());
      continue;
    }
    if (auto made = decompress_chunk(*chunk, place); !made) return std::unexpected(made.error());
  }
  return out;
}

}  // namespace vhdboot::volume
