// SPDX-License-Identifier: GPL-2.0-or-later
#include "init/tree/walk.h"

#include <algorithm>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

#include "base/text.h"
#include "init/volume/lx_name.h"
#include "init/volume/reparse.h"

namespace vhdboot::tree {
namespace {

using volume::LxFile;
using volume::LxType;
using volume::NtfsName;
using volume::NtfsNode;

// What Linux can open, without the zero at its end, and the longest name of its file systems.
constexpr std::size_t kMaxPath = 4095;
constexpr std::size_t kMaxName = 255;

class Walk {
 public:
  Walk(volume::NtfsTree& tree, const Distribution& distribution, std::uint64_t most, Visitor& visitor)
      : tree_(tree), distribution_(distribution), most_(most), visitor_(visitor) {}

  Result<Counts> run();

 private:
  struct Frame {
    std::vector<NtfsName> names;
    std::size_t next = 0;
    std::size_t path_length;  // of path_ in this folder
    std::unordered_set<std::string> taken = {};
  };
  struct Linked {
    std::string path;
    std::uint32_t more;  // names to come
  };

  Result<void> name(const NtfsName& name);
  Result<void> entry(std::uint64_t reference);
  Result<void> directory(const NtfsNode& node, const LxFile& file);
  Result<void> other(const NtfsNode& node, LxFile file);
  Result<bool> take(const Entry& entry);
  Result<std::string> target_in(const NtfsNode& node);
  void graft(std::vector<NtfsName>& names);
  void count(const NtfsNode& node, const LxFile& file);
  void say(std::string_view text) { visitor_.say(path_.empty() ? "/" : path_, text); }
  void leave_out(std::string_view why);
  // The error of one file; that of the volume is handed on.
  Result<void> leave_out(const Error& error);

  volume::NtfsTree& tree_;
  const Distribution& distribution_;
  std::uint64_t most_;
  Visitor& visitor_;
  Counts counts_;
  std::string path_;  // of the entry at hand
  std::vector<Frame> frames_;
  std::unordered_set<std::uint64_t> folders_;  // that were met
  std::unordered_map<std::uint64_t, Linked> linked_;
};

void Walk::leave_out(std::string_view why) {
  say(why);
  ++counts_.left_out;
}

Result<void> Walk::leave_out(const Error& error) {
  if (!is_local(error)) return std::unexpected(error.within(printable(path_)));
  leave_out(concat("it is left out: ", error.message()));
  return {};
}

void Walk::count(const NtfsNode& node, const LxFile& file) {
  counts_.streams += node.other_streams;
  if (!file.attributes.empty()) ++counts_.with_attributes;
  if (file.without_metadata) ++counts_.without_metadata;
  if (file.windows_link) ++counts_.windows_links;
  if (file.damage.empty()) return;
  ++counts_.damaged;
  say(concat(file.damage, ": it got the usual one instead"));
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
  TRY(visitor_.directory({.path = path_, .depth = frames_.size(), .node = node, .file = file}));
  count(node, file);
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
      visitor_.say(one.name, concat("what is in rootfs/", one.name, " is left out: WSL shows the folder ", one.name,
                                    " beside rootfs there"));
      ++counts_.left_out;
    }
    own->reference = one.reference;
  }
}

/// Of a symbolic link whose contents say where it leads.
Result<std::string> Walk::target_in(const NtfsNode& node) {
  const auto contents = TRY(tree_.contents(node.number));
  const std::uint64_t size = contents.bytes->size();
  std::vector<std::byte> text(static_cast<std::size_t>(std::min<std::uint64_t>(size, volume::kMaxLinkTarget + 1)));
  TRY(contents.bytes->read(0, text));
  return volume::lx_target(as_text(text));
}

