// SPDX-License-Identifier: GPL-2.0-or-later
#include "tools/common/file_extents.h"

#include <linux/fiemap.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <string_view>
#include <utility>

#include "base/text.h"

namespace vhdboot::tools {
namespace {

constexpr std::size_t kAtOnce = 256;

constexpr std::array<std::pair<std::uint32_t, std::string_view>, 8> kNames{
    {{FIEMAP_EXTENT_UNKNOWN, "unknown"},
     {FIEMAP_EXTENT_DELALLOC, "not yet allocated"},
     {FIEMAP_EXTENT_ENCODED, "encoded"},
     {FIEMAP_EXTENT_DATA_ENCRYPTED, "encrypted"},
     {FIEMAP_EXTENT_NOT_ALIGNED, "not aligned"},
     {FIEMAP_EXTENT_DATA_INLINE, "inline"},
     {FIEMAP_EXTENT_UNWRITTEN, "unwritten"},
     {FIEMAP_EXTENT_SHARED, "shared"}}};

}  // namespace

Result<std::vector<FileExtent>> file_extents(int fd) {
  // FIEMAP_FLAG_SYNC alone leaves the metadata of some file systems behind.
  if (::fsync(fd) != 0 && errno != EINVAL && errno != EROFS && errno != EBADF) return fail_errno("syncing");
  // The head with its extents behind it, aligned for both.
  std::vector<std::uint64_t> request((sizeof(fiemap) + kAtOnce * sizeof(fiemap_extent)) / sizeof(std::uint64_t));
  auto* const head = reinterpret_cast<fiemap*>(request.data());
  const auto* const found =
      reinterpret_cast<const fiemap_extent*>(reinterpret_cast<const std::byte*>(request.data()) + sizeof(fiemap));
  std::vector<FileExtent> extents;
  for (std::uint64_t next = 0;;) {
    std::fill(request.begin(), request.end(), 0);
    head->fm_start = next;
    head->fm_length = FIEMAP_MAX_OFFSET - next;
    head->fm_flags = FIEMAP_FLAG_SYNC;
    head->fm_extent_count = kAtOnce;
    if (::ioctl(fd, FS_IOC_FIEMAP, head) != 0) {
      if (errno == EOPNOTSUPP || errno == ENOTTY || errno == EINVAL)
        return fail(Code::Unsupported, "the driver of its file system cannot say where a file lies");
      return fail_errno("asking where it lies");
    }
    if (head->fm_mapped_extents == 0) return extents;
    for (std::uint32_t i = 0; i < head->fm_mapped_extents && i < kAtOnce; ++i) {
      const fiemap_extent& extent = found[i];
      if (extent.fe_length == 0 || extent.fe_logical < next)
        return fail(Code::Corrupt, "the file system names extents that are not in order");
      if (extents.size() >= kMaxFileExtents)
        return fail(Code::NoMemory, concat("it lies in more than ", kMaxFileExtents, " pieces"));
      extents.push_back({{extent.fe_logical, extent.fe_physical, extent.fe_length}, extent.fe_flags});
      next = extent.fe_logical + extent.fe_length;
      if ((extent.fe_flags & FIEMAP_EXTENT_LAST) != 0) return extents;
    }
  }
}

std::string describe_flags(std::uint32_t flags) {
  std::string text;
  for (const auto& [flag, word] : kNames)
    if ((flags & flag) != 0) text += concat(text.empty() ? "" : ", ", word);
  return text;
}

Result<std::vector<Extent>> plain_extents(const std::vector<FileExtent>& extents, std::uint64_t size) {
  std::vector<Extent> places;
  std::uint64_t next = 0;
  for (const FileExtent& extent : extents) {
    if (extent.place.logical >= size) break;  // reserved behind the end of the file
    if (extent.place.logical != next) break;
    if (const std::string what = describe_flags(extent.flags); !what.empty())
      return fail(Code::Unsupported,
                  concat("its bytes from ", extent.place.logical, " on are ", what,
                         " on their file system, so their place on the disk is not theirs alone or not known",
                         (extent.flags & FIEMAP_EXTENT_UNWRITTEN) != 0 ? "; `vhdtool desparse` writes them" : ""));
    places.push_back(extent.place);
    next += extent.place.length;
  }
  if (next < size)
    return fail(Code::Unsupported, concat("it has a hole at byte ", next, "; `vhdtool desparse` fills it"));
  return places;
}

std::vector<Range> missing_ranges(const std::vector<FileExtent>& extents, std::uint64_t size) {
  std::vector<Range> missing;
  std::uint64_t next = 0;  // what is before it has been looked at
  const auto add = [&](std::uint64_t end) {
    if (end <= next) return;
    if (!missing.empty() && missing.back().end() == next)
      missing.back().length += end - next;
    else
      missing.push_back({next, end - next});
    next = end;
  };
  for (const FileExtent& extent : extents) {
    if (extent.place.logical >= size) break;
    add(extent.place.logical);
    const std::uint64_t end = std::min(size, extent.place.logical + extent.place.length);
    if ((extent.flags & FIEMAP_EXTENT_UNWRITTEN) != 0)
      add(end);
    else
      next = std::max(next, end);
  }
  add(size);
  return missing;
}

}  // namespace vhdboot::tools
