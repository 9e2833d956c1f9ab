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

constexpr std::string_view kRepair = "; let Windows repair the volume with \"chkdsk /f\"";

std::unexpected<Error> damaged_entry(std::string_view name) {
  return fail(Code::Corrupt, concat("the directory entry of ", name, " is damaged", kRepair));
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
  if (!entries.upcase) return fail(Code::Corrupt, concat("it has no up-case table", kRepair));
  if (entries.upcase->size > UpcaseTable::kMaxBytes)
    return fail(Code::Corrupt, concat("its up-case table is too large", kRepair));
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
