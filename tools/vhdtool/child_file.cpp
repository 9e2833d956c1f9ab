// SPDX-License-Identifier: GPL-2.0-or-later
#include "tools/vhdtool/child_file.h"

#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/size_text.h"
#include "base/text.h"
#include "tools/common/space_file.h"
#include "tools/vhdtool/interruption.h"
#include "tools/vhdtool/open_image.h"
#include "tools/vhdtool/progress_show.h"

namespace vhdboot::vhdtool {
namespace {

constexpr mode_t kAnybodyWrites = S_IWUSR | S_IWGRP | S_IWOTH;

}  // namespace

Result<void> write_child(tools::SpaceFile& file, const vhd::NewFile& child, int like) {
  struct stat status{};
  if (::fstat(like, &status) != 0) return fail_errno("looking at the image");
  // FAT, exFAT and some mounts of NTFS have one owner and mode for all.
  if (::fchown(file.descriptor(), status.st_uid, status.st_gid) == 0 || status.st_uid == ::geteuid())
    (void)::fchmod(file.descriptor(), status.st_mode & 0777);
  const std::uint64_t room = TRY(file.room());
  if (room < child.size)
    return fail(Code::Io, concat("its file system has room for ", human_size(room), " (", room, " bytes), ", child.size,
                                 " are needed: a smaller reserve takes less"));
  TRY(file.reserve({0, child.size}));
  {
    ProgressShow show(child.size);
    TRY(file.write_zeros({0, child.size}, Interruption::watch(show)));
  }
  for (const disk::DiskWrite& write : child.writes) TRY_IN(write.what, file.write(write.offset, write.data));
  TRY(file.sync());
  if (const auto missing = TRY(file.missing()); !missing.empty())
    return fail(Code::Unsupported, concat("its file system left a hole at byte ", missing.front().offset,
                                          " although zeros were written there: use another file system"));
  return {};
}

Result<std::string> parent_file(const std::string& path) {
  const Image image = TRY(open_image(path));
  if (!image.disk->info().differencing) return fail(Code::Unsupported, "it is no differencing image");
  return image.disk->info().parent_name;
}

// Drivers of NTFS have the attribute by this name (ntfs3, ntfs-3g); those of FAT and exFAT, and Linux itself, by the
// mode.
void set_read_only(const std::string& path) {
  struct stat status{};
  if (::stat(path.c_str(), &status) != 0) return;
  (void)::chmod(path.c_str(), status.st_mode & 07777 & ~kAnybodyWrites);
  std::uint32_t attributes = 0;
  if (::getxattr(path.c_str(), tools::kNtfsAttributes, &attributes, sizeof attributes) != sizeof attributes) return;
  attributes |= tools::kNtfsReadOnly;
  (void)::setxattr(path.c_str(), tools::kNtfsAttributes, &attributes, sizeof attributes, 0);
}

bool clear_read_only(const std::string& path) {
  struct stat status{};
  if (::stat(path.c_str(), &status) != 0) return false;
  const bool had = (status.st_mode & kAnybodyWrites) == 0;
  if (had) (void)::chmod(path.c_str(), (status.st_mode & 07777) | S_IWUSR);
  std::uint32_t attributes = 0;
  if (::getxattr(path.c_str(), tools::kNtfsAttributes, &attributes, sizeof attributes) != sizeof attributes ||
      (attributes & tools::kNtfsReadOnly) == 0)
    return had;
  attributes &= ~tools::kNtfsReadOnly;
  (void)::setxattr(path.c_str(), tools::kNtfsAttributes, &attributes, sizeof attributes, 0);
  return true;
}

}  // namespace vhdboot::vhdtool
