// SPDX-License-Identifier: GPL-2.0-or-later
// Decompressors that work in a child, one for each stream (init/sys/confined_child.h): it holds a socket and nothing
// else. In a boot it is a program of its own, so that process 1 has no code that decompresses.
#pragma once

#include <chrono>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/units.h"
#include "init/modules/decompress.h"
#include "init/sys/confined_child.h"

namespace vhdboot::sys {

/// What the child is given.
struct UnpackTask : ChildTask {
  modules::Compression compression = modules::Compression::None;
};

/// What the child does; it does not return.
using UnpackChild = std::function<void(const UnpackTask&)>;

/// The child executes the program vhdboot-unpack at `path`.
[[nodiscard]] UnpackChild unpack_program(std::string path);
/// The task of vhdboot-unpack, from its arguments; nothing when a person has started it.
[[nodiscard]] std::optional<UnpackTask> unpack_task(std::span<const std::string_view> words);

struct UnpackOptions {
  /// xz and zstd take up to 128 MiB; the time is that of 4 GiB on a slow machine.
  ChildLimits limits = {.memory = 160 * kMiB, .cpu_seconds = 600};
  std::chrono::milliseconds answer_time = std::chrono::seconds(30);  ///< in which each answer has to come
  std::chrono::milliseconds stream_time = std::chrono::minutes(10);  ///< in which all have to
};

/// Each has a child of its own. Io when that cannot be started, crashes or answers what cannot be true, Timeout when it
/// takes too long, NoMemory when it needs too much: a clause that says so.
[[nodiscard]] modules::MakeDecompressor decompressors_in(UnpackChild child, UnpackOptions options = {});

}  // namespace vhdboot::sys
