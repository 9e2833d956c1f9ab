// SPDX-License-Identifier: GPL-2.0-or-later
// Whether the pieces of a disk are what reading it gives.
#pragma once

#include <algorithm>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "base/text.h"
#include "vhd/pieces.h"

namespace vhdboot::test {

/// The first thing that is not as it should be; empty when all is well. `files`: of the chain, the image first. Of each
/// piece `cap` bytes are compared, of its beginning and of its end.
inline std::string piece_fault(const vhd::Disk& disk, std::span<const vhd::DiskPiece> pieces,
                               std::span<const ByteSource* const> files, std::uint64_t cap = UINT64_MAX) {
  std::uint64_t position = 0;
  const vhd::DiskPiece* last = nullptr;
  std::vector<std::byte> expected;
  std::vector<std::byte> found;
  for (const vhd::DiskPiece& piece : pieces) {
    const std::string where = concat("the piece at byte ", position, ": ");
    if (piece.start != position || piece.length == 0) return where + "a gap";
    if (piece.start % 512 != 0 || piece.length % 512 != 0 || piece.file_offset % 512 != 0) return where + "no sectors";
    if (last != nullptr && last->file == piece.file &&
        (!piece.file || last->file_offset + last->length == piece.file_offset))
      return where + "not merged";
    const auto compare = [&](std::uint64_t from, std::uint64_t count) {
      constexpr std::uint64_t kStep = 1 << 20;
      for (const std::uint64_t end = from + count; from < end; from += kStep) {
        expected.assign(static_cast<std::size_t>(std::min(kStep, end - from)), std::byte{0xAA});
        found.assign(expected.size(), std::byte{0});
        if (!disk.read(piece.start + from, expected)) return where + "the disk cannot be read";
        if (piece.file && (*piece.file >= files.size() || !files[*piece.file]->read(piece.file_offset + from, found)))
          return where + "the file cannot be read";
        if (expected != found) return where + concat("other bytes from ", from, " on");
      }
      return std::string();
    };
    const std::uint64_t some = std::min(cap, piece.length);
    if (auto fault = compare(0, some); !fault.empty()) return fault;
    if (some < piece.length)
      if (auto fault = compare(piece.length - some, some); !fault.empty()) return fault;
    position += piece.length;
    last = &piece;
  }
  return position == disk.size() ? "" : concat("the pieces end at byte ", position, " of ", disk.size());
}

}  // namespace vhdboot::test
