// SPDX-License-Identifier: GPL-2.0-or-later
#include "init/arrive/sha_instructions.h"

#include <cpuid.h>
#include <immintrin.h>

#include <array>
#include <cstdint>

namespace vhdboot::arrive {
namespace {

constexpr std::size_t kPiece = 64;

bool ask_processor() {
  unsigned eax = 0;
  unsigned ebx = 0;
  unsigned ecx = 0;
  unsigned edx = 0;
  constexpr unsigned kSsse3AndSse41 = 1U << 9 | 1U << 19;
  if (__get_cpuid(1, &eax, &ebx, &ecx, &edx) == 0 || (ecx & kSsse3AndSse41) != kSsse3AndSse41) return false;
  constexpr unsigned kSha = 1U << 29;
  return __get_cpuid_count(7, 0, &eax, &ebx, &ecx, &edx) != 0 && (ebx & kSha) != 0;
}

// The order of the words in the registers, and the rounds: Intel SHA Extensions, 2013.
struct State {
  __m128i abef;
  __m128i cdgh;
};

// Four rounds, from round `round` on with the words in `w0`, which become those of 16 rounds later.
[[gnu::target("sha,sse4.1"), gnu::always_inline]] inline void four_rounds(State& state, __m128i& w0, const __m128i& w1,
                                                                          const __m128i& w2, const __m128i& w3,
                                                                          std::size_t round) {
  const auto* const constants = reinterpret_cast<const __m128i*>(&sha256_detail::kConstants[round]);
  const __m128i words = _mm_add_epi32(w0, _mm_loadu_si128(constants));
  state.cdgh = _mm_sha256rnds2_epu32(state.cdgh, state.abef, words);
  state.abef = _mm_sha256rnds2_epu32(state.abef, state.cdgh, _mm_shuffle_epi32(words, 0x0E));
  w0 = _mm_add_epi32(_mm_sha256msg1_epu32(w0, w1), _mm_alignr_epi8(w3, w2, 4));
  w0 = _mm_sha256msg2_epu32(w0, w3);
}

[[gnu::target("sha,sse4.1")]] void take_pieces(std::array<std::uint32_t, 8>& words, Bytes pieces) {
  const __m128i big_endian = _mm_set_epi64x(0x0c0d0e0f08090a0b, 0x0405060700010203);
  auto* const place = reinterpret_cast<__m128i*>(words.data());
  const __m128i badc = _mm_shuffle_epi32(_mm_loadu_si128(place), 0xB1);
  const __m128i efgh = _mm_shuffle_epi32(_mm_loadu_si128(place + 1), 0x1B);
  State state{.abef = _mm_alignr_epi8(badc, efgh, 8), .cdgh = _mm_blend_epi16(efgh, badc, 0xF0)};
  for (; !pieces.empty(); pieces = pieces.subspan(kPiece)) {
    const State before = state;
    const auto* const from = reinterpret_cast<const __m128i*>(pieces.data());
    __m128i w0 = _mm_shuffle_epi8(_mm_loadu_si128(from), big_endian);
    __m128i w1 = _mm_shuffle_epi8(_mm_loadu_si128(from + 1), big_endian);
    __m128i w2 = _mm_shuffle_epi8(_mm_loadu_si128(from + 2), big_endian);
    __m128i w3 = _mm_shuffle_epi8(_mm_loadu_si128(from + 3), big_endian);
    for (std::size_t round = 0; round < 64; round += 16) {
      four_rounds(state, w0, w1, w2, w3, round);
      four_rounds(state, w1, w2, w3, w0, round + 4);
      four_rounds(state, w2, w3, w0, w1, round + 8);
      four_rounds(state, w3, w0, w1, w2, round + 12);
    }
    state = {_mm_add_epi32(state.abef, before.abef), _mm_add_epi32(state.cdgh, before.cdgh)};
  }
  const __m128i feba = _mm_shuffle_epi32(state.abef, 0x1B);
  const __m128i dchg = _mm_shuffle_epi32(state.cdgh, 0xB1);
  _mm_storeu_si128(place, _mm_blend_epi16(feba, dchg, 0xF0));
  _mm_storeu_si128(place + 1, _mm_alignr_epi8(dchg, feba, 8));
}

}  // namespace

bool have_sha_instructions() {
  static const bool have = ask_processor();
  return have;
}

Sha256Digest sha256_by_instructions(Bytes padded) {
  std::array<std::uint32_t, 8> words = sha256_detail::kInitial;
  take_pieces(words, padded);
  Sha256Digest digest{};
  for (std::size_t i = 0; i < words.size(); ++i) static_cast<void>(store_be<std::uint32_t>(digest, 4 * i, words[i]));
  return digest;
}

}  // namespace vhdboot::arrive
