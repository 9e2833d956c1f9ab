// SPDX-License-Identifier: GPL-2.0-or-later
// Input: the start of a physical volume of LVM.
#include "disk/lvm_label.h"
#include "tests/fuzz/check.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace vhdboot;
  const MemorySource device({reinterpret_cast<const std::byte*>(data), size});
  const auto group = disk::read_volume_group(device);
  check(!group || (!group->empty() && group->size() <= 127));
  const auto volume = disk::read_physical_volume(device);
  check(!volume || (volume->id.size() == 32 && volume->metadata.size() <= disk::kMaxLvmText));
  check(!volume || !group || volume->metadata.starts_with(*group));
  return 0;
}
