// SPDX-License-Identifier: GPL-2.0-or-later
// Whatever the file, every section that is reported lies within it.
#include <cstdlib>

#include "entry/pe.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace vhdboot;
  const Bytes bytes(reinterpret_cast<const std::byte*>(data), size);
  const auto pe = entry::parse_pe(MemorySource(bytes));
  if (!pe) return pe.error().text.empty() ? std::abort(), 0 : 0;
  if (pe->sections.size() > entry::kMaxSections) std::abort();
  for (const auto& section : pe->sections) {
    if (section.name.size() > 8 || !slice(bytes, section.data.offset, section.data.length)) std::abort();
    for (const auto& other : pe->sections)
      if (&other != &section && !section.data.empty() && !other.data.empty() &&
          section.data.offset < other.data.offset + other.data.length &&
          other.data.offset < section.data.offset + section.data.length)
        std::abort();
  }
  return 0;
}
