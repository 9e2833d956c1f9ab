// SPDX-License-Identifier: GPL-2.0-or-later
#include "tools/vhdtool/child_file.h"

#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <algorithm>
#include <string_view>
#include <vector>

#include "base/ascii.h"
#include "base/size_text.h"
#include "base/text.h"
#include "init/sys/directory.h"
#include "tools/common/space_file.h"
#include "tools/vhdtool/interruption.h"
#include "tools/vhdtool/open_image.h"
#include "tools/vhdtool/progress_show.h"

namespace vhdboot::vhdtool {

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

Result<void> check_no_child(const std::string& path, const vhd::DiskInfo& info) {
  if (!info.link_id) return {};
  const std::string folder = path.substr(0, path.rfind('/') + 1);
  const std::vector<std::string> names = sys::list_directory(folder.empty() ? "." : folder);
  if (std::ranges::find(names, path.substr(folder.size())) == names.end())
    return fail(Code::Unsafe, "its folder cannot be listed in full, and another image in it may stand on this one");
  for (const std::string& name : names) {
    const std::string extension = to_lower_ascii(std::string_view(name).substr(std::min(name.rfind('.'), name.size())));
    if (extension != ".vhd" && extension != ".avhd" && extension != ".vhdx" && extension != ".avhdx") continue;
    const auto other = open_image(folder + name, Parents::Ignored);
    if (!other && other.error().code != Code::Corrupt && other.error().code != Code::NotFound &&
        other.error().code != Code::Invalid)
      return fail(Code::Unsafe, concat("whether ", printable(name),
                                       " beside it stands on it cannot be told: ", other.error().message()));
    if (!other || !other->disk->info().parent) continue;
    const std::vector<Guid>& ids = other->disk->info().parent->ids;
    if (std::ranges::find(ids, *info.link_id) != ids.end())
      return fail(Code::Unsafe, concat(printable(name), " beside it is a differencing image whose parent this is, and ",
                                       "would be worth nothing afterwards: merge or delete that first"));
  }
  return {};
}

// Drivers of NTFS have the attribute by this name (ntfs3, ntfs-3g); those of FAT and exFAT, and Linux itself, by the
// mode.
void set_read_only(const std::string& path) {
  struct stat status{};
  if (::stat(path.c_str(), &status) != 0) return;
  constexpr mode_t kAnybodyWrites = S_IWUSR | S_IWGRP | S_IWOTH;
  (void)::chmod(path.c_str(), status.st_mode & 07777 & ~kAnybodyWrites);
  std::uint32_t attributes = 0;
  if (::getxattr(path.c_str(), tools::kNtfsAttributes, &attributes, sizeof attributes) != sizeof attributes) return;
  attributes |= tools::kNtfsReadOnly;
  (void)::setxattr(path.c_str(), tools::kNtfsAttributes, &attributes, sizeof attributes, 0);
}

}  // namespace vhdboot::vhdtool
