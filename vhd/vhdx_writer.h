// SPDX-License-Identifier: GPL-2.0-or-later
// Changes the block table of a VHDX file through its log ([MS-VHDX] 2.3).
//
// The order of writes, F for a flush:
//   commit:     F (what was put into the places), entry, F; for the first one since the log was empty then the header
//               that names the log, F, and the other header, which the next F covers
//   checkpoint: the changed sectors of the table, F
//   close:      checkpoint, header without a log, F, the other header, F
// So a header never names a log without a valid entry, which whoever opens the file would have to refuse, and a sector
// of the table is never changed in place before the entry with it is on stable storage.
//
// An entry names the oldest one that is still needed, its tail. What lies from that tail on is not overwritten before a
// newer entry, with a newer tail, is on stable storage: a checkpoint comes when half the log is in use, and an entry is
// less than a quarter of the smallest log.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "base/guid.h"
#include "base/result.h"
#include "vhd/block_writer.h"
#include "vhd/byte_file.h"
#include "vhd/vhdx_attach.h"
#include "vhd/vhdx_log.h"
#include "vhd/vhdx_table.h"

namespace vhdboot::vhd {

/// Sectors that one entry of ours changes at most.
inline constexpr std::size_t kEntrySectors = 48;

class VhdxWriter final : public BlockWriter {
 public:
  /// Attaches `file` (vhdx_attach.h), which must outlive the object, and reads its table. `log` is random: the GUID of
  /// the first log that is begun. Nothing is written to a file whose table or log is not right.
  [[nodiscard]] static Result<std::unique_ptr<VhdxWriter>> open(ByteFile& file, const AttachGuids& guids,
                                                                const Guid& log);

  [[nodiscard]] const VhdxTable& table() const { return table_; }

  [[nodiscard]] std::uint64_t blocks() const override { return table_.shape.blocks; }
  [[nodiscard]] std::uint64_t block_size() const override { return table_.shape.block_size; }
  [[nodiscard]] std::optional<std::uint64_t> place_of(std::uint64_t block) const override;
  [[nodiscard]] std::vector<std::uint64_t> free_places(std::uint64_t limit) const override;
  [[nodiscard]] Result<void> commit(std::span<const BlockPlace> places) override;
  [[nodiscard]] Result<void> close() override;

  /// Puts what was committed into its place, so that no replay is needed for it.
  [[nodiscard]] Result<void> checkpoint();

  /// Changes at most kEntrySectors sectors of the region tables or the metadata, all or none of them. This object does
  /// not take note of it: only close() makes sense afterwards. Invalid for any other sector.
  [[nodiscard]] Result<void> update(std::span<const LoggedSector> sectors);

 private:
  VhdxWriter(ByteFile& file, VhdxTable table, const Guid& log);

  [[nodiscard]] Result<void> check(const BlockPlace& wanted);
  [[nodiscard]] bool may_update(const LoggedSector& sector) const;
  [[nodiscard]] Result<void> check_usable() const;
  [[nodiscard]] Bytes table_sector(std::size_t sector) const;
  [[nodiscard]] std::uint64_t place_of_sector(std::size_t sector) const;
  [[nodiscard]] bool add(const BlockPlace& wanted);
  [[nodiscard]] Result<void> put_in_place();
  [[nodiscard]] Result<void> make_room();
  [[nodiscard]] Result<void> write_entry();
  [[nodiscard]] Result<void> put_into_log(Bytes entry);

  ByteFile& file_;
  VhdxTable table_;               // its entries are as committed
  std::vector<std::byte> bytes_;  // of the table, in whole sectors, as they are to be
  std::vector<bool> changed_;     // its sectors that are in the log and not yet in place
  std::vector<std::byte> buffer_;
  std::array<LoggedSector, kEntrySectors> sectors_{};  // of the entry that is being made
  std::size_t sector_count_ = 0;

  Guid next_log_;
  std::uint64_t sequence_ = 0;
  std::uint64_t head_ = 0;  // where in the log the next entry begins
  std::uint64_t tail_ = 0;  // that the last entry names
  std::uint64_t used_ = 0;  // bytes from tail_ to head_, around the end
  bool pending_ = false;    // entries are not yet in place
  bool failed_ = false;
};

}  // namespace vhdboot::vhd
