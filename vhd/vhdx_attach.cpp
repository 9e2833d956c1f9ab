// SPDX-License-Identifier: GPL-2.0-or-later
#include "vhd/vhdx_attach.h"

#include <utility>

#include "vhd/vhdx_log.h"

namespace vhdboot::vhd {
namespace {

// Makes the replay for good; a header names the log until all of it is in place.
Result<VhdxHeader> replay_log(ByteFile& file, VhdxHeader header) {
  const ReplayedFile replayed(file, TRY(read_vhdx_log(file, header)));
  TRY(replayed.check_replay(header));
  header = TRY(put_vhdx_header(file, std::move(header)));
  TRY(file.flush());
  TRY_IN("replaying the log", replayed.put_changes(file));
  TRY_IN("replaying the log", file.flush());
  header.log = {};
  return header;
}

}  // namespace

Result<VhdxHeader> write_both_headers(ByteFile& file, VhdxHeader header) {
  for (std::size_t i = 0; i < kVhdxHeaderPlaces.size(); ++i) {
    header = TRY(put_vhdx_header(file, std::move(header)));
    TRY(file.flush());
  }
  return header;
}

Result<VhdxHeader> attach_vhdx(ByteFile& file, const AttachGuids& guids) {
  VhdxHeader header = TRY(read_vhdx_header(file));
  header.file_write = guids.file_write;
  if (!header.log.is_zero()) header = TRY(replay_log(file, std::move(header)));
  if (guids.data_write) header.data_write = *guids.data_write;
  return write_both_headers(file, std::move(header));
}

}  // namespace vhdboot::vhd
