// SPDX-License-Identifier: GPL-2.0-or-later
#include "init/sys/memory_snapshot.h"

#include <sys/mman.h>
#include <unistd.h>

#include <array>

#include "base/text.h"
#include "base/units.h"
#include "init/blocks/row.h"
#include "init/blocks/writer.h"

namespace vhdboot::sys {

Result<MemorySnapshot> MemorySnapshot::make(const BlockDevice& origin, const std::string& name, std::uint64_t most) {
  const Fd memory(::memfd_create(name.c_str(), MFD_CLOEXEC));
  if (!memory || ::ftruncate(memory.get(), static_cast<off_t>(blocks::whole_store(most))) < 0)
    return fail_errno("taking memory for a snapshot");
  auto store = TRY(LoopDevice::attach(memory, name, {.read_only = false, .direct_io = false}));
  const BlockDevice store_device = TRY(block_device(store.name()));
  const std::array rows{
      blocks::Row{.kind = blocks::RowKind::Snapshot, .length = origin.size / kSectorSize, .device = 0, .store = 1}};
  auto map = TRY(MappedDevice::create(name, concat("VHDBOOT-", name), rows,
                                      std::array{origin.numbers, store_device.numbers}, false));
  return MemorySnapshot(std::move(store), std::move(map));
}

}  // namespace vhdboot::sys
