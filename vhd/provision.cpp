// SPDX-License-Identifier: GPL-2.0-or-later
#include "vhd/provision.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <utility>
#include <vector>

#include "base/range.h"
#include "base/text.h"
#include "vhd/dynamic_vhd.h"

namespace vhdboot::vhd {
namespace {

// So much may be written before the table names it: few flushes, and not much that a stop makes be written again.
constexpr std::uint64_t kBatch = 64 * kMiB;
constexpr std::size_t kBatchBlocks = 1024;

class Provisioner {
 public:
  Provisioner(ByteFile& file, BlockWriter& writer, const Disk& disk, const ProvisionPlan& plan, const Watch& watch)
      : file_(file),
        writer_(writer),
        disk_(disk),
        plan_(plan),
        watch_(watch),
        places_(writer.free_places(std::min(plan.new_blocks, writer.blocks()))),
        chunk_(static_cast<std::size_t>(std::min(writer.block_size(), kMiB))) {}

  Result<Provisioned> run() {
    for (std::uint64_t block = 0; block < writer_.blocks(); ++block) {
      if (const auto place = writer_.place_of(block))
        TRY(complete(block, *place));
      else if (done_.given < plan_.new_blocks)
        TRY(give(block));
      if (pending_ >= kBatch || batch_.size() >= kBatchBlocks) TRY(commit());
    }
    TRY(commit());
    return done_;
  }

 private:
  [[nodiscard]] std::uint64_t start_of(std::uint64_t block) const { return block * writer_.block_size(); }
  /// Of the block, on the disk.
  [[nodiscard]] std::uint64_t length_of(std::uint64_t block) const {
    return std::min(writer_.block_size(), disk_.size() - start_of(block));
  }

  // The parts of it that are in no parent and no zeros stay as they are.
  Result<void> complete(std::uint64_t block, std::uint64_t place) {
    bool whole = true;
    for (std::uint64_t at = 0; at < length_of(block);) {
      const auto piece = TRY(disk_.blocks()->locate(start_of(block) + at, length_of(block) - at));
      if (piece.origin != SparseDisk::Origin::File) {
        whole = false;
        TRY(copy(start_of(block) + at, place + at, piece.length, false));
        pending_ += piece.length;
      }
      at += piece.length;
    }
    if (whole) return {};
    ++done_.completed;
    batch_.push_back({block, place});
    // Nothing of what `watch` counts, but a moment at which it may stop.
    if (!watch_(0)) return std::unexpected(sys_error("stopped", EINTR));
    return {};
  }

  Result<void> give(std::uint64_t block) {
    if (done_.given == places_.size())
      return fail(Code::Invalid, concat("the file has room for ", places_.size(), " more blocks only"));
    const std::uint64_t place = places_[static_cast<std::size_t>(done_.given)];
    const bool zeros = place >= plan_.zeros_from;
    const std::uint64_t length = length_of(block);
    TRY(copy(start_of(block), place, length, zeros));
    if (!zeros) TRY(write_zeros(file_, {place + length, writer_.block_size() - length}));
    ++done_.given;
    batch_.push_back({block, place});
    pending_ += writer_.block_size();
    if (!watch_(writer_.block_size())) return std::unexpected(sys_error("stopped", EINTR));
    return {};
  }

  // From the disk to a place in its file, where `zeros` are so far or anything.
  Result<void> copy(std::uint64_t from, std::uint64_t to, std::uint64_t length, bool zeros) {
    for (std::uint64_t at = 0; at < length;) {
      const auto part =
          MutableBytes(chunk_).first(static_cast<std::size_t>(std::min<std::uint64_t>(chunk_.size(), length - at)));
      TRY(disk_.read(from + at, part));
      if (!zeros || !is_zero(part)) TRY(file_.write_unflushed(to + at, part));
      at += part.size();
    }
    return {};
  }

  Result<void> commit() {
    if (batch_.empty()) return {};
    TRY(writer_.commit(batch_));
    batch_.clear();
    pending_ = 0;
    return {};
  }

  ByteFile& file_;
  BlockWriter& writer_;
  const Disk& disk_;
  const ProvisionPlan& plan_;
  const Watch& watch_;
  std::vector<std::uint64_t> places_;
  std::vector<std::byte> chunk_;
  std::vector<BlockPlace> batch_;
  std::uint64_t pending_ = 0;  // bytes of the batch
  Provisioned done_;
};

}  // namespace

Result<Provisioned> provision(ByteFile& file, BlockWriter& writer, const Disk& disk, const ProvisionPlan& plan,
                              const Watch& watch) {
  return Provisioner(file, writer, disk, plan, watch).run();
}

Result<void> mark_fixed(ByteFile& file, VhdxWriter& writer) {
  if (writer.table().metadata.leave_allocated || writer.table().metadata.parent) return {};
  const std::uint64_t flags = TRY(file_parameters_place(file, writer.table().regions.metadata)) + 4;
  const std::uint64_t start = flags / kLogSector * kLogSector;
  std::array<std::byte, kLogSector> sector{};
  TRY_IN("reading the metadata", file.read(start, sector));
  const auto at = static_cast<std::size_t>(flags - start);
  const auto value = load_le<std::uint32_t>(sector, at);
  if (!value || !store_le<std::uint32_t>(sector, at, *value | kLeaveBlocksAllocated))
    return fail(Code::Unsupported, "the file parameters of the VHDX file lie across two sectors");
  const std::array<LoggedSector, 1> change{{{start, sector}}};
  return writer.update(change);
}

std::uint64_t size_with_reserve(const DiskInfo& disk, std::uint64_t file_size, std::uint64_t blocks) {
  if (disk.format == Format::Vhdx) return align_up(file_size, kMiB) + blocks * disk.block_size;
  if (blocks == 0) return file_size;
  const VhdShape shape = vhd_shape(disk.block_size);
  // What was left before the footer may be less than nothing: the first place is behind the last block and on 4 KiB.
  return align_up(file_size + shape.first_place(0) + blocks * shape.stride(), 4 * kKiB);
}

}  // namespace vhdboot::vhd
