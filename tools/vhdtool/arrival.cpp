// SPDX-License-Identifier: GPL-2.0-or-later
#include "tools/vhdtool/arrival.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <functional>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "base/text.h"
#include "base/units.h"
#include "init/arrive/block_map.h"
#include "init/arrive/boot_set.h"
#include "init/arrive/hash_tree.h"
#include "init/arrive/tree_digests.h"
#include "init/sys/random.h"
#include "tools/common/host_file.h"
#include "tools/common/space_file.h"
#include "tools/vhdtool/interruption.h"
#include "tools/vhdtool/part_file.h"
#include "tools/vhdtool/progress_show.h"
#include "tools/vhdtool/web_file.h"
#include "vhd/footer.h"
#include "vhd/incomplete.h"

namespace vhdboot::vhdtool {
namespace {

using namespace vhdboot::arrive;
using tools::SpaceFile;
using tools::Watch;
using vhd::Attempt;

constexpr std::uint64_t kChunkBlocks = 256;       // are read, checked and written at once
constexpr std::uint64_t kWindowBlocks = 1 << 16;  // are looked through before what is missing of them is asked for

/// A file that is written meanwhile.
class SpaceSource final : public ByteSource {
 public:
  SpaceSource(const SpaceFile& file, std::uint64_t size) : fd_(file.descriptor()), size_(size) {}
  [[nodiscard]] std::uint64_t size() const override { return size_; }
  [[nodiscard]] Result<void> read(std::uint64_t offset, MutableBytes out) const override;

 private:
  int fd_;
  std::uint64_t size_;
};

Result<void> SpaceSource::read(std::uint64_t offset, MutableBytes out) const {
  while (!out.empty()) {
    const ssize_t got = ::pread(fd_, out.data(), out.size(), static_cast<off_t>(offset));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return fail_errno("reading");
    if (got == 0) return fail(Code::Io, "reading: unexpected end of the file");
    offset += static_cast<std::uint64_t>(got);
    out = out.subspan(static_cast<std::size_t>(got));
  }
  return {};
}

/// The digest of blocks, most of which may be zeros.
class BlockDigest {
 public:
  explicit BlockDigest(const Salt& salt) : salt_(salt), zeros_(digest_of(salt, std::vector<std::byte>(kBlock))) {}
  [[nodiscard]] Sha256Digest operator()(Bytes block) const { return is_zero(block) ? zeros_ : digest_of(salt_, block); }

 private:
  Salt salt_;
  Sha256Digest zeros_;
};

/// The same block again and again.
class RepeatedBlock final : public ByteSource {
 public:
  RepeatedBlock(std::vector<std::byte> block, std::uint64_t size) : block_(std::move(block)), size_(size) {}
  [[nodiscard]] std::uint64_t size() const override { return size_; }
  [[nodiscard]] Result<void> read(std::uint64_t offset, MutableBytes out) const override {
    for (std::size_t i = 0; i < out.size(); ++i) out[i] = block_[(offset + i) % kBlock];
    return {};
  }

 private:
  std::vector<std::byte> block_;
  std::uint64_t size_;
};

/// Blocks that are written when all else of their file is on stable storage, and what is behind the last of them.
struct LastWrites {
  std::uint64_t last_block = 0;
  std::vector<std::pair<std::uint64_t, std::vector<std::byte>>> writes;  // offset and bytes

  [[nodiscard]] bool has(std::uint64_t block) const { return block == 0 || block == last_block; }
};

/// Blocks of a file that come to `file`, at `offset`, from the same place on the server.
struct Coming {
  SpaceFile& file;
  std::uint64_t offset = 0;
  std::uint64_t count = 0;
  std::function<Result<Sha256Digest>(std::uint64_t block)> expected{};
  const BlockDigest& digest;
  const WebFile& web;
  const ByteSource* old = nullptr;  // has the same block at the same place, maybe
  LastWrites* last = nullptr;
  const BlockMap* there = nullptr;   // which are left as they are
  const BlockMap* wanted = nullptr;  // the others do not come
  const Watch& watch;

