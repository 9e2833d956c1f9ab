// SPDX-License-Identifier: GPL-2.0-or-later
#include "init/tree/erofs.h"

#include <algorithm>
#include <array>
#include <bit>
#include <map>
#include <numeric>
#include <string_view>
#include <utility>

#include "base/sha256.h"
#include "base/text.h"
#include "base/units.h"

namespace vhdboot::tree {
namespace {

// struct erofs_super_block.
constexpr std::uint64_t kSuperOffset = 1024;
constexpr std::size_t kSuperSize = 128;
constexpr std::size_t kUuidSize = 16;
constexpr std::uint32_t kMagic = 0xE0F5E1E2;
constexpr std::uint32_t kCompatMtime = 0x2;
constexpr std::uint32_t kIncompatChunkedFile = 0x4;
constexpr std::uint8_t kBlockBits = 12;
static_assert(kErofsBlock == 1ULL << kBlockBits);

// struct erofs_inode_extended; its number counts in slots from the first block on.
constexpr std::uint64_t kInodeSize = 64;
constexpr std::uint64_t kSlot = 32;
constexpr std::uint16_t kExtended = 1;
constexpr unsigned kLayoutShift = 1;
enum Layout : std::uint8_t { kFlatPlain = 0, kFlatInline = 2, kChunkBased = 4 };
constexpr std::uint32_t kHoleBlock = 0xFFFF'FFFF;
constexpr std::uint64_t kMapEntry = 4;
constexpr unsigned kMaxChunkBits = 19;  // beside those of a block: 2 GiB

// struct erofs_xattr_ibody_header and struct erofs_xattr_entry.
constexpr std::uint64_t kAttributesHeader = 12;
constexpr std::uint64_t kAttributeHeader = 4;
constexpr std::uint64_t kMaxAttributes = (UINT16_MAX - 1) * 4ULL;  // i_xattr_icount

// struct erofs_dirent.
constexpr std::uint64_t kDirentSize = 12;

constexpr std::uint32_t kTypeMask = 0170000;
constexpr std::uint32_t kRegular = 0100000;
constexpr std::uint32_t kDirectory = 0040000;
constexpr std::uint32_t kSymlink = 0120000;
constexpr std::uint32_t kCharacter = 0020000;
constexpr std::uint32_t kBlockDevice = 0060000;

std::uint32_t type_of(const Node& node) {
  return node.mode & kTypeMask;
}
bool is_directory(const Node& node) {
  return type_of(node) == kDirectory;
}

// FT_* of include/linux/fs_types.h: those of a mode count in another order.
std::uint8_t file_type(const Node& node) {
  constexpr std::array<std::uint8_t, 16> kTypes{0, 5, 3, 0, 2, 0, 4, 0, 1, 0, 7, 0, 6};
  return kTypes[(type_of(node) >> 12) & 0xF];
}

// new_encode_dev() of include/linux/kdev_t.h.
std::uint32_t encoded(const volume::LxDevice& device) {
  return (device.minor & 0xFF) | (device.major << 8) | ((device.minor & ~0xFFU) << 12);
}

struct AttributePrefix {
  std::string_view text;
  std::uint8_t index;
  bool whole;  // nothing follows
};
constexpr std::array kPrefixes{
    AttributePrefix{"user.", 1, false},
    AttributePrefix{"system.posix_acl_access", 2, true},
    AttributePrefix{"system.posix_acl_default", 3, true},
    AttributePrefix{"trusted.", 4, false},
    AttributePrefix{"security.", 6, false},
};

const AttributePrefix* prefix_of(std::string_view name) {
  const auto* const found = std::ranges::find_if(kPrefixes, [&](const AttributePrefix& one) {
    return one.whole ? name == one.text : name.starts_with(one.text) && name.size() > one.text.size();
  });
  return found == kPrefixes.end() ? nullptr : found;
}

std::uint64_t attribute_size(const volume::LxAttribute& attribute, const AttributePrefix& prefix) {
  return align_up(kAttributeHeader + attribute.name.size() - prefix.text.size() + attribute.value.size(), 4);
}

std::uint64_t attributes_size(const Node& node) {
  std::uint64_t size = 0;
  for (const volume::LxAttribute& one : node.attributes)
    if (const auto* prefix = prefix_of(one.name)) size += attribute_size(one, *prefix);
  return size == 0 ? 0 : kAttributesHeader + size;
}

std::uint64_t header_size(const Node& node) {
  return kInodeSize + attributes_size(node);
}

template <class T>
void put(MutableBytes out, std::size_t at, T value) {
  (void)store_le(out, at, value);
}

// What lies in one block together leaves none of it unused that another one fits into.
class Space {
 public:
  // Where so many bytes go: within one block, or from the beginning of one on.
  std::uint64_t take(std::uint64_t size) {
    size = align_up(size, kSlot);
    if (size <= kErofsBlock) {
      if (const auto free = free_.lower_bound(size); free != free_.end()) {
        const auto [room, at] = *free;
        free_.erase(free);
        keep(at + size, room - size);
        return at;
      }
    }
    const std::uint64_t at = end_;
    end_ += align_up(size, kErofsBlock);
    keep(at + size, end_ - at - size);
    return at;
  }
  void keep(std::uint64_t at, std::uint64_t room) {
    if (room >= kInodeSize) free_.emplace(room, at);
  }
  [[nodiscard]] std::uint64_t end() const { return end_; }

