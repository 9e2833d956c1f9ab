// SPDX-License-Identifier: GPL-2.0-or-later
#include "tools/common/safe_write.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdio>

#include "base/fd.h"
#include "base/text.h"

namespace vhdboot::tools {
namespace {

#ifndef EXFAT_SUPER_MAGIC
constexpr long EXFAT_SUPER_MAGIC = 0x2011BAB0;
#endif
constexpr long kNtfs3 = 0x7366746E;
constexpr long kNtfs = 0x5346544E;
constexpr long kFuse = 0x65735546;  // NTFS as a rule

std::string folder_of(const std::string& path) {
  const auto slash = path.rfind('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

bool renames_in_steps(const std::string& folder) {
  struct statfs status{};
  if (::statfs(folder.c_str(), &status) < 0) return true;
  const std::array<long, 5> kinds{MSDOS_SUPER_MAGIC, EXFAT_SUPER_MAGIC, kNtfs3, kNtfs, kFuse};
  return std::ranges::find(kinds, static_cast<long>(status.f_type)) != kinds.end();
}

Result<void> sync_folder(const std::string& folder) {
  const Fd directory = TRY(open_file(folder, O_RDONLY | O_DIRECTORY));
  // Where a folder cannot be synced, the file system can.
  if (::fsync(directory.get()) < 0 && ::syncfs(directory.get()) < 0) return fail_errno(concat("writing ", folder));
  return {};
}

Result<void> write_new(const std::string& path, Bytes contents, mode_t mode) {
  ::unlink(path.c_str());  // of an earlier try
  const Fd file = TRY(open_file(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, mode));
  TRY_IN(path, write_at(file, 0, contents));
  if (::fsync(file.get()) < 0) return fail_errno(concat("writing ", path));
  return {};
}

Result<void> rename_durably(const std::string& from, const std::string& to) {
  if (std::rename(from.c_str(), to.c_str()) < 0) return fail_errno(concat("renaming ", from));
  return sync_folder(folder_of(to));
}

}  // namespace

Result<void> write_safely(const std::string& path, Bytes contents) {
  const std::string fresh = path + kNewSuffix;
  const std::string kept = path + kOldSuffix;
  struct stat status{};
  const bool is_there = ::stat(path.c_str(), &status) == 0;
  const auto done = [&]() -> Result<void> {
    const bool keep = is_there && renames_in_steps(folder_of(path));
    if (keep) {
      constexpr std::uint64_t kMost = 64 << 20;
      TRY(write_new(kept, TRY(read_file(path, kMost)), 0600));
      TRY(sync_folder(folder_of(path)));
    }
    TRY(write_new(fresh, contents, is_there ? status.st_mode & 0777 : 0644));
    TRY(rename_durably(fresh, path));
    return keep ? remove_safely(kept) : Result<void>();
  }();
  if (!done) ::unlink(fresh.c_str());
  return done;
}

Result<void> remove_safely(const std::string& path) {
  if (::unlink(path.c_str()) < 0) {
    if (errno == ENOENT) return {};
    return fail_errno(concat("removing ", path));
  }
  return sync_folder(folder_of(path));
}

std::string left_behind(const std::string& path) {
  const std::string kept = path + kOldSuffix;
  if (::access(kept.c_str(), F_OK) < 0) return "";
  return concat(printable(kept), " is what ", printable(path),
                " was before a write that was cut off: compare the two and remove it");
}

}  // namespace vhdboot::tools
