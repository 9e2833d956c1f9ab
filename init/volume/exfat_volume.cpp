// SPDX-License-Identifier: GPL-2.0-or-later
#include "init/volume/exfat_volume.h"

#include <algorithm>
#include <utility>

#include "base/text.h"
#include "base/units.h"

namespace vhdboot::volume {
namespace {

/// As blkid prints it: "1234-ABCD".
std::string serial_text(std::uint32_t serial) {
  const std::string text = to_upper_ascii(to_hex(serial, 8));
  return concat(std::string_view(text).substr(0, 4), '-', std::string_view(text).substr(4));
}

std::unexpected<Error> damaged_entry(std::string_view name) {
  return fail(Code::Corrupt,
              concat("the directory entry of ", name, " is damaged", "; ", row_of(Condition::Damaged).clause));
}

}  // namespace

ExfatVolume::ExfatVolume(const ByteSource& partition, const ExfatGeometry& geometry)
    : partition_(partition), geometry_(geometry), fat_(partition, geometry_) {}

Result<std::unique_ptr<HostVolume>> ExfatVolume::open(const ByteSource& partition) {
  const ExfatGeometry geometry = TRY(read_exfat_boot(partition));
  std::unique_ptr<ExfatVolume> volume(new ExfatVolume(partition, geometry));
  TRY_IN("opening the exFAT volume", volume->read_root());
  return std::unique_ptr<HostVolume>(std::move(volume));
}

Result<void> ExfatVolume::read_root() {
  root_ = TRY_IN("its root directory", fat_.extents_to_end(geometry_.root_cluster, kMaxDirectoryBytes));
  const Contents root = TRY(open_directory(Path()));
  const ExfatRootEntries entries = TRY_IN("its root directory", ExfatDirectory::read_root(*root));
  label_ = to_utf8(entries.label);
  serial_text_ = volume::serial_text(geometry_.serial);
  if (!entries.upcase)
    return fail(Code::Corrupt, concat("it has no up-case table", "; ", row_of(Condition::Damaged).clause));
  if (entries.upcase->size > UpcaseTable::kMaxBytes)
    return fail(Code::Corrupt, concat("its up-case table is too large", "; ", row_of(Condition::Damaged).clause));
  upcase_stream_ = *entries.upcase;
  bitmaps_ = entries.bitmaps;
  std::vector<std::byte> table(static_cast<std::size_t>(entries.upcase->size));
  TRY_IN("its up-case table", TRY_IN("its up-case table", open(*entries.upcase))->read(0, table));
  upcase_ = TRY_IN("its up-case table", UpcaseTable::parse(table, entries.upcase_checksum));
  return {};
}

Result<ExfatVolume::Contents> ExfatVolume::open(const ExfatStream& stream) {
  auto extents = TRY(fat_.extents(stream));
  return std::make_unique<FileSource>(partition_, std::move(extents), stream.size, stream.valid_size);
}

Result<ExfatVolume::Contents> ExfatVolume::open_directory(const Path& path) {
  std::uint64_t root_size = 0;
  for (const Extent& extent : root_) root_size += extent.length;
  auto contents = std::make_unique<FileSource>(partition_, root_, root_size, root_size);
  Path where;
  for (const std::string& name : path.components()) {
    const ExfatFileEntry entry = TRY(find_in(*contents, name, where.text()));
    where = TRY(where.child(name));
    const std::string text = printable(where.text());
    if (!entry.directory) return fail(Code::NotFound, concat(text, " is not a directory"));
    ExfatStream stream = entry.stream;
    stream.valid_size = stream.size;  // 7.6.5: the same for a directory
    if (stream.size > kMaxDirectoryBytes) return damaged_entry(text);
    contents = TRY_IN(text, open(stream));
  }
  return contents;
}

Result<ExfatFileEntry> ExfatVolume::find_in(const FileSource& directory, std::string_view name,
                                            const std::string& where) {
  const auto units = to_utf16(name);
  if (!units) return fail(Code::Invalid, concat("\"", printable(name), "\" is no valid name"));
  const std::u16string wanted = upcase_.upcase(*units);
  const std::uint16_t hash = name_hash(wanted);
  ExfatDirectory entries(directory);
  while (auto entry = TRY_IN(printable(where), entries.next_file())) {
    if (entry->name.size() != wanted.size() || upcase_.upcase(entry->name) != wanted) continue;
    // Windows passes over an entry with another hash, and so must nobody find it here.
    if (!entry->intact || entry->name_hash != hash)
      return damaged_entry(concat('"', printable(name), "\" in ", printable(where)));
    return std::move(*entry);
  }
  return fail(Code::NotFound, concat("there is no \"", printable(name), "\" in ", printable(where)));
}

Result<ExfatFileEntry> ExfatVolume::find(const Path& path) {
  const Contents directory = TRY(open_directory(path.parent()));
  return find_in(*directory, path.name(), path.parent().text());
}

Result<VolumeState> ExfatVolume::state() {
  VolumeState state;
  state.dirty = geometry_.dirty || geometry_.from_backup;
  state.media_failure = geometry_.media_failure;
  return state;
}

Result<FileLayout> ExfatVolume::layout(const Path& path) {
  FileLayout out;
  out.directory = true;
  if (path.is_root()) return out;
  const ExfatFileEntry entry = TRY(find(path));
  if (entry.directory) return out;
  out.directory = false;
  out.size = entry.stream.size;
  out.valid_size = std::min(entry.stream.size, entry.stream.valid_size);
  out.modified = entry.modified;
  out.extents = TRY_IN(printable(path.text()), fat_.extents(entry.stream));
  out.allocated_size = align_up(out.size, geometry_.cluster_size);
  return out;
}

Result<Path> ExfatVolume::spelling(const Path& path) {
  Path spelled;
  for (const std::string& name : path.components()) {
    const ExfatFileEntry entry = TRY(find(TRY(spelled.child(name))));
    spelled = TRY_IN(printable(path.text()), spelled.child(to_utf8(entry.name)));
  }
  return spelled;
}

Result<std::vector<DirEntry>> ExfatVolume::list(const Path& path) {
  const Contents contents = TRY(open_directory(path));
  ExfatDirectory entries(*contents);
  std::vector<DirEntry> out;
  while (const auto entry = TRY_IN(printable(path.text()), entries.next_file())) {
    if (!entry->intact) continue;
    if (out.size() >= kMaxListed)
      return fail(Code::NoMemory, concat(printable(path.text()), " holds more than ", kMaxListed, " files"));
    out.push_back({to_utf8(entry->name), entry->directory, entry->directory ? 0 : entry->stream.size});
  }
  return out;
}

Result<void> ExfatVolume::check_apart_from_folder(const AllocationCheck& check, const Path& folder,
                                                  std::string_view own) {
  const Contents contents = TRY(open_directory(folder));
  const std::string where = printable(folder.text());
  TRY(check.apart_from(concat("the folder ", where), contents->extents()));
  const std::u16string passed_over = upcase_.upcase(to_utf16(own).value_or(u""));
  bool passed = false;
  ExfatDirectory entries(*contents);
  for (std::size_t files = 0; files < kMaxNeighbours; ++files) {
    const auto entry = TRY_IN(where, entries.next_file());
    if (!entry) break;
    if (!passed && upcase_.upcase(entry->name) == passed_over) {
      passed = true;
      continue;
    }
    // What is wrong with another file is no reason against this one.
    const auto extents = fat_.extents(entry->stream);
    if (!extents && extents.error().code == Code::Io) return std::unexpected(extents.error());
    if (extents) TRY(check.apart_from(concat('"', printable(to_utf8(entry->name)), "\" in ", where), *extents));
  }
  return {};
}

Result<void> ExfatVolume::check_allocation(const Path& path) {
  const std::string name = printable(path.text());
  const FileLayout file = TRY(layout(path));
  const AllocationCheck check(file.extents);
  const std::size_t active = geometry_.second_fat ? 1 : 0;
  if (bitmaps_.empty())
    return fail(Code::Corrupt, concat("it has no allocation bitmap", "; ", row_of(Condition::Damaged).clause));
  const auto bitmap = TRY_IN("its allocation bitmap", open(bitmaps_[std::min(active, bitmaps_.size() - 1)]));
  TRY_IN(name, check.in_use(*bitmap, geometry_.heap_offset, geometry_.cluster_size));
  for (const ExfatStream& stream : bitmaps_)
    TRY_IN(name, check.apart_from("the allocation bitmap", TRY(fat_.extents(stream))));
  TRY_IN(name, check.apart_from("the up-case table", TRY(fat_.extents(upcase_stream_))));
  Path folder;
  for (const std::string& component : path.components()) {
    TRY_IN(name, check_apart_from_folder(check, folder, component));
    folder = TRY(folder.child(component));
  }
  return {};
}

Result<std::vector<std::byte>> ExfatVolume::read_file(const Path& path, std::uint64_t cap) {
  const std::string name = printable(path.text());
  if (path.is_root()) return fail(Code::NotFound, name + " is a directory");
  const ExfatFileEntry entry = TRY(find(path));
  if (entry.directory) return fail(Code::NotFound, name + " is a directory");
  if (entry.stream.size > cap)
    return fail(Code::Unsupported,
                concat(name, " has ", entry.stream.size, " bytes, more than the ", cap, " expected"));
  const Contents contents = TRY_IN(name, open(entry.stream));
  std::vector<std::byte> out(static_cast<std::size_t>(entry.stream.size));
  TRY_IN(name, contents->read(0, out));
  return out;
}

}  // namespace vhdboot::volume
