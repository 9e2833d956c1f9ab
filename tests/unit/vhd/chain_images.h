// SPDX-License-Identifier: GPL-2.0-or-later
// Images of a chain for the tests, of any size and with any blocks, written field by field from the specifications, not
// by the code under test. Each sector that an image holds says in its first bytes of which image and where it is.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/text.h"
#include "tests/unit/vhd/sparse_images.h"

namespace vhdboot::test {

/// Which sectors of a block are in the image; nothing: all of them.
using Held = std::function<bool(std::uint64_t sector)>;

struct ImageSpec {
  std::uint64_t disk = 4 * kMiB;
  std::uint64_t block = 2 * kMiB;
  Guid id;                                   ///< by which a child knows it
  std::optional<Guid> parent;                ///< of a differencing image
  std::string path = "base";                 ///< of its parent
  std::map<std::uint64_t, Held> blocks;      ///< those that it has, in part or whole
  std::map<std::uint64_t, unsigned> states;  ///< of others, in a VHDX
  std::uint32_t sector = 512;                ///< of a VHDX
  std::uint64_t every = 1;                   ///< of so many sectors one is written: the rest of a large block is zeros
  char mark = 'a';
};

/// What is in such a sector of the disk.
inline std::vector<std::byte> marked_sector(char mark, std::uint64_t sector) {
  std::vector<std::byte> bytes(512, static_cast<std::byte>(mark));
  (void)store_le<std::uint64_t>(bytes, 0, sector);
  return bytes;
}

inline void put_marked_block(SparseFile& file, const ImageSpec& spec, std::uint64_t block, std::uint64_t place) {
  const std::uint64_t sectors = std::min(spec.block, spec.disk - block * spec.block) / 512;
  for (std::uint64_t sector = 0; sector < sectors; sector += spec.every)
    file.put(place + sector * 512, marked_sector(spec.mark, block * spec.block / 512 + sector));
}

inline void put_vhd_id(SparseFile& file, std::uint64_t offset, const Guid& id) {
  for (std::size_t i = 0; i < 16; ++i) file.put(offset + i, std::vector<std::byte>{id.bytes[guid_detail::kOrder[i]]});
}

/// A dynamic VHD, or a differencing one. `first`: where its first block lies, the bitmap in front.
inline SparseFile vhd_of(const ImageSpec& spec, std::uint64_t first = 64 * kKiB) {
  const std::uint64_t blocks = (spec.disk + spec.block - 1) / spec.block;
  Footer footer = *make_fixed_footer(spec.disk, spec.id, kVhdEpoch);
  footer.type = spec.parent ? DiskType::Differencing : DiskType::Dynamic;
  footer.data_offset = 512;
  SparseFile file(first);
  file.put(0, serialise(footer));
  file.put(512, "cxsparse");
  put_be<std::uint64_t>(file, 512 + 16, 4096);
  put_be<std::uint32_t>(file, 512 + 24, 0x00010000);
  put_be<std::uint32_t>(file, 512 + 28, static_cast<std::uint32_t>(blocks));
  put_be<std::uint32_t>(file, 512 + 32, static_cast<std::uint32_t>(spec.block));
  if (spec.parent) {
    put_vhd_id(file, 512 + 40, *spec.parent);
    for (std::size_t i = 0; i < spec.path.size(); ++i) put_le<std::uint16_t>(file, 2048 + 2 * i, spec.path[i]);
    file.put(512 + 576, "W2ru");
    put_be<std::uint32_t>(file, 512 + 576 + 8, static_cast<std::uint32_t>(2 * spec.path.size()));
    put_be<std::uint64_t>(file, 512 + 576 + 16, 2048);
  }
  seal_dynamic_header(file);
  const std::uint64_t bitmap = align_up(spec.block / 512 / 8, 512);
  std::uint64_t place = first;
  for (std::uint64_t block = 0; block < blocks; ++block) put_be<std::uint32_t>(file, 4096 + 4 * block, 0xFFFFFFFF);
  for (const auto& [block, held] : spec.blocks) {
    put_be<std::uint32_t>(file, 4096 + 4 * block, static_cast<std::uint32_t>(place / 512));
    std::vector<std::byte> bits(bitmap);
    for (std::uint64_t sector = 0; sector < spec.block / 512; ++sector)
      if (!held || held(sector)) bits[sector / 8] |= static_cast<std::byte>(0x80U >> (sector % 8));
    file.put(place, bits);
    put_marked_block(file, spec, block, place + bitmap);
    place += bitmap + spec.block;
  }
  file.put(place, serialise(footer));
  return file;
}

/// A dynamic VHDX, or a differencing one. Its blocks lie from 4 MiB on, the last one first; the sector bitmaps behind.
inline SparseFile vhdx_of(const ImageSpec& spec) {
  SparseFile file = vhdx();
  file.resize(4 * kMiB).value();
  put_le<std::uint64_t>(file, kVhdxBat + 16, 0);
  put_le<std::uint32_t>(file, kVhdxBlockSize, static_cast<std::uint32_t>(spec.block));
  put_le<std::uint32_t>(file, kVhdxBlockSize + 4, spec.parent ? 2 : 0);
  put_le<std::uint64_t>(file, kVhdxDiskSize, spec.disk);
  put_le<std::uint32_t>(file, kVhdxDiskSize + 32, spec.sector);
  for (const std::uint64_t at : {64 * kKiB, 128 * kKiB}) {
    file.put(at + 32, spec.id.bytes);
    seal_le(file, at, 4096);
  }
  if (spec.parent) {
    constexpr std::uint64_t kEntry = kVhdxMetadata + 32 + 5 * 32;
    constexpr std::uint64_t kLocator = 128 * kKiB;  // in the region
    put_le<std::uint16_t>(file, kVhdxMetadata + 10, 6);
    file.put(kEntry, "a8d35f2d-b30b-454d-abf7-d3d84834ab0c"_guid.bytes);
    put_le<std::uint32_t>(file, kEntry + 16, kLocator);
    put_le<std::uint32_t>(file, kEntry + 20, 1024);
    put_le<std::uint32_t>(file, kEntry + 24, 4);
    const std::uint64_t locator = kVhdxMetadata + kLocator;
    file.put(locator, "b04aefb7-d19e-4a81-b789-25b8e9445913"_guid.bytes);
    put_le<std::uint16_t>(file, locator + 18, 2);
    std::uint64_t text = 64;
    const auto put_text = [&](std::uint64_t field, std::uint64_t length_field, std::string_view value) {
      put_le<std::uint32_t>(file, field, static_cast<std::uint32_t>(text));
      put_le<std::uint16_t>(file, length_field, static_cast<std::uint16_t>(2 * value.size()));
      for (const char c : value) {
        put_le<std::uint16_t>(file, locator + text, static_cast<std::uint16_t>(c));
        text += 2;
      }
    };
    const GuidText id = to_text(*spec.parent);
    put_text(locator + 20, locator + 28, "parent_linkage");
    put_text(locator + 24, locator + 30, concat('{', std::string_view(id.data(), id.size()), '}'));
    put_text(locator + 32, locator + 40, "relative_path");
    put_text(locator + 36, locator + 42, spec.path);
  }
  const std::uint64_t ratio = 8 * kMiB * spec.sector / spec.block;
  const auto entry = [&](std::uint64_t block) { return kVhdxBat + 8 * (block + block / ratio); };
  for (const auto& [block, state] : spec.states) put_le<std::uint64_t>(file, entry(block), state);
  std::map<std::uint64_t, std::vector<std::byte>> bitmaps;
  std::uint64_t place = 4 * kMiB;
  for (auto one = spec.blocks.rbegin(); one != spec.blocks.rend(); ++one) {
    const auto& [block, held] = *one;
    put_le<std::uint64_t>(file, entry(block), place | (held ? 7 : 6));
    put_marked_block(file, spec, block, place);
    if (held) {
      auto& bits = bitmaps[block / ratio];
      bits.resize(kMiB);
      for (std::uint64_t sector = 0; sector < spec.block / spec.sector; ++sector) {
        const std::uint64_t bit = block % ratio * (spec.block / spec.sector) + sector;
        if (held(sector)) bits[bit / 8] |= static_cast<std::byte>(1U << (bit % 8));
      }
    }
    place += spec.block;
  }
  for (const auto& [chunk, bits] : bitmaps) {
    put_le<std::uint64_t>(file, kVhdxBat + 8 * (chunk * (ratio + 1) + ratio), place | 6);
    file.put(place, bits);
    place += kMiB;
  }
  if (file.size() < place) file.resize(place).value();
  return file;
}

}  // namespace vhdboot::test
