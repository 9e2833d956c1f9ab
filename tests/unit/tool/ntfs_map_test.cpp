// SPDX-License-Identifier: GPL-2.0-or-later
// Runs, records and attribute lists, as ntfs_runs.h, ntfs_record.h and ntfs_attribute_list.h promise them.
#include <gmock/gmock.h>

#include <array>

#include "vhd/tool/ntfs_attribute_list.h"
#include "vhd/tool/ntfs_record.h"
#include "vhd/tool/ntfs_runs.h"

namespace vhdboot::tool {
namespace {

using ::testing::ElementsAre;

template <class... Values>
std::vector<std::byte> bytes(Values... values) {
  return {static_cast<std::byte>(values)...};
}

constexpr std::int64_t kHole = NtfsRun::kHole;

TEST(NtfsRuns, AreToldInTheFewestBytes) {
  const NtfsRuns runs{{0, 0x105, 7}, {7, kHole, 16}, {23, 0xf5, 0x80}};
  const MappingPairs pairs = encode_mapping_pairs(runs, 100);
  EXPECT_EQ(pairs.runs, 3U);
  // Lengths are signed as well: 128 needs two bytes.
  EXPECT_EQ(pairs.bytes, bytes(0x21, 7, 5, 1, 0x01, 16, 0x12, 0x80, 0, 0xf0, 0));
  EXPECT_EQ(decode_mapping_pairs(pairs.bytes, 0).value(), runs);
}

TEST(NtfsRuns, AsManyAsThereIsRoomFor) {
  const NtfsRuns runs{{0, 0x105, 7}, {7, kHole, 16}, {23, 0xf5, 0x80}};
  EXPECT_EQ(encode_mapping_pairs(runs, 11).runs, 3U);
  EXPECT_EQ(encode_mapping_pairs(runs, 10).runs, 2U);
  EXPECT_EQ(encode_mapping_pairs(runs, 7).bytes.size(), 7U);
  EXPECT_EQ(encode_mapping_pairs(runs, 6).runs, 1U);
  EXPECT_EQ(encode_mapping_pairs(runs, 4).runs, 0U);
}

TEST(NtfsRuns, OfExtremeNumbers) {
  const NtfsRuns runs{{5, 1LL << 60, 1ULL << 60}, {5 + (1ULL << 60), 0, 1}};
  EXPECT_EQ(decode_mapping_pairs(encode_mapping_pairs(runs, 100).bytes, 5).value(), runs);
}

TEST(NtfsRuns, ThatAreDamaged) {
  for (const auto& pairs :
       {bytes(), bytes(0x11, 1, 5), bytes(0x11, 1), bytes(0x10, 5, 0), bytes(0x11, 0, 5, 0), bytes(0x11, 0xff, 5, 0),
        bytes(0x11, 1, 0xff, 0), bytes(0x91, 1, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0),
        bytes(0x18, 1, 1, 1, 1, 1, 1, 1, 0x7f, 1, 0)}) {
    const auto runs = decode_mapping_pairs(pairs, 0);
    ASSERT_FALSE(runs) << pairs.size();
    EXPECT_EQ(runs.error().code, Code::Corrupt);
  }
}

TEST(NtfsRuns, HolesAreFilledInOrder) {
  NtfsRuns runs;
  append_run(runs, kHole, 4);
  append_run(runs, 100, 2);
  append_run(runs, kHole, 6);
  append_run(runs, 200, 1);
  EXPECT_THAT(first_holes(runs, 7), ElementsAre(NtfsRun{0, kHole, 4}, NtfsRun{6, kHole, 3}));
  const NtfsRuns places{{0, 96, 5}, {5, 300, 2}};
  const NtfsRuns filled = place_holes(first_holes(runs, 7), places);
  EXPECT_THAT(filled, ElementsAre(NtfsRun{0, 96, 4}, NtfsRun{6, 100, 1}, NtfsRun{7, 300, 2}));
  const NtfsRuns after = fill_runs(runs, filled);
  EXPECT_THAT(after, ElementsAre(NtfsRun{0, 96, 6}, NtfsRun{6, 100, 1}, NtfsRun{7, 300, 2}, NtfsRun{9, kHole, 3},
                                 NtfsRun{12, 200, 1}));
  EXPECT_TRUE(has_hole(after));
  EXPECT_FALSE(has_hole(fill_runs(after, NtfsRuns{{9, 302, 3}})));
}

class NtfsRecordTest : public ::testing::Test {
 protected:
  // Empty, with room for 0x100 - 0x40 bytes of attributes.
  NtfsRecordTest() {
    store(0x14, std::uint16_t{0x38});
    store(0x18, std::uint32_t{0x40});
    store(0x28, std::uint16_t{7});
    store(0x38, std::uint32_t{0xffffffff});
  }
  template <class T>
  void store(std::size_t offset, T value) {
    ASSERT_TRUE(store_le<T>(record_, offset, value));
  }
  std::vector<std::uint32_t> types() const {
    std::vector<std::uint32_t> out;
    const auto all = attributes_of(record_).value();
    for (const NtfsAttribute& attribute : all) out.push_back(attribute.type);
    return out;
  }
  static std::vector<std::byte> resident(std::uint32_t type, std::size_t size, std::uint8_t name_units = 0) {
    std::vector<std::byte> out(size);
    static_cast<void>(store_le<std::uint32_t>(out, 0, type));
    static_cast<void>(store_le<std::uint32_t>(out, 4, static_cast<std::uint32_t>(size)));
    out[9] = static_cast<std::byte>(name_units);
    out[10] = std::byte{0x18};
    return out;
  }

