// SPDX-License-Identifier: GPL-2.0-or-later
#include "tools/vhdtool/export_tree.h"

#include <algorithm>
#include <optional>
#include <unordered_map>
#include <unordered_set>
#include <utility>

#include "base/text.h"
#include "base/units.h"
#include "init/volume/lx_file.h"
#include "init/volume/lx_name.h"
#include "init/volume/reparse.h"
#include "tools/common/space_file.h"
#include "tools/common/tar.h"

namespace vhdboot::vhdtool {
namespace {

using tools::TarEntry;
using tools::TarType;
using volume::LxFile;
using volume::LxGeneration;
using volume::LxType;
using volume::NtfsName;
using volume::NtfsNode;

// What Linux can open, without the zero at its end, and the longest name of its file systems.
constexpr std::size_t kMaxPath = 4095;
constexpr std::size_t kMaxName = 255;
constexpr std::string_view kHere = "./";

Result<LxGeneration> generation_at(volume::NtfsTree& tree, std::uint64_t reference) {
  const NtfsNode node = TRY(tree.node(reference));
  if (!node.directory) return fail(Code::NotFound, "it is not a directory");
  if (!node.reparse_point.empty()) return fail(Code::Unsupported, "it is a link: name the folder that it points to");
  return volume::generation_of(TRY(volume::parse_extended_attributes(node.extended_attributes)));
}

/// The folder `name` in `folder` when it is there and has metadata of WSL.
std::optional<Distribution> folder_in(volume::NtfsTree& tree, const volume::Path& folder, std::string_view name) {
  const auto path = folder.child(name);
  const auto reference = path ? tree.find(*path) : std::unexpected(path.error());
  const auto generation = reference ? generation_at(tree, *reference) : std::unexpected(reference.error());
  if (!generation || *generation == LxGeneration::None) return std::nullopt;
  return Distribution{.root = *path, .reference = *reference, .generation = *generation, .grafts = {}};
}

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

/// What an error says of the one file, not of the whole archive.
bool is_local(const Error& error) {
  return error.code == Code::Corrupt || error.code == Code::Unsupported || error.code == Code::NotFound;
}

class Walk {
 public:
  Walk(volume::NtfsTree& tree, const Distribution& distribution, const ExportTo& to)
      : tree_(tree), distribution_(distribution), to_(to) {}

  Result<ExportCounts> run();

 private:
  struct Frame {
    std::vector<NtfsName> names;
    std::size_t next = 0;
    std::size_t path_length;  // of path_ in this folder
  };
  struct Linked {
    std::string path;
    std::uint32_t more;  // names to come
  };

  Result<void> name(const NtfsName& name);
  Result<void> entry(std::uint64_t reference);
  Result<void> directory(const NtfsNode& node, const LxFile& file);
  Result<void> other(const NtfsNode& node, const LxFile& file);
  Result<void> contents(TarEntry entry, const volume::NtfsContents& contents);
  void graft(std::vector<NtfsName>& names);

  TarEntry entry_of(const LxFile& file) const;
  Result<void> put(const TarEntry& entry);
  void count(const LxFile& file);
  void leave_out(std::string_view why);

