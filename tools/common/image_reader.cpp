// SPDX-License-Identifier: GPL-2.0-or-later
#include "tools/common/image_reader.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>

#include "base/text.h"

namespace vhdboot::tools {

Result<std::unique_ptr<ImageReader>> ImageReader::open(const std::string& path) {
  // Looked at before it is opened: opening another device or a pipe may do something.
  struct stat status{};
  if (::stat(path.c_str(), &status) != 0) return fail_errno("opening it");
  if (!S_ISREG(status.st_mode) && !S_ISBLK(status.st_mode))
    return fail(Code::Invalid,
                S_ISDIR(status.st_mode) ? "it is a folder, not an image file" : "it is not an image file");
  Fd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
  if (!fd.valid()) return fail_errno("opening it");
  const off_t end = ::lseek(fd.get(), 0, SEEK_END);
  if (end < 0) return fail_errno("asking for its size");
  return std::unique_ptr<ImageReader>(
      new ImageReader(std::move(fd), static_cast<std::uint64_t>(end), status.st_mtim.tv_sec));
}

Result<void> ImageReader::read(std::uint64_t offset, MutableBytes out) const {
  if (offset > size_ || out.size() > size_ - offset) return fail(Code::Corrupt, "read past the end");
  return read_at(fd_, offset, out);
}

Result<vhd::OpenedFile> open_parent_beside(std::string_view child, std::string_view path) {
  const std::string local = vhd::local_parent_path(path);
  if (local.empty()) return fail(Code::NotFound, "no name");
  const std::size_t slash = child.rfind('/');
  std::string name = concat(slash == std::string_view::npos ? "" : child.substr(0, slash + 1), local);
  auto reader = ImageReader::open(name);
  if (!reader) return std::unexpected(std::move(reader).error().within(concat("its parent ", printable(name))));
  const std::int64_t changed = (*reader)->changed();
  return vhd::OpenedFile{std::move(name), *std::move(reader), changed};
}

}  // namespace vhdboot::tools
