// SPDX-License-Identifier: GPL-2.0-or-later
#include "init/tree/folder_image.h"

#include <algorithm>
#include <optional>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/sha256.h"
#include "base/text.h"
#include "base/units.h"
#include "base/wire.h"
#include "init/tree/distribution.h"

namespace vhdboot::tree {
namespace {

using volume::LxType;

constexpr std::size_t kPiece = kMiB;
// What is not longer is kept from the walk on, so that its record is not looked for once more.
constexpr std::uint64_t kMaxKept = 64 * kKiB;

std::uint32_t type_bits(LxType type) {
  switch (type) {
    case LxType::Directory:
      return 0040000;
    case LxType::Symlink:
      return 0120000;
    case LxType::Character:
      return 0020000;
    case LxType::Block:
      return 0060000;
    case LxType::Fifo:
      return 0010000;
    case LxType::Socket:
      return 0140000;
    case LxType::File:
      break;
  }
  return 0100000;
}

// Where what has to be copied of a file comes from.
struct Source {
  std::uint64_t record = 0;             // its number in the MFT
  std::vector<std::byte> bytes;         // all of it, when that was in the record
  std::optional<Extent> on_the_volume;  // all that has to be copied, when it lies there in one piece
};

bool is_copied(const Run& run) {
  return run.kind == RunKind::Copied;
}

// Bytes that a file takes of memory.
std::uint64_t copied_bytes(const Node& node) {
  std::uint64_t blocks = 0;
  for (const Run& run : node.runs) blocks += is_copied(run) ? run.blocks : 0;
  const bool with_tail = !node.runs.empty() && is_copied(node.runs.back());
  const std::uint64_t spared = with_tail && node.size % kErofsBlock != 0 ? kErofsBlock - node.size % kErofsBlock : 0;
  return blocks * kErofsBlock - spared + map_size(node.runs);
}

// Of a file of which one piece has to be copied, and lies in one piece, such as the end of most.
std::optional<Extent> piece_on_the_volume(const Node& node, const volume::NtfsContents& contents) {
  if (std::ranges::count_if(node.runs, is_copied) != 1 || contents.data.empty()) return std::nullopt;
  std::uint64_t logical = 0;
  for (const Run& run : node.runs) {
    if (is_copied(run)) {
      const std::uint64_t end = std::min({logical + run.blocks * kErofsBlock, node.size, contents.data.back().end()});
      for (const Extent& extent : contents.extents)
        if (extent.logical <= logical && end <= extent.logical + extent.length)
          return Extent{
              .logical = logical, .physical = extent.physical + (logical - extent.logical), .length = end - logical};
    }
    logical += run.blocks * kErofsBlock;
  }
  return std::nullopt;
}

// What is in the record, or compressed: all of it when that is short, else nothing of it, but then it can be read.
Result<std::vector<std::byte>> read_all(const volume::NtfsContents& contents) {
  const std::uint64_t size = contents.bytes->size();
  std::vector<std::byte> bytes(static_cast<std::size_t>(std::min<std::uint64_t>(size, kPiece)));
  for (const Range& range : contents.data) {
    for (std::uint64_t at = range.offset; at < range.end();) {
      const auto length = std::min<std::uint64_t>(range.end() - at, kPiece);
      const std::size_t into = size <= kMaxKept ? static_cast<std::size_t>(at) : 0;
      TRY(contents.bytes->read(at, MutableBytes(bytes).subspan(into, static_cast<std::size_t>(length))));
      at += length;
    }
  }
  if (size > kMaxKept) bytes.clear();
  return bytes;
}

// What another state of the folder would have otherwise: a file that is written to has another time.
wire::Message summary_of(const Entry& entry) {
  const volume::LxFile& file = entry.file;
  wire::Writer out;
  out.text(entry.path);
  out.text(file.target.value_or(""));
  for (const std::uint32_t number :
       {type_bits(file.type) | file.mode, file.uid, file.gid, file.device.major, file.device.minor})
    out.put(number);
  // The time that Linux sees lies beside the file, and only Linux changes it.
  for (const volume::UnixTime& time : {file.modified, entry.node.modified, entry.node.changed}) {
    out.put(static_cast<std::uint64_t>(time.seconds));
    out.put(time.nanoseconds);
  }
  out.put(entry.node.number);
  out.put(entry.node.size);
  for (const volume::LxAttribute& one : file.attributes) {
    out.text(one.name);
    out.put(Bytes(one.value));
  }
  return std::move(out).message();
}

class Collection final : public Visitor {
 public:
  Collection(std::uint64_t most_copied, const FolderImageTo& to) : most_copied_(most_copied), to_(to) {}