 private:
  std::multimap<std::uint64_t, std::uint64_t> free_;  // by the room
  std::uint64_t end_ = kErofsBlock;                   // block 0 is the superblock's
};

// Of a regular file: what its blocks are but for a last one that is not whole.
bool is_one_run(std::span<const Run> runs, bool without_last) {
  if (runs.empty()) return true;
  const bool last_vanishes = without_last && runs.back().blocks == 1;
  const std::size_t count = runs.size() - (last_vanishes ? 1 : 0);
  return count == 0 || (count == 1 && runs.front().kind != RunKind::Hole);
}

// Chunks as large as they can be, so that each lies in one run.
unsigned chunk_bits(std::span<const Run> runs) {
  std::uint64_t all = 0;  // where runs begin
  std::uint64_t at = 0;
  for (const Run& run : runs) {
    all |= at;
    at += run.blocks;
  }
  return all == 0 ? kMaxChunkBits : std::min<unsigned>(kMaxChunkBits, static_cast<unsigned>(std::countr_zero(all)));
}

std::uint64_t chunks_of(std::uint64_t blocks, unsigned bits) {
  return (blocks >> bits) + ((blocks & ((1ULL << bits) - 1)) == 0 ? 0 : 1);
}

Layout layout_of(const Node& node, std::uint64_t packed) {
  const std::uint64_t size = is_directory(node) ? packed : type_of(node) == kSymlink ? node.target.size() : node.size;
  const std::uint64_t tail = size % kErofsBlock;
  const bool fits = tail != 0 && header_size(node) + tail <= kErofsBlock;
  if (type_of(node) != kRegular) return fits ? kFlatInline : kFlatPlain;
  if (fits && node.runs.back().kind == RunKind::Copied && is_one_run(node.runs, true)) return kFlatInline;
  return is_one_run(node.runs, false) ? kFlatPlain : kChunkBased;
}

}  // namespace

std::vector<Run> runs_of(std::uint64_t size, std::span<const Range> data, std::span<const Extent> extents) {
  std::vector<Run> runs;
  std::uint64_t next = 0;  // the block that comes
  const auto add = [&](RunKind kind, std::uint64_t blocks, std::uint64_t block) {
    if (blocks == 0) return;
    next += blocks;
    const bool goes_on = !runs.empty() && runs.back().kind == kind &&
                         (kind != RunKind::InPlace || runs.back().block + runs.back().blocks == block);
    if (goes_on)
      runs.back().blocks += blocks;
    else
      runs.push_back({.kind = kind, .blocks = blocks, .block = block});
  };
  // Up to block `end`, of which only those of `data` have something in them.
  std::size_t range = 0;
  const auto add_other = [&](std::uint64_t end) {
    for (; range < data.size(); ++range) {
      const std::uint64_t first = std::max(data[range].offset / kErofsBlock, next);
      const std::uint64_t behind = std::min(blocks_of(data[range].end()), end);
      if (first >= end) break;
      if (behind <= first) continue;
      add(RunKind::Hole, first - next, 0);
      add(RunKind::Copied, behind - next, 0);
      if (data[range].end() > end * kErofsBlock) break;
    }
    add(RunKind::Hole, end - next, 0);
  };
  const std::uint64_t whole = size - size % kErofsBlock;
  const std::uint64_t valid = data.empty() ? 0 : std::min(whole, data.back().end());
  for (const Extent& extent : extents) {
    const std::uint64_t begin = std::max(align_up(extent.logical, kErofsBlock), next * kErofsBlock);
    const std::uint64_t end = std::min(extent.logical + extent.length, valid) / kErofsBlock * kErofsBlock;
    if (begin >= end) continue;
    const std::uint64_t physical = extent.physical + (begin - extent.logical);
    if (physical % kErofsBlock != 0) continue;
    add_other(begin / kErofsBlock);
    add(RunKind::InPlace, (end - begin) / kErofsBlock, physical / kErofsBlock);
  }
  add_other(blocks_of(size));
  return runs;
}

std::uint64_t map_size(std::span<const Run> runs) {
  if (is_one_run(runs, true)) return 0;
  std::uint64_t blocks = 0;
  for (const Run& run : runs) blocks += run.blocks;
  return chunks_of(blocks, chunk_bits(runs)) * kMapEntry;
}

bool can_hold(std::string_view attribute) {
  return prefix_of(attribute) != nullptr;
}

std::uint64_t Erofs::size_of(std::size_t node) const {
  const Node& one = nodes_[node];
  if (is_directory(one)) return places_[node].packed;
  return type_of(one) == kSymlink ? one.target.size() : type_of(one) == kRegular ? one.size : 0;
}

// How many blocks a node has beside its inode.
std::uint64_t Erofs::own_blocks(std::size_t node) const {
  const Node& one = nodes_[node];
  const bool inlined = places_[node].layout == kFlatInline;
  if (type_of(one) != kRegular) return inlined ? size_of(node) / kErofsBlock : blocks_of(size_of(node));
  std::uint64_t blocks = 0;
  for (const Run& run : one.runs)
    if (run.kind == RunKind::Copied) blocks += run.blocks;
  return blocks - (inlined ? 1 : 0);
}

// What lies at the inode.
std::uint64_t Erofs::unit_size(std::size_t node) const {
  const std::uint64_t header = header_size(nodes_[node]);
  const std::uint64_t size = size_of(node);
  switch (places_[node].layout) {
    case kFlatInline:
      return header + size % kErofsBlock;
    case kChunkBased:
      return align_up(header, kMapEntry) + chunks_of(blocks_of(size), chunk_bits(nodes_[node].runs)) * kMapEntry;
    default:
      return header;
  }
}

std::vector<std::size_t> Erofs::sorted(std::size_t node) const {
  std::vector<std::size_t> order(nodes_[node].entries.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::ranges::sort(order, {}, [&](std::size_t i) { return std::string_view(nodes_[node].entries[i].name); });
  return order;
}

namespace {

struct Name {
  std::string_view text;
  std::size_t node;
};

std::uint64_t dirent_space(const Name& name) {
  return kDirentSize + name.text.size();
}

/// The names of one block: how many from `first` on.
std::size_t names_in_block(std::span<const Name> names, std::size_t first) {
  std::uint64_t used = 0;
  std::size_t count = 0;
  for (; first + count < names.size(); ++count) {
    used += dirent_space(names[first + count]);
    if (used > kErofsBlock) break;
  }
  return count;
}

std::uint64_t packed_size(std::span<const Name> names) {
  std::uint64_t size = 0;
  for (std::size_t first = 0; first < names.size();) {
    const std::size_t count = names_in_block(names, first);
    first += count;
    if (first < names.size()) {
      size += kErofsBlock;
      continue;
    }
    for (const Name& name : names.subspan(first - count, count)) size += dirent_space(name);
  }
  return size;
}

std::vector<Name> names_of(const Node& node, std::span<const std::size_t> order, std::size_t self, std::size_t parent) {
  std::vector<Name> names;
  names.reserve(order.size() + 2);
  for (const std::size_t i : order) names.push_back({node.entries[i].name, node.entries[i].node});
  // Before most others, but not before those that begin with a byte below '.'.
  for (const Name& own : {Name{".", self}, Name{"..", parent}})
    names.insert(std::ranges::lower_bound(names, own.text, {}, &Name::text), own);
  return names;
}

}  // namespace

Result<void> Erofs::connect() {
  std::vector<std::uint32_t> seen(nodes_.size(), 0);
  for (std::size_t at = 0; at < nodes_.size(); ++at) {
    const Node& node = nodes_[at];
    if (!is_directory(node)) {
      if (!node.entries.empty()) return fail(Code::Corrupt, "only a directory has entries");
      continue;
    }
    for (const DirectoryEntry& entry : node.entries) {
      if (entry.name.empty() || entry.name.size() > kMaxErofsName || entry.name == "." || entry.name == ".." ||
          entry.name.find_first_of(std::string_view("/\0", 2)) != std::string::npos)
        return fail(Code::Corrupt, concat("a file cannot be called \"", printable(entry.name), '"'));
      if (entry.node == 0 || entry.node >= nodes_.size()) return fail(Code::Corrupt, "an entry leads nowhere");
      if (++seen[entry.node] > 1 && is_directory(nodes_[entry.node]))
        return fail(Code::Corrupt, "a directory is in two places");
      if (!is_directory(nodes_[entry.node])) continue;
      places_[entry.node].parent = static_cast<std::uint32_t>(at);
      ++places_[at].children;
    }
  }
  for (std::size_t at = 1; at < nodes_.size(); ++at)
    if (seen[at] == 0) return fail(Code::Corrupt, "a node is in no directory");
  // Directories that lead to each other alone lead nowhere: each step up must come nearer to the root.
  std::vector<bool> leads(nodes_.size(), false);
  leads[0] = true;
  std::vector<std::size_t> way;
  for (std::size_t at = 0; at < nodes_.size(); ++at) {
    if (!is_directory(nodes_[at])) continue;
    way.clear();
    for (std::size_t up = at; !leads[up]; up = places_[up].parent) {
      if (way.size() > nodes_.size()) return fail(Code::Corrupt, "a directory leads to itself");
      way.push_back(up);
    }
    for (const std::size_t one : way) leads[one] = true;
  }
  return {};
}

Result<void> Erofs::place() {
  Space space;
  const auto too_large = [] {
    return fail(Code::Unsupported,
                concat("what has to be kept of it in memory is more than ", kMaxErofsSize / kGiB, " GiB"));
  };
  for (std::size_t at = 0; at < nodes_.size(); ++at) {
    const Node& node = nodes_[at];
    Place& own = places_[at];
    if (is_directory(node)) {
      const auto order = sorted(at);
      const auto names = names_of(node, order, at, own.parent);
      if (std::ranges::adjacent_find(names, {}, &Name::text) != names.end())
        return fail(Code::Corrupt, "two of a directory have one name");
      const std::uint64_t packed = packed_size(names);
      if (packed > UINT32_MAX) return too_large();
      own.packed = static_cast<std::uint32_t>(packed);
    }
    std::uint64_t blocks = 0;
    for (const Run& run : node.runs) {
      const bool beyond = run.kind == RunKind::InPlace &&
                          (run.blocks > kMaxPartitionBlocks || run.block > kMaxPartitionBlocks - run.blocks);
      if (run.blocks == 0 || run.blocks > kMaxPartitionBlocks || beyond)
        return fail(Code::Corrupt, "a run of blocks lies beyond what can be addressed");
      blocks += run.blocks;
    }
    if (type_of(node) == kRegular ? blocks != blocks_of(node.size) : blocks != 0)
      return fail(Code::Corrupt, "the blocks of a file are not those of its size");
    const bool attributes_fit = std::ranges::all_of(node.attributes, [](const volume::LxAttribute& one) {
      return one.name.size() <= UINT8_MAX && one.value.size() <= UINT16_MAX;
    });
    if (!attributes_fit || attributes_size(node) > kMaxAttributes)
      return fail(Code::Corrupt, "its extended attributes are too large");
    own.layout = layout_of(node, own.packed);
    if (unit_size(at) > kMaxErofsSize) return too_large();
    own.at = space.take(unit_size(at));
    if (space.end() > kMaxErofsSize) return too_large();
  }
  blocks_ = space.end() / kErofsBlock;
  for (std::size_t at = 0; at < nodes_.size(); ++at) {
    const std::uint64_t blocks = own_blocks(at);
    if (blocks > kMaxErofsSize / kErofsBlock - blocks_) return too_large();
    places_[at].block = blocks_;
    blocks_ += blocks;
  }
  return {};
}

Result<Erofs> Erofs::lay_out(std::span<const Node> nodes) {
  if (nodes.empty() || !is_directory(nodes.front())) return fail(Code::Corrupt, "a tree begins with a directory");
  if (nodes.size() > kMaxNodes) return fail(Code::Unsupported, concat("it has more than ", kMaxNodes, " files"));
  Erofs erofs(nodes);
  TRY(erofs.connect());
  TRY(erofs.place());
  return erofs;
}

std::vector<Copy> Erofs::copies() const {
  std::vector<Copy> out;
  for (std::size_t at = 0; at < nodes_.size(); ++at) {
    const Node& node = nodes_[at];
    const Place& own = places_[at];
    std::uint64_t logical = 0;
    std::uint64_t block = own.block;
    for (std::size_t i = 0; i < node.runs.size(); ++i) {
      const Run& run = node.runs[i];
      const std::uint64_t begin = std::exchange(logical, logical + run.blocks * kErofsBlock);
      if (run.kind != RunKind::Copied) continue;
      const std::uint64_t end = std::min(logical, node.size);
      const bool inlined = own.layout == kFlatInline && i + 1 == node.runs.size();
      const std::uint64_t tail = inlined ? node.size % kErofsBlock : 0;
      if (end - tail > begin)
        out.push_back({.node = at, .logical = begin, .length = end - tail - begin, .at = block * kErofsBlock});
      if (tail != 0)
        out.push_back({.node = at, .logical = end - tail, .length = tail, .at = own.at + header_size(node)});
      block += run.blocks - (inlined ? 1 : 0);
    }
  }
  return out;
}

// Where a run begins on the device; `own`: the next of the file's own blocks.
std::uint64_t Erofs::start_of(const Run& run, std::uint64_t& own) const {
  if (run.kind == RunKind::InPlace) return blocks_ + run.block;
  return std::exchange(own, own + run.blocks);
}

std::vector<std::byte> Erofs::directory(std::size_t node) const {
  const auto order = sorted(node);
  const auto names = names_of(nodes_[node], order, node, places_[node].parent);
  std::vector<std::byte> out(places_[node].packed);
  std::size_t block = 0;
  for (std::size_t first = 0; first < names.size(); block += kErofsBlock) {
    const std::size_t count = names_in_block(names, first);
    std::size_t at = count * kDirentSize;
    for (std::size_t i = 0; i < count; ++i) {
      const Name& name = names[first + i];
      const MutableBytes dirent = MutableBytes(out).subspan(block + i * kDirentSize, kDirentSize);
      put(dirent, 0, places_[name.node].at / kSlot);
      put(dirent, 8, static_cast<std::uint16_t>(at));
      put(dirent, 10, file_type(nodes_[name.node]));
      std::ranges::copy(as_bytes(name.text), out.begin() + static_cast<std::ptrdiff_t>(block + at));
      at += name.text.size();
    }
    first += count;
  }
  return out;
}

std::vector<std::byte> Erofs::unit(std::size_t node, Bytes directory) const {
  const Node& one = nodes_[node];
  const Place& own = places_[node];
  std::vector<std::byte> bytes(unit_size(node));
  const MutableBytes out(bytes);
  std::uint64_t next = own.block;
  std::uint64_t raw = own.block;  // where the first block is
  if (!one.runs.empty() && one.runs.front().kind == RunKind::InPlace) raw = blocks_ + one.runs.front().block;
  if (type_of(one) == kCharacter || type_of(one) == kBlockDevice) raw = encoded(one.device);
  const unsigned bits = own.layout == kChunkBased ? chunk_bits(one.runs) : 0;
  if (own.layout == kChunkBased) raw = bits;  // struct erofs_inode_chunk_info: a map of 4 bytes a chunk
  const std::uint64_t attributes = attributes_size(one);
  const std::uint64_t icount = attributes == 0 ? 0 : (attributes - kAttributesHeader) / 4 + 1;
  put(out, 0, static_cast<std::uint16_t>(kExtended | own.layout << kLayoutShift));
  put(out, 2, static_cast<std::uint16_t>(icount));
  put(out, 4, static_cast<std::uint16_t>(one.mode));
  put(out, 8, size_of(node));
  put(out, 16, static_cast<std::uint32_t>(raw));
  put(out, 20, static_cast<std::uint32_t>(own.at / kSlot));
  put(out, 24, one.uid);
  put(out, 28, one.gid);
  put(out, 32, static_cast<std::uint64_t>(one.modified.seconds));
  put(out, 40, one.modified.nanoseconds);
  put(out, 44, is_directory(one) ? own.children + 2 : one.links);
  std::size_t at = kInodeSize;
  if (attributes != 0) at += kAttributesHeader;  // nothing is shared, and the filter is not used
  for (const volume::LxAttribute& attribute : one.attributes) {
    const auto* prefix = prefix_of(attribute.name);
    if (prefix == nullptr) continue;
    const std::string_view name = std::string_view(attribute.name).substr(prefix->text.size());
    put(out, at, static_cast<std::uint8_t>(name.size()));
    put(out, at + 1, prefix->index);
    put(out, at + 2, static_cast<std::uint16_t>(attribute.value.size()));
    std::ranges::copy(as_bytes(name), out.begin() + static_cast<std::ptrdiff_t>(at + kAttributeHeader));
    std::ranges::copy(attribute.value, out.begin() + static_cast<std::ptrdiff_t>(at + kAttributeHeader + name.size()));
    at += attribute_size(attribute, *prefix);
  }
  if (own.layout == kChunkBased) {
    at = align_up(at, kMapEntry);
    for (const Run& run : one.runs) {
      const std::uint64_t start = run.kind == RunKind::Hole ? 0 : start_of(run, next);
      for (std::uint64_t i = 0; i < run.blocks; i += 1ULL << bits, at += kMapEntry)
        put(out, at, run.kind == RunKind::Hole ? kHoleBlock : static_cast<std::uint32_t>(start + i));
    }
  }
  if (own.layout != kFlatInline) return bytes;
  const Bytes whole = type_of(one) == kSymlink ? as_bytes(one.target) : directory;
  if (type_of(one) != kRegular)
    std::ranges::copy(whole.last(whole.size() % kErofsBlock), out.begin() + static_cast<std::ptrdiff_t>(at));
  return bytes;
}

std::vector<std::byte> Erofs::superblock(Bytes uuid) const {
  std::vector<std::byte> bytes(kSuperSize);
  const MutableBytes out(bytes);
  put(out, 0, kMagic);
  put(out, 8, kCompatMtime);
  put(out, 12, kBlockBits);
  put(out, 14, static_cast<std::uint16_t>(places_.front().at / kSlot));
  put(out, 16, static_cast<std::uint64_t>(nodes_.size()));
  put(out, 36, static_cast<std::uint32_t>(blocks_));
  std::ranges::copy(uuid, out.begin() + 48);
  put(out, 80, kIncompatChunkedFile);
  return bytes;
}

Result<void> Erofs::write(const WriteAt& to) const {
  Sha256 all;
  const auto put_all = [&](std::uint64_t offset, Bytes bytes) {
    std::array<std::byte, sizeof(offset)> place{};
    put(MutableBytes(place), 0, offset);
    all.add(place);
    all.add(bytes);
    return to(offset, bytes);
  };
  for (std::size_t node = 0; node < nodes_.size(); ++node) {
    const Place& own = places_[node];
    std::vector<std::byte> directory;
    if (is_directory(nodes_[node])) directory = this->directory(node);
    TRY(put_all(own.at, unit(node, directory)));
    const Bytes whole = type_of(nodes_[node]) == kSymlink ? as_bytes(nodes_[node].target) : Bytes(directory);
    const Bytes blocks = whole.first(whole.size() - (own.layout == kFlatInline ? whole.size() % kErofsBlock : 0));
    if (!blocks.empty()) TRY(put_all(own.block * kErofsBlock, blocks));
  }
  const Sha256Digest uuid = all.finish();
  return to(kSuperOffset, superblock(Bytes(uuid).first(kUuidSize)));
}

}  // namespace vhdboot::tree
