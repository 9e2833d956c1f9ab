// SPDX-License-Identifier: GPL-2.0-or-later
#include "vhd/tool/ntfs_write_volume.h"

extern "C" {
#include <ntfs-3g/bitmap.h>
#include <ntfs-3g/lcnalloc.h>
#include <ntfs-3g/mft.h>
}
#undef min
#undef max

#include <algorithm>
#include <string>
#include <utility>

#include "base/text.h"

namespace vhdboot::tool {
namespace {

using volume::InodePtr;

/// The library's own form of `runs`.
std::vector<runlist_element> as_runlist(const NtfsRuns& runs) {
  std::vector<runlist_element> out;
  out.reserve(runs.size() + 1);
  for (const NtfsRun& run : runs) out.push_back({static_cast<VCN>(run.vcn), run.lcn, static_cast<s64>(run.length)});
  out.push_back({runs.empty() ? 0 : static_cast<VCN>(runs.back().end()), LCN_ENOENT, 0});
  return out;
}

constexpr std::string_view kMaybeDirty =
    "the volume may be marked dirty, the file is as it was: let Windows check it (\"chkdsk /f\"), or run ntfsfix";
constexpr std::string_view kMaybeClean =
    "the volume may be marked clean although not all of it is on the disk: let Windows check it (\"chkdsk /f\"), or "
    "run "
    "ntfsfix, before it is used";

Result<void> and_state(const Result<void>& done, std::string_view state) {
  if (done) return {};
  return std::unexpected(followed_by(done.error(), state));
}

}  // namespace

Error followed_by(const Error& error, std::string_view clause) {
  return {.code = error.code, .sys_errno = 0, .text = concat(error.message(), "; ", clause)};
}

std::unexpected<Error> NtfsWriteVolume::failed(std::string_view doing, int err) const {
  if (device_.error()) return std::unexpected(device_.error()->within(doing));
  return fail_errno(doing, err);
}

void InodeDrop::operator()(ntfs_inode* inode) const {
  for (int i = 0; i < inode->nr_extents; ++i) NInoClearDirty(inode->extent_nis[i]);
  NInoClearDirty(inode);
  NInoFileNameClearDirty(inode);
  NInoAttrListClearDirty(inode);
  ntfs_inode_real_close(inode);
}

NtfsWriteVolume::~NtfsWriteVolume() {
  if (volume_ == nullptr) return;
  // What cannot be written the library would not let go.
  if (device_.error())
    for (ntfs_inode* inode : {volume_->vol_ni, volume_->lcnbmp_ni, volume_->mft_ni, volume_->mftmirr_ni})
      if (inode != nullptr) NInoClearDirty(inode);
  ntfs_umount(volume_, TRUE);
}

Result<void> NtfsWriteVolume::begin() {
  ntfs_log_set_handler(ntfs_log_handler_null);
  ntfs_device* device = device_.allocate();
  if (device == nullptr) return fail(Code::NoMemory, "no memory for the NTFS volume");
  volume_ = ntfs_device_mount(device, NTFS_MNT_NONE);
  if (volume_ == nullptr) {
    const int err = errno;
    NtfsWriteDevice::discard(device);
    const Result<void> opened = failed("opening the NTFS volume for writing", err);
    return device_.written() ? and_state(opened, kMaybeDirty) : opened;
  }
  NVolClearCaseSensitive(volume_);
  clean_flags_ = volume_->flags;
  if (ntfs_volume_write_flags(volume_, static_cast<le16>(clean_flags_ | VOLUME_IS_DIRTY)) != 0)
    return and_state(failed("marking the volume dirty"), kMaybeDirty);
  return and_state(sync(), kMaybeDirty);
}

// The library would write these when it closes the volume, after it was marked clean.
Result<void> NtfsWriteVolume::settle() {
  if (device_.error()) return std::unexpected(*device_.error());
  for (ntfs_inode* inode : {volume_->lcnbmp_ni, volume_->mft_ni, volume_->mftmirr_ni})
    if (inode != nullptr && NInoDirty(inode) && ntfs_inode_sync(inode) != 0)
      return failed("writing the volume's own files");
  return sync();
}

Result<void> NtfsWriteVolume::finish() {
  TRY(and_state(settle(), kNtfsLeftDirty));
  if (ntfs_volume_write_flags(volume_, static_cast<le16>(clean_flags_)) != 0)
    return and_state(failed("marking the volume clean"), kMaybeClean);
  ntfs_volume* volume = std::exchange(volume_, nullptr);
  // The library has freed it also when that fails.
  if (ntfs_umount(volume, FALSE) != 0) return and_state(failed("closing the NTFS volume"), kMaybeClean);
  return and_state(sync(), kMaybeClean);
}

Result<std::uint64_t> NtfsWriteVolume::find(const volume::Path& path) {
  std::uint64_t number = FILE_root;
  for (const std::string& name : path.components()) {
    const InodePtr folder(ntfs_inode_open(volume_, number));
    const auto units = to_utf16(name);
    if (!folder || !units) return failed("looking for it", ENOENT);
    const auto* unicode = reinterpret_cast<const ntfschar*>(units->data());
    const auto length = static_cast<int>(units->size());
    NVolSetCaseSensitive(volume_);
    auto reference = ntfs_inode_lookup_by_name(folder.get(), unicode, length);
    NVolClearCaseSensitive(volume_);
    if (reference == ERR_MREF(-1)) reference = ntfs_inode_lookup_by_name(folder.get(), unicode, length);
    if (reference == ERR_MREF(-1)) return failed("looking for it");
    number = MREF(reference);
  }
  return number;
}

Result<FreshInode> NtfsWriteVolume::open(std::uint64_t number) {
  FreshInode inode(ntfs_inode_open(volume_, number));
  if (!inode) return failed("opening it");
  return inode;
}

Result<NtfsMftRoom> NtfsWriteVolume::mft_room() const {
  const ntfs_attr* bitmap = volume_->mftbmp_na;
  const s64 free_bits = ntfs_attr_get_free_bits(volume_->mftbmp_na);
  if (free_bits < 0) return failed("counting the free records of the MFT");
  const MFT_RECORD* first = volume_->mft_ni->mrec;
  const bool alone = NInoAttrList(volume_->mft_ni) == 0 && first->bytes_in_use <= first->bytes_allocated;
  return NtfsMftRoom{
      .records = static_cast<std::uint64_t>(volume_->mft_na->allocated_size) >> volume_->mft_record_size_bits,
      .bits = static_cast<std::uint64_t>(bitmap->initialized_size) << 3,
      .bits_with_clusters = static_cast<std::uint64_t>(bitmap->allocated_size) << 3,
      .used = static_cast<std::uint64_t>((bitmap->data_size << 3) - free_bits),
      .room = alone ? first->bytes_allocated - first->bytes_in_use : 0};
}

Result<ntfs_inode*> NtfsWriteVolume::allocate_record(ntfs_inode* base) {
  if (!can_give_record(TRY(mft_room())))
    return fail(Code::Unsupported,
                "the MFT of the volume is full and in too many pieces to be made longer safely: mount the volume and "
                "run `vhdtool desparse FILE` there, or copy the file");
  // Always: the MFT also becomes longer, or more of it is in use, while there are free records in what is in use.
  device_.begin_order();
  ntfs_inode* record = ntfs_mft_record_alloc(volume_, base);
  const int err = errno;
  TRY(device_.end_order());
  if (record == nullptr) return failed("allocating a record of the MFT", err);
  return record;
}

Result<void> NtfsWriteVolume::free_record(ntfs_inode* record) {
  if (ntfs_mft_record_free(volume_, record) != 0) return failed("giving back a record of the MFT");
  return {};
}

Result<void> NtfsWriteVolume::write_record(std::uint64_t number, Bytes record) {
  // The library puts the update sequence in and takes it out again.
  std::vector<std::byte> copy(record.begin(), record.end());
  if (copy.size() != record_size()) return fail(Code::Corrupt, "its record has a wrong size");
  if (ntfs_mft_record_write(volume_, number, reinterpret_cast<MFT_RECORD*>(copy.data())) != 0)
    return failed("writing its record");
  return {};
}

// The library looks for free clusters in a part of the volume at a time: fewer are found where many are not.
Result<NtfsRuns> NtfsWriteVolume::allocate_clusters(std::uint64_t count, std::int64_t hint) {
  NtfsRuns all;
  for (std::uint64_t left = count, most = count; left > 0;) {
    most = std::min(most, left);
    const volume::MallocPtr<runlist> found(ntfs_cluster_alloc(volume_, 0, static_cast<s64>(most), hint, DATA_ZONE));
    if (!found) {
      const int err = errno;
      if (err == ENOSPC && most > 1) {
        most /= 2;
        continue;
      }
      const NewClusters give_back(*this, std::move(all));
      return failed("allocating clusters", err);
    }
    for (const runlist_element* run = found.get(); run->length > 0; ++run) {
      append_run(all, run->lcn, static_cast<std::uint64_t>(run->length));
      hint = run->lcn + run->length;
    }
    left -= most;
  }
  return all;
}

Result<void> NtfsWriteVolume::free_clusters(const NtfsRuns& runs) {
  std::vector<runlist_element> list = as_runlist(runs);
  if (ntfs_cluster_free_from_rl(volume_, list.data()) != 0) return failed("giving back clusters");
  return {};
}

}  // namespace vhdboot::tool
