// SPDX-License-Identifier: GPL-2.0-or-later
#include "tools/vhdtool/mounted_file.h"

#include <fcntl.h>
#include <linux/fiemap.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <string_view>
#include <vector>

#include "base/text.h"
#include "base/units.h"
#include "init/blocks/row.h"
#include "init/sys/file.h"
#include "init/volume/volume.h"

namespace vhdboot::vhdtool {
namespace {

struct FileSystem {
  std::string type;
  std::string source;
};

// Of the mount with these device numbers (proc_pid_mountinfo(5)).
FileSystem file_system_of(dev_t device) {
  const auto table = sys::read_text("/proc/self/mountinfo", 16 * kMiB);
  if (!table) return {};
  const std::string numbers = concat(major(device), ':', minor(device));
  for (const std::string_view line : split_lines(*table)) {
    const auto fields = split_words(line);
    const auto dash = std::ranges::find(fields, "-");
    if (fields.size() < 3 || fields[2] != numbers || fields.end() - dash < 3) continue;
    return {std::string(dash[1]), std::string(dash[2])};
  }
  return {};
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

void count_extents(const Fd& file, MountedFile& facts) {
  constexpr std::size_t kBatch = 512;
  std::vector<std::byte> buffer(sizeof(fiemap) + kBatch * sizeof(fiemap_extent));
  std::uint64_t count = 0;
  for (std::uint64_t at = 0; at < facts.size && count <= blocks::kMaxRows;) {
    fiemap request{};
    request.fm_start = at;
    request.fm_length = facts.size - at;
    request.fm_extent_count = kBatch;
    std::memcpy(buffer.data(), &request, sizeof request);
    if (::ioctl(file.get(), FS_IOC_FIEMAP, buffer.data()) != 0) return;
    std::memcpy(&request, buffer.data(), sizeof request);
    const std::size_t found = std::min<std::size_t>(request.fm_mapped_extents, kBatch);
    if (found == 0) break;
    bool last = false;
    for (std::size_t i = 0; i < found; ++i) {
      fiemap_extent extent{};
      std::memcpy(&extent, buffer.data() + sizeof(fiemap) + i * sizeof extent, sizeof extent);
      if ((extent.fe_flags & FIEMAP_EXTENT_UNWRITTEN) != 0 && !facts.unwritten) facts.unwritten = extent.fe_logical;
      last = (extent.fe_flags & FIEMAP_EXTENT_LAST) != 0;
      const std::uint64_t next = extent.fe_logical + extent.fe_length;
      if (next <= at) return;  // a driver that turns in a circle
      at = next;
    }
    count += found;
    if (last) break;
  }
  facts.extents = count;
}

// What the device says, where it may be read: drivers in user space hide which file system it is.
void ask_device(const FileSystem& file_system, MountedFile& facts) {
  if (!facts.kind && !file_system.type.starts_with("fuse")) return;
  const auto source = sys::FdSource::open(file_system.source);
  if (!source) return;
  const auto volume = volume::HostVolume::open(**source);
  if (!volume) return;
  facts.kind = (*volume)->kind();
  if (const auto state = (*volume)->state()) facts.state = *state;
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
  facts.attributes = windows_attributes(file);
  facts.kind = kind_of(file_system.type, facts.attributes.has_value());
  facts.hole = first_hole(file, facts.size);
  count_extents(file, facts);
  ask_device(file_system, facts);
  return facts;
}

}  // namespace vhdboot::vhdtool
