// SPDX-License-Identifier: GPL-2.0-or-later
// What vhdx_writer.h, vhdx_attach.h, provision.h and reblock.h promise for a VHDX file, whenever the power fails.
#include "vhd/vhdx_writer.h"

#include <gtest/gtest.h>

#include <array>
#include <cstdlib>
#include <fstream>
#include <functional>
#include <span>

#include "tests/unit/vhd/chain_images.h"
#include "tests/unit/vhd/crash_explorer.h"
#include "vhd/disk.h"
#include "vhd/provision.h"
#include "vhd/reblock.h"

namespace vhdboot::vhd {
namespace {

using test::Event;
using test::Explored;
using test::ImageSpec;
using test::Overlay;
using test::RecordingFile;
using test::SparseFile;

constexpr Guid kFileWrite = "aaaaaaaa-0000-4000-8000-000000000001"_guid;
constexpr Guid kDataWrite = "aaaaaaaa-0000-4000-8000-000000000002"_guid;
constexpr Guid kLog = "aaaaaaaa-0000-4000-8000-0000000000ff"_guid;
constexpr AttachGuids kGuids{kFileWrite, std::nullopt};

const Watch kGoOn = [](std::uint64_t) { return true; };

// Free space at the end, full of what no block may ever show.
SparseFile with_junk(SparseFile file, std::uint64_t bytes) {
  const std::uint64_t size = file.size();
  static_cast<void>(file.resize(size + bytes));
  for (std::uint64_t at = size; at < file.size(); at += kMiB / 2)
    for (const std::uint64_t place : {at, at + kMiB / 2 - 512})
      file.put(place, std::vector<std::byte>(512, std::byte{0xEE}));
  return file;
}

// 8 blocks, of which 0 and 5 are there, and 8 places.
SparseFile growing() {
  return with_junk(test::vhdx_of({.disk = 8 * kMiB, .block = kMiB, .blocks = {{0, {}}, {5, {}}}, .every = 128}),
                   8 * kMiB);
}

// The first and last sectors of each half of a MiB of the disk.
std::vector<std::byte> probe(const ByteSource& disk, std::uint64_t start, std::uint64_t length) {
  std::vector<std::byte> out;
  std::vector<std::byte> sector(512);
  for (std::uint64_t at = start; at < std::min(start + length, disk.size()); at += kMiB / 2)
    for (const std::uint64_t place : {at, at + kMiB / 2 - 512}) {
      if (!disk.read(place, sector)) sector.assign(512, std::byte{0xBB});
      out.insert(out.end(), sector.begin(), sector.end());
    }
  return out;
}

// What writes to a new block leave there.
void write_new(ByteFile& file, std::uint64_t block, std::uint64_t place) {
  for (std::uint64_t at = 0; at < kMiB; at += kMiB / 2)
    for (const std::uint64_t sector : {at / 512, (at + kMiB / 2) / 512 - 1})
      file.write_unflushed(place + sector * 512, test::marked_sector('n', block * 2048 + sector)).value();
}

OpenParent parent_of(const SparseFile& base) {
  return [&base](std::string_view, std::string_view) -> Result<OpenedFile> {
    return OpenedFile{"base", std::make_unique<SliceSource>(base, 0, base.size()), std::nullopt};
  };
}

// The disk reads the same in each state, after a replay for good, and after a second one.
std::string judge_contents(const Overlay& state, const OpenParent& parent,
                           const std::function<std::string(const Disk&)>& judge, bool replay = true) {
  const auto disk = open_disk(state, "it", parent);
  if (!disk) return disk.error().message();
  if (std::string fault = judge(**disk); !fault.empty()) return fault;
  if (!(*disk)->info().log_dirty || !replay) return {};
  Overlay replayed(state);
  for (const char* which : {"replay", "second replay"}) {
    const auto attached = attach_vhdx(replayed, kGuids);
    if (!attached) return concat(which, ": ", attached.error().message());
    if (!attached->log.is_zero()) return concat(which, ": the log is named");
    const auto again = open_disk(replayed, "it", parent);
    if (!again) return concat(which, ": ", again.error().message());
    if ((*again)->info().log_dirty) return concat(which, ": the log is not empty");
    if (std::string fault = judge(**again); !fault.empty()) return concat(which, ": ", fault);
  }
  return {};
}

// Blocks get places one commit after the other; what was answered.
struct Commits {
  SparseFile start = growing();
  RecordingFile file{start};
  std::vector<std::vector<std::uint64_t>> answers;  // blocks
  std::array<std::vector<std::byte>, 8> old;        // of each block
  std::array<std::vector<std::byte>, 8> fresh;

