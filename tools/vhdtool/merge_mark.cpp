// SPDX-License-Identifier: GPL-2.0-or-later
#include "tools/vhdtool/merge_mark.h"

#include <fcntl.h>
#include <unistd.h>

#include <string_view>
#include <vector>

#include "base/fd.h"
#include "base/text.h"
#include "tools/vhdtool/part_file.h"

namespace vhdboot::vhdtool {
namespace {

constexpr std::size_t kMaxName = 4096;

std::string folder_of(const std::string& path) {
  return path.substr(0, path.rfind('/') + 1);
}

}  // namespace

Result<std::optional<std::string>> MergeMark::parent() const {
  const Fd fd(::open(path_.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
  if (!fd.valid() && errno == ENOENT) return std::optional<std::string>();
  if (!fd.valid()) return fail_errno(concat("opening ", printable(path_)));
  std::vector<std::byte> bytes(kMaxName);
  const std::string_view text = as_text(Bytes(bytes).first(TRY(read_some(fd, 0, bytes))));
  // It was durable, with its end of line, before anything was written to the parent.
  const std::size_t end = text.find('\n');
  if (end == std::string::npos || end == 0 || text.find('/') < end) return std::optional<std::string>();
  return std::optional(concat(folder_of(image_), text.substr(0, end)));
}

Result<void> MergeMark::put(const std::string& parent) const {
  const Fd fd(::open(path_.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0644));
  if (!fd.valid()) return fail_errno(concat("making ", printable(path_)));
  const std::string text = parent.substr(folder_of(parent).size()) + '\n';
  TRY_IN(printable(path_), write_at(fd, 0, as_bytes(text)));
  if (::fsync(fd.get()) != 0) return fail_errno(concat("syncing ", printable(path_)));
  return sync_folder_of(path_);
}

Result<void> MergeMark::remove() const {
  if (::unlink(path_.c_str()) != 0 && errno != ENOENT) return fail_errno(concat("removing ", printable(path_)));
  return sync_folder_of(path_);
}

Result<void> check_no_merge(const std::string& path, const vhd::DiskInfo& info) {
  const auto parent = TRY(MergeMark(path).parent());
  if (!parent || info.parent_name != *parent) return {};
  return fail(Code::Unsafe, concat("a merge of it into ", printable(*parent), " was begun, which has a part of both ",
                                   "now: complete it first with `vhdtool commit \"", printable(path), "\"`"));
}

}  // namespace vhdboot::vhdtool
