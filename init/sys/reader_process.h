// SPDX-License-Identifier: GPL-2.0-or-later
// What a reader process does: it gives up its rights, in an order that leaves none, and answers what it is asked.
#pragma once

#include <functional>
#include <memory>

#include "base/byte_source.h"
#include "base/fd.h"
#include "base/result.h"
#include "init/sys/devices.h"
#include "init/sys/reader.h"
#include "init/volume/volume.h"

namespace vhdboot::sys {

/// What it does once it has given up its rights.
using ReaderWork = std::function<void(const ByteSource& partition, const Fd& socket)>;

/// Says what was opened, and answers until the socket closes. `partition`: that of the volume.
void serve(const Result<std::unique_ptr<volume::HostVolume>>& opened, const ByteSource& partition, const Fd& socket);
/// The same with the volume on `partition`.
void serve_volume(const ByteSource& partition, const Fd& socket);

/// The child is a copy of this process, or is already what it shall be, and does `work`.
[[nodiscard]] ReaderChild reader_here(ReaderWork work = serve_volume);

/// Children that are copies of this process. Not in devices.h: who executes vhdboot-reader has none of this code.
[[nodiscard]] DiskReaders readers_here();

}  // namespace vhdboot::sys
