// SPDX-License-Identifier: GPL-2.0-or-later
// A PE file as firmware lays it out in memory.
#pragma once

#include <string_view>
#include <vector>

#include "tests/unit/efi/device_paths.h"

namespace vhdboot::efi::test {

struct Section {
  std::string_view name;
  std::string_view contents;
};

/// Offsets of fields, for tests that damage them.
inline constexpr std::size_t kPeHeader = 0x80;
inline constexpr std::size_t kSectionTable = kPeHeader + 24 + 0xF0;

/// Sections on pages of their own, in this order; SizeOfRawData is larger than VirtualSize, as linkers pad it.
inline Buffer pe_image(const std::vector<Section>& sections) {
  Buffer image(0x1000 * (1 + sections.size()), std::byte{0xCC});
  const auto put = [&](std::size_t at, std::string_view text) {
    for (std::size_t i = 0; i < text.size(); ++i) image[at + i] = static_cast<std::byte>(text[i]);
  };
  bool ok = true;
  put(0, "MZ");
  ok &= store_le<std::uint32_t>(image, 0x3C, kPeHeader);
  put(kPeHeader, std::string_view("PE\0\0", 4));
  ok &= store_le<std::uint16_t>(image, kPeHeader + 6, static_cast<std::uint16_t>(sections.size()));
  ok &= store_le<std::uint16_t>(image, kPeHeader + 20, 0xF0);
  for (std::size_t i = 0; i < sections.size(); ++i) {
    const std::size_t header = kSectionTable + 40 * i;
    const std::size_t address = 0x1000 * (1 + i);
    put(header, std::string_view("\0\0\0\0\0\0\0\0", 8));
    put(header, sections[i].name);
    ok &= store_le<std::uint32_t>(image, header + 8, static_cast<std::uint32_t>(sections[i].contents.size()));
    ok &= store_le<std::uint32_t>(image, header + 12, static_cast<std::uint32_t>(address));
    ok &= store_le<std::uint32_t>(image, header + 16, 0x1000);
    put(address, sections[i].contents);
  }
  return ok ? image : Buffer();
}

}  // namespace vhdboot::efi::test
