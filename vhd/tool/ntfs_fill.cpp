// SPDX-License-Identifier: GPL-2.0-or-later
#include "vhd/tool/ntfs_fill.h"

#include "init/volume/ntfs3g.h"

extern "C" {
#include <ntfs-3g/lcnalloc.h>
}
#undef min
#undef max

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "base/text.h"
#include "base/units.h"
#include "vhd/tool/ntfs_write_device.h"

namespace vhdboot::tool {
namespace {

using vhd::Attempt;
using vhd::Reason;
using vhd::refuse;
using vhd::stop_error;
using vhd::Watch;
using volume::AttrPtr;
using volume::InodePtr;
using volume::SearchPtr;

// What is done between two points at which all is in order on the disk.
constexpr std::uint64_t kBatch = 256 * kMiB;
constexpr std::size_t kChunk = 4 * kMiB;
// Clusters left to the volume itself, for the MFT and what else may grow.
constexpr std::uint64_t kSpare = 4 * kMiB;

constexpr char kTooManyPieces[] =
    "it lies in more pieces than its one record on the volume can tell: mount the volume and run `vhdtool desparse "
    "FILE` "
    "there, or copy the file";

std::unexpected<Error> failed(std::string_view doing, int err = errno) {
  return fail_errno(doing, err);
}

/// The volume mounted by the library, marked dirty as long as it is.
class Mount {
 public:
  explicit Mount(VolumeDevice& target) : target_(target), device_(target) {}
  Mount(const Mount&) = delete;
  Mount& operator=(const Mount&) = delete;
  /// Without finish(), the volume stays dirty.
  ~Mount() {
    if (volume_ != nullptr) ntfs_umount(volume_, TRUE);
  }

  Result<void> begin() {
    ntfs_log_set_handler(ntfs_log_handler_null);
    ntfs_device* device = device_.allocate();
    if (device == nullptr) return fail(Code::NoMemory, "no memory for the NTFS volume");
    volume_ = ntfs_device_mount(device, NTFS_MNT_NONE);
    if (volume_ == nullptr) {
      const int err = errno;
      NtfsWriteDevice::discard(device);
      return failed("opening the NTFS volume for writing", err);
    }
    NVolClearCaseSensitive(volume_);
    clean_flags_ = volume_->flags;
    if (ntfs_volume_write_flags(volume_, static_cast<le16>(clean_flags_ | VOLUME_IS_DIRTY)) != 0)
      return failed("marking the volume dirty");
    return sync();
  }

  /// Everything is in order: the volume is left clean.
  Result<void> finish() {
    if (device_.error()) return std::unexpected(*device_.error());
    TRY(sync());
    if (ntfs_volume_write_flags(volume_, static_cast<le16>(clean_flags_)) != 0)
      return failed("marking the volume clean");
    ntfs_volume* volume = std::exchange(volume_, nullptr);
    // The library has freed it also when that fails.
    if (ntfs_umount(volume, FALSE) != 0) return failed("closing the NTFS volume");
    return target_.sync();
  }

  Result<void> sync() { return target_.sync(); }
  Result<void> write(std::uint64_t offset, Bytes data) { return target_.write(offset, data); }
  [[nodiscard]] ntfs_volume* get() const { return volume_; }

  /// False between the first change of the file's record and the moment when it is on the disk.
  bool in_order = true;

  [[nodiscard]] std::uint64_t cluster() const { return volume_->cluster_size; }

  /// As init/volume finds it: the very name first, then ignoring case.
  Result<InodePtr> find(const volume::Path& path) {
    InodePtr inode(ntfs_inode_open(volume_, FILE_root));
    for (const std::string& name : path.components()) {
      const auto units = to_utf16(name);
      if (!inode || !units) return failed("looking for it", ENOENT);
      const auto* unicode = reinterpret_cast<const ntfschar*>(units->data());
      const auto length = static_cast<int>(units->size());
      NVolSetCaseSensitive(volume_);
      auto reference = ntfs_inode_lookup_by_name(inode.get(), unicode, length);
      NVolClearCaseSensitive(volume_);
      if (reference == ERR_MREF(-1)) reference = ntfs_inode_lookup_by_name(inode.get(), unicode, length);
      if (reference == ERR_MREF(-1)) return failed("looking for it");
      inode.reset(ntfs_inode_open(volume_, reference));
    }
    if (!inode) return failed("opening it");
    return inode;
  }

