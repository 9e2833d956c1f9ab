// SPDX-License-Identifier: GPL-2.0-or-later
// What dynamic_vhd_writer.h and provision.h promise for a dynamic or differencing VHD, whenever the power fails.
#include "vhd/dynamic_vhd_writer.h"

#include <gtest/gtest.h>

#include <array>

#include "tests/unit/vhd/chain_images.h"
#include "tests/unit/vhd/crash_explorer.h"
#include "vhd/disk.h"
#include "vhd/provision.h"

namespace vhdboot::vhd {
namespace {

using test::Event;
using test::Explored;
using test::Overlay;
using test::RecordingFile;
using test::SparseFile;

constexpr std::uint64_t kBlock = 16 * kKiB;
constexpr std::uint64_t kBlocks = 8;
constexpr Guid kBase = "bbbbbbbb-0000-4000-8000-000000000001"_guid;

const Watch kGoOn = [](std::uint64_t) { return true; };

// With room for `places` blocks of 0xEE before its footer.
SparseFile with_room(const SparseFile& image, std::uint64_t places) {
  const std::uint64_t end = image.size() - kFooterSize;
  const std::uint64_t room = align_up(end + kFooterSize, 4096) - end + places * vhd_shape(kBlock).stride();
  SparseFile file = image;
  file.put(end, std::vector<std::byte>(room, std::byte{0xEE}));
  file.put(end + room, image.bytes(end, kFooterSize));
  return file;
}

SparseFile growing() {
  return with_room(
      test::vhd_of({.disk = kBlocks * kBlock,
                    .block = kBlock,
                    .blocks = {{0, {}}, {5, [](std::uint64_t sector) { return sector % 3 == 0 && sector < 25; }}}}),
      kBlocks);
}

std::vector<std::byte> contents(const ByteSource& disk) {
  std::vector<std::byte> bytes(static_cast<std::size_t>(disk.size()));
  if (!disk.read(0, bytes)) bytes.clear();
  return bytes;
}

OpenParent parent_of(const SparseFile& base) {
  return [&base](std::string_view, std::string_view) -> Result<OpenedFile> {
    return OpenedFile{"base", std::make_unique<SliceSource>(base, 0, base.size()), std::nullopt};
  };
}

Explored explore_unchanged(const SparseFile& start, const std::vector<Event>& events, const OpenParent& parent = {}) {
  const auto expected = contents(**open_disk(start, "it", parent));
  return test::explore(start, events, [&](const Overlay& state, std::size_t) -> std::string {
    const auto disk = open_disk(state, "it", parent);
    if (!disk) return disk.error().message();
    return contents(**disk) == expected ? "" : "it reads otherwise";
  });
}

void provision_all(ByteFile& file, const OpenParent& parent = {}) {
  const auto disk = open_disk(file, "it", parent);
  ASSERT_TRUE(disk) << disk.error().message();
  const auto writer = DynamicVhdWriter::open(file);
  ASSERT_TRUE(writer) << writer.error().message();
  const auto done = provision(file, **writer, **disk, {.new_blocks = (*writer)->blocks()}, kGoOn);
  ASSERT_TRUE(done) << done.error().message();
}

// Every bitmap is full, so that the data may be written to without it.
void expect_whole(const SparseFile& image) {
  SparseFile file = image;
  const auto writer = DynamicVhdWriter::open(file);
  ASSERT_TRUE(writer);
  for (std::uint64_t block = 0; block < (*writer)->blocks(); ++block) {
    const auto place = (*writer)->place_of(block);
    ASSERT_TRUE(place) << block;
    const std::size_t bits = kBlock / 512;
    EXPECT_EQ(file.bytes(*place - 512, bits / 8), std::vector<std::byte>(bits / 8, std::byte{0xFF})) << block;
  }
}

TEST(VhdProvision, AtAnyCutTheDiskReadsTheSame) {
  const SparseFile start = growing();
  RecordingFile file(start);
  provision_all(file);
  const Explored explored = explore_unchanged(start, file.events);
  EXPECT_GT(explored.states, 25U);
  EXPECT_EQ(explored.fault, "");
  expect_whole(file.now());
  const auto disk = open_disk(file.now(), "it");
  EXPECT_EQ((*disk)->info().allocated_blocks, kBlocks);
  // What was zero by a bitmap must be so on the disk before the bitmap is full.
  auto events = file.events;
  const auto flush = std::ranges::find(events, Event::Kind::Flush, &Event::kind);
  ASSERT_NE(flush, events.end());
  events.erase(flush);
  EXPECT_NE(explore_unchanged(start, events).fault, "");
}

TEST(VhdProvision, RunAgainCompletes) {
  const SparseFile start = growing();
  RecordingFile file(start);
  provision_all(file);
  SparseFile durable = start;
  for (const Event& event : file.events) {
    if (event.kind == Event::Kind::Write) durable.put(event.offset, event.data);
    SparseFile again = durable;
    provision_all(again);
    expect_whole(again);
  }
}

TEST(VhdProvision, OfAChildFillsFromItsParent) {
  const SparseFile base =
      test::vhd_of({.disk = kBlocks * kBlock, .block = kBlock, .id = kBase, .blocks = {{0, {}}, {1, {}}, {2, {}}}});
  const SparseFile start =
      with_room(test::vhd_of({.disk = kBlocks * kBlock,
                              .block = kBlock,
                              .parent = kBase,
                              .blocks = {{0, {}}, {1, [](std::uint64_t sector) { return sector % 2 == 0; }}},
                              .mark = 'c'}),
                kBlocks);
  const OpenParent parent = parent_of(base);
  RecordingFile file(start);
  provision_all(file, parent);
  EXPECT_EQ(explore_unchanged(start, file.events, parent).fault, "");
  expect_whole(file.now());
  EXPECT_EQ(contents(**open_disk(file.now(), "it")), contents(**open_disk(start, "it", parent))) << "needs no parent";
}

TEST(VhdWriter, NewDataBeginOn4KiB) {
  SparseFile file = growing();
  const auto writer = DynamicVhdWriter::open(file);
  ASSERT_TRUE(writer);
  const auto places = (*writer)->free_places(100);
  EXPECT_GE(places.size(), kBlocks);
  for (const std::uint64_t place : places) EXPECT_EQ(place % 4096, 0U);
  EXPECT_EQ((*open_disk(file, "it"))->info().reserve, places.size() * kBlock);
}

TEST(VhdWriter, TakesWhatIsFreeOnly) {
  SparseFile file = growing();
  const auto writer = DynamicVhdWriter::open(file);
  ASSERT_TRUE(writer);
  const auto free = (*writer)->free_places(100);
  for (const BlockPlace& wrong : std::initializer_list<BlockPlace>{{1, 0},
                                                                   {1, 512},
                                                                   {1, *(*writer)->place_of(0)},
                                                                   {1, *(*writer)->place_of(5) + kBlock},
                                                                   {1, free[0] + 1},
                                                                   {kBlocks, free[0]},
                                                                   {1, file.size() - kBlock},
                                                                   {1, ~std::uint64_t{0} - 511}})
    EXPECT_FALSE((*writer)->commit(std::array{wrong})) << wrong.block << ' ' << wrong.place;
  EXPECT_EQ(file.writes_done, 0U);
  ASSERT_TRUE((*writer)->commit(std::array{BlockPlace{1, free[1]}}));
  EXPECT_FALSE((*writer)->commit(std::array{BlockPlace{2, free[1]}}));
  EXPECT_FALSE((*writer)->commit(std::array{BlockPlace{2, free[1] - 512}}));
  ASSERT_TRUE((*writer)->commit(std::array{BlockPlace{2, free[0]}})) << "in any order";
  EXPECT_EQ((*writer)->free_places(100).front(), free[2]);
  // Another process goes on, and knows no place but those in the table.
  ASSERT_TRUE((*writer)->commit(std::array{BlockPlace{3, free[4]}}));
  const auto other = DynamicVhdWriter::open(file);
  ASSERT_TRUE(other);
  EXPECT_FALSE((*other)->commit(std::array{BlockPlace{4, free[4]}}));
  EXPECT_TRUE((*other)->commit(std::array{BlockPlace{4, free[3]}}));
}

// A block that is there in part is copied, whole, to another place.
TEST(VhdWriter, AtAnyCutABlockThatMovesReadsTheSame) {
  const SparseFile start = growing();
  RecordingFile file(start);
  const auto writer = DynamicVhdWriter::open(file);
  ASSERT_TRUE(writer);
  const auto free = (*writer)->free_places(3);
  const auto whole = contents(**open_disk(start, "it"));
  std::array<BlockPlace, 2> moves{BlockPlace{5, free[2]}, BlockPlace{0, free[0]}};
  for (const BlockPlace& one : moves)
    ASSERT_TRUE(file.write_unflushed(one.place, Bytes(whole).subspan(one.block * kBlock, kBlock)));
  ASSERT_TRUE((*writer)->commit(moves));
  const Explored explored = explore_unchanged(start, file.events);
  EXPECT_GT(explored.states, 10U);
  EXPECT_EQ(explored.fault, "");
  EXPECT_EQ((*writer)->place_of(5), free[2]);
  EXPECT_EQ((*(*open_disk(file.now(), "it"))->blocks()->locate(5 * kBlock, kBlock)).length, kBlock);
}

TEST(VhdWriter, RefusesATableOverTheFooter) {
  for (const std::uint64_t offset : {std::uint64_t{0}, std::uint64_t{512}, std::uint64_t{2048 + 4}}) {
    SparseFile file = growing();
    test::put_be<std::uint64_t>(file, 512 + 16, offset);
    test::seal_dynamic_header(file);
    EXPECT_FALSE(DynamicVhdWriter::open(file)) << offset;
  }
}

TEST(VhdFooter, MovesToTheNewEndAtAnyCut) {
  const SparseFile start = growing();
  RecordingFile file(start);
  const auto footer = read_dynamic_footer(file);
  ASSERT_TRUE(footer);
  ASSERT_TRUE(write_zeros(file, {start.size(), 300 * kKiB}));
  ASSERT_TRUE(file.flush());
  ASSERT_TRUE(put_footer_at_end(file, *footer, start.size()));
  const Explored explored = explore_unchanged(start, file.events);
  EXPECT_EQ(explored.fault, "");
  const SparseFile& now = file.now();
  EXPECT_EQ(now.bytes(now.size() - 512, 512), start.bytes(start.size() - 512, 512));
  EXPECT_EQ(now.bytes(start.size() - 512, 512), std::vector<std::byte>(512));
  // Cut before the footer: the copy at the start counts, and the next run puts it there.
  SparseFile cut = start;
  ASSERT_TRUE(cut.resize(start.size() + 300 * kKiB));
  const auto copy = read_dynamic_footer(cut);
  ASSERT_TRUE(copy);
  EXPECT_FALSE(copy->at_end);
  EXPECT_FALSE(DynamicVhdWriter::open(cut));
  ASSERT_TRUE(put_footer_at_end(cut, *copy, 0));
  EXPECT_TRUE(DynamicVhdWriter::open(cut));
}

TEST(SizeWithReserve, IsEnough) {
  for (const std::uint64_t more : {1, 2, 7}) {
    SparseFile vhd = test::vhd_of({.disk = kBlocks * kBlock, .block = kBlock, .blocks = {{0, {}}}});
    const std::uint64_t had = (*open_disk(vhd, "it"))->info().reserve;
    const auto footer = read_dynamic_footer(vhd);
    const std::uint64_t old_size = vhd.size();
    ASSERT_TRUE(vhd.resize(size_with_reserve((*open_disk(vhd, "it"))->info(), vhd.size(), more)));
    ASSERT_TRUE(put_footer_at_end(vhd, *footer, old_size));
    EXPECT_GE((*open_disk(vhd, "it"))->info().reserve, had + more * kBlock);

    SparseFile vhdx = test::vhdx_of({.disk = 8 * kMiB, .block = kMiB, .blocks = {{0, {}}}});
    ASSERT_TRUE(vhdx.resize(size_with_reserve((*open_disk(vhdx, "it"))->info(), vhdx.size(), more)));
    EXPECT_EQ((*open_disk(vhdx, "it"))->info().reserve, more * kMiB);
  }
}

}  // namespace
}  // namespace vhdboot::vhd
