// SPDX-License-Identifier: GPL-2.0-or-later
#include "init/volume/ntfs_volume.h"

#include <algorithm>
#include <array>
#include <bit>
#include <new>
#include <optional>
#include <type_traits>
#include <utility>

#include "base/text.h"
#include "base/units.h"
#include "init/volume/extents.h"
#include "init/volume/ntfs_inode.h"
#include "init/volume/ntfs_journal.h"
#include "init/volume/reparse.h"

namespace vhdboot::volume {
namespace {

// Reads one use of the library may make. A file in a million pieces takes some 10,000, a big directory one an entry.
constexpr std::uint32_t kReads = 1u << 16;
constexpr std::uint32_t kListReads = 1u << 19;
constexpr std::uint32_t kMaxIndexBlock = 64 * 1024;
constexpr s64 kMaxLabelBytes = 256;

// Flags that make Windows work on the volume before it uses it, beside the dirty flag: resize the journal, upgrade,
// repair object ids, chkdsk under way, modified by chkdsk. (Linux fs/ntfs: VOLUME_MUST_MOUNT_RO_MASK.)
constexpr std::uint16_t kDirtyFlag = 0x0001;
constexpr std::uint16_t kMaintenanceFlags = 0x0002 | 0x0004 | 0x0020 | 0x4000 | 0x8000;

/// Whether each entry of the attribute list lies within it. The library looks at the next entry before it has made sure
/// of that.
bool attribute_list_intact(const ntfs_inode* inode) {
  if (!NInoAttrList(inode)) return true;
  constexpr std::uint64_t kEntryHeader = 26;
  const Bytes list{reinterpret_cast<const std::byte*>(inode->attr_list), inode->attr_list_size};
  for (std::uint64_t at = 0; at < list.size();) {
    const auto length = load_le<std::uint16_t>(list, at + 4);
    if (!length || *length < kEntryHeader || *length % 8 != 0) return false;
    const auto entry = slice(list, at, *length);
    if (!entry) return false;
    const std::uint64_t name_units = *load_le<std::uint8_t>(*entry, 6);
    const std::uint64_t name_offset = *load_le<std::uint8_t>(*entry, 7);
    if (name_units != 0 && name_offset + 2 * name_units > *length) return false;
    at += *length;
  }
  return true;
}

/// How names are compared while it lives; the volume compares ignoring case otherwise.
class CaseSensitive {
 public:
  explicit CaseSensitive(ntfs_volume* volume) : volume_(volume) { NVolSetCaseSensitive(volume_); }
  ~CaseSensitive() { NVolClearCaseSensitive(volume_); }
  CaseSensitive(const CaseSensitive&) = delete;
  CaseSensitive& operator=(const CaseSensitive&) = delete;

 private:
  ntfs_volume* volume_;
};

/// The contents of an attribute.
class AttributeSource final : public ByteSource {
 public:
  AttributeSource(ntfs_attr& attribute, const NtfsDevice& device) : attribute_(attribute), device_(device) {}
  [[nodiscard]] std::uint64_t size() const override {
    return attribute_.data_size > 0 ? static_cast<std::uint64_t>(attribute_.data_size) : 0;
  }
  [[nodiscard]] Result<void> read(std::uint64_t offset, MutableBytes out) const override {
    if (offset > size() || out.size() > size() - offset) return fail(Code::Corrupt, "read past the end");
    const auto length = static_cast<s64>(out.size());
    if (length == 0 || ntfs_attr_pread(&attribute_, static_cast<s64>(offset), length, out.data()) == length) return {};
    if (device_.error()) return std::unexpected(*device_.error());
    return fail(Code::Corrupt, "where it lies is damaged");
  }