  volume::NtfsTree& tree_;
  const Distribution& distribution_;
  const ExportTo& to_;
  ExportCounts counts_;
  std::string path_;  // of the entry at hand; a folder's with '/' at its end, the root's empty
  std::vector<Frame> frames_;
  std::unordered_set<std::uint64_t> folders_;  // that were met
  std::unordered_map<std::uint64_t, Linked> linked_;
};

void Walk::leave_out(std::string_view why) {
  to_.say(path_.empty() ? "/" : path_, why);
  ++counts_.left_out;
}

TarEntry Walk::entry_of(const LxFile& file) const {
  TarEntry entry;
  entry.type = tar_type(file.type);
  entry.path = concat(kHere, path_);
  entry.target = file.target.value_or("");
  entry.mode = file.mode;
  entry.uid = file.uid;
  entry.gid = file.gid;
  entry.device_major = file.device.major;
  entry.device_minor = file.device.minor;
  entry.accessed = tar_time_of(file.accessed);
  entry.modified = tar_time_of(file.modified);
  for (const volume::LxAttribute& one : file.attributes)
    entry.attributes.emplace_back(one.name, std::string(as_text(one.value)));
  return entry;
}

Result<void> Walk::put(const TarEntry& entry) {
  return to_.write(as_bytes(tools::tar_header(entry)));
}

void Walk::count(const LxFile& file) {
  if (!file.attributes.empty()) ++counts_.with_attributes;
  if (file.without_metadata) ++counts_.without_metadata;
  if (file.windows_link) ++counts_.windows_links;
  if (file.damage.empty()) return;
  ++counts_.damaged;
  to_.say(path_.empty() ? "/" : path_, concat(file.damage, ": it got the usual one instead"));
}

Result<void> Walk::directory(const NtfsNode& node, const LxFile& file) {
  if (!folders_.insert(node.number).second) {
    leave_out("this folder is in another place as well: let Windows repair the volume with \"chkdsk /f\"");
    return {};
  }
  auto names = tree_.names(node.number);
  if (!names && !is_local(names.error())) return std::unexpected(names.error().within(printable(path_)));
  if (!names) {
    leave_out(concat("it is left out with all that is in it: ", names.error().message()));
    return {};
  }
  if (path_.empty())
    graft(*names);
  else
    path_ += '/';
  TarEntry entry = entry_of(file);
  entry.binary = !to_utf16(entry.path);
  TRY(put(entry));
  count(file);
  counts_.streams += node.other_streams;
  ++counts_.directories;
  frames_.push_back({.names = *std::move(names), .path_length = path_.size()});
  return {};
}

/// WSL mounts the folders beside the root over those of their names in it.
void Walk::graft(std::vector<NtfsName>& names) {
  for (const Graft& one : distribution_.grafts) {
    const auto own = std::ranges::find(names, one.name, [](const NtfsName& name) { return to_utf8(name.name); });
    if (own == names.end()) {
      names.push_back({.name = to_utf16(one.name).value_or(u""), .reference = one.reference});
      continue;
    }
    const auto hidden = tree_.names(own->reference);
    if (!hidden || !hidden->empty()) {
      to_.say(one.name, concat("what is in rootfs/", one.name, " is left out: WSL shows the folder ", one.name,
                               " beside rootfs there"));
      ++counts_.left_out;
    }
    own->reference = one.reference;
  }
}

Result<void> Walk::contents(TarEntry entry, const volume::NtfsContents& contents) {
  const std::string path = printable(path_);
  // The beginning before the header: a file that cannot be read is then left out, not cut off.
  std::vector<std::byte> buffer(static_cast<std::size_t>(std::min<std::uint64_t>(entry.size, kMiB)));
  Bytes known;
  if (!contents.data.empty()) {
    const auto first = std::min<std::uint64_t>(contents.data.front().length, buffer.size());
    const MutableBytes place = MutableBytes(buffer).first(static_cast<std::size_t>(first));
    if (auto read = contents.bytes->read(contents.data.front().offset, place); !read) {
      if (!is_local(read.error())) return std::unexpected(read.error().within(path));
      leave_out(concat("it is left out: ", read.error().message()));
      return {};
    }
    known = place;
  }
  entry.data = contents.data;
  TRY(put(entry));
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
  return to_.write(as_bytes(padding));
}

Result<void> Walk::other(const NtfsNode& node, const LxFile& file) {
  const auto known = linked_.find(node.number);
  if (known != linked_.end()) {
    TarEntry link = entry_of(file);
    link.type = TarType::HardLink;
    link.target = known->second.path;
    link.binary = !to_utf16(link.path) || !to_utf16(link.target);
    link.attributes.clear();
    TRY(put(link));
    ++counts_.hard_links;
    if (--known->second.more == 0) linked_.erase(known);
    return {};
  }
  if (file.type == LxType::Socket) {
    ++counts_.sockets;
    return {};
  }
  TarEntry entry = entry_of(file);
  const bool by_contents = file.type == LxType::Symlink && !file.target;
  if (file.type == LxType::File || by_contents) {
    const auto contents = tree_.contents(node.number);
    if (!contents && !is_local(contents.error())) return std::unexpected(contents.error().within(printable(path_)));
    if (!contents) {
      leave_out(concat("it is left out: ", contents.error().message()));
      return {};
    }
    const std::uint64_t size = contents->bytes->size();
    if (by_contents) {
      std::vector<std::byte> text(static_cast<std::size_t>(std::min<std::uint64_t>(size, volume::kMaxLinkTarget + 1)));
      const auto read = contents->bytes->read(0, text);
      auto target = read ? volume::lx_target(as_text(text)) : std::unexpected(read.error());
      if (!target && !is_local(target.error())) return std::unexpected(target.error().within(printable(path_)));
      if (!target) {
        leave_out(concat("it is left out: ", target.error().message()));
        return {};
      }
      entry.target = *std::move(target);
    } else {
      entry.size = size;
    }
    entry.binary = !to_utf16(entry.path) || !to_utf16(entry.target);
    const std::uint64_t before = counts_.left_out;
    if (by_contents)
      TRY(put(entry));
    else
      TRY(this->contents(entry, *contents));
    if (counts_.left_out != before) return {};
  } else {
    entry.binary = !to_utf16(entry.path) || !to_utf16(entry.target);
    TRY(put(entry));
  }
  if (node.hard_links > 1) linked_.emplace(node.number, Linked{entry.path, node.hard_links - 1});
  count(file);
  counts_.streams += node.other_streams;
  if (file.type == LxType::File) ++counts_.files;
  if (file.type == LxType::Symlink) ++counts_.symlinks;
  if (file.type == LxType::Fifo) ++counts_.fifos;
  if (file.type == LxType::Character || file.type == LxType::Block) ++counts_.devices;
  return {};
}

Result<void> Walk::entry(std::uint64_t reference) {
  if (to_.stop()) return std::unexpected(tools::stop_error());
  if (counts_.entries() >= kMaxExported)
    return fail(Code::Unsupported, concat("it has more than ", kMaxExported, " files"));
  const auto node = tree_.node(reference);
  if (!node && !is_local(node.error())) return std::unexpected(node.error().within(printable(path_)));
  const auto file = node ? volume::lx_file(*node, distribution_.generation) : std::unexpected(node.error());
  if (!file) {
    leave_out(concat("it is left out: ", file.error().message()));
    return {};
  }
  if (node->encrypted) {
    leave_out("it is left out: it is encrypted (EFS); in Windows run \"cipher /d FILE\"");
    return {};
  }
  // A junction is a directory to NTFS alone.
  return file->type == LxType::Directory ? directory(*node, *file) : other(*node, *file);
}

Result<void> Walk::name(const NtfsName& name) {
  const auto unescaped = volume::lx_name(name.name, distribution_.generation);
  path_ += unescaped ? unescaped->text : to_utf8(name.name);
  if (!unescaped) {
    leave_out(concat("it is left out: ", unescaped.error().message()));
    return {};
  }
  if (unescaped->text.size() > kMaxName || path_.size() > kMaxPath) {
    leave_out("it is left out: Linux opens no path above 4095 bytes, and no name above 255");
    return {};
  }
  if (unescaped->unescaped) ++counts_.unescaped;
  if (!unescaped->valid) ++counts_.invalid_names;
  return entry(name.reference);
}

Result<ExportCounts> Walk::run() {
  TRY(entry(distribution_.reference));
  if (frames_.empty()) return fail(Code::Corrupt, "the folder itself cannot be read");
  while (!frames_.empty()) {
    Frame& frame = frames_.back();
    path_.resize(frame.path_length);
    if (frame.next == frame.names.size()) {
      frames_.pop_back();
      continue;
    }
    const NtfsName next = std::move(frame.names[frame.next++]);
    TRY(name(next));  // may add a frame
  }
  const std::string end(tools::kTarEnd, '\0');
  TRY(to_.write(as_bytes(end)));
  return counts_;
}

}  // namespace

Result<Distribution> find_distribution(volume::NtfsTree& tree, const volume::Path& path) {
  const std::string name = printable(path.text());
  Distribution out;
  out.root = path;
  out.reference = TRY(tree.find(path));
  out.generation = TRY_IN(name, generation_at(tree, out.reference));
  if (out.generation == LxGeneration::None) {
    auto root = folder_in(tree, path, "rootfs");
    if (!root) {
      const auto disk = path.child("ext4.vhdx");
      if (disk && tree.find(*disk))
        return fail(Code::Unsupported,
                    concat(name, " is the folder of a WSL 2 distribution, whose files are in the disk ",
                           "image ext4.vhdx in it: that boots as it is, see `vhdtool check`"));
      return fail(
          Code::Unsupported,
          concat(name, " has no metadata of WSL 1 (LXATTRB or $LXUID), nor has a folder rootfs in it: name the ",
                 "folder of the distribution, which has rootfs in it"));
    }
    out = *std::move(root);
  }
  if (out.generation != LxGeneration::LxFs || out.root.name() != "rootfs") return out;
  for (const std::string_view one : {"home", "root"})
    if (const auto beside = folder_in(tree, out.root.parent(), one))
      out.grafts.push_back({std::string(one), beside->reference});
  return out;
}

std::string describe(const ExportCounts& counts) {
  std::string out;
  const auto add = [&](std::uint64_t count, std::string_view one, std::string_view many, bool always = false) {
    if (count == 0 && !always) return;
    if (!out.empty() && !out.ends_with(": ") && !out.ends_with("; ")) out += ", ";
    out += concat(count, ' ', count == 1 ? one : many);
  };
  add(counts.files, "file", "files", true);
  add(counts.directories, "folder", "folders", true);
  add(counts.symlinks, "symbolic link", "symbolic links");
  add(counts.hard_links, "hard link", "hard links");
  add(counts.devices, "device", "devices");
  add(counts.fifos, "FIFO", "FIFOs");
  add(counts.with_attributes, "with extended attributes", "with extended attributes");
  add(counts.unescaped, "name unescaped", "names unescaped");
  add(counts.invalid_names, "name that is no Unicode", "names that are no Unicode");
  add(counts.windows_links, "link of Windows", "links of Windows");
  add(counts.without_metadata, "without metadata", "without metadata");
  add(counts.damaged, "with damaged metadata", "with damaged metadata");
  if (counts.sockets + counts.streams + counts.left_out == 0) return out;
  out += "; left out: ";
  add(counts.sockets, "socket", "sockets");
  add(counts.streams, "stream of Windows", "streams of Windows");
  add(counts.left_out, "that could not be taken", "that could not be taken");
  return out;
}

Result<ExportCounts> export_tree(volume::NtfsTree& tree, const Distribution& distribution, const ExportTo& to) {
  return Walk(tree, distribution, to).run();
}

}  // namespace vhdboot::vhdtool
