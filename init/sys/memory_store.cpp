// SPDX-License-Identifier: GPL-2.0-or-later
#include "init/sys/memory_store.h"

#include <fcntl.h>
#include <unistd.h>

#include "init/sys/block.h"
#include "init/sys/mount.h"

namespace vhdboot::sys {

Result<MemoryStore> MemoryStore::make(const std::string& name, std::uint64_t size) {
  // The guest's programs count their loop devices from 0 on.
  constexpr int kFirstNumber = 900;
  const Fd folder = TRY(mount_detached("ramfs", "ramfs"));
  const Fd file(::openat(folder.get(), "store", O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  if (!file || ::ftruncate(file.get(), static_cast<off_t>(size)) < 0) return fail_errno("taking memory for a snapshot");
  auto loop =
      TRY(LoopDevice::attach(file, name, {.read_only = false, .direct_io = false, .first_number = kFirstNumber}));
  auto numbers = TRY(block_device(loop.name())).numbers;
  return MemoryStore(std::move(loop), std::move(numbers));
}

}  // namespace vhdboot::sys
