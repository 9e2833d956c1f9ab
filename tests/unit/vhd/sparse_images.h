// SPDX-License-Identifier: GPL-2.0-or-later
// Dynamic VHDs and VHDX files for the tests, written field by field from the specifications, not by the code under
// test.
#pragma once

#include <string_view>
#include <vector>

#include "base/crc32.h"
#include "base/guid.h"
#include "tests/unit/vhd/sparse_file.h"
#include "vhd/footer.h"

namespace vhdboot::test {

using namespace vhd;

template <class T>
void put_be(SparseFile& file, std::uint64_t offset, T value) {
  std::vector<std::byte> bytes(sizeof(T));
  static_cast<void>(store_be<T>(bytes, 0, value));
  file.put(offset, bytes);
}

template <class T>
void put_le(SparseFile& file, std::uint64_t offset, T value) {
  std::vector<std::byte> bytes(sizeof(T));
  static_cast<void>(store_le<T>(bytes, 0, value));
  file.put(offset, bytes);
}

inline void seal_dynamic_header(SparseFile& file) {
  put_be<std::uint32_t>(file, 512 + 36, 0);
  std::uint32_t sum = 0;
  for (const std::byte b : file.bytes(512, 1024)) sum += std::to_integer<std::uint32_t>(b);
  put_be<std::uint32_t>(file, 512 + 36, ~sum);
}

inline constexpr Guid kDiskUuid = "6ba7b810-9dad-11d1-80b4-00c04fd430c8"_guid;
inline constexpr Guid kParentUuid = "6ba7b811-9dad-11d1-80b4-00c04fd430c8"_guid;

/// 64 KiB in blocks of 8 KiB. Block 1 lies at 4 KiB of the file and holds its sectors 0 and 2 to 15 (of 16), which are
/// filled with their number in the disk; its other sector is filled with 0xEE and does not count.
inline constexpr std::uint64_t kDynamicTable = 1536;
inline SparseFile dynamic_vhd(DiskType type = DiskType::Dynamic) {
  SparseFile file(4096 + 512 + 8192 + 512);
  Footer footer = *make_fixed_footer(64 * kKiB, kDiskUuid, kVhdEpoch);
  footer.type = type;
  footer.data_offset = 512;
  file.put(0, serialise(footer));
  file.put(file.size() - 512, serialise(footer));
  file.put(512, "cxsparse");
  put_be<std::uint64_t>(file, 512 + 16, kDynamicTable);
  put_be<std::uint32_t>(file, 512 + 24, 0x00010000);
  put_be<std::uint32_t>(file, 512 + 28, 8);
  put_be<std::uint32_t>(file, 512 + 32, 8192);
  if (type == DiskType::Differencing) {
    for (std::size_t i = 0; i < 16; ++i)
      file.put(512 + 40 + i, std::vector<std::byte>{kParentUuid.bytes[guid_detail::kOrder[i]]});
    const std::u16string_view path = u".\\base.vhd";
    for (std::size_t i = 0; i < path.size(); ++i) put_le<std::uint16_t>(file, 2048 + 2 * i, path[i]);
    file.put(512 + 576, "W2ru");
    put_be<std::uint32_t>(file, 512 + 576 + 8, static_cast<std::uint32_t>(2 * path.size()));
    put_be<std::uint64_t>(file, 512 + 576 + 16, 2048);
  }
  seal_dynamic_header(file);
  for (std::uint64_t block = 0; block < 8; ++block)
    put_be<std::uint32_t>(file, kDynamicTable + 4 * block, block == 1 ? 8 : 0xFFFFFFFF);
  file.put(4096, std::vector<std::byte>{std::byte{0xBF}, std::byte{0xFF}});
  for (std::uint64_t sector = 0; sector < 16; ++sector)
    file.put(4096 + 512 + sector * 512,
             std::vector<std::byte>(512, sector == 1 ? std::byte{0xEE} : static_cast<std::byte>(16 + sector)));
  return file;
}

inline void seal_le(SparseFile& file, std::uint64_t offset, std::size_t length) {
  put_le<std::uint32_t>(file, offset + 4, 0);
  put_le<std::uint32_t>(file, offset + 4, crc32c(file.bytes(offset, length)));
}

inline constexpr Guid kLogGuid = "11111111-2222-3333-4444-555555555555"_guid;
inline constexpr std::uint64_t kVhdxMetadata = 2 * kMiB;
inline constexpr std::uint64_t kVhdxBat = 3 * kMiB;

/// A disk of 4 MiB in blocks of 1 MiB; block 2 lies at 4 MiB of the file and is filled with 'x'. The log is at 1 MiB.
inline SparseFile vhdx() {
  SparseFile file(5 * kMiB);
  file.put(0, "vhdxfile");
  for (const std::uint64_t at : {64 * kKiB, 128 * kKiB}) {
    file.put(at, "head");
    put_le<std::uint64_t>(file, at + 8, at / kKiB);
    put_le<std::uint16_t>(file, at + 66, 1);
    put_le<std::uint32_t>(file, at + 68, kMiB);
    put_le<std::uint64_t>(file, at + 72, kMiB);
    seal_le(file, at, 4096);
  }
  const auto regions = [&](std::uint64_t at) {
    file.put(at, "regi");
    put_le<std::uint32_t>(file, at + 8, 2);
    file.put(at + 16, "2dc27766-f623-4200-9d64-115e9bfd4a08"_guid.bytes);
    put_le<std::uint64_t>(file, at + 32, kVhdxBat);
    put_le<std::uint32_t>(file, at + 40, kMiB);
    file.put(at + 48, "8b7ca206-4790-4b9a-b8fe-575f050f886e"_guid.bytes);
    put_le<std::uint64_t>(file, at + 64, kVhdxMetadata);
    put_le<std::uint32_t>(file, at + 72, kMiB);
    seal_le(file, at, 64 * kKiB);
  };
  regions(192 * kKiB);
  regions(256 * kKiB);
  file.put(kVhdxMetadata, "metadata");
  put_le<std::uint16_t>(file, kVhdxMetadata + 10, 5);
  std::uint64_t entry = kVhdxMetadata + 32;
  std::uint64_t place = 64 * kKiB;
  const auto item = [&](const Guid& guid, std::uint32_t length) {
    file.put(entry, guid.bytes);
    put_le<std::uint32_t>(file, entry + 16, static_cast<std::uint32_t>(place));
    put_le<std::uint32_t>(file, entry + 20, length);
    put_le<std::uint32_t>(file, entry + 24, 4);
    entry += 32;
    place += 16;
    return kVhdxMetadata + place - 16;
  };
  put_le<std::uint32_t>(file, item("caa16737-fa36-4d43-b3b6-33f0aa44e76b"_guid, 8), kMiB);
  put_le<std::uint64_t>(file, item("2fa54224-cd1b-4876-b211-5dbed83bf4b8"_guid, 8), 4 * kMiB);
  file.put(item("beca12ab-b2e6-4523-93ef-c309e000c746"_guid, 16), kDiskUuid.bytes);
  put_le<std::uint32_t>(file, item("8141bf1d-a96f-4709-ba47-f233a8faab5f"_guid, 4), 512);
  put_le<std::uint32_t>(file, item("cda348c7-445d-4471-9cc9-e9885251c556"_guid, 4), 4096);
  put_le<std::uint64_t>(file, kVhdxBat + 16, 4 * kMiB | 6);
  file.put(4 * kMiB, std::vector<std::byte>(kMiB, std::byte{'x'}));
  return file;
}

/// The disk's parameters in the metadata of vhdx(), in the order in which it writes them.
inline constexpr std::uint64_t kVhdxBlockSize = kVhdxMetadata + 64 * kKiB;
inline constexpr std::uint64_t kVhdxDiskSize = kVhdxBlockSize + 16;

/// One entry of the log at `place` in it: a sector of `fill` at `offset` of the file.
inline void put_log_entry(SparseFile& file, std::uint64_t place, std::uint64_t sequence, std::uint32_t tail,
                          std::uint64_t offset, char fill) {
  const std::uint64_t at = kMiB + place;
  file.put(at, "loge");
  put_le<std::uint32_t>(file, at + 8, 8192);
  put_le<std::uint32_t>(file, at + 12, tail);
  put_le<std::uint64_t>(file, at + 16, sequence);
  put_le<std::uint32_t>(file, at + 24, 1);
  file.put(at + 32, kLogGuid.bytes);
  put_le<std::uint64_t>(file, at + 48, 5 * kMiB);
  put_le<std::uint64_t>(file, at + 56, 5 * kMiB);
  const std::vector<std::byte> filling(4084, static_cast<std::byte>(fill));
  file.put(at + 64, "desc");
  file.put(at + 68, Bytes(filling).first(12));
  put_le<std::uint64_t>(file, at + 80, offset);
  put_le<std::uint64_t>(file, at + 88, sequence);
  file.put(at + 4096, "data");
  put_le<std::uint32_t>(file, at + 4100, static_cast<std::uint32_t>(sequence >> 32));
  file.put(at + 4104, filling);
  put_le<std::uint32_t>(file, at + 8188, static_cast<std::uint32_t>(sequence));
  seal_le(file, at, 8192);
}

/// Says in the newer header that the log must be replayed.
inline void mark_dirty(SparseFile& file) {
  file.put(128 * kKiB + 48, kLogGuid.bytes);
  seal_le(file, 128 * kKiB, 4096);
}

}  // namespace vhdboot::test
