// SPDX-License-Identifier: GPL-2.0-or-later
// What is written into a VHDX file before anything else may be ([MS-VHDX] 2.2.2 and 2.3.3): new GUIDs, and for good
// what its log asks for.
#pragma once

#include <optional>

#include "base/guid.h"
#include "base/result.h"
#include "vhd/byte_file.h"
#include "vhd/vhdx_header.h"

namespace vhdboot::vhd {

/// All random.
struct AttachGuids {
  Guid file_write;                 ///< of the file from now on
  std::optional<Guid> data_write;  ///< when a guest is going to write: the children of this image know it no more
};

/// Makes `file` ready to be written, its log empty, and returns the header that counts. Who writes nothing but blocks
/// that are present needs no more than this, and nothing afterwards. Its writes, F for a flush:
///   clean:     header with the GUIDs, F, the other header, F
///   with a log: header with the file-write GUID, F, what the log asks for, F, header with an empty log, F, the other,
///   F
/// After a loss of power the file reads as before, and running this again completes it. Refuses, with nothing written:
/// Corrupt a log that has no valid entry or asks for what no log may; Unsupported one that makes the file longer.
[[nodiscard]] Result<VhdxHeader> attach_vhdx(ByteFile& file, const AttachGuids& guids);

/// Writes `header` into both places, one after the other.
[[nodiscard]] Result<VhdxHeader> write_both_headers(ByteFile& file, VhdxHeader header);

}  // namespace vhdboot::vhd
