// SPDX-License-Identifier: GPL-2.0-or-later
// Writes into the metadata of a snapshot: u8 where (in sectors), u8 how many sectors, their bytes. What was taken is
// what a second store learns of the same bytes at once.
#include <algorithm>
#include <set>

#include "base/units.h"
#include "init/blocks/exception_store.h"
#include "tests/fuzz/check.h"

using namespace vhdboot;
using namespace vhdboot::blocks;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  constexpr std::uint64_t kChunk = 4 * kKiB;
  constexpr std::uint64_t kOld = 4096;
  Bytes input = std::as_bytes(std::span(data, size));
  auto store = *ExceptionStore::make(kChunk, kOld, most_data_chunks(kChunk));
  std::set<std::uint64_t> old_chunks;
  std::set<std::uint64_t> new_chunks;
  while (input.size() >= 2) {
    const auto offset = std::to_integer<std::uint64_t>(input[0]) * kSectorSize;
    const auto length = std::to_integer<std::size_t>(input[1]) * kSectorSize;
    input = input.subspan(2);
    const Bytes written = input.first(std::min(length, input.size()));
    input = input.subspan(written.size());
    const auto fresh = store.write(offset, written);
    if (!fresh) return 0;
    for (const Exception& pair : *fresh) {
      check(pair.old_chunk < kOld && old_chunks.insert(pair.old_chunk).second);
      check(pair.new_chunk >= kFirstDataChunk && pair.new_chunk < kFirstDataChunk + most_data_chunks(kChunk));
      check(new_chunks.insert(pair.new_chunk).second);
    }
    check(store.count() == new_chunks.size());
    check(std::ranges::equal(*store.read(offset, written.size()), written));
  }
  auto later = *ExceptionStore::make(kChunk, kOld, most_data_chunks(kChunk));
  const auto all = later.write(kChunk, *store.read(kChunk, kChunk));
  check(all && all->size() == store.count());
  return 0;
}
