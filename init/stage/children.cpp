// SPDX-License-Identifier: GPL-2.0-or-later
#include "init/stage/children.h"

#include <algorithm>
#include <array>
#include <string_view>
#include <vector>

#include "base/ascii.h"
#include "base/text.h"
#include "init/volume/file_source.h"

namespace vhdboot::stage {
namespace {

// What the differencing image in a file says of its parent: by which ids it knows it. Nothing of any other file; an
// error when it may be one and cannot be read, for what is wrong with a file that is none is no reason against the
// image.
Result<std::vector<Guid>> parent_ids(volume::HostVolume& volume, const ByteSource& source, const volume::Path& path) {
  const auto layout = volume.layout(path);
  if (!layout) return std::unexpected(layout.error());
  if (layout->compressed || layout->encrypted || layout->reparse_tag != 0)
    return fail(Code::Unsafe, "it is compressed, encrypted or not there in full");
  const volume::FileSource file(source, layout->extents, layout->size, layout->valid_size);
  const auto disk = vhd::open_disk(file, path.name());
  if (!disk && disk.error().code == Code::Corrupt) return std::vector<Guid>();
  if (!disk) return std::unexpected(disk.error());
  const auto& parent = (*disk)->info().parent;
  return parent ? parent->ids : std::vector<Guid>();
}

}  // namespace

Result<void> check_no_children(volume::HostVolume& volume, const ByteSource& source, const volume::Path& path,
                               const vhd::DiskInfo& info) {
  if (!info.link_id) return {};
  const Guid own = *info.link_id;
  const bool is_vhdx = info.format == vhd::Format::Vhdx;
  const std::array<std::string_view, 2> extensions =
      is_vhdx ? std::array<std::string_view, 2>{".vhdx", ".avhdx"} : std::array<std::string_view, 2>{".vhd", ".avhd"};
  const auto files = volume.list(path.parent());
  if (!files && files.error().code == Code::NoMemory) return {};  // too many for anybody to keep images among
  if (!files) return std::unexpected(files.error());
  for (const volume::DirEntry& file : *files) {
    const auto other = path.sibling(file.name);
    if (!other || *other == path || file.directory) continue;
    if (std::ranges::find(extensions, to_lower_ascii(other->extension())) == extensions.end()) continue;
    auto known = parent_ids(volume, source, *other);
    if (!known && known.error().code != Code::Io && known.error().code != Code::Timeout)
      return fail(Code::Unsafe, concat("whether this is the parent of ", printable(other->text()),
                                       ", which would be worth nothing once this one has changed, cannot be told: ",
                                       known.error().message(), "; move that one to another folder"));
    const auto ids = TRY_IN(printable(other->text()), std::move(known));
    if (std::ranges::find(ids, own) == ids.end()) continue;
    return fail(Code::Unsafe, concat(printable(other->text()), " is a differencing image whose parent this is: it ",
                                     "would be worth nothing once this one has changed. Boot that one, or this with "
                                     "`ephemeral yes`, or merge or delete that one"));
  }
  // A reader that ended over one of them has said nothing of the others.
  (void)TRY(volume.state());
  return {};
}

}  // namespace vhdboot::stage