 private:
  ntfs_attr& attribute_;
  const NtfsDevice& device_;
};

/// The name that an inode has in the directory `parent`: `asked` when it is one of them, else the first that is no DOS
/// name. Empty when there is none, on a damaged volume.
std::string name_in(ntfs_inode* inode, std::uint64_t parent, std::string_view asked) {
  static_assert(offsetof(FILE_NAME_ATTR, file_name) == 0x42);
  constexpr std::uint64_t kHeader = offsetof(FILE_NAME_ATTR, file_name);
  const SearchPtr context(ntfs_attr_get_search_ctx(inode, nullptr));
  std::string found;
  while (context && ntfs_attr_lookup(AT_FILE_NAME, AT_UNNAMED, 0, CASE_SENSITIVE, 0, nullptr, 0, context.get()) == 0) {
    const ATTR_RECORD* record = context->attr;
    if (record->non_resident != 0) break;
    const Bytes bytes(reinterpret_cast<const std::byte*>(record), record->length);
    const auto value = slice(bytes, record->value_offset, record->value_length);
    if (!value || value->size() < kHeader) break;
    const auto units = *load_le<std::uint8_t>(*value, offsetof(FILE_NAME_ATTR, file_name_length));
    const auto type = *load_le<std::uint8_t>(*value, offsetof(FILE_NAME_ATTR, file_name_type));
    const auto name = slice(*value, kHeader, 2ULL * units);
    if (!name) break;
    if (MREF(*load_le<std::uint64_t>(*value, 0)) != parent || type == FILE_NAME_DOS) continue;
    std::u16string text(units, u'\0');
    std::memcpy(text.data(), name->data(), name->size());
    std::string spelled = to_utf8(text);
    if (spelled == asked) return spelled;
    if (found.empty()) found = std::move(spelled);
  }
  return found;
}

struct Listed {
  std::string name;
  MFT_REF reference;
};

struct Listing {
  std::vector<Listed> names;
  std::size_t most;
  bool full = false;  // there are more
};

/// Called by the library, so no exception may leave it.
int collect(void* into, const ntfschar* name, const int units, const int type, const s64, const MFT_REF reference,
            const unsigned) {
  try {
    auto& listing = *static_cast<Listing*>(into);
    if (type == FILE_NAME_DOS || units <= 0) return 0;
    if (MREF(reference) != FILE_root && MREF(reference) < FILE_first_user) return 0;
    std::string text = to_utf8(as_utf16(name, static_cast<std::size_t>(units)));
    if (text == "." || text == "..") return 0;
    if (listing.names.size() >= listing.most) {
      listing.full = true;
      errno = ENOMEM;
      return -1;
    }
    listing.names.push_back({std::move(text), reference});
    return 0;
  } catch (const std::bad_alloc&) {
    errno = ENOMEM;
    return -1;
  }
}

}  // namespace

NtfsVolume::NtfsVolume(const ByteSource& partition, const NtfsGeometry& geometry)
    : device_(partition), geometry_(geometry) {}

NtfsVolume::~NtfsVolume() {
  if (volume_ != nullptr) ntfs_umount(volume_, TRUE);
}

Result<std::unique_ptr<HostVolume>> NtfsVolume::open(const ByteSource& partition, Bytes sector) {
  const NtfsGeometry geometry = TRY(parse_ntfs_boot(sector, partition.size()));
  std::unique_ptr<NtfsVolume> volume(new NtfsVolume(partition, geometry));
  TRY(volume->mount());
  return std::unique_ptr<HostVolume>(std::move(volume));
}

Result<void> NtfsVolume::mount() {
  ntfs_log_set_handler(ntfs_log_handler_null);
  device_.begin(kReads);
  ntfs_device* device = device_.allocate();
  if (device == nullptr) return fail(Code::NoMemory, "no memory for the NTFS volume");
  volume_ = ntfs_device_mount(device, NTFS_MNT_RDONLY);
  if (volume_ == nullptr) {
    auto error = failure("opening the NTFS volume");
    NtfsDevice::discard(device);
    return error;
  }
  if (volume_->major_ver > 3 || (volume_->major_ver == 3 && volume_->minor_ver > 1))
    return refuse(Condition::NewerNtfs);
  NVolClearCaseSensitive(volume_);
  serial_text_ = to_upper_ascii(to_hex(geometry_.serial, 16));
  label_ = TRY(read_label());
  return {};
}

std::unexpected<Error> NtfsVolume::failure(std::string_view doing, int err) const {
  if (device_.error()) return std::unexpected(device_.error()->within(doing));
  switch (err) {
    case ENOMEM:
      return fail(Code::NoMemory, concat(doing, ": no memory"));
    case EOPNOTSUPP:
    case EACCES:
      return fail(Code::Unsupported, concat(doing, ": not supported for this file"));
    case ENOENT:
      return fail(Code::Corrupt,
                  concat(doing, ": something that belongs to it is missing; ", row_of(Condition::Damaged).clause));
    default:
      return fail(Code::Corrupt, concat(doing, ": its metadata are damaged (", std::strerror(err), "); ",
                                        row_of(Condition::Damaged).clause));
  }
}

Result<std::string> NtfsVolume::read_label() {
  s64 size = 0;
  const MallocPtr<ntfschar> name(
      static_cast<ntfschar*>(ntfs_attr_readall(volume_->vol_ni, AT_VOLUME_NAME, AT_UNNAMED, 0, &size)));
  if (!name) {
    if (errno == ENOENT || size == 0) return std::string();
    return failure("reading the label of the NTFS volume");
  }
  return to_utf8(as_utf16(name.get(), static_cast<std::size_t>(std::min(size, kMaxLabelBytes)) / sizeof(ntfschar)));
}

Result<bool> NtfsVolume::journal_pending() {
  const InodePtr inode = TRY(open_inode(FILE_LogFile, "opening the NTFS journal"));
  const AttrPtr log(ntfs_attr_open(inode.get(), AT_DATA, AT_UNNAMED, 0));
  if (!log) return failure("opening the NTFS journal");
  const AttributeSource contents(*log, device_);
  return TRY_IN("reading the NTFS journal", ntfs_journal_pending(contents));
}

Result<bool> NtfsVolume::hibernated() {
  errno = 0;
  if (ntfs_volume_check_hiberfile(volume_, 0) == 0) return false;
  if (errno == EPERM) return true;
  return failure("reading hiberfil.sys");
}

// The library knows a session that sleeps ("hibr"), not one whose waking up was cut off.
Result<bool> NtfsVolume::half_awake() {
  const InodePtr root = TRY(open_inode(FILE_root, "opening the root directory"));
  const auto file = find_in(root.get(), "hiberfil.sys", "/");
  if (!file && file.error().code == Code::NotFound) return false;
  if (!file) return std::unexpected(file.error());
  const AttrPtr data(ntfs_attr_open(file->get(), AT_DATA, AT_UNNAMED, 0));
  if (!data) return failure("reading hiberfil.sys");
  std::array<std::byte, 4> signature{};
  const s64 got = ntfs_attr_pread(data.get(), 0, static_cast<s64>(signature.size()), signature.data());
  if (got < 0) return failure("reading hiberfil.sys");
  return as_text(signature) == "RSTR";
}

Result<VolumeState> NtfsVolume::state() {
  device_.begin(kReads);
  const std::uint16_t flags = volume_->flags;
  VolumeState state;
  state.dirty = (flags & kDirtyFlag) != 0;
  state.chkdsk_scheduled = (flags & kMaintenanceFlags) != 0;
  state.journal_pending = TRY(journal_pending());
  state.hibernated = TRY(hibernated()) || TRY(half_awake());
  return state;
}

Result<InodePtr> NtfsVolume::open_inode(std::uint64_t reference, std::string_view doing) {
  InodePtr inode(ntfs_inode_open(volume_, reference));
  if (!inode) return failure(doing);
  if (!attribute_list_intact(inode.get())) return failure(doing, EIO);
  return inode;
}

Result<void> NtfsVolume::check_index(ntfs_inode* directory) {
  s64 size = 0;
  const MallocPtr<INDEX_ROOT> root(
      static_cast<INDEX_ROOT*>(ntfs_attr_readall(directory, AT_INDEX_ROOT, NTFS_INDEX_I30, 4, &size)));
  if (!root || size < static_cast<s64>(sizeof(INDEX_ROOT))) return failure("reading a directory", EIO);
  // The library would allocate any size.
  if (root->index_block_size > kMaxIndexBlock) return failure("reading a directory", EIO);
  return {};
}

Result<InodePtr> NtfsVolume::find_in(ntfs_inode* directory, std::string_view name, const std::string& where) {
  if (!is_directory(directory)) return fail(Code::NotFound, concat(printable(where), " is not a directory"));
  const std::string doing = concat("looking for \"", printable(name), "\" in ", printable(where));
  const std::uint32_t tag = TRY_IN(doing, reparse_tag(directory));
  if (is_link(tag))
    return fail(Code::Unsupported, concat(printable(where), " is a link: name the folder that it points to"));
  TRY_IN(doing, check_index(directory));

  const auto units = to_utf16(name);
  if (!units || units->empty() || units->size() > kMaxNameUnits) return fail(Code::Invalid, doing + ": no valid name");
  const auto* unicode = reinterpret_cast<const ntfschar*>(units->data());
  const auto length = static_cast<int>(units->size());
  // The very name first: programs on Linux can make two names that differ only in case.
  MFT_REF reference = ERR_MREF(-1);
  {
    const CaseSensitive exact(volume_);
    reference = ntfs_inode_lookup_by_name(directory, unicode, length);
  }
  if (reference == ERR_MREF(-1) && errno == ENOENT) reference = ntfs_inode_lookup_by_name(directory, unicode, length);
  if (reference == ERR_MREF(-1)) {
    if (errno == ENOENT && !device_.error())
      return fail(Code::NotFound, concat("there is no \"", printable(name), "\" in ", printable(where)));
    return failure(doing);
  }
  return open_inode(reference, doing);
}

Result<InodePtr> NtfsVolume::find(const Path& path) {
  InodePtr inode = TRY(open_inode(FILE_root, "opening the root directory"));
  Path where;
  for (const std::string& name : path.components()) {
    inode = TRY(find_in(inode.get(), name, where.text()));
    where = TRY(where.child(name));
  }
  return inode;
}

Result<std::uint32_t> NtfsVolume::reparse_tag(ntfs_inode* inode) {
  if (!has(inode, FILE_ATTR_REPARSE_POINT)) return 0;
  s64 size = 0;
  const MallocPtr<std::byte> data(
      static_cast<std::byte*>(ntfs_attr_readall(inode, AT_REPARSE_POINT, AT_UNNAMED, 0, &size)));
  if (!data) return failure("reading a reparse point");
  const auto tag = load_le<std::uint32_t>({data.get(), static_cast<std::size_t>(size)}, 0);
  if (!tag || *tag == 0) return failure("reading a reparse point", EIO);
  return *tag;
}

Result<std::vector<Extent>> NtfsVolume::extents_of(ntfs_attr* data, std::uint64_t covered) {
  if (ntfs_attr_map_whole_runlist(data) != 0) return failure("reading where it lies");
  const auto clusters = static_cast<std::uint64_t>(volume_->nr_clusters);
  const std::uint64_t cluster = geometry_.cluster_size;
  // libntfs-3g has read the boot sector a second time: both readings must agree before anything is multiplied.
  if (volume_->cluster_size != cluster || clusters > geometry_.volume_size / cluster)
    return failure("reading where it lies", EIO);
  ExtentList extents(covered, clusters * cluster);
  for (const runlist_element* run = data->rl; run != nullptr && run->length > 0; ++run) {
    if (run->lcn == LCN_HOLE) continue;
    const auto length = static_cast<std::uint64_t>(run->length);
    const auto physical = static_cast<std::uint64_t>(run->lcn);
    // Cluster 0 is $Boot: no file lies there.
    if (run->lcn < 1 || run->vcn < 0 || length > clusters || physical > clusters)
      return failure("reading where it lies", EIO);
    // Beyond this no multiplication fits, and no file of such a size either.
    if (static_cast<std::uint64_t>(run->vcn) > (UINT64_MAX >> 1) / cluster)
      return failure("reading where it lies", EIO);
    TRY(extents.add(static_cast<std::uint64_t>(run->vcn) * cluster, physical * cluster, length * cluster));
  }
  return std::move(extents).finish();
}

Result<FileLayout> NtfsVolume::layout_of(ntfs_inode* inode) {
  FileLayout out;
  out.reparse_tag = TRY(reparse_tag(inode));
  out.directory = is_directory(inode);
  out.sparse = has(inode, FILE_ATTR_SPARSE_FILE);
  out.compressed = has(inode, FILE_ATTR_COMPRESSED);
  out.encrypted = has(inode, FILE_ATTR_ENCRYPTED);
  if (out.directory) return out;

  const AttrPtr data(ntfs_attr_open(inode, AT_DATA, AT_UNNAMED, 0));
  if (!data) return failure("reading its data attribute");
  if (data->data_size < 0 || data->initialized_size < 0 || data->allocated_size < 0 || data->compressed_size < 0)
    return failure("reading its sizes", EIO);
  out.sparse = out.sparse || has(data.get(), ATTR_IS_SPARSE);
  // The attribute decides, the file's own flag only says what new data would become.
  out.compressed = has(data.get(), ATTR_COMPRESSION_MASK);
  out.encrypted = out.encrypted || has(data.get(), ATTR_IS_ENCRYPTED);
  out.resident = NAttrNonResident(data.get()) == 0;
  out.size = static_cast<std::uint64_t>(data->data_size);
  out.valid_size = std::min(out.size, static_cast<std::uint64_t>(data->initialized_size));
  out.modified = unix_time(inode->last_data_change_time).seconds;
  if (out.resident) return out;
  out.allocated_size = static_cast<std::uint64_t>(has(data.get(), ATTR_IS_COMPRESSED) || has(data.get(), ATTR_IS_SPARSE)
                                                      ? data->compressed_size
                                                      : data->allocated_size);
  out.extents = TRY(extents_of(data.get(), out.size));
  return out;
}

Result<std::vector<Extent>> NtfsVolume::places_of(ntfs_inode* inode, bool without_contents) {
  std::vector<Extent> places;
  const auto clusters = static_cast<std::uint64_t>(volume_->nr_clusters);
  const SearchPtr context(ntfs_attr_get_search_ctx(inode, nullptr));
  if (!context) return fail(Code::NoMemory, "no memory for the NTFS volume");
  while (ntfs_attrs_walk(context.get()) == 0) {
    const ATTR_RECORD* record = context->attr;
    if (record->non_resident == 0) continue;
    std::uint32_t type = 0;  // the first field, in a packed structure
    std::memcpy(&type, record, sizeof(type));
    if (without_contents && type == AT_DATA && record->name_length == 0) continue;
    const MallocPtr<runlist_element> runs(ntfs_mapping_pairs_decompress(volume_, record, nullptr));
    if (!runs) return failure("reading where it lies");
    for (const runlist_element* run = runs.get(); run->length > 0; ++run) {
      if (run->lcn < 0) continue;  // a hole, or what another record of this attribute says
      const auto first = static_cast<std::uint64_t>(run->lcn);
      const auto length = static_cast<std::uint64_t>(run->length);
      if (first > clusters || length > clusters - first) return failure("reading where it lies", EIO);
      places.push_back({0, first * geometry_.cluster_size, length * geometry_.cluster_size});
    }
  }
  if (errno != ENOENT || device_.error()) return failure("reading where it lies");
  return places;
}

Result<void> NtfsVolume::check_apart_from_metadata(const AllocationCheck& check) {
  for (std::uint64_t number = FILE_MFT; number <= FILE_Extend; ++number) {
    const InodePtr inode = TRY(open_inode(number, "opening a file of the file system"));
    TRY(check.apart_from(concat("the file system's own file ", number), TRY(places_of(inode.get(), false))));
  }
  const InodePtr extend = TRY(open_inode(FILE_Extend, "opening a file of the file system"));
  if (!is_directory(extend.get())) return {};  // before NTFS 3
  return check_apart_from_folder(check, extend.get(), "$Extend", FILE_Extend);
}

Result<void> NtfsVolume::check_apart_from_folder(const AllocationCheck& check, ntfs_inode* folder,
                                                 const std::string& where, std::uint64_t own) {
  device_.begin(kListReads);
  TRY(check.apart_from(concat("the folder ", where), TRY(places_of(folder, false))));
  TRY_IN(where, check_index(folder));
  Listing listing{.names = {}, .most = kMaxNeighbours};
  s64 position = 0;
  if (ntfs_readdir(folder, &position, &listing, collect) != 0 && !listing.full)
    return failure(concat("listing ", where));
  // As they lie on the disk.
  std::ranges::sort(listing.names, {}, [](const Listed& one) { return MREF(one.reference); });
  for (const Listed& listed : listing.names) {
    const InodePtr inode(ntfs_inode_open(volume_, listed.reference));
    if (device_.error()) return std::unexpected(*device_.error());
    // What is wrong with another file is no reason against this one.
    if (!inode || !attribute_list_intact(inode.get())) continue;
    if (const auto places = places_of(inode.get(), inode->mft_no == own))
      TRY(check.apart_from(concat('"', printable(listed.name), "\" in ", where), *places));
    if (device_.error()) return std::unexpected(*device_.error());
  }
  return {};
}

Result<void> NtfsVolume::check_allocation(const Path& path) {
  const std::string name = printable(path.text());
  const FileLayout file = TRY(layout(path));
  const AllocationCheck check(file.extents);
  device_.begin(kListReads);
  TRY_IN(name, check.in_use(AttributeSource(*volume_->lcnbmp_na, device_), 0, geometry_.cluster_size));
  TRY_IN(name, check_apart_from_metadata(check));
  const std::uint64_t own = TRY(find(path))->mft_no;
  InodePtr folder = TRY(open_inode(FILE_root, "opening the root directory"));
  Path where;
  for (const std::string& component : path.components()) {
    TRY_IN(name, check_apart_from_folder(check, folder.get(), printable(where.text()), own));
    folder = TRY(find_in(folder.get(), component, where.text()));
    where = TRY(where.child(component));
  }
  return {};
}

Result<FileLayout> NtfsVolume::layout(const Path& path) {
  device_.begin(kReads);
  const InodePtr inode = TRY(find(path));
  return TRY_IN(printable(path.text()), layout_of(inode.get()));
}

Result<Path> NtfsVolume::spelling(const Path& path) {
  device_.begin(kReads);
  InodePtr inode = TRY(open_inode(FILE_root, "opening the root directory"));
  Path spelled;
  for (const std::string& name : path.components()) {
    InodePtr child = TRY(find_in(inode.get(), name, spelled.text()));
    spelled = TRY_IN(printable(path.text()), spelled.child(name_in(child.get(), inode->mft_no, name)));
    inode = std::move(child);
  }
  return spelled;
}

Result<std::vector<DirEntry>> NtfsVolume::list(const Path& path) {
  device_.begin(kListReads);
  const InodePtr directory = TRY(find(path));
  if (!is_directory(directory.get()))
    return fail(Code::NotFound, concat(printable(path.text()), " is not a directory"));
  TRY_IN(printable(path.text()), check_index(directory.get()));

  Listing listing{.names = {}, .most = kMaxListed};
  s64 position = 0;
  if (ntfs_readdir(directory.get(), &position, &listing, collect) != 0)
    return failure(concat("listing ", printable(path.text())));
  std::vector<DirEntry> entries;
  entries.reserve(listing.names.size());
  for (Listed& listed : listing.names) {
    DirEntry entry{std::move(listed.name), false, 0};
    // A file that cannot be opened is still there for the person to see.
    if (const InodePtr inode{ntfs_inode_open(volume_, listed.reference)}) {
      entry.directory = is_directory(inode.get());
      if (!entry.directory && inode->data_size > 0) entry.size = static_cast<std::uint64_t>(inode->data_size);
    }
    entries.push_back(std::move(entry));
  }
  return entries;
}

Result<std::vector<std::byte>> NtfsVolume::read_file(const Path& path, std::uint64_t cap) {
  device_.begin(kReads);
  const InodePtr inode = TRY(find(path));
  const std::string name = printable(path.text());
  if (is_directory(inode.get())) return fail(Code::NotFound, name + " is a directory");
  if (const std::uint32_t tag = TRY_IN(name, reparse_tag(inode.get())); tag != 0)
    return fail(Code::Unsupported,
                concat(name, " is a reparse point (tag 0x", to_hex(tag, 8), "): copy it to a new file"));
  const AttrPtr data(ntfs_attr_open(inode.get(), AT_DATA, AT_UNNAMED, 0));
  if (!data) return failure(name + ": reading its data attribute");
  if (has(data.get(), ATTR_IS_ENCRYPTED) || has(inode.get(), FILE_ATTR_ENCRYPTED))
    return fail(Code::Unsupported, name + " is encrypted (EFS): in Windows run \"cipher /d FILE\"");
  // The library's decompressor trusts its input too much.
  if (has(data.get(), ATTR_COMPRESSION_MASK) && NAttrNonResident(data.get()) != 0)
    return fail(Code::Unsupported, name + " is compressed: in Windows run \"compact /u FILE\"");
  if (data->data_size < 0 || static_cast<std::uint64_t>(data->data_size) > cap)
    return fail(Code::Unsupported, concat(name, " has ", data->data_size, " bytes, more than the ", cap, " expected"));
  std::vector<std::byte> contents(static_cast<std::size_t>(data->data_size));
  if (!contents.empty() && ntfs_attr_pread(data.get(), 0, data->data_size, contents.data()) != data->data_size)
    return failure("reading " + name);
  return contents;
}

}  // namespace vhdboot::volume
