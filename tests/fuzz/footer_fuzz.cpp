// SPDX-License-Identifier: GPL-2.0-or-later
// Footers: whatever is accepted comes back from its own bytes; with a repaired checksum every field is reached.
#include <cstdlib>
#include <cstring>

#include "vhd/footer.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace vhdboot;
  using namespace vhdboot::vhd;
  static_cast<void>(parse_footer({reinterpret_cast<const std::byte*>(data), size}));

  FooterBytes sector{};
  if (size > 0) std::memcpy(sector.data(), data, size < sector.size() ? size : sector.size());
  std::memcpy(sector.data(), "conectix", 8);
  std::uint32_t sum = 0;
  for (std::size_t i = 0; i < sector.size(); ++i)
    if (i < 64 || i > 67) sum += std::to_integer<std::uint32_t>(sector[i]);
  static_cast<void>(store_be<std::uint32_t>(sector, 64, ~sum));
  const auto footer = parse_footer(sector);
  if (!footer) return footer.error().code == Code::Unsupported ? 0 : (std::abort(), 0);
  const auto again = parse_footer(serialise(*footer));
  if (!again || *again != *footer) std::abort();
  static_cast<void>(resized(*footer, footer->current_size));
  return 0;
}
