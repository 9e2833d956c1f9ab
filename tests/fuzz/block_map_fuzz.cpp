// SPDX-License-Identifier: GPL-2.0-or-later
// The file beside an image that arrives: a header is written as it was read; the blocks that are missing are those that
// are not there, one by one; a record lies within the data.
#include <algorithm>
#include <vector>

#include "init/arrive/arriving_source.h"
#include "init/arrive/block_map.h"
#include "tests/fuzz/check.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace vhdboot;
  using namespace vhdboot::arrive;
  const Bytes bytes(reinterpret_cast<const std::byte*>(data), size);
  if (const auto header = parse_map_header(bytes)) {
    const auto copy = parse_map_copy(bytes).value_or(MapCopy());
    const auto written = serialise(*header, copy);
    const auto again = parse_map_header(written);
    check(again && *again == *header);
    check(parse_map_copy(written).value_or(MapCopy()) == copy);
    check(MapLayout(header->data_blocks).size() % kBlock == 0);
  }
  const std::uint64_t count = std::min<std::size_t>(size, 16) * 8;
  std::vector<std::byte> bits(bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(count / 8));
  const BlockMap map(bits, count);
  std::vector<bool> missing(count);
  for (const Blocks& run : map.missing({0, count + 7}))
    for (std::uint64_t block = run.first; block < run.first + run.count; ++block) missing[block] = true;
  std::uint64_t there = 0;
  for (std::uint64_t block = 0; block < count; ++block) {
    check(missing[block] != map.has(block));
    there += map.has(block) ? 1 : 0;
  }
  check(there == map.count() && map.complete() == (there == count));
  const std::vector<std::byte> file(static_cast<std::size_t>(count) * kBlock + kTail);
  const MemorySource memory(file);
  const ArrivingSource source(memory, map, {.data_blocks = count});
  std::vector<std::byte> out(8);
  for (std::uint64_t i = 0; i < count; ++i) check(source.read(i * kBlock, out).has_value() == map.has(i));
  constexpr std::uint64_t kData = 1 << 20;
  const auto record = parse_record(bytes, kData);
  for (const Blocks& run : record) check(run.count > 0 && run.first < kData && run.count <= kData - run.first);
  check(parse_record(serialise_record(record), kData) == record);
  return 0;
}