 private:
  VolumeDevice& target_;
  NtfsWriteDevice device_;
  ntfs_volume* volume_ = nullptr;
  std::uint16_t clean_flags_ = 0;
};

/// Clusters that are taken on the volume but not the file's yet; given back unless release() is called.
class NewClusters {
 public:
  NewClusters(ntfs_volume* volume, runlist* runs) : volume_(volume), runs_(runs) {}
  NewClusters(const NewClusters&) = delete;
  NewClusters& operator=(const NewClusters&) = delete;
  ~NewClusters() {
    if (runs_ == nullptr) return;
    ntfs_cluster_free_from_rl(volume_, runs_);
    std::free(runs_);
  }
  [[nodiscard]] runlist* get() const { return runs_; }
  void release() { runs_ = nullptr; }

 private:
  ntfs_volume* volume_;
  runlist* runs_;
};

/// One file while it is filled.
class Filler {
 public:
  Filler(Mount& mount, ntfs_inode* inode, ntfs_attr* data, const Watch& watch)
      : mount_(mount), inode_(inode), data_(data), watch_(watch), zeros_(kChunk) {}

  Result<void> run() {
    if (NInoAttrList(inode_)) return fail(Code::Unsupported, kTooManyPieces);
    if (ntfs_attr_map_whole_runlist(data_) != 0) return failed("reading where it lies");
    while (const runlist_element* hole = first_hole()) TRY(fill(*hole));
    while (data_->initialized_size < data_->data_size) TRY(extend_valid_data());
    // Also where it had the attribute and no hole.
    mount_.in_order = false;
    if (ntfs_attr_update_mapping_pairs(data_, 0) != 0) return failed("writing where it lies");
    clear_attribute();
    return commit();
  }

 private:
  [[nodiscard]] const runlist_element* first_hole() const {
    for (const runlist_element* run = data_->rl; run != nullptr && run->length > 0; ++run)
      if (run->lcn == LCN_HOLE) return run;
    return nullptr;
  }

  /// Behind what comes before the hole, so that the file stays in one piece where it can.
  [[nodiscard]] LCN place_for(VCN vcn) const {
    LCN hint = -1;
    for (const runlist_element* run = data_->rl; run->length > 0 && run->vcn < vcn; ++run)
      if (run->lcn >= 0) hint = run->lcn + run->length;
    return hint;
  }

  Result<void> fill(const runlist_element& hole) {
    const auto most = static_cast<s64>(std::max<std::uint64_t>(1, kBatch / mount_.cluster()));
    const VCN vcn = hole.vcn;
    NewClusters fresh(mount_.get(), allocate(vcn, std::min<s64>(hole.length, most)));
    if (fresh.get() == nullptr) return failed("allocating clusters");
    TRY(check_fits(*fresh.get()));
    for (const runlist_element* run = fresh.get(); run->length > 0; ++run)
      TRY(zero(static_cast<std::uint64_t>(run->vcn) * mount_.cluster(), *run));
    TRY(mount_.sync());
    mount_.in_order = false;
    runlist_element* merged = ntfs_runlists_merge(data_->rl, fresh.get());
    if (merged == nullptr) return failed("adding clusters to it");
    fresh.release();
    data_->rl = merged;
    if (ntfs_attr_update_mapping_pairs(data_, 0) != 0) return failed("writing where it lies");
    return commit();
  }

  /// The library looks for free clusters in a part of the volume at a time: fewer are found where many are not.
  runlist_element* allocate(VCN vcn, s64 count) {
    for (;; count /= 2) {
      runlist_element* runs = ntfs_cluster_alloc(mount_.get(), vcn, count, place_for(vcn), DATA_ZONE);
      if (runs != nullptr || errno != ENOSPC || count == 1) return runs;
    }
  }

  /// Whether where it lies can still be told within its one record. With a second one, what the library writes is no
  /// longer one step, and a loss of power between two would leave a file that ends too early.
  [[nodiscard]] Result<void> check_fits(const runlist_element& fresh) const {
    constexpr std::uint64_t kLongestPair = 17;  // one byte of lengths, and two numbers of 8 bytes
    std::uint64_t pairs = 2;                    // what is left of the hole before and behind
    for (const runlist_element* run = &fresh; run->length > 0; ++run) ++pairs;
    const std::uint64_t used = inode_->mrec->bytes_in_use;
    const std::uint64_t size = inode_->mrec->bytes_allocated;
    if (used <= size && pairs * kLongestPair + 8 <= size - used) return {};
    return fail(Code::Unsupported, kTooManyPieces);
  }

  /// Zeros over new clusters, as far as the file's valid data reach: what lies behind reads as zeros anyhow.
  Result<void> zero(std::uint64_t logical, const runlist_element& run) {
    const auto valid = static_cast<std::uint64_t>(data_->initialized_size);
    if (logical >= valid) return {};
    const std::uint64_t length = static_cast<std::uint64_t>(run.length) * mount_.cluster();
    return write_zeros(static_cast<std::uint64_t>(run.lcn) * mount_.cluster(),
                       std::min(length, align_up(valid - logical, mount_.cluster())));
  }

