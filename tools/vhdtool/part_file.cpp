// SPDX-License-Identifier: GPL-2.0-or-later
#include "tools/vhdtool/part_file.h"

#include <fcntl.h>
#include <linux/fs.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <memory>

#include "base/fd.h"

namespace vhdboot::vhdtool {

std::string real_path(const std::string& path) {
  struct stat status{};
  if (::lstat(path.c_str(), &status) != 0 || !S_ISLNK(status.st_mode)) return path;
  const std::unique_ptr<char, void (*)(void*)> real(::realpath(path.c_str(), nullptr), &::free);
  return real ? real.get() : path;
}

bool is_there(const std::string& path) {
  struct stat status{};
  return ::lstat(path.c_str(), &status) == 0;
}

Result<void> sync_folder_of(const std::string& path) {
  const std::size_t slash = path.find_last_of('/');
  const std::string folder = slash == std::string::npos ? "." : path.substr(0, slash + 1);
  const Fd fd(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  // Some file systems know no syncing of a folder.
  if (fd.valid() && ::fsync(fd.get()) != 0 && errno != EINVAL && errno != EROFS)
    return fail_errno("syncing its folder");
  return {};
}

Result<void> rename_to_free(const std::string& from, const std::string& to) {
  // By its number: the C library of the product has no function for it.
  if (::syscall(SYS_renameat2, AT_FDCWD, from.c_str(), AT_FDCWD, to.c_str(), RENAME_NOREPLACE) == 0) return {};
  if (errno != EINVAL && errno != ENOSYS) return fail_errno("giving it its name");
  if (is_there(to)) return fail_errno("giving it its name", EEXIST);
  if (::rename(from.c_str(), to.c_str()) != 0) return fail_errno("giving it its name");
  return {};
}

PartFile::~PartFile() {
  if (!path_.empty()) ::unlink(path_.c_str());
}

Result<void> PartFile::become(const std::string& path) {
  TRY(rename_to_free(path_, path));
  keep();
  return sync_folder_of(path);
}

}  // namespace vhdboot::vhdtool
