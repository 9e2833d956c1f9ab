// SPDX-License-Identifier: GPL-2.0-or-later
#include "init/volume/ntfs_tree.h"

#include <algorithm>
#include <new>
#include <utility>

#include "base/text.h"
#include "init/volume/compressed_source.h"
#include "init/volume/file_source.h"
#include "init/volume/ntfs_inode.h"
#include "init/volume/ntfs_volume.h"

namespace vhdboot::volume {
namespace {

// Reads one use of the library may make, as in NtfsVolume.
constexpr std::uint32_t kReads = 1u << 16;
constexpr std::uint32_t kListReads = 1u << 19;
constexpr std::uint64_t kMaxAttribute = 64 * 1024;

struct Listing {
  std::vector<NtfsName> names;
  bool full = false;
};

/// Called by the library, so no exception may leave it.
int collect(void* into, const ntfschar* name, const int units, const int type, const s64, const MFT_REF reference,
            const unsigned) {
  try {
    auto& listing = *static_cast<Listing*>(into);
    if (type == FILE_NAME_DOS || units <= 0) return 0;
    if (MREF(reference) < FILE_first_user) return 0;  // also the root, as ".." of a folder in it
    const std::u16string_view text = as_utf16(name, static_cast<std::size_t>(units));
    if (text == u"." || text == u"..") return 0;
    if (listing.names.size() >= kMaxListed) {
      listing.full = true;
      errno = ENOMEM;
      return -1;
    }
    listing.names.push_back({std::u16string(text), reference});
    return 0;
  } catch (const std::bad_alloc&) {
    errno = ENOMEM;
    return -1;
  }
}

/// Attributes of a record, counted: what NtfsNode tells of them.
struct Attributes {
  std::uint32_t names = 0;
  std::uint32_t other_streams = 0;
  bool extended = false;
  bool reparse_point = false;
};

void count(const ATTR_RECORD* record, Attributes& found) {
  const Bytes bytes(reinterpret_cast<const std::byte*>(record), record->length);
  const auto type = load_le<std::uint32_t>(bytes, 0).value_or(0);
  if (type == AT_EA) found.extended = true;
  if (type == AT_REPARSE_POINT) found.reparse_point = true;
  // A stream in many pieces has many records; the first begins at cluster 0.
  if (type == AT_DATA && record->name_length != 0) {
    const bool first = record->non_resident == 0 || record->lowest_vcn == 0;
    if (first) ++found.other_streams;
  }
  if (type != AT_FILE_NAME || record->non_resident != 0) return;
  const auto value = slice(bytes, record->value_offset, record->value_length);
  const auto space = value ? load_le<std::uint8_t>(*value, offsetof(FILE_NAME_ATTR, file_name_type)) : std::nullopt;
  if (space && *space != FILE_NAME_DOS) ++found.names;
}

std::vector<Range> data_of(const std::vector<Extent>& extents, std::uint64_t unit, std::uint64_t valid_size) {
  std::vector<Range> out;
  for (const Extent& extent : extents) {
    const std::uint64_t begin = extent.logical - extent.logical % unit;
    const std::uint64_t over = (extent.logical + extent.length) % unit;
    const std::uint64_t end = extent.logical + extent.length + (over == 0 ? 0 : unit - over);
    if (begin >= valid_size) break;
    const Range range{begin, std::min(end, valid_size) - begin};
    if (!out.empty() && out.back().end() >= range.offset)
      out.back().length = std::max(out.back().end(), range.end()) - out.back().offset;
    else
      out.push_back(range);
  }
  return out;
}

}  // namespace

Result<NtfsTree> NtfsTree::of(HostVolume& volume, const ByteSource& partition) {
  if (volume.kind() != Kind::Ntfs)
    return fail(Code::Unsupported,
                concat("the volume is ", name(volume.kind()),
                       ", which keeps neither owners nor modes nor links: no folder of WSL is on it"));
  return NtfsTree(static_cast<NtfsVolume&>(volume), partition);
}

Result<std::uint64_t> NtfsTree::find(const Path& path) {
  volume_->device_.begin(kReads);
  return TRY(volume_->find(path))->mft_no;
}

Result<NtfsNode> NtfsTree::node(std::uint64_t reference) {
  volume_->device_.begin(kReads);
  const InodePtr inode = TRY(volume_->open_inode(reference, "opening its record"));
  Attributes found;
  const SearchPtr context(ntfs_attr_get_search_ctx(inode.get(), nullptr));
  if (!context) return fail(Code::NoMemory, "no memory for the NTFS volume");
  while (ntfs_attrs_walk(context.get()) == 0) count(context->attr, found);
  if (errno != ENOENT || volume_->device_.error()) return volume_->failure("reading its record");

  NtfsNode out;
  out.number = inode->mft_no;
  out.directory = is_directory(inode.get());
  out.read_only = has(inode.get(), FILE_ATTR_READONLY);
  out.encrypted = has(inode.get(), FILE_ATTR_ENCRYPTED) && !out.directory;
  out.hard_links = found.names;
  out.other_streams = found.other_streams;
  out.accessed = unix_time(inode->last_access_time);
  out.modified = unix_time(inode->last_data_change_time);
  out.changed = unix_time(inode->last_mft_change_time);
  const auto read_all = [&](ATTR_TYPES type, std::string_view doing) -> Result<std::vector<std::byte>> {
    s64 size = 0;
    const MallocPtr<std::byte> bytes(
        static_cast<std::byte*>(ntfs_attr_readall(inode.get(), type, AT_UNNAMED, 0, &size)));
    if (!bytes || size < 0 || static_cast<std::uint64_t>(size) > kMaxAttribute) return volume_->failure(doing, EIO);
    return std::vector<std::byte>(bytes.get(), bytes.get() + size);
  };
  if (found.extended) out.extended_attributes = TRY(read_all(AT_EA, "reading its extended attributes"));
  if (found.reparse_point) out.reparse_point = TRY(read_all(AT_REPARSE_POINT, "reading its reparse point"));
  if (out.directory) return out;
  const AttrPtr data(ntfs_attr_open(inode.get(), AT_DATA, AT_UNNAMED, 0));
  if (!data) return volume_->failure("reading its data attribute");
  if (data->data_size < 0) return volume_->failure("reading its sizes", EIO);
  out.size = static_cast<std::uint64_t>(data->data_size);
  out.encrypted = out.encrypted || has(data.get(), ATTR_IS_ENCRYPTED);
  return out;
}

Result<std::vector<NtfsName>> NtfsTree::names(std::uint64_t reference) {
  volume_->device_.begin(kListReads);
  const InodePtr directory = TRY(volume_->open_inode(reference, "opening its record"));
  if (!is_directory(directory.get())) return fail(Code::NotFound, "it is not a directory");
  TRY(volume_->check_index(directory.get()));
  Listing listing;
  s64 position = 0;
  if (ntfs_readdir(directory.get(), &position, &listing, collect) == 0) return std::move(listing.names);
  if (listing.full) return fail(Code::NoMemory, concat("it has more than ", kMaxListed, " names"));
  return volume_->failure("listing it");
}

Result<NtfsContents> NtfsTree::contents(std::uint64_t reference) {
  volume_->device_.begin(kReads);
  const InodePtr inode = TRY(volume_->open_inode(reference, "opening its record"));
  const AttrPtr data(ntfs_attr_open(inode.get(), AT_DATA, AT_UNNAMED, 0));
  if (!data) return volume_->failure("reading its data attribute");
  if (has(inode.get(), FILE_ATTR_ENCRYPTED) || has(data.get(), ATTR_IS_ENCRYPTED))
    return fail(Code::Unsupported, "it is encrypted (EFS)");
  if (data->data_size < 0 || data->initialized_size < 0 || data->allocated_size < 0)
    return volume_->failure("reading its sizes", EIO);
  const auto size = static_cast<std::uint64_t>(data->data_size);
  const auto valid = std::min(size, static_cast<std::uint64_t>(data->initialized_size));
  NtfsContents out;
  if (NAttrNonResident(data.get()) == 0) {
    if (size > kMaxAttribute) return volume_->failure("reading its sizes", EIO);
    std::vector<std::byte> bytes(static_cast<std::size_t>(size));
    if (size != 0 && ntfs_attr_pread(data.get(), 0, data->data_size, bytes.data()) != data->data_size)
      return volume_->failure("reading its contents");
    out.bytes = std::make_unique<OwnedSource>(std::move(bytes));
    if (size != 0) out.data.push_back({0, size});
    return out;
  }
  if (!has(data.get(), ATTR_COMPRESSION_MASK)) {
    out.extents = TRY(volume_->extents_of(data.get(), size));
    out.data = data_of(out.extents, 1, valid);
    out.bytes = std::make_unique<FileSource>(*partition_, out.extents, size, valid);
    return out;
  }
  const std::uint64_t unit = data->compression_block_size;
  if (!has(data.get(), ATTR_IS_COMPRESSED) || unit == 0 || unit > kMaxCompressionUnit ||
      unit % volume_->geometry_.cluster_size != 0)
    return fail(Code::Unsupported, "Windows compressed it in a way that is not known");
  auto extents = TRY(volume_->extents_of(data.get(), static_cast<std::uint64_t>(data->allocated_size)));
  out.data = data_of(extents, unit, valid);
  out.bytes = std::make_unique<CompressedSource>(*partition_, std::move(extents), unit, size, valid);
  return out;
}

}  // namespace vhdboot::volume
