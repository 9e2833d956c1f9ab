// SPDX-License-Identifier: GPL-2.0-or-later
#include "kexec/archive_builder.h"

#include <cstring>

#include "base/text.h"

namespace vhdboot::kexec {

namespace {

constexpr std::uint32_t kTypeMask = 0170000;
constexpr std::uint32_t kPermissionMask = 07777;

}  // namespace

Result<std::string> ArchiveBuilder::normalise(std::string_view path) const {
  const std::string_view relative = path.substr(path.starts_with('/') ? 1 : 0);
  if (relative.size() > cpio::kMaxNameLength) return fail(Code::Invalid, "a path in the archive is too long");
  for (const auto component : split(relative, '/'))
    if (component.empty() || component == "." || component == ".." || component.find('\0') != std::string_view::npos)
      return fail(Code::Invalid, concat("\"", printable(path), "\" is no path for the archive"));
  if (relative == cpio::kTrailerName) return fail(Code::Invalid, concat(relative, " would end the archive"));
  return std::string(relative);
}

const ArchiveBuilder::Entry* ArchiveBuilder::find(std::string_view path) const {
  const auto found = index_.find(path);
  return found == index_.end() ? nullptr : &entries_[found->second];
}

Result<void> ArchiveBuilder::add_parents(std::string_view path) {
  for (std::size_t slash = path.find('/'); slash != std::string_view::npos; slash = path.find('/', slash + 1))
    TRY(add_directory(path.substr(0, slash)));
  return {};
}

Result<void> ArchiveBuilder::add(std::string path, std::uint32_t mode, Bytes data) {
  if (data.size() > cpio::kMaxFileSize)
    return fail(Code::Invalid, concat(path, " is too large for the archive (", human_size(data.size()), ")"));
  TRY(add_parents(path));
  if (find(path) != nullptr) return fail(Code::Invalid, concat(path, " is in the archive already"));
  entries_size_ += cpio::entry_size(path, data.size());
  index_.emplace(path, entries_.size());
  entries_.push_back({std::move(path), mode, {data.begin(), data.end()}});
  return {};
}

Result<void> ArchiveBuilder::add_directory(std::string_view path, std::uint32_t mode) {
  std::string name = TRY(normalise(path));
  if (const Entry* entry = find(name); entry != nullptr) {
    if ((entry->mode & kTypeMask) == cpio::kDirectory) return {};
    return fail(Code::Invalid, concat(name, " is in the archive already, and no directory"));
  }
  return add(std::move(name), cpio::kDirectory | (mode & kPermissionMask), {});
}

Result<void> ArchiveBuilder::add_file(std::string_view path, Bytes contents, std::uint32_t mode) {
  return add(TRY(normalise(path)), cpio::kRegular | (mode & kPermissionMask), contents);
}

Result<void> ArchiveBuilder::add_symlink(std::string_view path, std::string_view target) {
  // The kernel reads a target into a buffer of PATH_MAX bytes and drops a longer one without a word.
  if (target.empty() || target.size() > cpio::kMaxNameLength)
    return fail(Code::Invalid, concat("the target of the symbolic link ", printable(path), " is empty or too long"));
  return add(TRY(normalise(path)), cpio::kSymlink | 0777, as_bytes(target));
}

std::vector<std::byte> ArchiveBuilder::finish() const {
  std::vector<std::byte> out(static_cast<std::size_t>(size()));
  cpio::Writer writer(out);
  bool complete = true;
  for (const Entry& entry : entries_) {
    const auto room = writer.reserve({.name = entry.path, .mode = entry.mode, .size = entry.data.size()});
    complete = complete && room.has_value();
    if (room && !entry.data.empty()) std::memcpy(room->data(), entry.data.data(), entry.data.size());
  }
  // Every entry was checked when it was added, and the buffer has the size of their sum.
  complete = writer.finish() && complete;
  if (!complete) out.clear();
  return out;
}

}  // namespace vhdboot::kexec