  std::array<std::byte, 0x100> record_{};
};

TEST_F(NtfsRecordTest, AttributesAreKeptInOrder) {
  EXPECT_EQ(room_in(record_), 0xc0U);
  EXPECT_EQ(insert_attribute(record_, resident(0x90, 0x18)), 7);
  EXPECT_EQ(insert_attribute(record_, resident(0x10, 0x20)), 8);
  EXPECT_EQ(insert_attribute(record_, resident(kNtfsData, 0x18)), 9);
  EXPECT_EQ(insert_attribute(record_, resident(kNtfsAttributeList, 0x18)), 10);
  EXPECT_THAT(types(), ElementsAre(0x10, 0x20, 0x80, 0x90));
  EXPECT_EQ(room_in(record_), 0xc0U - 0x18 * 3 - 0x20);
  EXPECT_EQ(insert_attribute(record_, resident(kNtfsData, 0x60)), std::nullopt) << "no room";
  erase_attribute(record_, attributes_of(record_).value()[0]);
  EXPECT_THAT(types(), ElementsAre(0x20, 0x80, 0x90));
  EXPECT_EQ(room_in(record_), 0xc0U - 0x18 * 3);
}

TEST_F(NtfsRecordTest, TheLowestFreeInstanceWhenTheNextOneIsTaken) {
  EXPECT_EQ(insert_attribute(record_, resident(0x10, 0x18)), 7);
  store(0x28, std::uint16_t{0});
  EXPECT_EQ(insert_attribute(record_, resident(0x30, 0x18)), 0);
  store(0x28, std::uint16_t{7});
  EXPECT_EQ(insert_attribute(record_, resident(0x90, 0x18)), 1);
  EXPECT_EQ(insert_attribute(record_, resident(0xa0, 0x18)), 2);
  EXPECT_THAT(types(), ElementsAre(0x10, 0x30, 0x90, 0xa0));
}

TEST_F(NtfsRecordTest, ReplacedItKeepsItsInstance) {
  ASSERT_EQ(insert_attribute(record_, resident(kNtfsData, 0x18)), 7);
  ASSERT_EQ(insert_attribute(record_, resident(0x90, 0x18)), 8);
  const NtfsPiece piece{.flags = kNtfsSparse, .next_vcn = 16, .data_size = 5000, .valid_size = 4000};
  const auto attribute = make_attribute(piece, bytes(0x01, 16, 0));
  ASSERT_TRUE(replace_attribute(record_, attributes_of(record_).value()[0], attribute));
  const auto all = attributes_of(record_).value();
  ASSERT_EQ(all.size(), 2U);
  EXPECT_TRUE(all[0].unnamed_data());
  EXPECT_TRUE(all[0].non_resident);
  EXPECT_EQ(all[0].instance, 7);
  EXPECT_EQ(all[0].length, 0x50U);
  EXPECT_EQ(all[0].pairs_offset, 0x48U);
  EXPECT_EQ(all[1].instance, 8);
  set_valid_size(record_, all[0], 4500);
  EXPECT_EQ(load_le<std::uint64_t>(record_, all[0].offset + 0x38), 4500U);
  EXPECT_FALSE(replace_attribute(record_, all[0], resident(kNtfsData, 0xb0)));
  EXPECT_EQ(attributes_of(record_).value().size(), 2U);
}

TEST_F(NtfsRecordTest, OnlyTheFirstPieceOfASparseOneHasItsSize) {
  NtfsPiece piece{.flags = kNtfsSparse, .next_vcn = 16};
  EXPECT_EQ(piece.header(), 0x48U);
  piece.lowest_vcn = 3;
  EXPECT_EQ(piece.header(), 0x40U);
  piece = {.next_vcn = 16};
  EXPECT_EQ(piece.header(), 0x40U);
}

TEST_F(NtfsRecordTest, OnlyTheFirstPieceHasACompressionUnit) {
  NtfsPiece piece{.flags = kNtfsSparse, .next_vcn = 16, .compression_unit = 4};
  ASSERT_TRUE(insert_attribute(record_, make_attribute(piece, bytes(0x01, 16, 0))));
  EXPECT_EQ(attributes_of(record_).value()[0].compression_unit, 4);
  erase_attribute(record_, attributes_of(record_).value()[0]);
  piece.lowest_vcn = 3;
  ASSERT_TRUE(insert_attribute(record_, make_attribute(piece, bytes(0x01, 13, 0))));
  EXPECT_EQ(attributes_of(record_).value()[0].compression_unit, 0);
}

TEST_F(NtfsRecordTest, ThatIsDamaged) {
  ASSERT_TRUE(insert_attribute(record_, resident(kNtfsData, 0x18)));
  const auto good = record_;
  const auto refused = [&](std::size_t offset, std::uint32_t value) {
    record_ = good;
    store(offset, value);
    return !attributes_of(record_);
  };
  EXPECT_TRUE(refused(0x18, 0x1000)) << "in use behind its end";
  EXPECT_TRUE(refused(0x18, 0x20));
  EXPECT_TRUE(refused(0x3c, 0)) << "length";
  EXPECT_TRUE(refused(0x3c, 0x19));
  EXPECT_TRUE(refused(0x3c, 0x80));
  EXPECT_TRUE(refused(0x40, 0xff00)) << "name";
  EXPECT_TRUE(refused(0x40, 1)) << "no non-resident one is so short";
  EXPECT_TRUE(refused(0x14, 0x39));
  EXPECT_TRUE(refused(0x14, 0)) << "within the header";
  EXPECT_FALSE(attributes_of(Bytes(good).first(0x20)));
}

NtfsListEntry entry(std::uint32_t type, std::uint64_t lowest_vcn, std::uint64_t reference, std::size_t name = 0) {
  return {.type = type,
          .lowest_vcn = lowest_vcn,
          .reference = reference,
          .instance = 1,
          .name = std::vector<std::byte>(2 * name, std::byte{'a'})};
}

TEST(NtfsAttributeList, DataIsReplacedAndEveryOtherEntryKept) {
  const std::vector<NtfsListEntry> old{entry(0x10, 0, 5),    entry(0x30, 0, 6),    entry(0x80, 0, 5),
                                       entry(0x80, 100, 7),  entry(0x80, 0, 7, 3), entry(0x80, 50, 8, 3),
                                       entry(0x100, 0, 5, 2)};
  const std::vector<NtfsListEntry> data{entry(0x80, 0, 20), entry(0x80, 60, 21), entry(0x80, 90, 22)};
  EXPECT_THAT(with_data_entries(old, data),
              ElementsAre(old[0], old[1], data[0], data[1], data[2], old[4], old[5], old[6]));
  EXPECT_EQ(parse_attribute_list(make_attribute_list(old)).value(), old);
  EXPECT_EQ(make_attribute_list(data).size(), 3 * 32U);
}

TEST(NtfsAttributeList, ThatIsDamaged) {
  const auto good = make_attribute_list(std::vector{entry(0x10, 0, 5), entry(0x80, 0, 7, 3)});
  EXPECT_FALSE(parse_attribute_list(Bytes(good).first(good.size() - 8)));
  auto bad = good;
  bad[4] = std::byte{0};
  EXPECT_FALSE(parse_attribute_list(bad));
  bad = good;
  bad[6] = std::byte{200};
  EXPECT_FALSE(parse_attribute_list(bad));
  EXPECT_FALSE(parse_attribute_list(std::vector<std::byte>(kMaxAttributeList + 8)));
}

}  // namespace
}  // namespace vhdboot::tool
