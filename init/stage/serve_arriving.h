// SPDX-License-Identifier: GPL-2.0-or-later
// Serves the disk of an image of which blocks are missing. What is missing is brought when it is read, and meanwhile
// what boots have read before, and the rest; each block is checked before it is stored, and stored before it is
// answered. A block that is there is the image's: it is read from it, and never brought again.
#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/fd.h"
#include "base/range.h"
#include "base/result.h"
#include "init/arrive/block_map.h"
#include "init/arrive/checked_digests.h"
#include "init/stage/bring_blocks.h"
#include "init/sys/console.h"
#include "init/sys/nbd.h"
#include "vhd/byte_file.h"

namespace vhdboot::stage {

/// What is known of an image, in memory that processes share: a server that ends takes nothing of it along. Never given
/// back.
class SharedMap {
 public:
  /// Reads it from the map's file. Corrupt when that is another one than `header` says.
  [[nodiscard]] static Result<SharedMap> read(const ByteSource& map, const arrive::MapHeader& header);

  [[nodiscard]] arrive::BlockMap& blocks() { return blocks_; }
  /// Marks, so that save() writes them.
  void add(const arrive::Blocks& blocks);
  /// Adds to the record; false when it is full.
  bool record(const arrive::Blocks& blocks);
  [[nodiscard]] std::vector<arrive::Blocks> recorded() const;

  /// This process sees it no more, nor could it mark anything. Nothing else may be called then.
  void forget() const;

  [[nodiscard]] bool is_saved() const;
  /// Returns when what is marked is on stable storage, and before that all of `image`: a mark never gets there before
  /// its block.
  [[nodiscard]] Result<void> save(vhd::ByteFile& image, vhd::ByteFile& map);

 private:
  SharedMap(MutableBytes body, MutableBytes unsaved, std::atomic<std::uint64_t>& entries,
            const arrive::MapLayout& layout, std::uint64_t data_blocks)
      : body_(body),
        unsaved_(unsaved),
        entries_(&entries),
        layout_(layout),
        blocks_(body.first(static_cast<std::size_t>(layout.bits.count) * arrive::kBlock), data_blocks) {}

  MutableBytes body_;     // all of the file but its header
  MutableBytes unsaved_;  // for each block of it: 1 when it was changed
  std::atomic<std::uint64_t>* entries_;
  arrive::MapLayout layout_;
  arrive::BlockMap blocks_;
};

/// So many zeros are before the disk on the block device, and behind it: nobody is to find partitions or file systems
/// there, which are those of the guest.
inline constexpr std::uint64_t kPad = 1 << 20;

class ArrivalServer {
 public:
  /// The image's file, its map and its tree; borrowed.
  struct Files {
    vhd::ByteFile& image;
    vhd::ByteFile& map;
    const ByteSource& tree;
  };
  struct Times {
    std::chrono::milliseconds until_rest{10'000};  ///< then also what nobody has asked for comes
    std::chrono::milliseconds quiet{1'000};        ///< and only when nobody has waited for so long
    std::chrono::milliseconds again{2'000};        ///< after a failure
    std::chrono::milliseconds save{5'000};
    std::chrono::milliseconds complain{5'000};  ///< when somebody has waited so long
    std::chrono::milliseconds tell{30'000};     ///< between two failures that nobody waits for
    std::chrono::milliseconds record{300'000};  ///< as long a boot may take
  };

  /// `bringer`: the socket of bring_blocks(); `done` is told when all is there, and the footer too. `source`: for
  /// people.
  ArrivalServer(sys::NbdServer server, Fd bringer, Files files, const arrive::MapHeader& header, SharedMap& shared,
                std::string source, const Fd& done, const sys::Reporter& report, Times times);

  /// Until the kernel goes. Errors: nobody is there any more, on either side.
  [[nodiscard]] Result<void> run();

 private:
  using Clock = std::chrono::steady_clock;
  enum class Wanted : std::uint8_t { Urgent, Listed, Rest };
  struct Goal {
    arrive::Blocks blocks;
    Wanted wanted = Wanted::Rest;
    bool is_of_write = false;  // who waits
  };

  struct Request {
    sys::NbdRequest asked;
    Range part;  // of the disk
  };

  // A part of a block that is missing, of a write: it waits for the rest of that block.
  struct Edge {
    Range part;  // of the disk; empty: there is none
    std::array<std::byte, arrive::kBlock> bytes;
  };
  // A write that is done but for its edges.
  struct HeldWrite {
    sys::NbdRequest asked;
    std::array<Edge, 2> edges;
  };

  [[nodiscard]] Request within_disk(const sys::NbdRequest& asked) const;
  [[nodiscard]] Result<void> take_request();
  [[nodiscard]] Result<void> write(const Request& request);
  [[nodiscard]] Result<void> store(const Range& part, Bytes data);
  [[nodiscard]] std::optional<std::uint64_t> missing_edge(const HeldWrite& held) const;
  [[nodiscard]] Result<void> read(const Request& request);
  [[nodiscard]] Result<void> settle();
  [[nodiscard]] bool is_there(const Range& part) const;
  void note_read(const Range& part);

  [[nodiscard]] std::optional<Goal> choose();
  [[nodiscard]] std::optional<Goal> urgent() const;
  void pass_over(const Goal& goal);
  [[nodiscard]] Result<void> ask_next();
  [[nodiscard]] Result<void> take_brought();
  /// Those of `blocks` that are missing and whose bytes, from the first on, are right: they are there afterwards. Which
  /// one is not right, the first; nothing when all are.
  [[nodiscard]] Result<std::optional<std::uint64_t>> take_right(const arrive::Blocks& blocks, Bytes bytes, bool store);
  void failed(std::string why);
  void complain();
  [[nodiscard]] Result<void> finish();

  sys::NbdServer server_;
  Fd bringer_;
  Files files_;
  arrive::MapHeader header_;
  SharedMap& shared_;
  std::string source_;
  const Fd& done_;
  const sys::Reporter& report_;
  Times times_;

  arrive::CheckedDigests digests_;
  Sha256Digest zeros_;  // the digest of a block of them
  std::vector<arrive::Blocks> list_;
  std::size_t list_at_ = 0;
  std::uint64_t list_block_ = 0;
  std::uint64_t cursor_ = 0;  // of the rest

  std::vector<std::byte> data_;  // of a request
  std::vector<std::byte> brought_;
  std::vector<std::byte> noted_;  // bits: in the record
  std::vector<Request> reads_;    // that wait
  std::vector<HeldWrite> held_;
  bool is_turn_of_writes_ = true;  // of those that wait
  std::optional<Goal> asked_;
  bool again_ = false;
  bool complete_ = false;
  Clock::time_point began_ = Clock::now();
  Clock::time_point retry_ = began_;
  Clock::time_point saved_ = began_;
  std::optional<Clock::time_point> waiting_;
  bool complained_ = false;
  std::optional<Clock::time_point> urgent_;  // when somebody has waited last
  std::string why_;                          // the last failure
  std::string told_;                         // the last that was told
  std::optional<Clock::time_point> telling_;
};

}  // namespace vhdboot::stage
