// SPDX-License-Identifier: GPL-2.0-or-later
// Input: one byte of flags, then the first bytes of a disk. Flags: 1, make the checksums of the GPT right; 2, logical
// blocks of 4096; 4, the same as the backup at the end, the primary wiped.
#include "disk/partition_table.h"

#include <algorithm>
#include <cstdlib>
#include <vector>

#include "base/crc32.h"

namespace {

using namespace vhdboot;
using namespace vhdboot::disk;

constexpr std::size_t kDiskBytes = 256 * 1024;

void put(std::vector<std::byte>& disk, std::size_t at, std::uint64_t value, std::size_t bytes) {
  for (std::size_t i = 0; i < bytes && at + i < disk.size(); ++i)
    disk[at + i] = static_cast<std::byte>(value >> (8 * i));
}

void seal(std::vector<std::byte>& disk, std::size_t block, std::size_t header) {
  const auto count = load_le<std::uint32_t>(disk, header + 80).value_or(0);
  const auto entry = load_le<std::uint32_t>(disk, header + 84).value_or(0);
  const auto at = load_le<std::uint64_t>(disk, header + 72).value_or(0);
  if (at < disk.size() / block)
    if (const auto entries = slice(disk, at * block, std::uint64_t{count} * entry))
      put(disk, header + 88, crc32(*entries), 4);
  put(disk, header + 16, 0, 4);
  if (const auto bytes = slice(disk, header, load_le<std::uint32_t>(disk, header + 12).value_or(0)))
    put(disk, header + 16, crc32(*bytes), 4);
}

void check(const std::vector<std::byte>& disk, std::optional<std::uint32_t> block) {
  const MemorySource source(disk);
  const auto table = read_partition_table(source, block);
  if (!table) {
    if (table.error().code != Code::Corrupt || table.error().text.empty()) std::abort();
    return;
  }
  unsigned last = 0;
  if (table->partitions.size() > kMaxPartitions) std::abort();
  for (const auto& partition : table->partitions) {
    if (partition.number <= last || partition.number > kMaxPartitions) std::abort();
    last = partition.number;
    if (partition.length == 0 || partition.start > disk.size() || partition.length > disk.size() - partition.start)
      std::abort();
    if (partition.partuuid.size() != 36 && partition.partuuid.size() != 11) std::abort();
    if (find_by_number(*table, partition.number) != &partition) std::abort();
  }
  (void)find_esp(*table);
  (void)find_xbootldr(*table);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::vector<std::byte> disk(kDiskBytes);
  unsigned flags = 0;
  if (size > 0) {
    flags = data[0];
    const auto* first = reinterpret_cast<const std::byte*>(data) + 1;
    std::copy_n(first, std::min(size - 1, disk.size()), disk.begin());
  }
  const std::size_t block = (flags & 2) != 0 ? 4096 : 512;
  if ((flags & 4) != 0) {
    const auto backup = disk.end() - static_cast<std::ptrdiff_t>(block);
    std::copy_n(disk.begin() + static_cast<std::ptrdiff_t>(block), block, backup);
    put(disk, disk.size() - block + 24, disk.size() / block - 1, 8);
    put(disk, block, 0, 8);
    if ((flags & 1) != 0) seal(disk, block, disk.size() - block);
  } else if ((flags & 1) != 0) {
    seal(disk, block, block);
  }
  check(disk, std::nullopt);
  check(disk, 512);
  check(disk, 4096);
  disk.resize(std::min(disk.size(), size));
  check(disk, std::nullopt);
  return 0;
}
