// SPDX-License-Identifier: GPL-2.0-or-later
// A file of a host volume that nobody has mounted, written where it lies. It is reached through a device of its own
// that maps the extents of the file and nothing else, so that the kernel itself lets no other byte be changed.
#pragma once

#include <memory>
#include <string>

#include "base/fd.h"
#include "base/result.h"
#include "init/blocks/view.h"
#include "init/sys/device_mapper.h"
#include "vhd/byte_file.h"

namespace vhdboot::sys {

class InPlaceFile final : public vhd::ByteFile {
 public:
  /// `file`: the view of all of it. `name` and `uuid` as of MappedDevice::create(). Unsafe unless the kernel tells that
  /// it maps just that.
  [[nodiscard]] static Result<std::unique_ptr<InPlaceFile>> open(const blocks::View& file, const std::string& name,
                                                                 const std::string& uuid);

  [[nodiscard]] std::uint64_t size() const override { return size_; }
  [[nodiscard]] Result<void> read(std::uint64_t offset, MutableBytes out) const override;
  [[nodiscard]] Result<void> write(std::uint64_t offset, Bytes data) override;
  [[nodiscard]] Result<void> write_unflushed(std::uint64_t offset, Bytes data) override;
  [[nodiscard]] Result<void> flush() override;
  /// Unsupported: only the file system of the volume could.
  [[nodiscard]] Result<void> resize(std::uint64_t size) override;

  /// Removes the device. The file is not to be used any more.
  [[nodiscard]] Result<void> close();

 private:
  InPlaceFile(MappedDevice map, Fd fd, std::uint64_t size) : map_(std::move(map)), fd_(std::move(fd)), size_(size) {}

  // Closed before the device goes.
  MappedDevice map_;
  Fd fd_;
  std::uint64_t size_;
};

}  // namespace vhdboot::sys