  [[nodiscard]] bool passes_over(std::uint64_t block) const {
    return (there != nullptr && there->has(block)) || (wanted != nullptr && !wanted->has(block));
  }
};

class Bringer {
 public:
  explicit Bringer(const Coming& coming)
      : coming_(coming), here_(coming.file, coming.offset + coming.count * kBlock), chunk_(kChunkBlocks * kBlock) {}

  /// Returns how many bytes came from the server.
  [[nodiscard]] Result<std::uint64_t> run() {
    std::uint64_t moved = 0;
    for (std::uint64_t first = 0; first < coming_.count; first += kWindowBlocks) {
      const auto missing = TRY(look_through({first, std::min(kWindowBlocks, coming_.count - first)}));
      TRY(coming_.web.read(missing, [&](std::uint64_t offset, Bytes bytes) { return take(offset, bytes); }));
      TRY(write_taken());
      for (const Range& range : missing) moved += range.length;
      // So that the progress is that of the disk, and a stop does not take minutes.
      TRY(coming_.file.sync());
    }
    return moved;
  }

 private:
  /// What is neither here nor in the old file; what the old file has is here afterwards.
  [[nodiscard]] Result<std::vector<Range>> look_through(Blocks window) {
    std::vector<Range> missing;
    for (std::uint64_t first = window.first; first < window.first + window.count; first += kChunkBlocks)
      TRY(look_at({first, std::min(kChunkBlocks, window.first + window.count - first)}, missing));
    return missing;
  }

  [[nodiscard]] Result<void> look_at(Blocks blocks, std::vector<Range>& missing) {
    const auto bytes = MutableBytes(chunk_).first(static_cast<std::size_t>(blocks.count) * kBlock);
    std::uint64_t right = 0;
    for (std::uint64_t i = 0; i < blocks.count; ++i) right += coming_.passes_over(blocks.first + i) ? 1 : 0;
    if (right == blocks.count)
      return coming_.watch(right * kBlock) ? Result<void>() : std::unexpected(tools::stop_error());
    TRY(here_.read(place(blocks.first), bytes));
    const auto old = TRY(old_bytes(blocks));
    Blocks copied;  // that follow one another
    const auto write_copied = [&]() -> Result<void> {
      if (copied.count == 0) return {};
      return write(copied, bytes.subspan((copied.first - blocks.first) * kBlock, copied.count * kBlock));
    };
    for (std::uint64_t i = 0; i < blocks.count; ++i) {
      if (coming_.passes_over(blocks.first + i)) continue;
      const auto expected = TRY(coming_.expected(blocks.first + i));
      const auto block = bytes.subspan(i * kBlock, kBlock);
      if (coming_.digest(block) == expected) {
        ++right;
        continue;
      }
      const auto other = Bytes(old).subspan(std::min<std::uint64_t>(i * kBlock, old.size()));
      if (other.size() >= kBlock && coming_.digest(other.first(kBlock)) == expected) {
        ++right;
        std::ranges::copy(other.first(kBlock), block.begin());
        if (copied.first + copied.count != blocks.first + i || copied.count == 0) {
          TRY(write_copied());
          copied = {blocks.first + i, 0};
        }
        ++copied.count;
        continue;
      }
      if (!missing.empty() && missing.back().end() == place(blocks.first + i))
        missing.back().length += kBlock;
      else
        missing.push_back({place(blocks.first + i), kBlock});
    }
    TRY(write_copied());
    return coming_.watch(right * kBlock) ? Result<void>() : std::unexpected(tools::stop_error());
  }

  [[nodiscard]] Result<std::vector<std::byte>> old_bytes(Blocks blocks) const {
    const std::uint64_t offset = place(blocks.first);
    if (coming_.old == nullptr || coming_.old->size() <= offset) return std::vector<std::byte>();
    std::vector<std::byte> bytes(
        static_cast<std::size_t>(std::min(blocks.count * kBlock, coming_.old->size() - offset)));
    TRY_IN("reading the old file", coming_.old->read(offset, bytes));
    return bytes;
  }

