// SPDX-License-Identifier: GPL-2.0-or-later
#include "tools/vhdtool/mounted_file.h"

#include <fcntl.h>
#include <linux/fiemap.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <algorithm>
#include <memory>
#include <string_view>

#include "base/ascii.h"
#include "base/text.h"
#include "base/units.h"
#include "init/sys/file.h"
#include "init/volume/volume.h"
#include "tools/common/file_extents.h"
#include "tools/common/mount_table.h"

namespace vhdboot::vhdtool {
namespace {

struct FileSystem {
  std::string type;
  std::string source;
  std::string mount_point;  // of its top
};

// Of the mount with these device numbers.
FileSystem file_system_of(dev_t device) {
  const auto text = sys::read_text("/proc/self/mountinfo", tools::kMaxMountTable);
  if (!text) return {};
  const std::string numbers = concat(major(device), ':', minor(device));
  FileSystem found;
  for (const tools::MountedVolume& one : tools::parse_mount_table(*text)) {
    if (one.numbers != numbers) continue;
    if (found.type.empty()) found = {one.type, one.source, ""};
    if (one.top == "/" && found.mount_point.empty()) found.mount_point = one.place;
  }
  return found;
}

std::optional<std::uint32_t> windows_attributes(const Fd& file) {
  std::uint32_t value = 0;
  // Both ntfs-3g and ntfs3 give them so, in the order of bytes of this machine.
  if (::fgetxattr(file.get(), "system.ntfs_attrib", &value, sizeof value) != sizeof value) return std::nullopt;
  return value;
}

std::optional<volume::Kind> kind_of(std::string_view type, bool windows_attributes) {
  if (type == "exfat") return volume::Kind::Exfat;
  if (type.starts_with("ntfs") || windows_attributes) return volume::Kind::Ntfs;
  return std::nullopt;
}

std::optional<std::uint64_t> first_hole(const Fd& file, std::uint64_t size) {
  if (size == 0) return std::nullopt;
  const off_t hole = ::lseek(file.get(), 0, SEEK_HOLE);
  if (hole < 0 || static_cast<std::uint64_t>(hole) >= size) return std::nullopt;
  return static_cast<std::uint64_t>(hole);
}

// How many pieces the file has, and where the first one lies that was never written; nothing when its driver does not
// tell.
struct Pieces {
  std::optional<std::uint64_t> count;
  std::optional<std::uint64_t> unwritten;
};

Pieces pieces_of(const Fd& file, std::uint64_t size) {
  const auto extents = tools::file_extents(file.get());
  if (!extents && extents.error().code == Code::NoMemory) return {.count = tools::kMaxFileExtents + 1, .unwritten = {}};
  if (!extents) return {};
  Pieces pieces{.count = 0, .unwritten = {}};
  for (const tools::FileExtent& extent : *extents) {
    if (extent.place.logical >= size) break;  // reserved behind the end of the file
    ++*pieces.count;
    if ((extent.flags & FIEMAP_EXTENT_UNWRITTEN) != 0 && !pieces.unwritten) pieces.unwritten = extent.place.logical;
  }
  return pieces;
}

// What the device says, where it may be read: drivers in user space hide which file system it is.
std::unique_ptr<sys::FdSource> device_of(const FileSystem& file_system, bool kind_known) {
  if (!kind_known && !file_system.type.starts_with("fuse")) return nullptr;
  return sys::FdSource::open(file_system.source).value_or(nullptr);
}

}  // namespace

Result<MountedFile> examine_mounted(const std::string& path) {
  const Fd file = TRY(sys::open_file(path, O_RDONLY | O_NONBLOCK | O_NOCTTY));
  struct stat status{};
  if (::fstat(file.get(), &status) != 0) return fail_errno(concat("looking at ", path));
  MountedFile facts;
  facts.name = path.substr(path.rfind('/') + 1);
  facts.size = static_cast<std::uint64_t>(status.st_size);
  facts.allocated = static_cast<std::uint64_t>(status.st_blocks) * kSectorSize;
  const FileSystem file_system = file_system_of(status.st_dev);
  facts.file_system = file_system.type;
  facts.device = file_system.source;
  facts.mount_point = file_system.mount_point;
  facts.attributes = windows_attributes(file);
  facts.kind = kind_of(file_system.type, facts.attributes.has_value());
  facts.hole = first_hole(file, facts.size);
  const Pieces pieces = pieces_of(file, facts.size);
  facts.extents = pieces.count;
  facts.unwritten = pieces.unwritten;
  const auto device = device_of(file_system, facts.kind.has_value());
  const auto volume = device ? volume::HostVolume::open(*device) : fail(Code::NotFound, "not to be read");
  if (!volume) return facts;
  facts.kind = (*volume)->kind();
  if (const auto state = (*volume)->state()) facts.state = *state;
  return facts;
}

std::string spelled_in(const disk::FileTree& tree, std::string_view path) {
  std::string spelled;
  for (const std::string_view name : split(path.substr(1), '/')) {
    const auto names = tree.list(spelled);
    const auto is_same = [&](const std::string& other) { return equals_ignoring_ascii_case(other, name); };
    auto found = std::ranges::find(names, name);
    if (found == names.end()) found = std::ranges::find_if(names, is_same);
    spelled += concat('/', found == names.end() ? name : std::string_view(*found));
  }
  return spelled;
}

}  // namespace vhdboot::vhdtool
