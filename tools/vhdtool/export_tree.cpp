// SPDX-License-Identifier: GPL-2.0-or-later
#include "tools/vhdtool/export_tree.h"

#include <algorithm>
#include <string>
#include <vector>

#include "base/text.h"
#include "base/units.h"
#include "init/volume/lx_file.h"
#include "tools/common/space_file.h"
#include "tools/common/tar.h"

namespace vhdboot::vhdtool {
namespace {

using tools::TarEntry;
using tools::TarType;
using volume::LxFile;
using volume::LxType;

constexpr std::string_view kHere = "./";

tools::TarTime tar_time_of(const volume::UnixTime& time) {
  return {time.seconds, time.nanoseconds};
}

TarType tar_type(LxType type) {
  switch (type) {
    case LxType::Directory:
      return TarType::Directory;
    case LxType::Symlink:
      return TarType::Symlink;
    case LxType::Character:
      return TarType::Character;
    case LxType::Block:
      return TarType::Block;
    case LxType::Fifo:
      return TarType::Fifo;
    case LxType::Socket:
    case LxType::File:
      break;
  }
  return TarType::File;
}

TarEntry tar_entry(const tree::Entry& entry) {
  const LxFile& file = entry.file;
  TarEntry out;
  out.type = tar_type(file.type);
  out.path = concat(kHere, entry.path);
  out.target = file.target.value_or("");
  out.mode = file.mode;
  out.uid = file.uid;
  out.gid = file.gid;
  out.device_major = file.device.major;
  out.device_minor = file.device.minor;
  out.accessed = tar_time_of(file.accessed);
  out.modified = tar_time_of(file.modified);
  out.binary = !to_utf16(out.path) || !to_utf16(out.target);
  for (const volume::LxAttribute& one : file.attributes)
    out.attributes.emplace_back(one.name, std::string(as_text(one.value)));
  return out;
}

class Archive final : public tree::Visitor {
 public:
  explicit Archive(const ExportTo& to) : to_(to) {}

  Result<void> directory(const tree::Entry& entry) override { return put(tar_entry(entry)); }
  Result<tree::WhyNot> file(const tree::Entry& entry, const volume::NtfsContents& contents) override;
  Result<bool> other(const tree::Entry& entry) override {
    if (entry.file.type == LxType::Socket) return false;
    TRY(put(tar_entry(entry)));
    return true;
  }
  Result<void> hard_link(const tree::Entry& entry, std::string_view first) override {
    TarEntry link = tar_entry(entry);
    link.type = TarType::HardLink;
    link.target = concat(kHere, first);
    link.binary = !to_utf16(link.path) || !to_utf16(link.target);
    link.attributes.clear();
    return put(link);
  }
  void say(std::string_view path, std::string_view text) override { to_.say(path, text); }

 private:
  Result<void> put(const TarEntry& entry) {
    if (to_.stop()) return std::unexpected(tools::stop_error());
    return to_.write(as_bytes(tools::tar_header(entry)));
  }

  const ExportTo& to_;
};

Result<tree::WhyNot> Archive::file(const tree::Entry& entry, const volume::NtfsContents& contents) {
  const std::string path = printable(entry.path);
  TarEntry header = tar_entry(entry);
  header.size = contents.bytes->size();
  header.data = contents.data;
  // The beginning before the header: a file that cannot be read is then left out, not cut off.
  std::vector<std::byte> buffer(static_cast<std::size_t>(std::min<std::uint64_t>(header.size, kMiB)));
  Bytes known;
  if (!contents.data.empty()) {
    const auto first = std::min<std::uint64_t>(contents.data.front().length, buffer.size());
    const MutableBytes place = MutableBytes(buffer).first(static_cast<std::size_t>(first));
    if (auto read = contents.bytes->read(contents.data.front().offset, place); !read) {
      if (!tree::is_local(read.error())) return std::unexpected(read.error().within(path));
      return read.error().message();
    }
    known = place;
  }
  TRY(put(header));
  std::uint64_t written = 0;
  for (const Range& range : contents.data) {
    for (std::uint64_t at = range.offset; at < range.end();) {
      if (known.empty()) {
        const auto length = std::min<std::uint64_t>(buffer.size(), range.end() - at);
        const MutableBytes place = MutableBytes(buffer).first(static_cast<std::size_t>(length));
        TRY_IN(path, contents.bytes->read(at, place));
        known = place;
      }
      TRY(to_.write(known));
      at += known.size();
      written += known.size();
      known = {};
    }
  }
  const std::string padding(tools::tar_padding(written), '\0');
  TRY(to_.write(as_bytes(padding)));
  return tree::WhyNot();
}

}  // namespace

Result<tree::Counts> export_tree(volume::NtfsTree& tree, const tree::Distribution& distribution, const ExportTo& to) {
  Archive archive(to);
  const auto counts = TRY(tree::walk(tree, distribution, kMaxExported, archive));
  const std::string end(tools::kTarEnd, '\0');
  TRY(to.write(as_bytes(end)));
  return counts;
}

}  // namespace vhdboot::vhdtool
