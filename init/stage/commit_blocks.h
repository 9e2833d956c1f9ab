// SPDX-License-Identifier: GPL-2.0-or-later
// Puts the blocks that a guest makes into the table of its image, before the kernel goes on (init/blocks/new_blocks.h).
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "base/result.h"
#include "init/blocks/exception_store.h"
#include "init/sys/nbd.h"
#include "vhd/block_writer.h"
#include "vhd/byte_file.h"

namespace vhdboot::stage {

/// Opens the table of the image in `file`, which must outlive it, for writing: a VHDX is changed by that
/// (vhd/vhdx_attach.h). `first`: nobody has opened it so in this boot. The errors of the format's writer; Unsupported
/// for one that has none.
[[nodiscard]] Result<std::unique_ptr<vhd::BlockWriter>> open_block_writer(vhd::ByteFile& file, bool first);

/// What is known of a session before it begins: see blocks::NewBlockRows.
struct BlockSession {
  std::uint64_t block_size = 0;  ///< bytes
  std::uint64_t blocks = 0;
  std::vector<std::uint64_t> places;
};

class BlockCommitter {
 public:
  /// At the beginning of a session, or in its middle: then the kernel tells all pairs anew with its next write. Corrupt
  /// when the table is not that of the session.
  [[nodiscard]] static Result<BlockCommitter> open(vhd::ByteFile& file, const BlockSession& session);

  [[nodiscard]] std::uint64_t size() const { return metadata_.size(); }
  [[nodiscard]] Result<Bytes> read(std::uint64_t offset, std::uint64_t length) const {
    return metadata_.read(offset, length);
  }
  /// Returns when the pairs in it are in the table, for good. Allocates nothing.
  [[nodiscard]] Result<void> write(std::uint64_t offset, Bytes data);
  /// Leaves the file so that it needs no repair.
  [[nodiscard]] Result<void> rest();

  [[nodiscard]] std::uint64_t places() const { return session_->places.size(); }
  [[nodiscard]] std::uint64_t places_left() const { return places() - metadata_.count(); }
  [[nodiscard]] bool valid() const { return metadata_.valid(); }

 private:
  BlockCommitter(const BlockSession& session, blocks::ExceptionStore metadata,
                 std::unique_ptr<vhd::BlockWriter> writer);

  const BlockSession* session_;
  blocks::ExceptionStore metadata_;
  std::unique_ptr<vhd::BlockWriter> writer_;
  std::vector<vhd::BlockPlace> wanted_;
  bool rests_ = true;
};

}  // namespace vhdboot::stage
