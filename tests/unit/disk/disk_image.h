// SPDX-License-Identifier: GPL-2.0-or-later
// Disk images in memory, partitioned by the programs that everybody uses.
#pragma once

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "tests/unit/base/oracle.h"

namespace vhdboot::test {

using Disk = std::vector<std::byte>;

inline constexpr std::string_view kPath = "PATH=\"$PATH:/usr/sbin:/sbin\" ";

[[nodiscard]] inline bool have_in_sbin(std::string_view program) {
  return output_of(std::string(kPath) + "; command -v " + std::string(program)).has_value();
}

/// An empty disk of `bytes`, after `commands` were run with $DISK as its path; nothing when one of them failed.
[[nodiscard]] inline std::optional<Disk> make_disk(std::uint64_t bytes, const std::string& commands) {
  const ScratchFolder folder;
  const auto file = folder.path() / "disk";
  const std::string script = std::string(kPath) + "; export PATH; DISK=" + file.string() + "; set -e; truncate -s " +
                             std::to_string(bytes) + " $DISK; exec >/dev/null 2>&1; " + commands;
  if (!output_of(script)) return std::nullopt;
  Disk disk(std::filesystem::file_size(file));
  std::ifstream in(file, std::ios::binary);
  if (!in.read(reinterpret_cast<char*>(disk.data()), static_cast<std::streamsize>(disk.size()))) return std::nullopt;
  return disk;
}

}  // namespace vhdboot::test