  Result<void> write_zeros(std::uint64_t physical, std::uint64_t length) {
    while (length > 0) {
      const auto part = static_cast<std::size_t>(std::min<std::uint64_t>(length, zeros_.size()));
      TRY(mount_.write(physical, Bytes(zeros_).first(part)));
      physical += part;
      length -= part;
      if (!watch_(part)) return std::unexpected(stop_error());
    }
    return {};
  }

  /// The next piece behind the valid data length, all of which has clusters now.
  Result<void> extend_valid_data() {
    const auto from = static_cast<std::uint64_t>(data_->initialized_size);
    const std::uint64_t to = std::min(static_cast<std::uint64_t>(data_->data_size), from + kBatch);
    std::uint64_t at = from;
    for (const runlist_element* run = data_->rl; run->length > 0 && at < to; ++run) {
      const std::uint64_t start = static_cast<std::uint64_t>(run->vcn) * mount_.cluster();
      const std::uint64_t end = start + static_cast<std::uint64_t>(run->length) * mount_.cluster();
      if (end <= at) continue;
      if (run->lcn < 0 || start > at) return fail(Code::Corrupt, "where it lies is damaged");
      const std::uint64_t length = std::min(end, to) - at;
      TRY(write_zeros(static_cast<std::uint64_t>(run->lcn) * mount_.cluster() + (at - start), length));
      at += length;
    }
    if (at != to) return fail(Code::Corrupt, "where it lies is damaged");
    TRY(mount_.sync());
    const SearchPtr search(ntfs_attr_get_search_ctx(inode_, nullptr));
    if (!search || ntfs_attr_lookup(AT_DATA, AT_UNNAMED, 0, CASE_SENSITIVE, 0, nullptr, 0, search.get()) != 0)
      return failed("writing its valid data length");
    mount_.in_order = false;
    search->attr->initialized_size = static_cast<sle64>(to);
    data_->initialized_size = static_cast<s64>(to);
    ntfs_inode_mark_dirty(search->ntfs_ino);
    return commit();
  }

  /// The file's own flag, which the library leaves alone.
  void clear_attribute() {
    inode_->flags = static_cast<FILE_ATTR_FLAGS>(static_cast<std::uint32_t>(inode_->flags) &
                                                 ~static_cast<std::uint32_t>(FILE_ATTR_SPARSE_FILE));
    NInoFileNameSetDirty(inode_);
    NInoSetDirty(inode_);
  }

  Result<void> commit() {
    if (ntfs_inode_sync(inode_) != 0) return failed("writing its record");
    TRY(mount_.sync());
    mount_.in_order = true;
    return {};
  }

  Mount& mount_;
  ntfs_inode* inode_;
  ntfs_attr* data_;
  const Watch& watch_;
  std::vector<std::byte> zeros_;
};

Result<void> fill(Mount& mount, const volume::Path& path, const Watch& watch) {
  const InodePtr inode = TRY(mount.find(path));
  const AttrPtr data(ntfs_attr_open(inode.get(), AT_DATA, AT_UNNAMED, 0));
  if (!data) return failed("reading its data attribute");
  return Filler(mount, inode.get(), data.get(), watch).run();
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

Attempt<void> fill_ntfs_file(VolumeDevice& device, const volume::Path& path, const NtfsFill& plan, const Watch& watch) {
  Mount mount(device);
  TRY(mount.begin());
  if (ntfs_volume_get_free_space(mount.get()) != 0) return failed("counting its free clusters");
  const std::uint64_t room = static_cast<std::uint64_t>(mount.get()->free_clusters) * mount.cluster();
  if (plan.holes != 0 && room < plan.holes + kSpare) {
    TRY(mount.finish());
    return refuse(Reason::NoRoom, concat("the volume has room for ", human_size(room), " (", room, " bytes), ",
                                         plan.holes + kSpare, " are needed"));
  }
  if (auto filled = fill(mount, path, watch); !filled) {
    Error error = std::move(filled).error();
    // Everything up to here is in order, unless the device or the library says otherwise.
    const bool in_order =
        mount.in_order && (vhd::is_stop(error) || error.sys_errno == ENOSPC || error.code == Code::Unsupported);
    if (const auto finished = in_order ? mount.finish() : Result<void>(); !finished || !in_order)
      error.text += "; the volume is left marked dirty, let Windows check it (\"chkdsk /f\")";
    return std::unexpected(std::move(error));
  }
  TRY(mount.finish());
  return {};
}

}  // namespace vhdboot::tool