  Commits() {
    const auto before = open_disk(start, "start");
    SparseFile written(8 * kMiB);
    for (std::uint64_t block = 0; block < 8; ++block) {
      write_new(written, block, block * kMiB);
      old[block] = probe(**before, block * kMiB, kMiB);
      fresh[block] = probe(written, block * kMiB, kMiB);
    }
  }

  void commit(VhdxWriter& writer, const std::vector<std::uint64_t>& blocks) {
    std::vector<BlockPlace> places;
    const auto free = writer.free_places(blocks.size());
    for (std::size_t i = 0; i < blocks.size(); ++i) {
      places.push_back({blocks[i], free.at(i)});
      write_new(file, blocks[i], free[i]);
    }
    ASSERT_TRUE(writer.commit(places));
    file.answer();
    answers.push_back(blocks);
  }

  [[nodiscard]] std::string judge(const Disk& disk, std::size_t answered) const {
    for (std::uint64_t block = 0; block < 8; ++block) {
      const auto got = probe(disk, block * kMiB, kMiB);
      bool promised = false;
      for (std::size_t i = 0; i < std::min(answered, answers.size()); ++i)
        promised = promised || std::ranges::find(answers[i], block) != answers[i].end();
      if (promised && got != fresh[block]) return concat("block ", block, " was answered and is not there");
      if (got != old[block] && got != fresh[block]) return concat("block ", block, " is neither old nor new");
    }
    return {};
  }

