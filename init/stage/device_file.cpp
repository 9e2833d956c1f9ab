// SPDX-License-Identifier: GPL-2.0-or-later
#include "init/stage/device_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>

#include "base/text.h"
#include "base/units.h"

namespace vhdboot::stage {
namespace {

constexpr std::size_t kAlignment = 4096;  // of any disk and of any page
constexpr std::size_t kBuffer = 256 * 1024;

}  // namespace

Result<std::unique_ptr<DeviceFile>> DeviceFile::open(const std::string& path, std::uint64_t size,
                                                     const std::string& flushed) {
  Fd device = TRY(open_file(path, O_RDWR | O_DIRECT));
  Fd below = TRY(open_file(flushed, O_RDONLY));
  Buffer buffer = TRY(make_buffer(path));
  return std::unique_ptr<DeviceFile>(new DeviceFile(std::move(device), std::move(below), size, std::move(buffer)));
}

Result<std::unique_ptr<const DeviceFile>> DeviceFile::open_to_read(const std::string& path, std::uint64_t size) {
  Fd device = TRY(open_file(path, O_RDONLY | O_DIRECT));
  Buffer buffer = TRY(make_buffer(path));
  return std::unique_ptr<const DeviceFile>(new DeviceFile(std::move(device), Fd(), size, std::move(buffer)));
}

Result<DeviceFile::Buffer> DeviceFile::make_buffer(const std::string& path) {
  Buffer buffer(static_cast<std::byte*>(std::aligned_alloc(kAlignment, kBuffer)));
  if (!buffer) return fail(Code::NoMemory, concat("for what is read from ", path));
  return buffer;
}

Result<void> DeviceFile::read(std::uint64_t offset, MutableBytes out) const {
  if (offset > size_ || out.size() > size_ - offset) return fail(Code::Corrupt, "read past the end");
  while (!out.empty()) {
    const std::uint64_t start = offset / kAlignment * kAlignment;
    const auto skip = static_cast<std::size_t>(offset - start);
    const auto part = std::min(kBuffer - skip, out.size());
    const auto whole = static_cast<std::size_t>(align_up(skip + part, kAlignment));
    // The device may end before the buffer does.
    const std::size_t got = TRY(read_some(device_, start, MutableBytes(buffer_.get(), whole)));
    if (got < skip + part) return fail(Code::Io, concat("the file ends at byte ", start + got));
    std::copy_n(buffer_.get() + skip, part, out.begin());
    offset += part;
    out = out.subspan(part);
  }
  return {};
}

Result<void> DeviceFile::write(std::uint64_t offset, Bytes data) {
  TRY(write_unflushed(offset, data));
  return flush();
}

Result<void> DeviceFile::write_unflushed(std::uint64_t offset, Bytes data) {
  if (offset > size_ || data.size() > size_ - offset) return fail(Code::Invalid, "write past the end");
  while (!data.empty()) {
    const auto part = std::min(kBuffer, data.size());
    std::copy_n(data.begin(), part, buffer_.get());
    TRY(write_at(device_, offset, Bytes(buffer_.get(), part)));
    offset += part;
    data = data.subspan(part);
  }
  return {};
}

Result<void> DeviceFile::flush() {
  if (::fsync(flushed_.get()) < 0) return fail_errno("flushing the disk");
  return {};
}

Result<void> DeviceFile::resize(std::uint64_t /*size*/) {
  return fail(Code::Unsupported, "a file cannot change its size while a guest runs from it");
}

}  // namespace vhdboot::stage
