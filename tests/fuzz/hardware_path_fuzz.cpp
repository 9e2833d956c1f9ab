// SPDX-License-Identifier: GPL-2.0-or-later
// Whatever a device path leads to is a place that has a text, which is the same place; and no text is more than that.
// The first byte says how much of the rest is a device path; what follows is the text of another place.
#include <algorithm>
#include <cstdlib>

#include "disk/hardware_path.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace vhdboot;
  using disk::SamePlace;
  if (size == 0) return 0;
  const std::size_t cut = std::min<std::size_t>(data[0], size - 1);
  const Bytes bytes(reinterpret_cast<const std::byte*>(data + 1), size - 1);
  const auto place = disk::parse_device_path(bytes.first(cut));
  if (place.size() > disk::kMaxHardwareSteps) std::abort();
  if (!place.empty() && disk::parse_hardware_path(disk::to_text(place)) != place) std::abort();
  const auto other = disk::parse_hardware_path(as_text(bytes.subspan(cut)));
  if (other && disk::parse_hardware_path(disk::to_text(*other)) != *other) std::abort();
  for (const auto& one : {place, other.value_or(disk::HardwarePath())}) {
    if (disk::compare(one, one) == SamePlace::No) std::abort();
    if (disk::compare(one, place) != disk::compare(place, one)) std::abort();
  }
  return 0;
}
