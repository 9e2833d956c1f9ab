// SPDX-License-Identifier: GPL-2.0-or-later
#include "init/volume/layout.h"

#include "base/text.h"
#include "init/volume/reparse.h"

namespace vhdboot::volume {
namespace {

std::string reparse_sentence(std::uint32_t tag) {
  if (tag == kTagWof) return "is compressed by Windows (WOF): in Windows run \"compact /u /exe FILE\"";
  if (tag == kTagDedup) return "is deduplicated: in Windows copy it to a volume without deduplication";
  if (is_link(tag)) return "is a link: name the file that it points to";
  if ((tag & kTagCloudMask) == kTagCloud)
    return "is a cloud file (OneDrive): copy it to a folder that is not synchronised";
  return concat("is a reparse point (tag 0x", to_hex(tag, 8),
                "), other software keeps its data: copy it to a new file");
}

/// The first byte that no extent covers; `size` when there is none.
std::uint64_t first_hole(const FileLayout& layout) {
  std::uint64_t next = 0;
  for (const Extent& extent : layout.extents) {
    if (extent.logical != next) break;
    next += extent.length;
  }
  return next < layout.size ? next : layout.size;
}

}  // namespace

Result<void> check_mappable(const FileLayout& layout, const Path& path) {
  const auto refuse = [&](std::string_view sentence) {
    return fail(Code::Unsupported, concat(printable(path.text()), ' ', sentence));
  };
  if (layout.directory)
    return refuse(
        "is a directory, not an image; the folder of a WSL 1 distribution boots by `image` in a configuration, and "
        "`vhdtool export` makes an archive of it");
  if (layout.reparse_tag != 0) return refuse(reparse_sentence(layout.reparse_tag));
  if (layout.encrypted)
    return refuse(
        "is encrypted (EFS), so its bytes on the disk are not its contents: in Windows run \"cipher /d FILE\"");
  if (layout.compressed)
    return refuse("is compressed, so its bytes on the disk are not its contents: in Windows run \"compact /u FILE\"");
  if (layout.size == 0) return refuse("is empty");
  if (layout.resident)
    return refuse(concat("has only ", layout.size, " bytes and lies within the MFT: it is no disk image"));
  const std::uint64_t hole = first_hole(layout);
  // The attribute alone does no harm: neither Windows nor a driver of Linux takes places away from a file for it.
  if (layout.sparse && hole < layout.size)
    return refuse(
        "is sparse and has holes, so not all of it has a place on the disk: on Linux run `vhdtool desparse FILE`, or "
        "in "
        "Windows \"fsutil sparse setflag FILE 0\", and if that fails copy it to a new file");
  if (layout.valid_size < layout.size)
    return refuse(concat("is written only up to byte ", layout.valid_size, " of ", layout.size,
                         " (valid data length): copy it to a new file, which writes all of it"));
  if (hole < layout.size)
    return refuse(concat("has a hole at byte ", hole, ": copy it to a new file (on Linux with cp --sparse=never)"));
  return {};
}

}  // namespace vhdboot::volume
