// SPDX-License-Identifier: GPL-2.0-or-later
// A disk image in memory that only keeps what was written: volumes of any size for tests.
#pragma once

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <fstream>
#include <map>
#include <string>
#include <vector>

#include "base/byte_source.h"

namespace vhdboot::test {

class SparseImage final : public ByteSource {
 public:
  explicit SparseImage(std::uint64_t size) : size_(size) {}
  /// The file at `path`, without its holes; empty when it cannot be read.
  static SparseImage load(const std::string& path) {
    const int file = open(path.c_str(), O_RDONLY | O_CLOEXEC);
    if (file < 0) return SparseImage(0);
    const off_t size = lseek(file, 0, SEEK_END);
    SparseImage image(size > 0 ? static_cast<std::uint64_t>(size) : 0);
    std::vector<std::byte> block(kBlock);
    for (off_t at = lseek(file, 0, SEEK_DATA); at >= 0 && at < size; at = lseek(file, at, SEEK_DATA)) {
      at -= at % static_cast<off_t>(kBlock);
      const ssize_t got = pread(file, block.data(), block.size(), at);
      if (got <= 0) break;
      image.write(static_cast<std::uint64_t>(at), Bytes(block).first(static_cast<std::size_t>(got)));
      at += got;
    }
    close(file);
    return image;
  }
  SparseImage(SparseImage&& other) noexcept : size_(other.size_), blocks_(std::move(other.blocks_)) {}

  [[nodiscard]] SparseImage copy() const {
    SparseImage out(size_);
    out.blocks_ = blocks_;
    return out;
  }

  [[nodiscard]] std::uint64_t size() const override { return size_; }

  [[nodiscard]] Result<void> read(std::uint64_t offset, MutableBytes out) const override {
    if (offset > size_ || out.size() > size_ - offset) return fail(Code::Corrupt, "read past the end");
    ++reads;
    while (!out.empty()) {
      const std::uint64_t within = offset % kBlock;
      const auto length = static_cast<std::size_t>(std::min<std::uint64_t>(kBlock - within, out.size()));
      const auto block = blocks_.find(offset / kBlock);
      if (block == blocks_.end())
        std::fill_n(out.begin(), length, std::byte{0});
      else
        std::copy_n(block->second.begin() + static_cast<std::ptrdiff_t>(within), length, out.begin());
      offset += length;
      out = out.subspan(length);
    }
    return {};
  }

  /// What lies past the end is dropped.
  void write(std::uint64_t offset, Bytes in) {
    while (!in.empty() && offset < size_) {
      const std::uint64_t within = offset % kBlock;
      const auto length = static_cast<std::size_t>(std::min<std::uint64_t>(kBlock - within, in.size()));
      auto& block = blocks_[offset / kBlock];
      if (block.empty()) block.resize(kBlock);
      std::copy_n(in.begin(), length, block.begin() + static_cast<std::ptrdiff_t>(within));
      offset += length;
      in = in.subspan(length);
    }
  }

  template <std::unsigned_integral T>
  void put(std::uint64_t offset, T value) {
    std::array<std::byte, sizeof(T)> bytes{};
    (void)store_le(MutableBytes(bytes), 0, value);
    write(offset, bytes);
  }

  template <std::unsigned_integral T>
  [[nodiscard]] T get(std::uint64_t offset) const {
    std::array<std::byte, sizeof(T)> bytes{};
    if (!read(offset, bytes)) return 0;
    return *load_le<T>(bytes, 0);
  }

  /// Writes a sparse file.
  void save(const std::string& path) const {
    std::ofstream out(path, std::ios::binary | std::ios::trunc);
    for (const auto& [index, block] : blocks_) {
      out.seekp(static_cast<std::streamoff>(index * kBlock));
      const std::uint64_t length = std::min<std::uint64_t>(kBlock, size_ - index * kBlock);
      out.write(reinterpret_cast<const char*>(block.data()), static_cast<std::streamsize>(length));
    }
    if (size_ > 0 && (blocks_.empty() || (blocks_.rbegin()->first + 1) * kBlock < size_)) {
      out.seekp(static_cast<std::streamoff>(size_ - 1));
      out.put('\0');
    }
  }

  mutable std::uint64_t reads = 0;  ///< how often read() was called

 private:
  static constexpr std::uint64_t kBlock = 4096;
  std::uint64_t size_;
  std::map<std::uint64_t, std::vector<std::byte>> blocks_;
};

}  // namespace vhdboot::test
