// SPDX-License-Identifier: GPL-2.0-or-later
#include "efi/pe_sections.h"

#include <cstdint>

namespace vhdboot::efi {

namespace {

constexpr std::uint64_t kPeOffsetField = 0x3C;
constexpr std::uint64_t kCoffHeaderSize = 24;  // with the signature "PE\0\0"
constexpr std::uint64_t kSectionSize = 40;
constexpr std::size_t kNameSize = 8;

bool has_name(Bytes section_header, std::string_view name) {
  const std::string_view field = as_text(section_header.first(kNameSize));
  return field.substr(0, name.size()) == name && field.find_first_not_of('\0', name.size()) == std::string_view::npos;
}

}  // namespace

std::optional<Bytes> find_section(Bytes image, std::string_view name) {
  if (name.empty() || name.size() > kNameSize) return std::nullopt;
  const auto dos_magic = slice(image, 0, 2);
  const auto pe_offset = load_le<std::uint32_t>(image, kPeOffsetField);
  if (!dos_magic || as_text(*dos_magic) != "MZ" || !pe_offset) return std::nullopt;

  const auto coff = slice(image, *pe_offset, kCoffHeaderSize);
  if (!coff || as_text(coff->first(4)) != std::string_view("PE\0\0", 4)) return std::nullopt;
  const std::uint64_t count = *load_le<std::uint16_t>(*coff, 6);
  const std::uint64_t optional_header_size = *load_le<std::uint16_t>(*coff, 20);

  const std::uint64_t table = *pe_offset + kCoffHeaderSize + optional_header_size;
  for (std::uint64_t i = 0; i < count; ++i) {
    const auto header = slice(image, table + i * kSectionSize, kSectionSize);
    if (!header) return std::nullopt;
    if (!has_name(*header, name)) continue;
    return slice(image, *load_le<std::uint32_t>(*header, 12), *load_le<std::uint32_t>(*header, 8));
  }
  return std::nullopt;
}

}  // namespace vhdboot::efi
