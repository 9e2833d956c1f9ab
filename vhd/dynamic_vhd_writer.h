// SPDX-License-Identifier: GPL-2.0-or-later
// Changes the block table of a dynamic or differencing VHD. There is no log: the order is all there is, and a sector of
// 512 bytes is there whole or not at all. F for a flush:
//   commit: (F, when a block is completed where it lies,) the bitmaps of the blocks, F, the sectors of the table, F;
//   one that gets another place leaves its old one unused a new end of the file: the footer there, F, zeros over the
//   old one, F; between, as long as no footer is at the end of the file, its copy at the start counts
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "base/result.h"
#include "vhd/block_writer.h"
#include "vhd/byte_file.h"
#include "vhd/dynamic_vhd.h"

namespace vhdboot::vhd {

class DynamicVhdWriter final : public BlockWriter {
 public:
  /// `file` must outlive the object. Corrupt as DynamicVhd::open() says, and for a table or blocks that lie over a
  /// footer; Unsupported without a footer at the end (put_footer_at_end()) or for a table that is not in whole sectors.
  [[nodiscard]] static Result<std::unique_ptr<DynamicVhdWriter>> open(ByteFile& file);

  [[nodiscard]] std::uint64_t blocks() const override { return blocks_; }
  [[nodiscard]] std::uint64_t block_size() const override { return shape_.block_size; }
  [[nodiscard]] std::optional<std::uint64_t> place_of(std::uint64_t block) const override;
  /// All behind the last block. Data begin on 4 KiB.
  [[nodiscard]] std::vector<std::uint64_t> free_places(std::uint64_t limit) const override;
  [[nodiscard]] Result<void> commit(std::span<const BlockPlace> places) override;
  [[nodiscard]] Result<void> close() override { return {}; }

 private:
  DynamicVhdWriter(ByteFile& file, const DynamicVhd& disk);

  [[nodiscard]] Result<void> check_layout(const Footer& footer) const;
  [[nodiscard]] std::uint64_t footer_place() const { return file_.size() - kFooterSize; }
  [[nodiscard]] bool is_free(std::uint64_t place) const;
  [[nodiscard]] Result<bool> take(const BlockPlace& wanted);
  [[nodiscard]] Result<void> put_table(std::span<const BlockPlace> places);

  ByteFile& file_;
  VhdShape shape_;
  std::uint64_t blocks_;
  std::uint64_t table_offset_;
  std::uint64_t metadata_end_;
  std::uint64_t used_end_;
  std::vector<std::uint64_t> used_;  // places that blocks have or had, in their order
  std::vector<std::byte> table_;     // in whole sectors
  std::vector<std::byte> ones_;      // a bitmap
  bool failed_ = false;
};

/// Puts `footer`, which was read when the file had `old_size` bytes, behind everything, after the file was made longer
/// by zeros or its footer was lost; then zeros over the old one.
[[nodiscard]] Result<void> put_footer_at_end(ByteFile& file, const DynamicFooter& footer, std::uint64_t old_size);

}  // namespace vhdboot::vhd
