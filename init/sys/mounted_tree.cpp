// SPDX-License-Identifier: GPL-2.0-or-later
#include "init/sys/mounted_tree.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#include "init/sys/directory.h"
#include "init/sys/file.h"

namespace vhdboot::sys {
namespace {

// Nobody waits for the other end of a guest's FIFO.
constexpr int kFile = O_RDONLY | O_NONBLOCK;

}  // namespace

Result<Fd> MountedTree::open_in(const std::string& path, int flags) const {
  return open_below(root_, path.empty() ? "/" : path, flags);
}

bool MountedTree::has(const std::string& path) const {
  return open_in(path, O_PATH).has_value();
}

bool MountedTree::is_folder(const std::string& path) const {
  return open_in(path, O_PATH | O_DIRECTORY).has_value();
}

std::vector<std::string> MountedTree::list(const std::string& path) const {
  auto folder = open_in(path, O_RDONLY | O_DIRECTORY);
  return folder ? list_directory(*std::move(folder)) : std::vector<std::string>{};
}

Result<std::unique_ptr<ByteSource>> MountedTree::open(const std::string& path) const {
  return FdSource::adopt(TRY(open_in(path, kFile)));
}

std::uint64_t MountedTree::subvolume(const std::string& path) const {
  constexpr ino_t kFirst = 256;  // BTRFS_FIRST_FREE_OBJECTID, of linux/btrfs_tree.h: a subvolume's top directory
  const auto folder = open_in(path, O_PATH | O_DIRECTORY);
  struct statfs system{};
  struct stat status{};
  if (!folder || ::fstatfs(folder->get(), &system) < 0 || ::fstat(folder->get(), &status) < 0) return 0;
  return system.f_type == BTRFS_SUPER_MAGIC && status.st_ino == kFirst ? status.st_dev : 0;
}

std::optional<disk::FileId> MountedTree::id(const std::string& path) const {
  const auto file = open_in(path, O_PATH);
  struct stat status{};
  if (!file || ::fstat(file->get(), &status) < 0) return std::nullopt;
  return disk::FileId{.device = status.st_dev, .inode = status.st_ino};
}

Result<std::vector<std::byte>> MountedTree::read(const std::string& path, std::uint64_t cap) const {
  const Fd file = TRY(open_in(path, kFile));
  return read_all(file, cap);
}

}  // namespace vhdboot::sys
