// SPDX-License-Identifier: GPL-2.0-or-later
// Input: the start of a physical volume of LVM.
#include "disk/lvm_label.h"

#include <cstdlib>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace vhdboot;
  const auto group = disk::read_volume_group(MemorySource({reinterpret_cast<const std::byte*>(data), size}));
  if (group && (group->empty() || group->size() > 127)) std::abort();
  return 0;
}
