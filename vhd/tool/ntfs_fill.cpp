// SPDX-License-Identifier: GPL-2.0-or-later
#include "vhd/tool/ntfs_fill.h"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "base/text.h"
#include "base/units.h"
#include "vhd/tool/ntfs_switch.h"
#include "vhd/tool/ntfs_write_volume.h"

namespace vhdboot::tool {
namespace {

using vhd::Attempt;
using vhd::Reason;
using vhd::refuse;
using vhd::stop_error;
using vhd::Watch;

constexpr std::size_t kChunk = 4 * kMiB;
// Clusters left to the volume itself, for the MFT and what else may grow.
constexpr std::uint64_t kSpare = 4 * kMiB;

/// Whether all is in order after this error.
bool in_order_after(const NtfsWriteVolume& volume, const Error& error) {
  if (!volume.in_order || volume.broken()) return false;
  return vhd::is_stop(error) || error.sys_errno == ENOSPC || error.code == Code::Unsupported;
}

/// Whether a stream of the file, one with a name, is sparse.
Result<bool> has_sparse_stream(const NtfsWriteVolume& volume, ntfs_inode* inode) {
  const volume::SearchPtr search(ntfs_attr_get_search_ctx(inode, nullptr));
  if (!search) return volume.failed("reading its streams");
  while (ntfs_attr_lookup(AT_DATA, nullptr, 0, CASE_SENSITIVE, 0, nullptr, 0, search.get()) == 0) {
    const auto flags = static_cast<std::uint16_t>(search->attr->flags);
    if (search->attr->name_length != 0 && (flags & kNtfsSparse) != 0) return true;
  }
  if (errno != ENOENT) return volume.failed("reading its streams");
  return false;
}

/// One file while it is filled.
class Filler {
 public:
  Filler(NtfsWriteVolume& volume, std::uint64_t number, const Watch& watch, std::uint64_t step)
      : volume_(volume), number_(number), watch_(watch), step_(std::max(step, volume.cluster())), zeros_(kChunk) {}

  Result<void> run() {
    map_ = TRY(read_ntfs_map(volume_, number_));
    // No driver makes such a file, so its map may be damaged; a flag or a place given to it would hide that.
    if (has_hole(map_.runs) && !map_.sparse)
      return fail(
          Code::Unsupported,
          "it has holes and its contents are not marked as sparse: let Windows check the volume (\"chkdsk /f\")");
    const auto done = place_everything();
    if (!done && !(changed_ && in_order_after(volume_, done.error()))) return done;
    if (const auto named = update_names(); !named && done) return named;
    if (done && stream_sparse_)
      return fail(Code::Unsupported,
                  "all its contents have a place now, but it stays marked as sparse because a named stream of it is "
                  "sparse: delete that stream (in Windows \"Remove-Item FILE -Stream NAME\") and run this again");
    return done;
  }

 private:
  Result<void> place_everything() {
    while (has_hole(map_.runs)) TRY(fill());
    while (map_.valid_size < map_.data_size) TRY(extend_valid_data());
    if (!map_.sparse) return {};
    NewClusters none(volume_, {});
    return change_to(map_.runs, {}, none);
  }

  Result<void> fill() {
    const NtfsRuns holes = first_holes(map_.runs, step_ / volume_.cluster());
    std::uint64_t clusters = 0;
    for (const NtfsRun& hole : holes) clusters += hole.length;
    NtfsRuns taken = TRY(volume_.allocate_clusters(clusters, place_for(holes.front().vcn)));
    NewClusters fresh(volume_, std::move(taken));
    const NtfsRuns filled = place_holes(holes, fresh.runs());
    return change_to(fill_runs(map_.runs, filled), filled, fresh);
  }

  /// Gives the file these runs, of which `filled` lie in the clusters `fresh`.
  Result<void> change_to(NtfsRuns runs, const NtfsRuns& filled, NewClusters& fresh) {
    NtfsMap target = map_;
    target.runs = std::move(runs);
    target.sparse = map_.sparse && has_hole(target.runs);
    const auto change = TRY(NtfsSwitch::prepare(volume_, number_, target));
    TRY(zero(filled));
    TRY(change->write_new());
    TRY(volume_.sync());
    fresh.release();
    TRY(change->take_effect());
    changed_ = true;
    map_ = TRY(read_ntfs_map(volume_, number_));
    if (map_ == target) return {};
    volume_.in_order = false;
    return fail(Code::Corrupt, "where it lies is not what was written");
  }

  /// Behind what comes before the hole, so that the file stays in one piece where it can.
  [[nodiscard]] std::int64_t place_for(std::uint64_t vcn) const {
    std::int64_t hint = -1;
    for (const NtfsRun& run : map_.runs) {
      if (run.vcn >= vcn) break;
      if (!run.hole()) hint = run.lcn + static_cast<std::int64_t>(run.length);
    }
    return hint;
  }

  /// Zeros over new clusters, as far as the file's valid data reach: what lies behind reads as zeros anyhow.
  Result<void> zero(const NtfsRuns& filled) {
    const std::uint64_t valid = align_up(map_.valid_size, volume_.cluster()) / volume_.cluster();
    NtfsRuns places;
    for (const NtfsRun& run : filled)
      if (run.vcn < valid) append_run(places, run.lcn, std::min(run.length, valid - run.vcn));
    for (const NtfsRun& place : places)
      TRY(write_zeros(static_cast<std::uint64_t>(place.lcn) * volume_.cluster(), place.length * volume_.cluster()));
    return {};
  }

