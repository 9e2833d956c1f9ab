// SPDX-License-Identifier: GPL-2.0-or-later
// Random read access to something large: a block device, a file, memory. Never writes.
#pragma once

#include <cstring>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"

namespace vhdboot {

class ByteSource {
 public:
  ByteSource() = default;
  ByteSource(const ByteSource&) = delete;
  ByteSource& operator=(const ByteSource&) = delete;
  virtual ~ByteSource() = default;

  /// Size in bytes; constant for the life of the object.
  [[nodiscard]] virtual std::uint64_t size() const = 0;

  /// Fills all of `out` from `offset`. Io on a device error; Corrupt when the range does not lie within size().
  [[nodiscard]] virtual Result<void> read(std::uint64_t offset, MutableBytes out) const = 0;
};

/// Bytes in memory, borrowed: they must outlive the source.
class MemorySource final : public ByteSource {
 public:
  explicit MemorySource(Bytes bytes) : bytes_(bytes) {}
  [[nodiscard]] std::uint64_t size() const override { return bytes_.size(); }
  [[nodiscard]] Result<void> read(std::uint64_t offset, MutableBytes out) const override {
    const auto range = slice(bytes_, offset, out.size());
    if (!range) return fail(Code::Corrupt, "read past the end");
    if (!out.empty()) std::memcpy(out.data(), range->data(), out.size());
    return {};
  }

 private:
  Bytes bytes_;
};

/// Bytes in memory, its own.
class OwnedSource final : public ByteSource {
 public:
  explicit OwnedSource(std::vector<std::byte> bytes) : bytes_(std::move(bytes)) {}
  [[nodiscard]] std::uint64_t size() const override { return bytes_.size(); }
  [[nodiscard]] Result<void> read(std::uint64_t offset, MutableBytes out) const override {
    return MemorySource(bytes_).read(offset, out);
  }

 private:
  std::vector<std::byte> bytes_;
};

/// A part of another source, borrowed: a partition of a disk, the payload of an image.
class SliceSource final : public ByteSource {
 public:
  /// `offset + length` must lie within `parent`; what does not is cut off.
  SliceSource(const ByteSource& parent, std::uint64_t offset, std::uint64_t length)
      : parent_(parent),
        offset_(offset < parent.size() ? offset : parent.size()),
        length_(length < parent.size() - offset_ ? length : parent.size() - offset_) {}
  [[nodiscard]] std::uint64_t size() const override { return length_; }
  [[nodiscard]] Result<void> read(std::uint64_t offset, MutableBytes out) const override {
    if (offset > length_ || out.size() > length_ - offset) return fail(Code::Corrupt, "read past the end");
    return parent_.read(offset_ + offset, out);
  }

 private:
  const ByteSource& parent_;
  std::uint64_t offset_;
  std::uint64_t length_;
};

/// One source behind another, both borrowed.
class JoinedSource final : public ByteSource {
 public:
  /// The sum of their sizes must fit 64 bits.
  JoinedSource(const ByteSource& first, const ByteSource& second) : first_(first), second_(second) {}
  [[nodiscard]] std::uint64_t size() const override { return first_.size() + second_.size(); }
  [[nodiscard]] Result<void> read(std::uint64_t offset, MutableBytes out) const override {
    const std::uint64_t border = first_.size();
    if (offset >= border) return second_.read(offset - border, out);
    const std::uint64_t left = border - offset;
    const std::size_t before = left < out.size() ? static_cast<std::size_t>(left) : out.size();
    if (auto done = first_.read(offset, out.first(before)); !done) return done;
    return before == out.size() ? Result<void>() : second_.read(0, out.subspan(before));
  }

 private:
  const ByteSource& first_;
  const ByteSource& second_;
};

}  // namespace vhdboot
