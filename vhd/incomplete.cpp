// SPDX-License-Identifier: GPL-2.0-or-later
#include "vhd/incomplete.h"

#include <algorithm>
#include <string_view>

#include "base/crc32.h"

namespace vhdboot::vhd {
namespace {

// What a person sees who looks at the end of the file.
constexpr std::string_view kText = "vhdpart\nThis disk image is not complete: vhdtool fetch brings the rest.\n";
constexpr std::size_t kCookie = 8;
constexpr std::size_t kIdAt = 128;
constexpr std::size_t kStartsAt = 144;
constexpr std::size_t kCrcAt = kIncompleteSize - 4;

}  // namespace

std::array<std::byte, kIncompleteSize> serialise(const IncompleteMark& mark) {
  std::array<std::byte, kIncompleteSize> sector{};
  static_assert(kText.size() < kIdAt);
  std::ranges::copy(as_bytes(kText), sector.begin());
  std::ranges::copy(mark.id, sector.begin() + kIdAt);
  (void)store_le(MutableBytes(sector), kStartsAt, mark.starts);
  (void)store_le(MutableBytes(sector), kCrcAt, crc32(Bytes(sector).first(kCrcAt)));
  return sector;
}

bool is_incomplete(Bytes sector) {
  return as_text(sector).starts_with(kText.substr(0, kCookie));
}

std::optional<IncompleteMark> parse_incomplete(Bytes sector) {
  if (sector.size() != kIncompleteSize || !is_incomplete(sector)) return std::nullopt;
  if (load_le<std::uint32_t>(sector, kCrcAt) != crc32(sector.first(kCrcAt))) return std::nullopt;
  IncompleteMark mark;
  std::ranges::copy(sector.subspan(kIdAt, mark.id.size()), mark.id.begin());
  mark.starts = load_le<std::uint64_t>(sector, kStartsAt).value_or(0);
  return mark;
}

}  // namespace vhdboot::vhd
