// SPDX-License-Identifier: GPL-2.0-or-later
// A virtual disk that is put together from blocks of an image file, and from a parent where it is a differencing one.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/byte_source.h"
#include "base/result.h"

namespace vhdboot::vhd {

class SparseDisk : public ByteSource {
 public:
  [[nodiscard]] std::uint64_t size() const final { return size_; }
  [[nodiscard]] Result<void> read(std::uint64_t offset, MutableBytes out) const final;

  /// What is not in this image is then read from `parent`; zeros where the parent is shorter.
  void set_parent(std::unique_ptr<ByteSource> parent) { parent_ = std::move(parent); }

  /// Where bytes of the disk come from.
  enum class Origin : std::uint8_t { Zero, File, Parent };
  struct Piece {
    Origin origin = Origin::Zero;
    std::uint64_t file_offset = 0;  ///< of File
    std::uint64_t length = 0;       ///< bytes, at least 1
  };

  /// What the bytes from `offset` on are made of: one piece of at most `limit` bytes, which end within size().
  [[nodiscard]] virtual Result<Piece> locate(std::uint64_t offset, std::uint64_t limit) const = 0;

 protected:
  SparseDisk(const ByteSource& file, std::uint64_t size) : file_(file), size_(size) {}

  [[nodiscard]] const ByteSource& file() const { return file_; }

 private:
  [[nodiscard]] Result<void> read_parent(std::uint64_t offset, MutableBytes out) const;

  const ByteSource& file_;
  std::uint64_t size_;
  std::unique_ptr<ByteSource> parent_;
};

/// Whether two of the places overlap; each is the start of `length` bytes. Sorts them.
[[nodiscard]] bool any_overlap(std::vector<std::uint64_t>& places, std::uint64_t length);

}  // namespace vhdboot::vhd
