// SPDX-License-Identifier: GPL-2.0-or-later
// Input: what a child calls its parent. Wherever that is looked for is a file on a volume, and no place comes twice.
#include "init/blocks/parent_places.h"

#include <algorithm>
#include <cstdlib>

#include "base/bytes.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace vhdboot;
  using namespace vhdboot::blocks;
  const auto text = as_text({reinterpret_cast<const std::byte*>(data), size});
  const auto child = volume::parse_path("/vm/new/child.vhdx").value();
  const auto places = parent_places(child, text, true);
  if (places.size() > 3) std::abort();
  for (const volume::Path& place : places) {
    if (place.is_root() || volume::parse_path(place.text()) != place) std::abort();
    if (std::ranges::count(places, place) != 1) std::abort();
  }
  const auto absolute = absolute_place(text);
  if (absolute && std::ranges::find(places, *absolute) == places.end()) std::abort();
  return 0;
}
