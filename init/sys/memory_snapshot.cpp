// SPDX-License-Identifier: GPL-2.0-or-later
#include "init/sys/memory_snapshot.h"

#include <array>

#include "base/text.h"
#include "base/units.h"
#include "init/blocks/row.h"
#include "init/blocks/writer.h"

namespace vhdboot::sys {

Result<MemorySnapshot> MemorySnapshot::make(const BlockDevice& origin, const std::string& name, std::uint64_t most) {
  auto store = TRY(MemoryStore::make(name, blocks::whole_store(most)));
  const std::array rows{
      blocks::Row{.kind = blocks::RowKind::Snapshot, .length = origin.size / kSectorSize, .device = 0, .store = 1}};
  auto map = TRY(
      MappedDevice::create(name, concat("VHDBOOT-", name), rows, std::array{origin.numbers, store.numbers()}, false));
  return MemorySnapshot(std::move(store), std::move(map));
}

}  // namespace vhdboot::sys
