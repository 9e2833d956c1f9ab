// SPDX-License-Identifier: GPL-2.0-or-later
// A new differencing image: its disk reads as its parent's, until something is written to it. Windows, Hyper-V and
// diskpart open, mount and merge it as one of their own.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/guid.h"
#include "base/result.h"
#include "disk/gpt.h"
#include "vhd/disk.h"

namespace vhdboot::vhd {

struct ChildSpec {
  std::string parent_name;          ///< of the parent's file, which lies in the same folder; UTF-8
  std::int64_t parent_changed = 0;  ///< when it was changed last, Unix seconds: a VHD says so
  std::int64_t now = 0;             ///< Unix seconds
  std::uint64_t reserve = 0;        ///< bytes of blocks for which there is free space in the file, at least
  Guid id;                          ///< random: by which a child of this one will know it
  Guid file_write;                  ///< random; of a VHDX
};

/// A file that does not exist yet: zeros but for the writes.
struct NewFile {
  std::uint64_t size = 0;  ///< bytes
  std::vector<disk::DiskWrite> writes;
};

/// Of a VHD a VHD with blocks of 2 MiB, of a VHDX a VHDX with blocks of 1 MiB, larger ones only from
/// 4 TiB on; it has none of them.
/// Unsupported of any other parent; Invalid for a name that is no UTF-8, has a separator, or is longer than a VHD can
/// hold.
[[nodiscard]] Result<NewFile> make_child(const DiskInfo& parent, const ChildSpec& spec);

}  // namespace vhdboot::vhd