  Result<void> directory(const Entry& entry) override {
    sum_.add(summary_of(entry));
    open_.resize(entry.depth);
    open_.push_back(add(entry));
    return to_.go_on(nodes_.size());
  }
  Result<WhyNot> file(const Entry& entry, const volume::NtfsContents& contents) override;
  Result<bool> other(const Entry& entry) override {
    sum_.add(summary_of(entry));
    Node& node = nodes_[add(entry)];
    node.target = entry.file.target.value_or("");
    node.device = entry.file.device;
    TRY(to_.go_on(nodes_.size()));
    return true;
  }
  Result<void> hard_link(const Entry& entry, std::string_view) override {
    sum_.add(summary_of(entry));
    const std::size_t node = linked_.at(entry.node.number);
    ++nodes_[node].links;
    nodes_[open_[entry.depth - 1]].entries.push_back({std::string(entry.name()), node});
    return {};
  }
  void say(std::string_view path, std::string_view text) override { to_.say(path, text); }

  [[nodiscard]] const std::vector<Node>& nodes() const { return nodes_; }
  [[nodiscard]] const Source& source(std::size_t node) const { return sources_[node]; }
  [[nodiscard]] std::uint64_t copied() const { return copied_; }
  [[nodiscard]] std::string fingerprint() {
    std::string text;
    for (const std::byte byte : sum_.finish()) text += to_hex(std::to_integer<unsigned>(byte), 2);
    return text;
  }

 private:
  std::size_t add(const Entry& entry);

  std::uint64_t most_copied_;
  const FolderImageTo& to_;
  std::vector<Node> nodes_;
  std::vector<Source> sources_;    // one a node
  std::vector<std::size_t> open_;  // the folders on the way to what comes
  std::unordered_map<std::uint64_t, std::size_t> linked_;
  Sha256 sum_;
  std::uint64_t copied_ = 0;
};

std::size_t Collection::add(const Entry& entry) {
  const volume::LxFile& file = entry.file;
  Node node{.mode = type_bits(file.type) | file.mode, .uid = file.uid, .gid = file.gid};
  node.modified = file.modified;
  for (const volume::LxAttribute& one : file.attributes) {
    if (can_hold(one.name))
      node.attributes.push_back(one);
    else
      say(entry.path, concat("its extended attribute ", printable(one.name), " is left out"));
  }
  const std::size_t number = nodes_.size();
  nodes_.push_back(std::move(node));
  sources_.push_back({.record = entry.node.number, .bytes = {}, .on_the_volume = {}});
  if (entry.node.hard_links > 1) linked_.emplace(entry.node.number, number);
  if (entry.depth > 0) nodes_[open_[entry.depth - 1]].entries.push_back({std::string(entry.name()), number});
  return number;
}

Result<WhyNot> Collection::file(const Entry& entry, const volume::NtfsContents& contents) {
  sum_.add(summary_of(entry));  // whether or not there is memory for it
  Node made;
  made.size = contents.bytes->size();
  if (blocks_of(made.size) > kMaxPartitionBlocks) return "it is larger than 16 TiB";
  made.runs = runs_of(made.size, contents.data, contents.extents);
  for (const Run& run : made.runs)
    if (run.kind == RunKind::InPlace && run.block + run.blocks > kMaxPartitionBlocks)
      return "it lies beyond the first 16 TiB of the volume";
  const std::uint64_t more = copied_bytes(made);
  if (more > most_copied_ - copied_)
    return concat("what of it does not lie on the volume in whole blocks has ", human_size(more), ", and of the ",
                  human_size(most_copied_), " of memory for that ", human_size(most_copied_ - copied_), " are left");
  std::vector<std::byte> bytes;
  if (contents.extents.empty()) {
    auto read = read_all(contents);
    if (!read && !is_local(read.error())) return std::unexpected(read.error().within(printable(entry.path)));
    if (!read) return read.error().message();
    bytes = *std::move(read);
  }
  TRY(to_.go_on(nodes_.size()));
  copied_ += more;
  auto piece = piece_on_the_volume(made, contents);
  const std::size_t number = add(entry);
  nodes_[number].size = made.size;
  nodes_[number].runs = std::move(made.runs);
  sources_[number].bytes = std::move(bytes);
  sources_[number].on_the_volume = piece;
  return WhyNot();
}

// The contents that the file system has itself: in the order of the volume, so that a disk with heads reads once.
class Copier {
 public:
  Copier(volume::NtfsTree& tree, const ByteSource& partition, const Collection& collection, const FolderImageTo& to)
      : tree_(tree), partition_(partition), collection_(collection), to_(to) {}

