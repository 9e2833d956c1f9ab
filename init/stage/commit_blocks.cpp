// SPDX-License-Identifier: GPL-2.0-or-later
#include "init/stage/commit_blocks.h"

#include <algorithm>
#include <utility>

#include "base/text.h"
#include "init/sys/random.h"
#include "vhd/dynamic_vhd_writer.h"
#include "vhd/image.h"
#include "vhd/vhdx_writer.h"

namespace vhdboot::stage {

Result<std::unique_ptr<vhd::BlockWriter>> open_block_writer(vhd::ByteFile& file, bool first) {
  const auto info = TRY(vhd::recognise(file));
  if (info.format == vhd::Format::DynamicVhd || info.format == vhd::Format::DifferencingVhd)
    return TRY(vhd::DynamicVhdWriter::open(file));
  if (info.format != vhd::Format::Vhdx)
    return fail(Code::Unsupported, concat("no new blocks are made in a ", vhd::name(info.format), " image"));
  vhd::AttachGuids guids{.file_write = TRY(sys::random_uuid()), .data_write = std::nullopt};
  if (first) guids.data_write = TRY(sys::random_uuid());
  return TRY(vhd::VhdxWriter::open(file, guids, TRY(sys::random_uuid())));
}

BlockCommitter::BlockCommitter(const BlockSession& session, blocks::ExceptionStore metadata,
                               std::unique_ptr<vhd::BlockWriter> writer)
    : session_(&session), metadata_(std::move(metadata)), writer_(std::move(writer)) {
  wanted_.reserve(session.places.size());
}

Result<BlockCommitter> BlockCommitter::open(vhd::ByteFile& file, const BlockSession& session) {
  auto metadata = TRY(blocks::ExceptionStore::make(session.block_size, session.blocks, session.places.size()));
  auto writer = TRY(open_block_writer(file, false));
  if (writer->block_size() != session.block_size || writer->blocks() != session.blocks)
    return fail(Code::Corrupt, "the block table of the image has another size than before");
  return BlockCommitter(session, std::move(metadata), std::move(writer));
}

Result<void> BlockCommitter::write(std::uint64_t offset, Bytes data) {
  wanted_.clear();
  for (const blocks::Exception& pair : TRY(metadata_.write(offset, data))) {
    const std::uint64_t place = session_->places[static_cast<std::size_t>(pair.new_chunk - blocks::kFirstDataChunk)];
    // What an earlier process has done before it was killed is told once more.
    if (writer_->place_of(pair.old_chunk) != place) wanted_.push_back({.block = pair.old_chunk, .place = place});
  }
  if (wanted_.empty()) return {};
  std::ranges::sort(wanted_, {}, &vhd::BlockPlace::place);
  rests_ = false;
  return writer_->commit(wanted_);
}

Result<void> BlockCommitter::rest() {
  if (std::exchange(rests_, true)) return {};
  return writer_->close();
}

}  // namespace vhdboot::stage
