// SPDX-License-Identifier: GPL-2.0-or-later
// Reads "newc" cpio archives as the kernel unpacks an initramfs (init/initramfs.c): in whatever pieces the bytes come.
// Format: Linux, Documentation/driver-api/early-userspace/buffer-format.rst.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/cpio.h"
#include "base/result.h"

namespace vhdboot::cpio {

/// What the header of an entry says of what follows it.
struct EntryHeader {
  std::uint64_t name_size = 0;  ///< with its NUL
  std::uint64_t size = 0;       ///< of the contents

  /// Name and contents with their padding.
  [[nodiscard]] std::uint64_t padded_name() const {
    return align_up(kHeaderSize + name_size, kAlignment) - kHeaderSize;
  }
  [[nodiscard]] std::uint64_t padded_size() const { return align_up(size, kAlignment); }
  /// The kernel passes over an entry whose name is empty or too long.
  [[nodiscard]] bool has_name() const { return name_size > 0 && name_size <= kMaxNameLength + 1; }
};

/// Of the kHeaderSize bytes of an entry in the newc format, with checksums or without. Corrupt for what is none.
[[nodiscard]] Result<EntryHeader> parse_header(Bytes header);

/// What a reader tells of an archive.
struct Visitor {
  /// An entry begins, of any type. True: its contents are wanted. The name is as it was written, without the NUL.
  std::function<bool(std::string_view name, std::uint64_t size)> entry;
  /// All of what was wanted.
  std::function<void(std::string_view name, std::vector<std::byte> contents)> contents;
};

class Reader {
 public:
  /// The two functions of `visitor` are called from within take().
  explicit Reader(Visitor visitor) : visitor_(std::move(visitor)) {}

  /// Goes on with `bytes`: entries of one or several archives, with zeros before, between and behind them. How many
  /// bytes of that are theirs: all, or less when something else follows. Corrupt for what is no header, and for
  /// whatever follows an entry and does not begin at a multiple of kAlignment. Checksums are not compared.
  [[nodiscard]] Result<std::size_t> take(Bytes bytes);

  /// What comes next is another piece, which lies at so many bytes. Not within an entry.
  void seek(std::uint64_t offset) {
    at_ = offset;
    follows_entry_ = false;
  }

  /// Whether an entry has begun and not yet ended.
  [[nodiscard]] bool within_entry() const { return state_ != State::Between; }
  /// Whether an entry, or a trailer, was ever met.
  [[nodiscard]] bool has_begun() const { return has_begun_; }

 private:
  enum class State : std::uint8_t { Between, Header, Name, Contents, Skipped };

  [[nodiscard]] Result<void> read_header();
  [[nodiscard]] Result<void> read_name();
  void end_contents();
  void expect(State state, std::uint64_t size);

  Visitor visitor_;
  State state_ = State::Between;
  std::uint64_t at_ = 0;  // where the next byte lies
  bool has_begun_ = false;
  bool follows_entry_ = false;    // of the same piece
  std::uint64_t left_ = 0;        // bytes that the state still takes
  std::vector<std::byte> taken_;  // of it, unless they are passed over
  EntryHeader header_;            // of the entry
  std::string name_;
  bool wanted_ = false;
};

}  // namespace vhdboot::cpio