  Result<void> run(std::vector<Copy> copies) {
    std::ranges::sort(copies, {}, [&](const Copy& copy) { return std::pair(place(copy), copy.logical); });
    for (const Copy& copy : copies) {
      TRY(to_.go_on(collection_.nodes().size()));
      TRY(put(copy));
    }
    return {};
  }

 private:
  [[nodiscard]] std::uint64_t place(const Copy& copy) const {
    const auto& piece = collection_.source(copy.node).on_the_volume;
    return piece ? piece->physical + (copy.logical - piece->logical) : collection_.source(copy.node).record;
  }

  Result<void> put(const Copy& copy) {
    const Source& source = collection_.source(copy.node);
    if (!source.bytes.empty())
      return to_.write(
          copy.at,
          Bytes(source.bytes).subspan(static_cast<std::size_t>(copy.logical), static_cast<std::size_t>(copy.length)));
    if (const auto& piece = source.on_the_volume) {
      const std::uint64_t before = copy.logical - piece->logical;
      if (before >= piece->length) return {};
      return put(partition_, piece->physical + before, std::min(copy.length, piece->length - before), copy.at);
    }
    if (!contents_ || open_ != copy.node) {
      contents_ = TRY(tree_.contents(source.record));
      open_ = copy.node;
    }
    return put(*contents_->bytes, copy.logical, copy.length, copy.at);
  }

  Result<void> put(const ByteSource& from, std::uint64_t offset, std::uint64_t length, std::uint64_t at) {
    while (length > 0) {
      const auto now = static_cast<std::size_t>(std::min<std::uint64_t>(length, kPiece));
      buffer_.resize(std::max(buffer_.size(), now));
      const MutableBytes piece = MutableBytes(buffer_).first(now);
      TRY(from.read(offset, piece));
      TRY(to_.write(at, piece));
      offset += now;
      at += now;
      length -= now;
    }
    return {};
  }

  volume::NtfsTree& tree_;
  const ByteSource& partition_;
  const Collection& collection_;
  const FolderImageTo& to_;
  std::optional<volume::NtfsContents> contents_;
  std::size_t open_ = 0;  // whose they are
  std::vector<std::byte> buffer_;
};

}  // namespace

Result<FolderImage> make_folder_image(volume::NtfsTree& tree, const ByteSource& partition, const volume::Path& path,
                                      std::uint64_t most_copied, const FolderImageTo& to) {
  const Distribution distribution = TRY(find_distribution(tree, path));
  Collection collection(most_copied, to);
  FolderImage out;
  out.root = distribution.root.text();
  const std::string where = printable(out.root);
  out.counts = TRY_IN(where, walk(tree, distribution, kMaxShown, collection));
  const Erofs erofs = TRY_IN(where, Erofs::lay_out(collection.nodes()));  // borrows them
  TRY(erofs.write(to.write));
  TRY_IN(where, Copier(tree, partition, collection, to).run(erofs.copies()));
  out.size = erofs.size();
  out.copied = collection.copied();
  out.fingerprint = collection.fingerprint();
  return out;
}

}  // namespace vhdboot::tree
