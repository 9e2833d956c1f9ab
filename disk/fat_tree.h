// SPDX-License-Identifier: GPL-2.0-or-later
// A FAT volume as a tree of files, without mounting it.
#pragma once

#include <map>
#include <memory>
#include <string>

#include "base/byte_source.h"
#include "disk/fat.h"
#include "disk/file_tree.h"

namespace vhdboot::disk {

class FatTree final : public FileTree {
 public:
  /// The volume on `partition`. Errors as FatVolume::open().
  [[nodiscard]] static Result<std::unique_ptr<FatTree>> open(std::unique_ptr<ByteSource> partition);

  [[nodiscard]] bool has(const std::string& path) const override;
  [[nodiscard]] bool is_folder(const std::string& path) const override;
  [[nodiscard]] std::vector<std::string> list(const std::string& path) const override;
  [[nodiscard]] Result<std::unique_ptr<ByteSource>> open(const std::string& path) const override;
  [[nodiscard]] Result<std::vector<std::byte>> read(const std::string& path, std::uint64_t cap) const override;

 private:
  using Directory = std::map<std::string, FatEntry>;  // by name in lower case

  FatTree(std::unique_ptr<ByteSource> partition, FatVolume volume)
      : partition_(std::move(partition)), volume_(std::move(volume)) {}

  [[nodiscard]] Result<FatEntry> find(const std::string& path) const;
  [[nodiscard]] const Directory& contents(const FatEntry& directory) const;

  std::unique_ptr<ByteSource> partition_;
  FatVolume volume_;
  mutable std::map<std::uint32_t, Directory> directories_;  // by first cluster; each is read once
};

}  // namespace vhdboot::disk
