// SPDX-License-Identifier: GPL-2.0-or-later
// The partition, or the file, that holds a volume which nobody has mounted.
#pragma once

#include <memory>
#include <string>

#include "base/byte_source.h"
#include "base/fd.h"
#include "tools/common/host_file.h"
#include "vhd/refusal.h"

namespace vhdboot::vhdtool {

/// Owns its descriptors. Reads only.
class VolumeDevice final : public ByteSource {
 public:
  /// A block device, or a regular file that holds nothing but the volume. Refuses what is mounted or in use; while
  /// this lives nobody can mount the device.
  [[nodiscard]] static vhd::Attempt<std::unique_ptr<VolumeDevice>> open(const std::string& path);

  [[nodiscard]] std::uint64_t size() const override { return size_; }
  [[nodiscard]] Result<void> read(std::uint64_t offset, MutableBytes out) const override;

  /// "8:3", as device-mapper names it; empty for a file.
  [[nodiscard]] const std::string& numbers() const { return numbers_; }

 private:
  VolumeDevice() = default;

  Fd fd_;
  std::uint64_t size_ = 0;
  std::string numbers_;
  std::unique_ptr<tools::HostFile> guard_;  // of a file: its checks and locks
};

}  // namespace vhdboot::vhdtool
