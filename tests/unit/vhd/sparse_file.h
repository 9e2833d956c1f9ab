// SPDX-License-Identifier: GPL-2.0-or-later
// A file of any size in memory that stores only the sectors which were written, records each write, and can lose power.
#pragma once

#include <algorithm>
#include <array>
#include <cstring>
#include <limits>
#include <map>
#include <optional>
#include <string_view>
#include <vector>

#include "base/units.h"
#include "vhd/byte_file.h"

namespace vhdboot::test {

using namespace vhd;

class SparseFile final : public ByteFile {
 public:
  using Sector = std::array<std::byte, kSectorSize>;

  explicit SparseFile(std::uint64_t size) : size_(size) {}
  SparseFile(const SparseFile& other) : block(other.block), size_(other.size_), sectors_(other.sectors_) {}

  [[nodiscard]] std::uint64_t size() const override { return size_; }

  [[nodiscard]] Result<void> read(std::uint64_t offset, MutableBytes out) const override {
    if (offset > size_ || out.size() > size_ - offset) return fail(Code::Corrupt, "read past the end");
    ++reads;
    bytes_read += out.size();
    each_sector(offset, out.size(), [&](std::uint64_t sector, std::size_t skip, std::size_t from, std::size_t count) {
      const auto stored = sectors_.find(sector);
      if (stored == sectors_.end())
        std::memset(out.data() + from, 0, count);
      else
        std::memcpy(out.data() + from, stored->second.data() + skip, count);
    });
    return {};
  }

  [[nodiscard]] Result<void> write(std::uint64_t offset, Bytes data) override {
    if (offset > size_) return fail(Code::Invalid, "write past the end");
    if (fail_write && writes_done == *fail_write) {
      // What a full file system may do: take a part.
      put(offset, data.first(data.size() / 2));
      return std::unexpected(Error{Code::Io, ENOSPC, "writing"});
    }
    each_sector(offset, data.size(), [&](std::uint64_t sector, std::size_t skip, std::size_t from, std::size_t count) {
      if (sectors_until_power_loss == 0) return;  // nothing reaches the disk any more
      --sectors_until_power_loss;
      put(sector + skip, data.subspan(from, count));
    });
    ++writes_done;
    return {};
  }

  [[nodiscard]] Result<void> resize(std::uint64_t size) override {
    if (size < size_ && size % kSectorSize != 0)
      std::memset(sectors_[size / kSectorSize * kSectorSize].data() + size % kSectorSize, 0,
                  kSectorSize - size % kSectorSize);
    sectors_.erase(sectors_.lower_bound(align_up(size, kSectorSize)), sectors_.end());
    size_ = size;
    return {};
  }

  [[nodiscard]] std::uint64_t data_end(std::uint64_t limit) const override {
    if (block == 0) return limit;
    auto next = sectors_.lower_bound(limit);
    return next == sectors_.begin() ? 0 : std::min(limit, align_up(std::prev(next)->first + 1, block));
  }

  /// Writes without counting, as somebody else does.
  void put(std::uint64_t offset, Bytes data) {
    each_sector(offset, data.size(), [&](std::uint64_t sector, std::size_t skip, std::size_t from, std::size_t count) {
      std::memcpy(sectors_[sector].data() + skip, data.data() + from, count);
    });
    size_ = std::max(size_, offset + data.size());
  }
  void put(std::uint64_t offset, std::string_view text) { put(offset, as_bytes(text)); }

  /// Whether both have the same size and bytes.
  friend bool operator==(const SparseFile& a, const SparseFile& b) {
    return a.size_ == b.size_ && a.without_zeros() == b.without_zeros();
  }

  [[nodiscard]] std::vector<std::byte> bytes(std::uint64_t offset, std::size_t length) const {
    std::vector<std::byte> out(length);
    static_cast<void>(read(offset, out));
    return out;
  }

  std::uint64_t block = 0;  ///< of the file system that has it, which tells holes in such steps; 0: it cannot tell
  mutable std::size_t reads = 0;
  mutable std::uint64_t bytes_read = 0;
  std::size_t writes_done = 0;
  std::optional<std::size_t> fail_write;  ///< this one fails with ENOSPC
  std::size_t sectors_until_power_loss = std::numeric_limits<std::size_t>::max();

 private:
  // Calls visit(sector's offset, first byte within it, first byte within the range, count) for each piece of a range.
  template <class Visit>
  static void each_sector(std::uint64_t offset, std::size_t length, const Visit& visit) {
    for (std::size_t from = 0; from < length;) {
      const auto skip = static_cast<std::size_t>((offset + from) % kSectorSize);
      const std::size_t count = std::min<std::size_t>(kSectorSize - skip, length - from);
      visit(offset + from - skip, skip, from, count);
      from += count;
    }
  }

  [[nodiscard]] std::map<std::uint64_t, Sector> without_zeros() const {
    auto out = sectors_;
    std::erase_if(out, [](const auto& entry) { return entry.second == Sector{}; });
    return out;
  }

  std::uint64_t size_;
  std::map<std::uint64_t, Sector> sectors_;
};

}  // namespace vhdboot::test