  /// Bytes from the server. Ranges are whole blocks, so that a new one begins when all of those before are complete.
  [[nodiscard]] Result<void> take(std::uint64_t offset, Bytes bytes) {
    while (!bytes.empty()) {
      if (filled_ == chunk_.size() || (filled_ != 0 && offset != taken_ + filled_)) TRY(write_taken());
      if (filled_ == 0) taken_ = offset;
      const auto piece = bytes.first(std::min(bytes.size(), chunk_.size() - filled_));
      std::ranges::copy(piece, chunk_.begin() + static_cast<std::ptrdiff_t>(filled_));
      filled_ += piece.size();
      offset += piece.size();
      bytes = bytes.subspan(piece.size());
    }
    return {};
  }

  [[nodiscard]] Result<void> write_taken() {
    if (filled_ == 0) return {};
    const Blocks blocks{(taken_ - coming_.offset) / kBlock, std::exchange(filled_, 0) / kBlock};
    const auto bytes = MutableBytes(chunk_).first(static_cast<std::size_t>(blocks.count) * kBlock);
    std::uint64_t right = 0;
    while (right < blocks.count &&
           coming_.digest(bytes.subspan(right * kBlock, kBlock)) == TRY(coming_.expected(blocks.first + right)))
      ++right;
    if (right != 0) TRY(write({blocks.first, right}, bytes.first(static_cast<std::size_t>(right) * kBlock)));
    if (right != blocks.count)
      return fail(Code::Corrupt, concat(printable(coming_.web.url()), ": the bytes from ", place(blocks.first + right),
                                        " on are not those that the root hash stands for: the file is damaged, or was "
                                        "changed after `vhdtool hashes`"));
    return coming_.watch(right * kBlock) ? Result<void>() : std::unexpected(tools::stop_error());
  }

  /// `bytes` may be changed.
  [[nodiscard]] Result<void> write(Blocks blocks, MutableBytes bytes) {
    for (std::uint64_t i = 0; coming_.last != nullptr && i < blocks.count; ++i) {
      if (!coming_.last->has(blocks.first + i)) continue;
      const auto block = bytes.subspan(i * kBlock, kBlock);
      coming_.last->writes.emplace_back(place(blocks.first + i), std::vector<std::byte>(block.begin(), block.end()));
      std::ranges::fill(block, std::byte{0});
    }
    return coming_.file.write(place(blocks.first), bytes);
  }

  [[nodiscard]] std::uint64_t place(std::uint64_t block) const { return coming_.offset + block * kBlock; }

  const Coming& coming_;
  SpaceSource here_;
  std::vector<std::byte> chunk_;
  std::uint64_t taken_ = 0;  // where in the file the chunk begins that comes from the server
  std::size_t filled_ = 0;   // bytes of it
};

/// All of the file has a place on the disk and was written once; what is in it stays.
Result<void> prepare(SpaceFile& file, std::uint64_t size) {
  TRY(file.check_attributes());
  const std::uint64_t had = TRY(file.size());
  if (had > size) TRY(file.resize(size));
  if (had < size) {
    TRY(file.reserve({had, size - had}));
    ProgressShow show(size - had);
    TRY(file.write_zeros({had, size - had}, Interruption::watch(show)));
  }
  TRY(file.sync());
  const auto holes = TRY(file.missing());  // as a loss of power leaves them
  for (const Range& hole : holes) TRY(file.write_zeros(hole, [](std::uint64_t) { return !Interruption::requested(); }));
  if (!holes.empty()) TRY(file.sync());
  return file.check_complete();
}

/// What has this name takes no new space.
std::uint64_t allocated_at(const std::string& path) {
  struct stat status{};
  return ::lstat(path.c_str(), &status) == 0 ? static_cast<std::uint64_t>(status.st_blocks) * kSectorSize : 0;
}

/// A file on the server and the tree beside it, as far as they are known to belong together.
struct Remote {
  WebFile data;
  WebFile tree;
  TreeLayout layout;
  Salt salt;
  std::vector<std::byte> tail;  // behind the last whole block

