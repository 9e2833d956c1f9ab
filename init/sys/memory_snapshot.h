// SPDX-License-Identifier: GPL-2.0-or-later
// A device that may be written to although the one it shows may not: what is written stays in memory, and is forgotten.
#pragma once

#include <string>

#include "base/result.h"
#include "init/sys/block.h"
#include "init/sys/device_mapper.h"
#include "init/sys/memory_store.h"

namespace vhdboot::sys {

/// Gone when the object ends; before that nothing may use it any more.
class MemorySnapshot {
 public:
  /// `name` is its device-mapper name. Once `most` bytes have been written every write fails.
  [[nodiscard]] static Result<MemorySnapshot> make(const BlockDevice& origin, const std::string& name,
                                                   std::uint64_t most);

  [[nodiscard]] std::string path() const { return map_.path(); }

 private:
  MemorySnapshot(MemoryStore store, MappedDevice map) : store_(std::move(store)), map_(std::move(map)) {}
  // Destroyed from the last to the first.
  MemoryStore store_;
  MappedDevice map_;
};

}  // namespace vhdboot::sys
