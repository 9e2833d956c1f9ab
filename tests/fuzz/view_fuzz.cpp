// SPDX-License-Identifier: GPL-2.0-or-later
// Devices, files with their extents, and the pieces of a disk on them, in units of 512 bytes: numbers of two bytes, as
// take() below reads them. Of a view that is accepted each sector of the disk must lie where its piece and the extents
// say, on whole logical blocks.
#include "init/blocks/view.h"

#include <array>
#include <cstdlib>

#include "base/bytes.h"
#include "base/text.h"
#include "init/blocks/attach_plan.h"
#include "tests/fuzz/check.h"

namespace {

using namespace vhdboot;
using namespace vhdboot::blocks;

struct Input {
  Bytes left;

  std::uint64_t take() {
    if (left.size() < 2) return 0;
    const auto number = load_le<std::uint16_t>(left, 0).value_or(0);
    left = left.subspan(2);
    return number;
  }
  std::uint64_t bytes() { return take() * kSectorSize; }
};

std::uint64_t place_in_file(const MappedFile& file, std::uint64_t offset) {
  for (const Extent& extent : file.extents)
    if (offset >= extent.logical && offset - extent.logical < extent.length)
      return extent.physical + (offset - extent.logical);
  std::abort();
}

void check_sector(const View& view, const vhd::DiskPiece& piece, std::uint64_t at) {
  const std::uint64_t sector = at / kSectorSize;
  for (const Row& row : view.rows) {
    if (sector < row.start || sector - row.start >= row.length) continue;
    check(row.kind == (piece.file ? RowKind::Linear : RowKind::Zero));
    if (!piece.file) return;
    const MappedFile& file = view.files[*piece.file];
    check(row.device == file.device);
    check((row.device_sector + (sector - row.start)) * kSectorSize ==
          place_in_file(file, piece.file_offset + (at - piece.start)));
    return;
  }
  std::abort();
}

// Nothing but the kept bytes is written past the snapshot, and they lie where the view has them.
void check_kept(const View& view, const Range& kept) {
  const auto rows = kept_rows(view, std::array{kept});
  if (!rows) return;
  const Row& last = view.rows.back();
  std::uint64_t end = 0;
  for (const Row& row : *rows) {
    check(row.kind == RowKind::Linear && row.start == end && row.length > 0);
    end += row.length;
    const bool is_kept = row.start * kSectorSize >= kept.offset && end * kSectorSize <= kept.end();
    check(is_kept == (row.device != 0));
    if (row.device == 0) check(row.device_sector == row.start);
    for (const Row& own : view.rows)
      if (is_kept && own.start <= row.start && row.start - own.start < own.length)
        check(own.kind == RowKind::Linear && 1 + own.device == row.device &&
              own.device_sector + (row.start - own.start) == row.device_sector);
  }
  check(end == last.start + last.length);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  constexpr std::size_t kMost = 16;
  Input in{{reinterpret_cast<const std::byte*>(data), size}};
  std::vector<LowerDevice> devices(in.take() % 3);
  std::uint64_t block = 512;
  for (LowerDevice& device : devices) {
    device.numbers = concat("8:", devices.size());
    device.logical_block = in.take() % 2 == 0 ? 512 : 4096;
    device.size = in.bytes();
    device.cluster_size = std::uint64_t{512} << (in.take() % 8);
    block = std::max<std::uint64_t>(block, device.logical_block);
  }
  std::vector<MappedFile> files(in.take() % 4);
  for (MappedFile& file : files) {
    file.device = static_cast<std::size_t>(in.take() % 3);
    file.size = in.bytes();
    file.extents.resize(in.take() % kMost);
    for (Extent& extent : file.extents) extent = {.logical = in.bytes(), .physical = in.bytes(), .length = in.bytes()};
  }
  std::vector<vhd::DiskPiece> pieces(in.take() % kMost);
  std::uint64_t start = 0;
  for (vhd::DiskPiece& piece : pieces) {
    piece = {.start = start, .length = in.bytes(), .file = {}, .file_offset = in.bytes()};
    if (const std::uint64_t file = in.take() % 4; file > 0) piece.file = static_cast<std::uint32_t>(file - 1);
    start += piece.length;
  }
  const auto view = chain_view(files, devices, pieces);
  if (!view) return 0;
  check(view->size == start && to_text(view->rows, device_numbers(*view)).has_value());
  std::uint64_t end = 0;
  for (const Row& row : view->rows) {
    check(row.start == end && row.length > 0);
    check(row.start * kSectorSize % block == 0 && row.length * kSectorSize % block == 0);
    end += row.length;
    if (row.kind != RowKind::Linear) continue;
    const LowerDevice& device = view->devices.at(row.device);
    check(row.device_sector * kSectorSize % device.logical_block == 0);
    check((row.device_sector + row.length) * kSectorSize <= device.size);
  }
  check(end * kSectorSize >= view->size && end * kSectorSize < view->size + block);
  for (const vhd::DiskPiece& piece : pieces) {
    check_sector(*view, piece, piece.start);
    check_sector(*view, piece, piece.start + piece.length - kSectorSize);
  }
  const std::uint64_t offset = in.bytes();
  check_kept(*view, {.offset = offset, .length = in.bytes()});
  return 0;
}