  Result<void> write_zeros(std::uint64_t physical, std::uint64_t length) {
    while (length > 0) {
      const auto part = static_cast<std::size_t>(std::min<std::uint64_t>(length, zeros_.size()));
      TRY(volume_.write(physical, Bytes(zeros_).first(part)));
      physical += part;
      length -= part;
      if (!watch_(part)) return std::unexpected(stop_error());
    }
    return {};
  }

  /// The next piece behind the valid data length, all of which has clusters now.
  Result<void> extend_valid_data() {
    const std::uint64_t from = map_.valid_size;
    const std::uint64_t to = std::min(map_.data_size, from + step_);
    std::uint64_t at = from;
    for (const NtfsRun& run : map_.runs) {
      const std::uint64_t start = run.vcn * volume_.cluster();
      const std::uint64_t end = run.end() * volume_.cluster();
      if (end <= at) continue;
      if (at >= to) break;
      const std::uint64_t length = std::min(end, to) - at;
      TRY(write_zeros(static_cast<std::uint64_t>(run.lcn) * volume_.cluster() + (at - start), length));
      at += length;
    }
    TRY(volume_.sync());
    TRY(write_ntfs_valid_size(volume_, number_, to));
    map_.valid_size = to;
    changed_ = true;
    return {};
  }

  /// The file's own flag, and what the folders that name it tell of it. Only for show, so it needs no order; and only
  /// once, because each time the base record is written.
  Result<void> update_names() {
    volume_.in_order = false;
    const FreshInode inode = TRY(volume_.open(number_));
    stream_sparse_ = TRY(has_sparse_stream(volume_, inode.get()));
    if (!map_.sparse && !stream_sparse_)
      inode->flags = static_cast<FILE_ATTR_FLAGS>(static_cast<std::uint32_t>(inode->flags) &
                                                  ~static_cast<std::uint32_t>(FILE_ATTR_SPARSE_FILE));
    NInoFileNameSetDirty(inode.get());
    NInoSetDirty(inode.get());
    if (ntfs_inode_sync(inode.get()) != 0) return volume_.failed("writing its record");
    TRY(volume_.sync());
    volume_.in_order = true;
    return {};
  }

  NtfsWriteVolume& volume_;
  std::uint64_t number_;
  const Watch& watch_;
  std::uint64_t step_;
  std::vector<std::byte> zeros_;
  NtfsMap map_;
  bool changed_ = false;        // the file is, by this run
  bool stream_sparse_ = false;  // as update_names found it
};

Result<void> fill(NtfsWriteVolume& volume, const volume::Path& path, const Watch& watch, std::uint64_t step) {
  return Filler(volume, TRY(volume.find(path)), watch, step).run();
}

}  // namespace

Result<NtfsFill> plan_ntfs_fill(const volume::FileLayout& layout, const volume::Path& path) {
  // What may be mapped once these are mended is what can be mended here.
  volume::FileLayout mended = layout;
  mended.sparse = false;
  mended.valid_size = layout.size;
  mended.extents = {{0, 0, layout.size}};
  TRY(volume::check_mappable(mended, path));
  NtfsFill plan;
  plan.sparse = layout.sparse;
  plan.unwritten = layout.size - layout.valid_size;
  std::uint64_t next = 0;
  const auto hole = [&](std::uint64_t end) {
    plan.holes += end - next;
    if (next < layout.valid_size) plan.to_write += std::min(end, layout.valid_size) - next;
  };
  for (const Extent& extent : layout.extents) {
    hole(extent.logical);
    next = extent.logical + extent.length;
  }
  hole(layout.size);
  plan.to_write += plan.unwritten;
  return plan;
}

Attempt<void> fill_ntfs_file(ByteDevice& device, const volume::Path& path, const NtfsFill& plan, const Watch& watch,
                             std::uint64_t step) {
  NtfsWriteVolume target(device);
  TRY(target.begin());
  if (ntfs_volume_get_free_space(target.get()) != 0)
    return std::unexpected(followed_by(target.failed("counting its free clusters").error(), kNtfsLeftDirty));
  const std::uint64_t room = static_cast<std::uint64_t>(target.get()->free_clusters) * target.cluster();
  if (plan.holes != 0 && room < plan.holes + kSpare) {
    TRY(target.finish());
    return refuse(Reason::NoRoom, concat("the volume has room for ", human_size(room), " (", room, " bytes), ",
                                         plan.holes + kSpare, " are needed"));
  }
  if (auto filled = fill(target, path, watch, step); !filled) {
    vhd::Refusal refusal(std::move(filled).error());
    if (!in_order_after(target, refusal.error))
      refusal.error = followed_by(refusal.error, kNtfsLeftDirty);
    else if (const auto finished = target.finish(); !finished)
      refusal.error = followed_by(refusal.error, finished.error().message());
    return std::unexpected(std::move(refusal));
  }
  TRY(target.finish());
  return {};
}

}  // namespace vhdboot::tool