  [[nodiscard]] Explored explored(const std::vector<Event>& events, std::size_t from = 0) const {
    return test::explore(
        start, events,
        [&](const Overlay& state, std::size_t answered) {
          return judge_contents(state, {}, [&](const Disk& disk) { return judge(disk, answered); });
        },
        from);
  }
};

// Two times from an empty log on, with a checkpoint between two commits.
void some_commits(Commits& commits) {
  auto writer = VhdxWriter::open(commits.file, kGuids, kLog);
  ASSERT_TRUE(writer) << writer.error().message();
  commits.commit(**writer, {1});
  commits.commit(**writer, {2, 3});
  ASSERT_TRUE((*writer)->checkpoint());
  commits.commit(**writer, {4});
  ASSERT_TRUE((*writer)->close());
  commits.commit(**writer, {7});
}

// For other judges: tests/integration/vhdtool_blocks_test.py.
void save(const Overlay& state, const std::string& path) {
  std::ofstream out(path, std::ios::binary);
  std::vector<std::byte> bytes(static_cast<std::size_t>(state.size()));
  ASSERT_TRUE(state.read(0, bytes));
  out.write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
}

TEST(VhdxWriter, NothingAnsweredIsLost) {
  Commits commits;
  some_commits(commits);
  if (const char* folder = std::getenv("VHDBOOT_CRASH_STATES")) {
    std::size_t number = 0;
    test::explore(commits.start, commits.file.events, [&](const Overlay& state, std::size_t) {
      if (++number % 13 == 0) save(state, concat(folder, "/", number, ".vhdx"));
      return std::string();
    });
    return;
  }
  const Explored explored = commits.explored(commits.file.events);
  EXPECT_GT(explored.states, 150U);
  EXPECT_EQ(explored.fault, "");
}

bool writes(const Event& event, std::string_view what) {
  return event.kind == Event::Kind::Write && as_text(event.data).starts_with(what);
}

// The flushes without which something is lost. The other ones are spare where a sector is there whole or not at all (a
// header is one sector that counts), or because one more comes before anything depends on them.
std::vector<std::size_t> needed_flushes(const std::vector<Event>& events) {
  std::vector<std::size_t> needed;
  for (std::size_t i = 1; i + 3 < events.size(); ++i) {
    if (events[i].kind != Event::Kind::Flush) continue;
    const bool after_entry = writes(events[i - 1], "loge");
    const bool before_answer = events[i + 1].kind == Event::Kind::Answer || events[i + 2].kind == Event::Kind::Answer;
    const bool data_of_a_later_commit = writes(events[i + 1], "loge") && !writes(events[i + 3], "head");
    const bool table_before_the_log_is_empty = !writes(events[i - 1], "head") && writes(events[i + 1], "head");
    if (after_entry || before_answer || data_of_a_later_commit || table_before_the_log_is_empty) needed.push_back(i);
  }
  return needed;
}

std::vector<Event> without(const std::vector<Event>& events, std::size_t number) {
  auto rest = events;
  rest.erase(rest.begin() + static_cast<std::ptrdiff_t>(number));
  return rest;
}

TEST(VhdxWriter, WithoutAFlushSomethingIsLost) {
  Commits commits;
  some_commits(commits);
  const auto needed = needed_flushes(commits.file.events);
  EXPECT_EQ(needed.size(), 8U);
  for (const std::size_t flush : needed)
    EXPECT_NE(commits.explored(without(commits.file.events, flush), flush).fault, "") << "event " << flush;
}

TEST(VhdxWriter, TwoFlushesForANewBlock) {
  Commits commits;
  auto writer = VhdxWriter::open(commits.file, kGuids, kLog);
  ASSERT_TRUE(writer);
  for (const std::uint64_t block : {1, 2, 3}) {
    const std::size_t before = commits.file.events.size();
    commits.commit(**writer, {block});
    EXPECT_EQ(std::ranges::count(std::span(commits.file.events).subspan(before), Event::Kind::Flush, &Event::kind), 2)
        << block;
  }
}

TEST(VhdxWriter, AHeaderBeforeItsEntryIsFound) {
  Commits commits;
  some_commits(commits);
  auto events = commits.file.events;
  const auto entry = std::ranges::find_if(events, [](const Event& event) { return writes(event, "loge"); });
  ASSERT_NE(entry, events.end());
  ASSERT_TRUE(writes(*(entry + 2), "head"));
  std::iter_swap(entry, entry + 2);
  const Explored explored = commits.explored(events);
  EXPECT_NE(explored.fault.find("has no valid entry"), std::string::npos) << explored.fault;
}

TEST(VhdxWriter, AroundTheEndOfTheLog) {
  Commits commits;
  auto writer = VhdxWriter::open(commits.file, kGuids, kLog);
  ASSERT_TRUE(writer);
  commits.commit(**writer, {1});
  // Each takes 8 KiB of 1 MiB.
  const std::vector<BlockPlace> again{{1, *(*writer)->place_of(1)}};
  std::size_t wrapped = 0;
  for (std::size_t i = 0; i < 126; ++i) ASSERT_TRUE((*writer)->commit(again));
  commits.commit(**writer, {2});
  const std::size_t before = commits.file.events.size();
  ASSERT_TRUE((*writer)->commit(again));
  for (const Event& event : commits.file.events) wrapped += event.offset == kMiB ? 1 : 0;
  EXPECT_EQ(wrapped, 2U) << "it was at the start of the log twice";
  const Explored explored = test::explore(
      commits.start, commits.file.events,
      [&](const Overlay& state, std::size_t answered) {
        const auto disk = open_disk(state, "it");
        return disk ? commits.judge(**disk, answered) : disk.error().message();
      },
      before, 1);
  EXPECT_GT(explored.states, 15U);
  EXPECT_EQ(explored.fault, "");
}

TEST(VhdxWriter, TakesWhatIsFreeOnly) {
  SparseFile file = growing();
  auto writer = VhdxWriter::open(file, kGuids, kLog);
  ASSERT_TRUE(writer);
  const auto free = (*writer)->free_places(100);
  ASSERT_EQ(free.size(), 8U);
  EXPECT_EQ(free.front(), 6 * kMiB);
  const std::size_t before = file.writes_done;
  for (const BlockPlace& wrong : std::initializer_list<BlockPlace>{{1, 0},
                                                                   {1, kMiB},
                                                                   {1, 3 * kMiB},
                                                                   {1, 4 * kMiB},
                                                                   {1, free[0] + 512},
                                                                   {8, free[0]},
                                                                   {1, file.size()},
                                                                   {1, ~std::uint64_t{0} - kMiB + 1}}) {
    const auto done = (*writer)->commit(std::array{wrong});
    ASSERT_FALSE(done) << wrong.place;
    EXPECT_EQ(done.error().code, Code::Invalid);
  }
  EXPECT_EQ(file.writes_done, before);
  ASSERT_TRUE((*writer)->commit(std::array{BlockPlace{1, free[0]}}));
  EXPECT_FALSE((*writer)->commit(std::array{BlockPlace{2, free[0]}})) << "it is taken now";
}

TEST(VhdxWriter, AfterAnErrorNothingMoreIsWritten) {
  SparseFile file = growing();
  auto writer = VhdxWriter::open(file, kGuids, kLog);
  ASSERT_TRUE(writer);
  const auto free = (*writer)->free_places(2);
  file.fail_write = file.writes_done;
  EXPECT_FALSE((*writer)->commit(std::array{BlockPlace{1, free[0]}}));
  file.fail_write.reset();
  const std::size_t before = file.writes_done;
  EXPECT_FALSE((*writer)->commit(std::array{BlockPlace{2, free[1]}}));
  EXPECT_FALSE((*writer)->close());
  EXPECT_EQ(file.writes_done, before);
}

TEST(VhdxAttach, ChangesTheIdsThatItWasAskedTo) {
  for (const bool data : {false, true}) {
    SparseFile file = growing();
    const auto before = read_vhdx_header(file);
    ASSERT_TRUE(attach_vhdx(file, {kFileWrite, data ? std::optional(kDataWrite) : std::nullopt}));
    const auto after = read_vhdx_header(file);
    EXPECT_EQ(after->file_write, kFileWrite);
    EXPECT_EQ(after->data_write, data ? kDataWrite : before->data_write);
    EXPECT_EQ(after->sequence, before->sequence + 2);
    EXPECT_EQ(after->log_offset, before->log_offset);
  }
}

TEST(VhdxAttach, ReplaysForGoodAtAnyCut) {
  SparseFile start = test::vhdx();
  test::put_log_entry(start, 0, 5, 0, 4 * kMiB, 'y');
  test::put_log_entry(start, 8192, 6, 0, 4 * kMiB + 8192, 'z');
  test::mark_dirty(start);
  const auto expected = open_disk(start, "it");
  ASSERT_TRUE(expected);
  RecordingFile file(start);
  ASSERT_TRUE(attach_vhdx(file, {kFileWrite, kDataWrite}));
  const Explored explored = test::explore(start, file.events, [&](const Overlay& state, std::size_t) {
    return judge_contents(state, {}, [&](const Disk& disk) -> std::string {
      return probe(disk, 0, disk.size()) == probe(**expected, 0, disk.size()) ? "" : "it reads otherwise";
    });
  });
  EXPECT_GT(explored.states, 60U);
  EXPECT_EQ(explored.fault, "");
  const auto judge = [&](const Overlay& state, std::size_t) -> std::string {
    const auto disk = open_disk(state, "it");
    return disk && probe(**disk, 0, 4 * kMiB) == probe(**expected, 0, 4 * kMiB) ? "" : "it reads otherwise";
  };
  const auto needed = needed_flushes(file.events);
  ASSERT_EQ(needed.size(), 1U) << "between the replay and the header without a log";
  EXPECT_NE(test::explore(start, without(file.events, needed[0]), judge, needed[0]).fault, "");
}

TEST(VhdxAttach, RefusesALogThatAsksForWhatNoLogMay) {
  for (const std::uint64_t offset : {std::uint64_t{0}, 64 * kKiB, 128 * kKiB, kMiB, kMiB + 512 * kKiB, 5 * kMiB}) {
    SparseFile file = test::vhdx();
    test::put_log_entry(file, 0, 5, 0, offset, 'y');
    test::mark_dirty(file);
    const SparseFile before = file;
    EXPECT_FALSE(attach_vhdx(file, kGuids)) << offset;
    EXPECT_FALSE(VhdxWriter::open(file, kGuids, kLog)) << offset;
    EXPECT_TRUE(file == before);
  }
}

// What must be so whatever is done to an image whose contents do not change. Of so many states one is replayed as well.
Explored explore_unchanged(const SparseFile& start, const RecordingFile& file, const OpenParent& parent = {},
                           std::size_t replay_every = 1) {
  const auto expected = open_disk(start, "it", parent).value();
  const auto contents = probe(*expected, 0, expected->size());
  std::size_t number = 0;
  return test::explore(start, file.events, [&](const Overlay& state, std::size_t) {
    const auto judge = [&](const Disk& disk) -> std::string {
      return probe(disk, 0, disk.size()) == contents ? "" : "it reads otherwise";
    };
    return judge_contents(state, parent, judge, number++ % replay_every == 0);
  });
}

void provision_all(ByteFile& file, const OpenParent& parent = {}) {
  const auto disk = open_disk(file, "it", parent);
  ASSERT_TRUE(disk) << disk.error().message();
  auto writer = VhdxWriter::open(file, kGuids, kLog);
  ASSERT_TRUE(writer) << writer.error().message();
  const auto done = provision(file, **writer, **disk, {.new_blocks = (*writer)->blocks()}, kGoOn);
  ASSERT_TRUE(done) << done.error().message();
  ASSERT_TRUE(mark_fixed(file, **writer));
  ASSERT_TRUE((*writer)->close());
}

TEST(VhdxProvision, AtAnyCutTheDiskReadsTheSame) {
  const SparseFile start = growing();
  RecordingFile file(start);
  provision_all(file);
  const Explored explored = explore_unchanged(start, file);
  EXPECT_GT(explored.states, 60U);
  EXPECT_EQ(explored.fault, "");
  const auto disk = open_disk(file.now(), "it");
  EXPECT_TRUE((*disk)->info().preallocated);
  EXPECT_EQ((*disk)->info().allocated_blocks, 8U);
  EXPECT_FALSE((*disk)->info().log_dirty);
}

TEST(VhdxProvision, RunAgainCompletes) {
  const SparseFile start = growing();
  RecordingFile file(start);
  provision_all(file);
  SparseFile durable = start;
  for (const Event& event : file.events) {
    if (event.kind == Event::Kind::Write) durable.put(event.offset, event.data);
    if (event.kind != Event::Kind::Flush) continue;
    Overlay again(durable);
    provision_all(again);
    const auto disk = open_disk(again, "it");
    EXPECT_EQ((*disk)->info().allocated_blocks, 8U);
    EXPECT_TRUE((*disk)->info().preallocated);
  }
}

TEST(VhdxProvision, OfAChildFillsFromItsParent) {
  constexpr Guid kBase = "bbbbbbbb-0000-4000-8000-000000000001"_guid;
  const SparseFile base = test::vhdx_of(
      {.disk = 8 * kMiB, .block = kMiB, .id = kBase, .blocks = {{0, {}}, {1, {}}, {2, {}}}, .every = 64, .mark = 'b'});
  const SparseFile start = with_junk(
      test::vhdx_of({.disk = 8 * kMiB,
                     .block = kMiB,
                     .parent = kBase,
                     .blocks = {{0, {}}, {1, [](std::uint64_t sector) { return sector >= 128 && sector < 1000; }}},
                     .states = {{3, 2}},
                     .every = 64,
                     .mark = 'c'}),
      8 * kMiB);
  const OpenParent parent = parent_of(base);
  RecordingFile file(start);
  provision_all(file, parent);
  const Explored explored = explore_unchanged(start, file, parent);
  EXPECT_EQ(explored.fault, "");
  const auto alone = open_disk(file.now(), "it");
  ASSERT_TRUE(alone);
  EXPECT_EQ((*alone)->info().allocated_blocks, 8U);
  EXPECT_FALSE((*alone)->info().preallocated);
  EXPECT_EQ(probe(**alone, 0, 8 * kMiB), probe(**open_disk(start, "it", parent), 0, 8 * kMiB)) << "needs no parent";
}

TEST(VhdxProvision, GivesOnlySoMany) {
  SparseFile file = growing();
  const auto disk = open_disk(file, "it");
  auto writer = VhdxWriter::open(file, kGuids, kLog);
  const auto done = provision(file, **writer, **disk, {.new_blocks = 2}, kGoOn);
  ASSERT_TRUE(done);
  EXPECT_EQ(done->given, 2U);
  EXPECT_TRUE((*writer)->place_of(1) && (*writer)->place_of(2));
  EXPECT_FALSE((*writer)->place_of(3));
  const auto stopped = provision(file, **writer, **disk, {.new_blocks = 2}, [](std::uint64_t) { return false; });
  ASSERT_FALSE(stopped);
  EXPECT_EQ(stopped.error().sys_errno, EINTR);
}

TEST(VhdxReblock, AtAnyCutTheDiskReadsTheSame) {
  constexpr Guid kBase = "bbbbbbbb-0000-4000-8000-000000000001"_guid;
  const SparseFile base =
      test::vhdx_of({.disk = 9 * kMiB, .block = kMiB, .id = kBase, .blocks = {{0, {}}, {7, {}}}, .every = 64});
  for (const bool child : {false, true}) {
    ImageSpec spec{.disk = 9 * kMiB,
                   .block = 2 * kMiB,
                   .blocks = {{0, {}}, {4, {}}},
                   .states = {{2, 2}},
                   .every = 64,
                   .mark = 'c'};
    if (child) {
      spec.parent = kBase;
      spec.blocks[1] = [](std::uint64_t sector) { return sector >= 1024 && sector < 3000; };
    }
    const OpenParent parent = child ? parent_of(base) : OpenParent();
    const SparseFile start = with_junk(test::vhdx_of(spec), kMiB);
    RecordingFile file(start);
    auto writer = VhdxWriter::open(file, kGuids, kLog);
    ASSERT_TRUE(writer) << writer.error().message();
    const auto done = reblock(file, **writer);
    ASSERT_TRUE(done) << done.error().message();
    if (child) {  // which has all that the other one has
      const Explored explored = explore_unchanged(start, file, parent, 8);
      EXPECT_GT(explored.states, 60U);
      EXPECT_EQ(explored.fault, "");
    }
    const auto disk = open_disk(file.now(), "it", parent);
    EXPECT_EQ(probe(**disk, 0, 9 * kMiB), probe(**open_disk(start, "it", parent), 0, 9 * kMiB));
    EXPECT_EQ((*disk)->info().block_size, kMiB);
    EXPECT_EQ((*disk)->info().allocated_blocks, child ? 5U : 3U) << "the last one is of 1 MiB";
    EXPECT_FALSE((*disk)->info().log_dirty);
  }
}

TEST(VhdxReblock, NeedsAPlaceForTheTable) {
  SparseFile file = test::vhdx_of({.disk = 8 * kMiB, .block = 2 * kMiB, .blocks = {{0, {}}}});
  auto writer = VhdxWriter::open(file, kGuids, kLog);
  ASSERT_TRUE(writer);
  EXPECT_EQ(reblock(file, **writer).error().code, Code::Invalid);
}

}  // namespace
}  // namespace vhdboot::vhd
