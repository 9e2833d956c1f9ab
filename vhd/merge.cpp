// SPDX-License-Identifier: GPL-2.0-or-later
#include "vhd/merge.h"

#include <algorithm>
#include <cerrno>
#include <optional>
#include <vector>

#include "base/range.h"
#include "base/text.h"

namespace vhdboot::vhd {
namespace {

using Origin = SparseDisk::Origin;

// So much may be written before it is flushed: few flushes, and not much that a stop makes be written again.
constexpr std::uint64_t kBatch = 64 * kMiB;
constexpr std::size_t kBatchBlocks = 1024;
constexpr std::uint64_t kChunk = kMiB;

// In what steps the disk of a fixed VHD is gone through.
constexpr std::uint64_t kFixedStep = 2 * kMiB;

std::uint64_t block_of(const Disk& parent) {
  return parent.info().block_size != 0 ? parent.info().block_size : kFixedStep;
}

// Whether all of it, or none, comes from there.
Result<bool> is_all(const Disk& disk, const Range& range, Origin origin) {
  if (disk.blocks() == nullptr) return origin == Origin::File;
  for (std::uint64_t at = range.offset; at < range.end();) {
    const auto piece = TRY(disk.blocks()->locate(at, range.end() - at));
    if (piece.origin != origin) return false;
    at += piece.length;
  }
  return true;
}

Result<bool> has_any(const Disk& disk, const Range& range) {
  if (disk.blocks() == nullptr) return true;
  for (std::uint64_t at = range.offset; at < range.end();) {
    const auto piece = TRY(disk.blocks()->locate(at, range.end() - at));
    if (piece.origin == Origin::File) return true;
    at += piece.length;
  }
  return false;
}

// The first bytes in `range` that the parent must get from the child; of length 0 when there are none. Zeros only where
// it does not have them.
Result<Range> next_held(const Disk& child, const Range& range) {
  for (std::uint64_t at = range.offset; at < range.end();) {
    const auto piece = TRY(child.blocks()->locate(at, range.end() - at));
    const Range here{at, piece.length};
    if (piece.origin == Origin::File) return here;
    if (piece.origin == Origin::Zero && !TRY(is_all(*child.parent(), here, Origin::Zero))) return here;
    at += piece.length;
  }
  return Range{range.end(), 0};
}

// Calls visit(range) for each block of the parent of which the child has something.
template <class Visit>
Result<void> each_block(const Disk& child, const Visit& visit) {
  const std::uint64_t size = block_of(*child.parent());
  for (std::uint64_t start = 0; start < child.size(); start += size) {
    const Range block{start, std::min(size, child.size() - start)};
    if (TRY(next_held(child, block)).length != 0) TRY(visit(block));
  }
  return {};
}

std::unexpected<Error> stopped() {
  return std::unexpected(sys_error("stopped", EINTR));
}

class Merger {
 public:
  Merger(ByteFile& file, BlockWriter* writer, const Disk& child, const Watch& watch)
      : file_(file),
        writer_(writer),
        child_(child),
        watch_(watch),
        block_size_(block_of(*child.parent())),
        chunk_(kChunk),
        there_(kChunk) {}

  Result<void> run(std::uint64_t new_blocks) {
    if (writer_ != nullptr) places_ = writer_->free_places(new_blocks);
    TRY(each_block(child_, [&](const Range& block) -> Result<void> {
      TRY(put(block));
      if (pending_ >= kBatch || batch_.size() >= kBatchBlocks) TRY(commit());
      if (!watch_(block.length)) return stopped();
      return {};
    }));
    TRY(commit());
    // Also what an earlier run has written, which is as it is to be and was passed over.
    return file_.flush();
  }

