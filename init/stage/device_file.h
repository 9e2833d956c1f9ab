// SPDX-License-Identifier: GPL-2.0-or-later
// An image's own file as a block device that maps nothing else: what is written through it cannot be elsewhere.
#pragma once

#include <cstdint>
#include <cstdlib>
#include <memory>
#include <string>
#include <utility>

#include "base/fd.h"
#include "vhd/byte_file.h"

namespace vhdboot::stage {

/// Reads and writes go past the page cache, by a buffer that is there from the beginning: they need no memory, which
/// may have to be freed by writing to the very disk that waits for this.
class DeviceFile final : public vhd::ByteFile {
 public:
  /// The first `size` bytes of the device at `path`. What is flushed is the device at `flushed`, on which it lies: one
  /// flush, in however many pieces the file lies there.
  [[nodiscard]] static Result<std::unique_ptr<DeviceFile>> open(const std::string& path, std::uint64_t size,
                                                                const std::string& flushed);

  /// The same of a device that is only read.
  [[nodiscard]] static Result<std::unique_ptr<const DeviceFile>> open_to_read(const std::string& path,
                                                                              std::uint64_t size);

  [[nodiscard]] std::uint64_t size() const override { return size_; }
  [[nodiscard]] Result<void> read(std::uint64_t offset, MutableBytes out) const override;
  /// In whole logical blocks of the device.
  [[nodiscard]] Result<void> write(std::uint64_t offset, Bytes data) override;
  [[nodiscard]] Result<void> write_unflushed(std::uint64_t offset, Bytes data) override;
  [[nodiscard]] Result<void> flush() override;
  /// Always Unsupported.
  [[nodiscard]] Result<void> resize(std::uint64_t size) override;

 private:
  struct Free {
    void operator()(std::byte* buffer) const { std::free(buffer); }
  };
  using Buffer = std::unique_ptr<std::byte, Free>;
  [[nodiscard]] static Result<Buffer> make_buffer(const std::string& path);
  DeviceFile(Fd device, Fd flushed, std::uint64_t size, Buffer buffer)
      : device_(std::move(device)), flushed_(std::move(flushed)), size_(size), buffer_(std::move(buffer)) {}

  Fd device_;
  Fd flushed_;
  std::uint64_t size_;
  Buffer buffer_;
};

}  // namespace vhdboot::stage
