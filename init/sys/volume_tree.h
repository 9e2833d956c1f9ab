// SPDX-License-Identifier: GPL-2.0-or-later
// A host volume as a file system, for small files.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "disk/file_tree.h"
#include "init/volume/volume.h"

namespace vhdboot::sys {

class VolumeTree final : public disk::FileTree {
 public:
  /// Borrows the volume.
  explicit VolumeTree(volume::HostVolume& volume) : volume_(volume) {}

  [[nodiscard]] bool has(const std::string& path) const override;
  [[nodiscard]] bool is_folder(const std::string& path) const override;
  [[nodiscard]] std::vector<std::string> list(const std::string& path) const override;
  /// All of it in memory; NoMemory for a file of more than kMaxOpened bytes.
  [[nodiscard]] Result<std::unique_ptr<ByteSource>> open(const std::string& path) const override;
  [[nodiscard]] Result<std::vector<std::byte>> read(const std::string& path, std::uint64_t cap) const override;

  static constexpr std::uint64_t kMaxOpened = 16 << 20;

 private:
  volume::HostVolume& volume_;
};

}  // namespace vhdboot::sys
