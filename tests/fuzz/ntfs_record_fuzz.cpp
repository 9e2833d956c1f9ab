// SPDX-License-Identifier: GPL-2.0-or-later
// What `vhdtool desparse --volume` reads before it writes: a record of the MFT, an attribute list, mapping pairs. The
// first byte chooses. What is accepted can be written and read again, and a record that is changed stays one.
#include <cstdlib>
#include <vector>

#include "vhd/tool/ntfs_attribute_list.h"
#include "vhd/tool/ntfs_record.h"
#include "vhd/tool/ntfs_runs.h"

namespace {

using namespace vhdboot;
using namespace vhdboot::tool;

void check(bool holds) {
  if (!holds) std::abort();
}

void record(Bytes input) {
  const auto attributes = attributes_of(input);
  if (!attributes) return;
  if (const auto entries = list_entries_of(input, 1))
    check(parse_attribute_list(make_attribute_list(*entries)).value() == *entries);
  std::vector<std::byte> changed(input.begin(), input.end());
  std::size_t left = attributes->size();
  if (!attributes->empty()) {
    erase_attribute(changed, attributes->front());
    check(attributes_of(changed).value().size() == --left);
    check(room_in(changed) >= attributes->front().length);
  }
  const NtfsPiece piece{.flags = kNtfsSparse, .next_vcn = 7};
  const MappingPairs pairs = encode_mapping_pairs(NtfsRuns{{0, 5, 7}}, 64);
  const auto attribute = make_attribute(piece, pairs.bytes);
  if (!insert_attribute(changed, attribute)) return;
  const auto now = attributes_of(changed).value();
  check(now.size() == left + 1);
  for (const NtfsAttribute& one : now)
    if (one.unnamed_data() && replace_attribute(changed, one, attribute)) break;
  check(attributes_of(changed).value().size() == left + 1);
}

void list(Bytes input) {
  const auto entries = parse_attribute_list(input);
  if (!entries) return;
  const auto made = make_attribute_list(*entries);
  // An entry that had no more than its name may need the room of a longer one.
  if (made.size() > kMaxAttributeList) return;
  check(parse_attribute_list(made).value() == *entries);
  const std::vector<NtfsListEntry> data{
      {.type = kNtfsData, .lowest_vcn = 1, .reference = 2, .instance = 3, .name = {}}};
  const auto with = with_data_entries(*entries, data);
  std::size_t others = 0;
  for (const NtfsListEntry& entry : *entries) others += entry.unnamed_data() ? 0 : 1;
  check(with.size() == others + 1);
}

void runs(Bytes input) {
  const auto decoded = decode_mapping_pairs(input, 3);
  if (!decoded) return;
  const MappingPairs pairs = encode_mapping_pairs(*decoded, 20 * decoded->size() + 1);
  check(pairs.runs == decoded->size());
  check(decode_mapping_pairs(pairs.bytes, 3).value() == *decoded);
  const MappingPairs part = encode_mapping_pairs(*decoded, 40);
  check(part.bytes.size() <= 40 && part.runs <= decoded->size());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const Bytes input{reinterpret_cast<const std::byte*>(data) + 1, size - 1};
  switch (data[0] % 3) {
    case 0:
      record(input);
      break;
    case 1:
      list(input);
      break;
    default:
      runs(input);
  }
  return 0;
}
