// SPDX-License-Identifier: GPL-2.0-or-later
#include "init/sys/in_place_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <utility>

#include "base/text.h"
#include "init/sys/file.h"

namespace vhdboot::sys {

Result<std::unique_ptr<InPlaceFile>> InPlaceFile::open(const blocks::View& file, const std::string& name,
                                                       const std::string& uuid) {
  const auto devices = device_numbers(file);
  MappedDevice map = TRY(MappedDevice::create(name, uuid, file.rows, devices, false));
  TRY(map.check(file.rows, devices, false));
  Fd fd = TRY(open_file(map.path(), O_RDWR | O_EXCL));
  return std::unique_ptr<InPlaceFile>(new InPlaceFile(std::move(map), std::move(fd), file.size));
}

Result<void> InPlaceFile::read(std::uint64_t offset, MutableBytes out) const {
  if (offset > size_ || out.size() > size_ - offset) return fail(Code::Corrupt, "read past the end");
  return read_at(fd_, offset, out);
}

Result<void> InPlaceFile::write_unflushed(std::uint64_t offset, Bytes data) {
  if (offset > size_ || data.size() > size_ - offset) return fail(Code::Invalid, "write past the end");
  while (!data.empty()) {
    const ssize_t put = ::pwrite(fd_.get(), data.data(), data.size(), static_cast<off_t>(offset));
    if (put < 0 && errno == EINTR) continue;
    if (put < 0) return fail_errno("writing the image's file");
    offset += static_cast<std::uint64_t>(put);
    data = data.subspan(static_cast<std::size_t>(put));
  }
  return {};
}

Result<void> InPlaceFile::write(std::uint64_t offset, Bytes data) {
  TRY(write_unflushed(offset, data));
  return flush();
}

Result<void> InPlaceFile::flush() {
  if (::fdatasync(fd_.get()) < 0) return fail_errno("writing the image's file");
  return {};
}

Result<void> InPlaceFile::resize(std::uint64_t) {
  return fail(Code::Unsupported, "the file cannot change its size while nobody has mounted its volume");
}

Result<void> InPlaceFile::close() {
  fd_ = Fd();
  return map_.remove();
}

}  // namespace vhdboot::sys
