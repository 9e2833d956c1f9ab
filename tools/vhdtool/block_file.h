// SPDX-License-Identifier: GPL-2.0-or-later
// The file of an image that is made of blocks, to be changed in place: what provision, reserve and reblock begin with.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "tools/common/host_file.h"
#include "vhd/block_writer.h"
#include "vhd/disk.h"
#include "vhd/refusal.h"
#include "vhd/vhdx_attach.h"
#include "vhd/vhdx_writer.h"

namespace vhdboot::vhdtool {

class BlockFile {
 public:
  /// Refuses what is no VHDX and no dynamic or differencing VHD, what has no place of its own on the disk for every
  /// byte (holes, compressed, encrypted), and what HostFile refuses. Opens the parents as well. Puts a footer at the
  /// end that an interrupted run did not come to.
  [[nodiscard]] static vhd::Attempt<BlockFile> open(const std::string& path);

  [[nodiscard]] tools::HostFile& file() { return *file_; }
  /// As it was opened.
  [[nodiscard]] const vhd::Disk& disk() const { return *disk_; }
  [[nodiscard]] const vhd::DiskInfo& info() const { return disk_->info(); }
  [[nodiscard]] bool is_vhdx() const { return info().format == vhd::Format::Vhdx; }
  /// Blocks that have no place.
  [[nodiscard]] std::uint64_t absent() const { return info().blocks - info().allocated_blocks; }
  /// Blocks that find one in the file.
  [[nodiscard]] std::uint64_t free() const { return info().reserve / info().block_size; }

  /// Makes the file `size` bytes long, with zeros that are really written, and puts the footer of a VHD behind them.
  /// Does nothing when it is as long. On a full disk or a signal the file gets its old size back.
  [[nodiscard]] vhd::Attempt<void> lengthen(std::uint64_t size);

  /// A writer of the VHDX that it is.
  [[nodiscard]] vhd::Attempt<std::unique_ptr<vhd::VhdxWriter>> vhdx_writer();

 private:
  BlockFile(std::unique_ptr<tools::HostFile> file, std::unique_ptr<vhd::Disk> disk)
      : file_(std::move(file)), disk_(std::move(disk)) {}

  std::unique_ptr<tools::HostFile> file_;
  std::unique_ptr<vhd::Disk> disk_;  // borrows from file_
};

/// Refuses a file that has no place of its own on the disk for every byte: holes, compressed, encrypted.
[[nodiscard]] vhd::Attempt<void> check_places(const tools::HostFile& file, const std::string& path);

/// What the tools write into the headers: what a child knows its parent by stays.
[[nodiscard]] Result<vhd::AttachGuids> tool_guids();

}  // namespace vhdboot::vhdtool
