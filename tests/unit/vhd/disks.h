// SPDX-License-Identifier: GPL-2.0-or-later
// Disks for the tests: a GPT written field by field from UEFI 2.10, 5.3, not by the code under test.
#pragma once

#include <array>
#include <vector>

#include "base/crc32.h"
#include "base/guid.h"
#include "tests/unit/vhd/sparse_file.h"
#include "vhd/footer.h"

namespace vhdboot::test {

using namespace vhd;

inline constexpr Guid kLinuxType = "0fc63daf-8483-4772-8e79-3d69d8477de4"_guid;
inline constexpr Guid kUuid = "6ba7b810-9dad-11d1-80b4-00c04fd430c8"_guid;
inline constexpr std::int64_t kBirthday = 1'600'000'000;

struct GptSpec {
  std::uint32_t block = 512;
  std::uint64_t disk_size = 0;  // bytes
  std::uint64_t first = 64;     // of the only partition, blocks
  std::uint64_t last = 127;
  std::uint32_t entries = 128;
};

inline std::vector<std::byte> gpt_entries(const GptSpec& spec) {
  std::vector<std::byte> entries(align_up(std::uint64_t{spec.entries} * 128, spec.block));
  std::copy(kLinuxType.bytes.begin(), kLinuxType.bytes.end(), entries.begin());
  std::copy(kUuid.bytes.begin(), kUuid.bytes.end(), entries.begin() + 16);
  static_cast<void>(store_le<std::uint64_t>(entries, 32, spec.first));
  static_cast<void>(store_le<std::uint64_t>(entries, 40, spec.last));
  return entries;
}

inline std::vector<std::byte> gpt_header(const GptSpec& spec, bool primary) {
  std::vector<std::byte> h(spec.block);
  const std::uint64_t blocks = spec.disk_size / spec.block;
  const std::uint64_t array = align_up(std::uint64_t{spec.entries} * 128, spec.block) / spec.block;
  const auto entries = gpt_entries(spec);
  const auto text = as_bytes("EFI PART");
  std::copy(text.begin(), text.end(), h.begin());
  static_cast<void>(store_le<std::uint32_t>(h, 8, 0x00010000u));
  static_cast<void>(store_le<std::uint32_t>(h, 12, 92u));
  static_cast<void>(store_le<std::uint64_t>(h, 24, primary ? 1 : blocks - 1));
  static_cast<void>(store_le<std::uint64_t>(h, 32, primary ? blocks - 1 : 1));
  static_cast<void>(store_le<std::uint64_t>(h, 40, array + 2));
  static_cast<void>(store_le<std::uint64_t>(h, 48, blocks - array - 2));
  std::copy(kUuid.bytes.begin(), kUuid.bytes.end(), h.begin() + 56);
  static_cast<void>(store_le<std::uint64_t>(h, 72, primary ? 2 : blocks - 1 - array));
  static_cast<void>(store_le<std::uint32_t>(h, 80, spec.entries));
  static_cast<void>(store_le<std::uint32_t>(h, 84, 128u));
  static_cast<void>(store_le<std::uint32_t>(h, 88, crc32(Bytes(entries).first(std::size_t{spec.entries} * 128))));
  static_cast<void>(store_le<std::uint32_t>(h, 16, crc32(Bytes(h).first(92))));
  return h;
}

inline std::vector<std::byte> mbr(std::uint8_t type, std::uint32_t start, std::uint32_t count) {
  std::vector<std::byte> sector(512);
  sector[446 + 4] = static_cast<std::byte>(type);
  static_cast<void>(store_le<std::uint32_t>(sector, 446 + 8, start));
  static_cast<void>(store_le<std::uint32_t>(sector, 446 + 12, count));
  sector[510] = std::byte{0x55};
  sector[511] = std::byte{0xAA};
  return sector;
}

/// Both copies of the GPT and the protective MBR.
inline void put_gpt(SparseFile& file, const GptSpec& spec) {
  const std::uint64_t blocks = spec.disk_size / spec.block;
  const auto entries = gpt_entries(spec);
  file.put(0, mbr(0xEE, 1, static_cast<std::uint32_t>(std::min<std::uint64_t>(blocks - 1, 0xFFFFFFFF))));
  file.put(spec.block, gpt_header(spec, true));
  file.put(2 * std::uint64_t{spec.block}, entries);
  file.put((blocks - 1) * spec.block - entries.size(), entries);
  file.put((blocks - 1) * spec.block, gpt_header(spec, false));
}

/// A raw image with a GPT and something in its partition.
inline SparseFile gpt_image(std::uint64_t size, std::uint32_t block = 512) {
  SparseFile file(size);
  put_gpt(file, {.block = block, .disk_size = size});
  file.put(64 * std::uint64_t{block}, "the guest's data");
  return file;
}

inline void append_footer(SparseFile& file) {
  const std::uint64_t payload = file.size();
  file.put(payload, serialise(*make_fixed_footer(payload, kUuid, kBirthday)));
}

}  // namespace vhdboot::test