  [[nodiscard]] std::uint64_t tree_size() const { return layout.blocks() * kBlock; }
};

Result<Remote> ask(const std::string& url, const Sha256Digest& root) {
  const std::string tree_url = tree_path(url);
  WebFile data = TRY(WebFile::open(url));
  WebFile tree = TRY(WebFile::open(tree_url));
  const Superblock superblock = TRY_IN(printable(tree_url), parse_superblock(tree.beginning()));
  const auto layout = TRY(TreeLayout::of(superblock.data_blocks));
  std::vector<std::byte> tail;
  if (const std::uint64_t length = data.size() % kBlock; length != 0)
    TRY(data.read({{data.size() - length, length}}, [&](std::uint64_t, Bytes bytes) -> Result<void> {
      tail.insert(tail.end(), bytes.begin(), bytes.end());
      return {};
    }));
  if (superblock.data_blocks != data.size() / kBlock || superblock.salt != salt_of(data.size(), tail) ||
      tree.size() != layout.blocks() * kBlock)
    return fail(Code::Unsafe, concat(printable(tree_url), " is not the hash tree of the file as it is there now: run ",
                                     "`vhdtool hashes` on the server again"));
  const Bytes top = layout.levels().empty() ? Bytes(data.beginning()) : Bytes(tree.beginning()).subspan(kBlock);
  if (digest_of(superblock.salt, top.first(kBlock)) != root)
    return fail(Code::Unsafe, concat("its root hash is not that of ", printable(tree_url),
                                     ": compare it with the one that `vhdtool hashes` told there"));
  return Remote{std::move(data), std::move(tree), layout, superblock.salt, std::move(tail)};
}

/// A block of the tree above blocks that are all the same.
std::vector<std::byte> tree_block_above(const Sha256Digest& digest) {
  std::vector<std::byte> block;
  while (block.size() < kBlock) block.insert(block.end(), digest.begin(), digest.end());
  return block;
}

/// Level by level from the root hash, so that each block is checked by one that was. What is above nothing but zeros
/// does not come: an image may be large and nearly empty.
Result<void> bring_tree(SpaceFile& file, const Remote& remote, TreeDigests& digests, const BlockDigest& digest) {
  const std::uint64_t size = remote.layout.blocks() * kBlock;
  TRY(prepare(file, size));
  TRY(file.write(0, serialise(Superblock{remote.layout.data_blocks(), remote.salt})));
  ProgressShow show(size - kBlock);
  const Watch watch = Interruption::watch(show);
  const auto& levels = remote.layout.levels();
  std::vector<Sha256Digest> below{digest(std::vector<std::byte>(kBlock))};  // of a block of zeros, and above such
  for (std::size_t level = 1; level < levels.size(); ++level) below.push_back(digest(tree_block_above(below.back())));
  for (std::size_t level = levels.size(); level-- > 0;) {
    const RepeatedBlock above_zeros(tree_block_above(below[level]), size);
    const Coming coming{.file = file,
                        .offset = levels[level].first * kBlock,
                        .count = levels[level].count,
                        .expected = [&](std::uint64_t block) { return digests.of_level(level, block); },
                        .digest = digest,
                        .web = remote.tree,
                        .old = &above_zeros,
                        .watch = watch};
    TRY(Bringer(coming).run());
  }
  return {};
}

Result<bool> is_same(const ByteSource& old, const Remote& remote, TreeDigests& digests, const BlockDigest& digest) {
  if (old.size() != remote.data.size()) return false;
  std::vector<std::byte> bytes(remote.tail.size());
  TRY_IN("reading the old file", old.read(old.size() - bytes.size(), bytes));
  if (bytes != remote.tail) return false;
  ProgressShow show(old.size());
  const Watch watch = Interruption::watch(show);
  bytes.resize(kChunkBlocks * kBlock);
  const std::uint64_t count = remote.layout.data_blocks();
  for (std::uint64_t first = 0; first < count; first += kChunkBlocks) {
    const auto chunk =
        MutableBytes(bytes).first(static_cast<std::size_t>(std::min(kChunkBlocks, count - first)) * kBlock);
    TRY_IN("reading the old file", old.read(first * kBlock, chunk));
    for (std::size_t at = 0; at < chunk.size(); at += kBlock)
      if (digest(chunk.subspan(at, kBlock)) != TRY(digests.of_data(first + at / kBlock))) return false;
    if (!watch(chunk.size())) return std::unexpected(tools::stop_error());
  }
  return true;
}

Result<std::uint64_t> bring_data(SpaceFile& file, const Remote& remote, TreeDigests& digests, const BlockDigest& digest,
                                 const ByteSource* old) {
  const std::uint64_t size = remote.data.size();
  TRY(prepare(file, size));
  LastWrites last{.last_block = remote.layout.data_blocks() - 1};
  std::uint64_t moved = 0;
  {
    ProgressShow show(size - remote.tail.size());
    const Watch watch = Interruption::watch(show);
    moved = TRY(Bringer(Coming{.file = file,
                               .count = remote.layout.data_blocks(),
                               .expected = [&](std::uint64_t block) { return digests.of_data(block); },
                               .digest = digest,
                               .web = remote.data,
                               .old = old,
                               .last = &last,
                               .watch = watch})
                    .run());
  }
  TRY(file.sync());
  for (const auto& [offset, bytes] : last.writes) TRY(file.write(offset, bytes));
  TRY(file.write(size - remote.tail.size(), remote.tail));
  TRY(file.sync());
  TRY(file.check_complete());
  return moved + remote.tail.size();
}

/// The tree's file as an earlier run left it, when there is room for what it and the file at `part` still need, and so
/// much `more`.
Attempt<SpaceFile> open_tree(const Remote& remote, const std::string& tree_path, const std::string& part,
                             std::uint64_t more) {
  SpaceFile tree = TRY(SpaceFile::take_over(tree_path));
  const std::uint64_t size = remote.data.size() + remote.tree_size();
  const std::uint64_t had = allocated_at(part) + allocated_at(tree_path);
  const std::uint64_t needed = size - std::min(had, size) + more;
  if (const std::uint64_t room = TRY(tree.room()); room < needed) {
    if (TRY(tree.size()) == 0) ::unlink(tree_path.c_str());
    return refuse(vhd::Reason::NoRoom, concat("its file system has room for ", human_size(room), " (", room,
                                              " bytes), ", needed, " are needed"));
  }
  return tree;
}

/// `replace` gives the finished file its name.
Attempt<Arrived> arrive_at(const std::string& url, const std::string& path, const Sha256Digest& root,
                           const ByteSource* old,
                           const std::function<Result<void>(const std::string& part, const SpaceFile& file)>& replace) {
  const Interruption interruption;
  const Remote remote = TRY(ask(url, root));
  const std::string part = PartFile::part_path(path);
  const std::string tree_part = PartFile::part_path(tree_path(path));
  const std::uint64_t size = remote.data.size();

  SpaceFile tree = TRY(open_tree(remote, tree_part, part, 0));
  const BlockDigest digest(remote.salt);
  const SpaceSource tree_source(tree, remote.tree_size());
  TreeDigests digests(remote.layout, root, tree_source);
  TRY(bring_tree(tree, remote, digests, digest));
  if (old != nullptr && TRY(is_same(*old, remote, digests, digest))) {
    ::unlink(tree_part.c_str());
    return Arrived{.size = size, .moved = 0, .was_there = true};
  }
  SpaceFile file = TRY(SpaceFile::take_over(part));
  const std::uint64_t moved = TRY(bring_data(file, remote, digests, digest, old));
  TRY(replace(part, file));
  ::unlink(tree_part.c_str());
  return Arrived{.size = size, .moved = moved};
}

/// What stands in the way of booting it before it is complete.
Result<void> check_bootable(const Remote& remote) {
  const auto footer = remote.tail.size() == kTail ? vhd::parse_footer(remote.tail) : fail(Code::Corrupt, "");
  if (footer && footer->type == vhd::DiskType::Fixed && footer->current_size == remote.layout.data_blocks() * kBlock)
    return {};
  return fail(Code::Unsupported,
              concat(printable(remote.data.url()),
                     " is not a fixed VHD of whole blocks of 4096 bytes: only one is booted before it "
                     "is complete, as others take it for no image until its footer is there; leave "
                     "out --boot-set"));
}

Result<std::vector<Blocks>> ask_boot_set(const Remote& remote) {
  const std::string url = boot_set_path(remote.data.url());
  auto list = WebFile::open(url);
  if (!list && list.error().code == Code::NotFound)
    list.error().text += concat(": make it there, `vhdtool boot-set` of the image, or leave out --boot-set");
  const WebFile file = TRY(std::move(list));
  if (file.size() > kMostBootSetBytes) return fail(Code::Corrupt, printable(url) + " is too long");
  std::string text;
  TRY(file.read({{0, file.size()}}, [&](std::uint64_t, Bytes bytes) -> Result<void> {
    text += as_text(bytes);
    return {};
  }));
  return TRY_IN(printable(url), parse_boot_set(text, remote.layout.data_blocks()));
}

/// Beside an image of which those blocks are there.
Result<void> write_map(const std::string& path, const Remote& remote, const Sha256Digest& root, const MapCopy& copy,
                       Bytes bits, const std::vector<Blocks>& record) {
  MapHeader header{.data_blocks = remote.layout.data_blocks(), .salt = remote.salt, .root = root};
  std::ranges::copy(remote.tail, header.tail.begin());
  const MapLayout layout(header.data_blocks);
  PartFile part(map_path(path));
  SpaceFile file = TRY(SpaceFile::create(part.path()));
  TRY(prepare(file, layout.size()));
  TRY(file.write(0, serialise(header, copy)));
  TRY(file.write(layout.bits.first * kBlock, bits));
  TRY(file.write(layout.record.first * kBlock, serialise_record(record)));
  TRY(file.sync());
  if (std::rename(part.path().c_str(), map_path(path).c_str()) != 0) return fail_errno("giving its map its name");
  part.keep();
  return {};
}

}  // namespace

Attempt<Arrived> fetch(const std::string& url, const std::string& path, const Sha256Digest& root) {
  return arrive_at(url, path, root, nullptr, [&](const std::string& part, const SpaceFile&) -> Result<void> {
    ::unlink(map_path(path).c_str());  // of an earlier file of that name
    TRY(rename_to_free(part, path));
    return sync_folder_of(path);
  });
}

Attempt<Arrived> fetch_boot_set(const std::string& url, const std::string& path, const Sha256Digest& root) {
  const Interruption interruption;
  const Remote remote = TRY(ask(url, root));
  TRY(check_bootable(remote));
  const auto list = TRY(ask_boot_set(remote));
  const MapLayout map(remote.layout.data_blocks());
  std::vector<std::byte> bits(static_cast<std::size_t>(map.bits.count) * kBlock);
  BlockMap wanted(bits, remote.layout.data_blocks());
  for (const Blocks& blocks : list) wanted.add(blocks);

  const std::string part = PartFile::part_path(path);
  const std::string tree_part = PartFile::part_path(tree_path(path));
  SpaceFile tree = TRY(open_tree(remote, tree_part, part, map.size()));
  const BlockDigest digest(remote.salt);
  const SpaceSource tree_source(tree, remote.tree_size());
  TreeDigests digests(remote.layout, root, tree_source);
  TRY(bring_tree(tree, remote, digests, digest));
  SpaceFile file = TRY(SpaceFile::take_over(part));
  TRY(prepare(file, remote.data.size()));
  std::uint64_t moved = 0;
  {
    ProgressShow show(remote.layout.data_blocks() * kBlock);
    const Watch watch = Interruption::watch(show);
    moved = TRY(Bringer(Coming{.file = file,
                               .count = remote.layout.data_blocks(),
                               .expected = [&](std::uint64_t block) { return digests.of_data(block); },
                               .digest = digest,
                               .web = remote.data,
                               .wanted = &wanted,
                               .watch = watch})
                    .run());
  }
  const MapCopy copy{.id = TRY(sys::random_uuid()).bytes};
  TRY(file.write(remote.layout.data_blocks() * kBlock, vhd::serialise(vhd::IncompleteMark{.id = copy.id})));
  TRY(file.sync());
  TRY(tree.sync());
  TRY(write_map(path, remote, root, copy, bits, list));
  // The image is the last that gets its name: with it all is there.
  if (std::rename(tree_part.c_str(), tree_path(path).c_str()) != 0) return fail_errno("giving its tree its name");
  TRY(rename_to_free(part, path));
  TRY(sync_folder_of(path));
  return Arrived{.size = remote.data.size(), .moved = moved};
}

Attempt<Arrived> fetch_rest(const std::string& url, const std::string& path, const Sha256Digest& root) {
  const Interruption interruption;
  // Until the end: that nobody else changes it, or runs from it.
  const auto file = TRY(tools::HostFile::open(path, tools::Access::Change));
  const auto map_file = TRY(tools::HostFile::open(map_path(path), tools::Access::Inspect));
  std::vector<std::byte> head(kBlock);
  TRY_IN(printable(map_path(path)), map_file->read(0, head));
  const MapHeader header = TRY_IN(printable(map_path(path)), parse_map_header(head));
  const MapLayout layout(header.data_blocks);
  if (map_file->size() != layout.size() || file->size() != header.size())
    return fail(Code::Corrupt, concat(printable(map_path(path)), " is that of another file"));
  if (header.root != root)
    return fail(
        Code::Unsafe,
        concat("it was begun with the root hash ", to_text(header.root),
               ", and is another image than the one of this root hash. With that hash, and the image of then on "
               "a server, it can be completed; what was written on it is lost when it is deleted"));
  std::vector<std::byte> bytes(static_cast<std::size_t>(layout.bits.count) * kBlock);
  TRY(map_file->read(layout.bits.first * kBlock, bytes));
  const BlockMap there(bytes, header.data_blocks);
  std::vector<std::byte> tail(kTail);
  TRY(file->read(header.data_blocks * kBlock, tail));
  const auto tidy_up = [&]() -> Result<void> {
    ::unlink(map_path(path).c_str());
    ::unlink(tree_path(path).c_str());
    return sync_folder_of(path);
  };
  if (std::ranges::equal(tail, header.tail)) {
    TRY(tidy_up());
    return Arrived{.size = header.size(), .moved = 0, .was_there = true};
  }
  const auto mark = vhd::parse_incomplete(tail);
  if (!mark)
    return fail(Code::Unsafe,
                concat("it is complete, and another one than ", printable(map_path(path)), " is about: delete that"));
  if (!TRY_IN(printable(map_path(path)), parse_map_copy(head)).fits(mark->id, mark->starts))
    return fail(Code::Unsafe, concat(printable(map_path(path)), " is that of another copy of this image, older or ",
                                     "newer: put back the two that belong together, or delete both to begin anew"));
  const Remote remote = TRY(ask(url, root));
  if (remote.salt != header.salt || remote.layout.data_blocks() != header.data_blocks)
    return fail(Code::Corrupt, concat(printable(map_path(path)), " is that of another file"));
  SpaceFile tree = TRY(open_tree(remote, tree_path(path), path, 0));
  const BlockDigest digest(remote.salt);
  const SpaceSource tree_source(tree, remote.tree_size());
  TreeDigests digests(remote.layout, root, tree_source);
  TRY(bring_tree(tree, remote, digests, digest));
  SpaceFile space = TRY(SpaceFile::reopen(file->descriptor()));
  TRY(prepare(space, header.size()));
  std::uint64_t moved = 0;
  {
    ProgressShow show(remote.layout.data_blocks() * kBlock);
    const Watch watch = Interruption::watch(show);
    moved = TRY(Bringer(Coming{.file = space,
                               .count = remote.layout.data_blocks(),
                               .expected = [&](std::uint64_t block) { return digests.of_data(block); },
                               .digest = digest,
                               .web = remote.data,
                               .there = &there,
                               .watch = watch})
                    .run());
  }
  TRY(space.sync());
  TRY(space.write(header.data_blocks * kBlock, header.tail));
  TRY(space.sync());
  TRY(tidy_up());
  return Arrived{.size = header.size(), .moved = moved};
}

Attempt<Arrived> update(const std::string& url, const std::string& path, const Sha256Digest& root,
                        const vhd::ByteFile& old) {
  return arrive_at(url, path, root, &old, [&](const std::string& part, const SpaceFile& file) -> Result<void> {
    struct stat status{};
    if (::stat(path.c_str(), &status) != 0) return fail_errno("looking at it");
    // Not every file system has modes and owners.
    static_cast<void>(::fchown(file.descriptor(), status.st_uid, status.st_gid) == 0 &&
                      ::fchmod(file.descriptor(), status.st_mode & 07777) == 0);
    if (std::rename(part.c_str(), path.c_str()) != 0) return fail_errno("giving it its name");
    return sync_folder_of(path);
  });
}

}  // namespace vhdboot::vhdtool
