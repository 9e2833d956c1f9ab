// SPDX-License-Identifier: GPL-2.0-or-later
#include "vhd/pieces.h"

#include <algorithm>
#include <utility>

#include "base/text.h"

namespace vhdboot::vhd {
namespace {

class Flattener {
 public:
  // These bytes of the disk in the file number `file`. They end within the disk.
  Result<void> add(const Disk& disk, std::uint32_t file, std::uint64_t start, std::uint64_t length) {
    const SparseDisk* blocks = disk.blocks();
    if (blocks == nullptr) return append({start, length, file, start});
    for (const std::uint64_t end = start + length; start < end;) {
      if (++look_ups_ > kMaxLookUps) return too_many();
      const SparseDisk::Piece piece = TRY(blocks->locate(start, end - start));
      switch (piece.origin) {
        case SparseDisk::Origin::Zero:
          TRY(append({start, piece.length, std::nullopt, 0}));
          break;
        case SparseDisk::Origin::File:
          if (disk.is_logged(piece.file_offset, piece.length))
            return fail(Code::Unsupported, concat("the log of the VHDX file must be replayed and holds a part of the "
                                                  "disk, at its byte ",
                                                  start, ": attach the image in Windows once"));
          TRY(append({start, piece.length, file, piece.file_offset}));
          break;
        case SparseDisk::Origin::Parent:
          TRY(add_parent(disk.parent(), file + 1, start, piece.length));
          break;
      }
      start += piece.length;
    }
    return {};
  }

  std::vector<DiskPiece> finish() && { return std::move(pieces_); }

 private:
  Result<void> add_parent(const Disk* parent, std::uint32_t file, std::uint64_t start, std::uint64_t length) {
    if (parent == nullptr)
      return fail(Code::NotFound, "a part of the disk is in the parent image, which is not at hand");
    const std::uint64_t there = start < parent->size() ? std::min(length, parent->size() - start) : 0;
    if (there > 0) TRY(add(*parent, file, start, there));
    return append({start + there, length - there, std::nullopt, 0});
  }

  Result<void> append(const DiskPiece& piece) {
    if (piece.length == 0) return {};
    if (!pieces_.empty()) {
      DiskPiece& last = pieces_.back();
      if (last.file == piece.file && (!piece.file || last.file_offset + last.length == piece.file_offset)) {
        last.length += piece.length;
        return {};
      }
    }
    if (pieces_.size() == kMaxPieces) return too_many();
    pieces_.push_back(piece);
    return {};
  }

  static std::unexpected<Error> too_many() {
    return fail(Code::Unsupported,
                concat("the disk lies in more than ", kMaxPieces, " pieces of its image: merge or convert the image"));
  }

  std::vector<DiskPiece> pieces_;
  std::uint64_t look_ups_ = 0;
};

}  // namespace

Result<std::vector<DiskPiece>> pieces_of(const Disk& disk) {
  Flattener flattener;
  TRY(flattener.add(disk, 0, 0, disk.size()));
  return std::move(flattener).finish();
}

Result<bool> is_whole(const Disk& disk) {
  if (disk.blocks() == nullptr) return true;
  if (disk.info().allocated_blocks < disk.info().blocks) return false;
  return std::ranges::all_of(TRY(pieces_of(disk)), [](const DiskPiece& piece) { return piece.file == 0U; });
}

}  // namespace vhdboot::vhd
