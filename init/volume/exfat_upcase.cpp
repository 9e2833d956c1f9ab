// SPDX-License-Identifier: GPL-2.0-or-later
#include "init/volume/exfat_upcase.h"

#include <bit>
#include <utility>

namespace vhdboot::volume {
namespace {
constexpr std::size_t kCodeUnits = 0x10000;
constexpr std::uint16_t kIdentityRun = 0xFFFF;  // the next unit counts the code units that map to themselves
}  // namespace

std::uint32_t upcase_checksum(Bytes table) {
  std::uint32_t sum = 0;
  for (const std::byte b : table) sum = (sum << 31 | sum >> 1) + std::to_integer<std::uint32_t>(b);
  return sum;
}

Result<UpcaseTable> UpcaseTable::parse(Bytes table, std::uint32_t checksum) {
  if (upcase_checksum(table) != checksum) return fail(Code::Corrupt, "its checksum is wrong");
  UpcaseTable out;
  out.map_.reserve(kCodeUnits);
  for (std::uint64_t at = 0; at + 1 < table.size(); at += 2) {
    const std::uint16_t unit = *load_le<std::uint16_t>(table, at);
    // As the very last unit of a table that writes everything out, 0xFFFF is itself.
    if (unit == kIdentityRun && at + 3 < table.size()) {
      at += 2;
      const std::size_t end = out.map_.size() + *load_le<std::uint16_t>(table, at);
      if (end > kCodeUnits) return fail(Code::Corrupt, "it describes too many characters");
      while (out.map_.size() < end) out.map_.push_back(static_cast<char16_t>(out.map_.size()));
    } else {
      if (out.map_.size() >= kCodeUnits) return fail(Code::Corrupt, "it describes too many characters");
      out.map_.push_back(static_cast<char16_t>(unit));
    }
  }
  return out;
}

std::u16string UpcaseTable::upcase(std::u16string_view name) const {
  std::u16string out(name);
  for (char16_t& unit : out)
    if (unit < map_.size()) unit = map_[unit];
  return out;
}

std::uint16_t name_hash(std::u16string_view upcased) {
  std::uint16_t hash = 0;
  const auto add = [&](unsigned byte) { hash = static_cast<std::uint16_t>(std::rotr(hash, 1) + byte); };
  for (const char16_t unit : upcased) {
    add(unit & 0xFF);
    add(unit >> 8);
  }
  return hash;
}

}  // namespace vhdboot::volume