 private:
  Result<void> put(const Range& block) {
    const std::uint64_t number = block.offset / block_size_;
    const auto place = writer_ != nullptr ? writer_->place_of(number) : std::optional(block.offset);
    if (!place) return give(block, number);
    if (!TRY(is_all(*child_.parent(), block, Origin::File))) {
      // The rest of it, which is in its own parent or zeros, does not count before the whole block does.
      TRY(copy(block, *place, true));
      batch_.push_back({number, *place});
      return {};
    }
    for (std::uint64_t at = block.offset; at < block.end();) {
      const Range held = TRY(next_held(child_, {at, block.end() - at}));
      TRY(copy(held, *place + (held.offset - block.offset), true));
      at = held.end();
    }
    return {};
  }

  Result<void> give(const Range& block, std::uint64_t number) {
    if (given_ == places_.size())
      return fail(Code::Invalid, concat("the file has room for ", places_.size(), " more blocks only"));
    const std::uint64_t place = places_[given_++];
    TRY(copy(block, place, false));
    TRY(write_zeros(file_, {place + block.length, block_size_ - block.length}));
    batch_.push_back({number, place});
    return {};
  }

  // As the child reads it. `compare`: what is there already is not written again.
  Result<void> copy(const Range& from, std::uint64_t to, bool compare) {
    for (std::uint64_t at = 0; at < from.length;) {
      const auto count = static_cast<std::size_t>(std::min(kChunk, from.length - at));
      const auto part = MutableBytes(chunk_).first(count);
      const auto there = MutableBytes(there_).first(count);
      TRY(child_.read(from.offset + at, part));
      if (compare) TRY(file_.read(to + at, there));
      if (!compare || !std::ranges::equal(part, there)) {
        TRY(file_.write_unflushed(to + at, part));
        pending_ += count;
      }
      at += count;
    }
    return {};
  }

  Result<void> commit() {
    if (!batch_.empty())
      TRY(writer_->commit(batch_));
    else if (pending_ > 0)
      TRY(file_.flush());
    batch_.clear();
    pending_ = 0;
    return {};
  }

  ByteFile& file_;
  BlockWriter* writer_;
  const Disk& child_;
  const Watch& watch_;
  std::uint64_t block_size_;
  std::vector<std::uint64_t> places_;
  std::size_t given_ = 0;  // of them
  std::vector<std::byte> chunk_;
  std::vector<std::byte> there_;
  std::vector<BlockPlace> batch_;
  std::uint64_t pending_ = 0;  // bytes since the last flush
};

}  // namespace

Result<MergePlan> plan_merge(const Disk& child) {
  if (child.parent() == nullptr || child.blocks() == nullptr)
    return fail(Code::Invalid, "the image has no parent with which it could be merged");
  const Disk& parent = *child.parent();
  if (child.size() != parent.size())
    return fail(Code::Unsupported, concat("its disk has ", child.size(), " bytes and that of its parent ",
                                          parent.size(), ": merge it in Windows, which makes that one larger"));
  MergePlan plan;
  TRY(each_block(child, [&](const Range& block) -> Result<void> {
    plan.bytes += block.length;
    if (!TRY(has_any(parent, block))) ++plan.new_blocks;
    return {};
  }));
  return plan;
}

Result<void> merge(ByteFile& parent, BlockWriter* writer, const Disk& child, const Watch& watch) {
  const MergePlan plan = TRY(plan_merge(child));
  return Merger(parent, writer, child, watch).run(plan.new_blocks);
}

Result<void> check_merged(const Disk& merged, const Disk& child, const Watch& watch) {
  std::vector<std::byte> one(kChunk);
  std::vector<std::byte> other(kChunk);
  return each_block(child, [&](const Range& block) -> Result<void> {
    for (std::uint64_t at = block.offset; at < block.end();) {
      const auto count = static_cast<std::size_t>(std::min(kChunk, block.end() - at));
      TRY(child.read(at, MutableBytes(one).first(count)));
      TRY(merged.read(at, MutableBytes(other).first(count)));
      if (!std::ranges::equal(Bytes(one).first(count), Bytes(other).first(count)))
        return fail(Code::Corrupt, concat("bytes ", at, " to ", at + count,
                                          " of the disk are not in the parent as they were written there"));
      at += count;
    }
    if (!watch(block.length)) return stopped();
    return {};
  });
}

}  // namespace vhdboot::vhd