// Whether it was.
Result<bool> Walk::take(const Entry& entry) {
  if (entry.file.type != LxType::File) {
    const bool taken = TRY(visitor_.other(entry));
    if (!taken) ++counts_.sockets_left_out;
    return taken;
  }
  const auto contents = tree_.contents(entry.node.number);
  if (!contents) {
    TRY(leave_out(contents.error()));
    return false;
  }
  const WhyNot why = TRY(visitor_.file(entry, *contents));
  if (!why.empty()) leave_out(concat("it is left out: ", why));
  return why.empty();
}

Result<void> Walk::other(const NtfsNode& node, LxFile file) {
  const Entry entry{.path = path_, .depth = frames_.size(), .node = node, .file = file};
  const auto known = linked_.find(node.number);
  if (known != linked_.end()) {
    TRY(visitor_.hard_link(entry, known->second.path));
    ++counts_.hard_links;
    if (--known->second.more == 0) linked_.erase(known);
    return {};
  }
  if (file.type == LxType::Symlink && !file.target) {
    auto target = target_in(node);
    if (!target) return leave_out(target.error());
    file.target = *std::move(target);
  }
  if (!TRY(take(entry))) return {};
  if (node.hard_links > 1) linked_.emplace(node.number, Linked{path_, node.hard_links - 1});
  count(node, file);
  if (file.type == LxType::File) ++counts_.files;
  if (file.type == LxType::Symlink) ++counts_.symlinks;
  if (file.type == LxType::Fifo) ++counts_.fifos;
  if (file.type == LxType::Socket) ++counts_.sockets;
  if (file.type == LxType::Character || file.type == LxType::Block) ++counts_.devices;
  return {};
}

Result<void> Walk::entry(std::uint64_t reference) {
  if (counts_.entries() >= most_) return fail(Code::Unsupported, concat("it has more than ", most_, " files"));
  const auto node = tree_.node(reference);
  if (!node) return leave_out(node.error());
  auto file = volume::lx_file(*node, distribution_.generation);
  if (!file) return leave_out(file.error());
  if (node->encrypted) {
    leave_out("it is left out: it is encrypted (EFS); in Windows run \"cipher /d FILE\"");
    return {};
  }
  // A junction is a directory to NTFS alone.
  return file->type == LxType::Directory ? directory(*node, *file) : other(*node, *std::move(file));
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
  if (!frames_.back().taken.insert(unescaped->text).second) {
    leave_out(
        "it is left out: another file of this folder, whose name Windows sees as another, has this name in Linux");
    return {};
  }
  if (unescaped->unescaped) ++counts_.unescaped;
  if (!unescaped->valid) ++counts_.invalid_names;
  return entry(name.reference);
}

Result<Counts> Walk::run() {
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
  return counts_;
}

}  // namespace

bool is_local(const Error& error) {
  return error.code == Code::Corrupt || error.code == Code::Unsupported || error.code == Code::NotFound;
}

std::string_view Entry::name() const {
  std::string_view text = path;
  if (text.ends_with('/')) text.remove_suffix(1);
  return text.substr(text.rfind('/') + 1);  // all of it without one
}

std::string describe(const Counts& counts) {
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
  add(counts.sockets, "socket", "sockets");
  add(counts.with_attributes, "with extended attributes", "with extended attributes");
  add(counts.unescaped, "name unescaped", "names unescaped");
  add(counts.invalid_names, "name that is no Unicode", "names that are no Unicode");
  add(counts.windows_links, "link of Windows", "links of Windows");
  add(counts.without_metadata, "without metadata", "without metadata");
  add(counts.damaged, "with damaged metadata", "with damaged metadata");
  if (counts.sockets_left_out + counts.streams + counts.left_out == 0) return out;
  out += "; left out: ";
  add(counts.sockets_left_out, "socket", "sockets");
  add(counts.streams, "stream of Windows", "streams of Windows");
  add(counts.left_out, "that could not be taken", "that could not be taken");
  return out;
}

Result<Counts> walk(volume::NtfsTree& tree, const Distribution& distribution, std::uint64_t most, Visitor& visitor) {
  return Walk(tree, distribution, most, visitor).run();
}

}  // namespace vhdboot::tree
