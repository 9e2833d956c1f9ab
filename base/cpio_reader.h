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

  /// Goes on with `bytes`: one or several archives, with zeros before, between and behind them. How many bytes of that
  /// are theirs: all, or less when something else follows behind the end of an archive. Corrupt for what is no archive.
  [[nodiscard]] Result<std::size_t> take(Bytes bytes);

  /// Whether an archive has begun and not yet ended. The kernel does not ask for its end.
  [[nodiscard]] bool within_archive() const { return state_ != State::Between; }

 private:
  enum class State : std::uint8_t { Between, Header, Name, Contents, Padding };

  [[nodiscard]] Result<void> read_header();
  void read_name();
  void end_contents();
  void expect(State state, std::uint64_t size);

  Visitor visitor_;
  State state_ = State::Between;
  std::uint64_t left_ = 0;        // bytes that the state still takes
  std::vector<std::byte> taken_;  // of it, unless they are passed over
  std::string name_;
  std::uint64_t size_ = 0;  // of the entry's contents
  bool wanted_ = false;
};

}  // namespace vhdboot::cpio
