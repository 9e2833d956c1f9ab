// SPDX-License-Identifier: GPL-2.0-or-later
// What ntfs_fill.h promises: every byte has a place, the contents are the same, nothing else is lost; and power may go
// at any moment.
#include "vhd/tool/ntfs_fill.h"

#include <gmock/gmock.h>

#include "init/volume/volume.h"
#include "tests/unit/tool/ntfs_disk.h"
#include "vhd/tool/ntfs_switch.h"

namespace vhdboot::tool {
namespace {

using test::check_volume;
using test::MemoryDisk;
using test::SparseSpec;
using test::VolumeCheck;
using ::testing::HasSubstr;

const volume::Path kPath = *volume::parse_path("/disk.vhd");
constexpr std::uint64_t kCap = 64 * kMiB;

bool go_on(std::uint64_t) {
  return true;
}

struct Scenario {
  const char* name;
  SparseSpec file;
  std::uint64_t volume = 12 * kMiB;
  unsigned cluster = 512;
  std::uint64_t step = kNtfsFillStep;
};

Result<volume::FileLayout> layout_of(const MemoryDisk& disk) {
  const auto reader = TRY(volume::HostVolume::open(disk));
  return reader->layout(kPath);
}

Result<std::vector<std::byte>> contents_of(const MemoryDisk& disk) {
  const auto reader = TRY(volume::HostVolume::open(disk));
  return reader->read_file(kPath, kCap);
}

class NtfsFillTest : public ::testing::TestWithParam<Scenario> {
 protected:
  void SetUp() override {
    auto image = test::make_ntfs(GetParam().volume, GetParam().cluster);
    if (!image) GTEST_SKIP() << "mkntfs is not installed";
    disk_.emplace(std::move(*image));
    ASSERT_TRUE(test::add_sparse_file(*disk_, GetParam().file));
    before_ = check_volume(*disk_);
    ASSERT_EQ(before_.damage, "");
    contents_ = test::contents_of(GetParam().file);
    const auto read = contents_of(*disk_);
    ASSERT_TRUE(read) << read.error().message();
    ASSERT_TRUE(*read == contents_);
  }

  vhd::Attempt<void> fill(const vhd::Watch& watch = go_on) {
    const auto plan = plan_ntfs_fill(TRY(layout_of(*disk_)), kPath);
    if (!plan) return std::unexpected(plan.error());
    EXPECT_FALSE(plan->nothing());
    return fill_ntfs_file(*disk_, kPath, *plan, watch, GetParam().step);
  }

  void expect_filled() {
    const auto layout = layout_of(*disk_);
    ASSERT_TRUE(layout) << layout.error().message();
    const auto mappable = volume::check_mappable(*layout, kPath);
    EXPECT_TRUE(mappable) << mappable.error().message();
    EXPECT_FALSE(layout->sparse);
    EXPECT_GE(layout->allocated_size, layout->size);
    std::vector<std::byte> through(static_cast<std::size_t>(layout->size));
    for (const Extent& extent : layout->extents)
      std::copy_n(disk_->bytes.begin() + static_cast<std::ptrdiff_t>(extent.physical), extent.length,
                  through.begin() + static_cast<std::ptrdiff_t>(extent.logical));
    EXPECT_TRUE(through == contents_) << "through the extents";
    const auto read = contents_of(*disk_);
    ASSERT_TRUE(read) << read.error().message();
    EXPECT_TRUE(*read == contents_) << "through the library";
    expect_in_order();
  }

  // As clean as it was, with nothing lost.
  void expect_in_order() {
    const auto reader = volume::HostVolume::open(*disk_);
    ASSERT_TRUE(reader);
    const auto state = (*reader)->state();
    ASSERT_TRUE(state);
    EXPECT_TRUE(state->clean()) << volume::describe(*state);
    const VolumeCheck after = check_volume(*disk_);
    EXPECT_EQ(after.damage, "");
    EXPECT_EQ(after.lost_clusters, before_.lost_clusters);
    EXPECT_EQ(after.lost_records, before_.lost_records);
  }

  std::optional<MemoryDisk> disk_;
  VolumeCheck before_;
  std::vector<std::byte> contents_;
};

TEST_P(NtfsFillTest, EveryByteHasAPlaceAndNothingElseChanges) {
  const auto names = [&] { return (*volume::HostVolume::open(*disk_))->list(volume::Path()).value(); };
  const auto names_before = names();
  const auto filled = fill();
  ASSERT_TRUE(filled) << filled.error().error.message();
  expect_filled();
  EXPECT_EQ(names(), names_before);

  NtfsWriteVolume volume(*disk_);
  ASSERT_TRUE(volume.begin());
  {
    const auto inode = volume.open(*volume.find(kPath));
    ASSERT_TRUE(inode);
    for (unsigned stream = 0; stream < GetParam().file.streams; ++stream) {
      std::u16string name = *to_utf16(concat("stream ", stream));
      s64 size = 0;
      const volume::MallocPtr<char> value(static_cast<char*>(ntfs_attr_readall(
          inode->get(), AT_DATA, reinterpret_cast<ntfschar*>(name.data()), static_cast<u32>(name.size()), &size)));
      ASSERT_TRUE(value) << stream;
      EXPECT_EQ(std::string(value.get(), static_cast<std::size_t>(size)),
                std::string(100, static_cast<char>('a' + stream)));
    }
  }
  ASSERT_TRUE(volume.finish());
}

TEST_P(NtfsFillTest, StoppedItIsInOrderAndGoesOnLater) {
  std::uint64_t calls = 0;
  ASSERT_TRUE(fill([&](std::uint64_t) {
                ++calls;
                return true;
              }).has_value());
  for (const std::uint64_t stop : {std::uint64_t{1}, calls / 2 + 1, calls}) {
    SetUp();
    std::uint64_t left = stop;
    const auto stopped = fill([&](std::uint64_t) { return --left > 0; });
    ASSERT_FALSE(stopped);
    EXPECT_TRUE(vhd::is_stop(stopped.error().error)) << stopped.error().error.message();
    const auto read = contents_of(*disk_);
    ASSERT_TRUE(read);
    EXPECT_TRUE(*read == contents_);
    expect_in_order();
    ASSERT_TRUE(fill());
    expect_filled();
  }
}

TEST_P(NtfsFillTest, ABrokenDiskLeavesItMarkedDirty) {
  std::uint64_t calls = 0;
  const auto done = fill([&](std::uint64_t) {
    disk_->failing = ++calls == 1;
    return true;
  });
  disk_->failing = false;
  ASSERT_FALSE(done);
  EXPECT_THAT(done.error().error.message(), HasSubstr("chkdsk"));
  const auto reader = volume::HostVolume::open(*disk_);
  ASSERT_TRUE(reader);
  EXPECT_TRUE((*reader)->state()->dirty);
  EXPECT_TRUE(contents_of(*disk_).value() == contents_);
}

const std::vector<Scenario>& scenarios() {
  static const std::vector<Scenario> all{
      {.name = "one_record", .file = {.pieces = 5, .piece = 4096, .unwritten = 70'000}},
      {.name = "one_record_in_steps", .file = {.pieces = 5, .piece = 8192, .unwritten = 70'000}, .step = 5000},
      {.name = "becomes_many", .file = {.pieces = 60, .piece = 512}, .step = 512 * 20},
      {.name = "many", .file = {.pieces = 700, .piece = 512, .unwritten = 50'000}, .step = 512 * 300},
      {.name = "many_at_once", .file = {.pieces = 700, .piece = 512}},
      {.name = "many_with_links_and_streams",
       .file = {.pieces = 500, .piece = 512, .unwritten = 3000, .links = 8, .streams = 5},
       .step = 512 * 300},
      {.name = "few_with_links_and_streams", .file = {.pieces = 4, .piece = 4096, .links = 8, .streams = 5}},
      {.name = "many_as_windows_makes_them",
       .file = {.pieces = 700, .piece = 512, .unwritten = 50'000, .unit = 4},
       .step = 512 * 300},
      {.name = "large_clusters",
       .file = {.pieces = 200, .piece = 4096, .unwritten = 20'000},
       .cluster = 4096,
       .step = 4096 * 150},
  };
  return all;
}

std::string scenario_name(const ::testing::TestParamInfo<Scenario>& info) {
  return info.param.name;
}

INSTANTIATE_TEST_SUITE_P(All, NtfsFillTest, ::testing::ValuesIn(scenarios()), scenario_name);

// The library writes the first records twice, to the MFT and to its mirror, and reads neither when they differ. Windows
// and ntfsfix then make the mirror anew, which is this write.
MemoryDisk::Write mirror_of(const MemoryDisk& disk) {
  const std::uint64_t cluster =
      std::uint64_t{512} * std::to_integer<std::uint8_t>(disk.bytes[0x0d]);  // mkntfs was told sectors of 512 bytes
  const std::uint64_t mft = *load_le<std::uint64_t>(disk.bytes, 0x30) * cluster;
  const std::uint64_t mirror = *load_le<std::uint64_t>(disk.bytes, 0x38) * cluster;
  constexpr std::size_t kMirrored = 4 * 1024;
  const auto from = disk.bytes.begin() + static_cast<std::ptrdiff_t>(mft);
  return {mirror, {from, from + kMirrored}, 0};
}

// --- files of a kind
// ---------------------------------------------------------------------------------------------------

class NtfsFillOfAKind : public ::testing::Test {
 protected:
  void make(const SparseSpec& spec) {
    auto image = test::make_ntfs(12 * kMiB, 512);
    if (!image) GTEST_SKIP() << "mkntfs is not installed";
    disk_.emplace(std::move(*image));
    ASSERT_TRUE(test::add_sparse_file(*disk_, spec));
    contents_ = test::contents_of(spec);
  }

  vhd::Attempt<void> fill(std::uint64_t step = kNtfsFillStep) {
    const NtfsFill plan = TRY(plan_ntfs_fill(TRY(layout_of(*disk_)), kPath));
    return fill_ntfs_file(*disk_, kPath, plan, go_on, step);
  }

  /// Opens the volume for `use`.
  template <class Use>
  void with_open_volume(const Use& use) {
    NtfsWriteVolume volume(*disk_);
    ASSERT_TRUE(volume.begin());
    use(volume);
    ASSERT_TRUE(volume.finish());
  }

  /// Likewise, and for the file.
  template <class Use>
  void with_volume(const Use& use) {
    with_open_volume([&](NtfsWriteVolume& volume) { use(volume, volume.find(kPath).value()); });
  }

  NtfsMap map() {
    NtfsMap out;
    with_volume([&](NtfsWriteVolume& volume, std::uint64_t number) { out = read_ntfs_map(volume, number).value(); });
    return out;
  }

  void expect_clean_and_readable() {
    EXPECT_TRUE((*volume::HostVolume::open(*disk_))->state()->clean());
    EXPECT_EQ(check_volume(*disk_).damage, "");
    EXPECT_TRUE(contents_of(*disk_).value() == contents_);
  }

  std::optional<MemoryDisk> disk_;
  std::vector<std::byte> contents_;
};

/// Sets or clears the file's own flag.
void set_sparse_file(NtfsWriteVolume& volume, std::uint64_t number, bool sparse) {
  const FreshInode inode = volume.open(number).value();
  const auto flag = static_cast<std::uint32_t>(FILE_ATTR_SPARSE_FILE);
  const auto flags = static_cast<std::uint32_t>(inode->flags);
  inode->flags = static_cast<FILE_ATTR_FLAGS>(sparse ? flags | flag : flags & ~flag);
  NInoSetDirty(inode.get());
  ASSERT_EQ(ntfs_inode_sync(inode.get()), 0);
}

TEST_F(NtfsFillOfAKind, HolesWithoutTheSparseFlagAreRefusedBeforeTheFileIsChanged) {
  for (const bool file_flag : {true, false}) {
    SCOPED_TRACE(file_flag);
    make({.pieces = 5, .piece = 512});
    if (IsSkipped()) return;
    with_volume([&](NtfsWriteVolume& volume, std::uint64_t number) {
      NtfsMap target = read_ntfs_map(volume, number).value();
      target.sparse = false;
      const auto change = NtfsSwitch::prepare(volume, number, target);
      ASSERT_TRUE(change);
      ASSERT_TRUE((*change)->write_new());
      ASSERT_TRUE((*change)->take_effect());
      set_sparse_file(volume, number, file_flag);
    });
    const NtfsMap before = map();
    ASSERT_TRUE(has_hole(before.runs));
    ASSERT_FALSE(before.sparse);
    const auto filled = fill(1024);
    ASSERT_FALSE(filled);
    EXPECT_THAT(filled.error().error.message(), HasSubstr("not marked as sparse"));
    EXPECT_EQ(map(), before);
    EXPECT_TRUE((*volume::HostVolume::open(*disk_))->state()->clean());
  }
}

TEST_F(NtfsFillOfAKind, StaysSparseWhileANamedStreamIs) {
  make({.pieces = 5, .piece = 4096, .streams = 1});
  if (IsSkipped()) return;
  std::u16string name = u"stream 0";
  const auto open_stream = [&](ntfs_inode* inode) {
    return volume::AttrPtr(
        ntfs_attr_open(inode, AT_DATA, reinterpret_cast<ntfschar*>(name.data()), static_cast<u32>(name.size())));
  };
  with_volume([&](NtfsWriteVolume& volume, std::uint64_t number) {
    const volume::InodePtr inode(ntfs_inode_open(volume.get(), number));
    const volume::AttrPtr stream = open_stream(inode.get());
    ASSERT_TRUE(stream);
    ASSERT_EQ(ntfs_attr_truncate(stream.get(), 100'000), 0);
    ASSERT_EQ(ntfs_attr_pwrite(stream.get(), 90'000, 4, "here"), 4);
  });
  const auto filled = fill();
  ASSERT_FALSE(filled);
  EXPECT_THAT(filled.error().error.message(), HasSubstr("named stream"));
  expect_clean_and_readable();
  EXPECT_FALSE(map().sparse);
  EXPECT_FALSE(has_hole(map().runs));
  EXPECT_TRUE(layout_of(*disk_)->sparse);
  with_volume([&](NtfsWriteVolume& volume, std::uint64_t number) {
    const volume::InodePtr inode(ntfs_inode_open(volume.get(), number));
    EXPECT_NE(static_cast<std::uint32_t>(inode->flags) & static_cast<std::uint32_t>(FILE_ATTR_SPARSE_FILE), 0U);
    ASSERT_EQ(
        ntfs_attr_remove(inode.get(), AT_DATA, reinterpret_cast<ntfschar*>(name.data()), static_cast<u32>(name.size())),
        0);
  });
  ASSERT_TRUE(fill()) << "without the stream";
  expect_clean_and_readable();
  EXPECT_FALSE(layout_of(*disk_)->sparse);
}

// Whatever write or sync is the first to fail: it is told what state the volume is in, and that is true.
TEST_F(NtfsFillOfAKind, ABrokenDiskIsToldWithTheStateOfTheVolume) {
  make({.pieces = 60, .piece = 512, .unwritten = 2000});
  if (IsSkipped()) return;
  const std::vector<std::byte> image = disk_->bytes;
  disk_->write_count = disk_->syncs = 0;
  ASSERT_TRUE(fill(512 * 20));
  const std::size_t writes = disk_->write_count;
  const std::size_t syncs = disk_->syncs;
  bool clean_and_in_doubt = false;
  const auto try_with = [&](std::size_t writes_that_work, std::size_t syncs_that_work) {
    SCOPED_TRACE(concat(writes_that_work, " writes and ", syncs_that_work, " syncs work"));
    disk_->bytes = image;
    disk_->write_count = disk_->syncs = 0;
    disk_->writes_that_work = writes_that_work;
    disk_->syncs_that_work = syncs_that_work;
    const auto done = fill(512 * 20);
    disk_->writes_that_work = disk_->syncs_that_work = std::numeric_limits<std::size_t>::max();
    ASSERT_FALSE(done);
    const std::string said = done.error().error.message();
    const MemoryDisk::Write mirror = mirror_of(*disk_);
    std::ranges::copy(mirror.data, disk_->bytes.begin() + static_cast<std::ptrdiff_t>(mirror.offset));
    const bool clean = (*volume::HostVolume::open(*disk_))->state()->clean();
    EXPECT_THAT(said, HasSubstr("the disk"));
    const bool changed = disk_->bytes != image;
    EXPECT_TRUE(!changed || (said.contains("chkdsk /f") && said.contains("ntfsfix"))) << said;
    EXPECT_TRUE(!clean || !said.contains("is left marked dirty")) << said;
    EXPECT_TRUE(!clean || !changed || said.contains("may be marked")) << said;
    clean_and_in_doubt = clean_and_in_doubt || clean;
    EXPECT_TRUE(contents_of(*disk_).value() == contents_);
  };
  const std::size_t all = std::numeric_limits<std::size_t>::max();
  for (std::size_t n = 0; n < writes; ++n) try_with(n, all);
  for (std::size_t n = 0; n < syncs; ++n) try_with(all, n);
  EXPECT_TRUE(clean_and_in_doubt);
}

TEST_F(NtfsFillOfAKind, ItsBaseRecordIsWrittenOnceAStepAndOnceAtTheEnd) {
  make({.pieces = 700, .piece = 512, .links = 3});
  if (IsSkipped()) return;
  std::uint64_t base = 0;
  with_volume([&](NtfsWriteVolume& volume, std::uint64_t number) {
    base = static_cast<std::uint64_t>(volume.get()->mft_lcn) * volume.cluster() + number * volume.record_size();
  });
  disk_->recording = true;
  ASSERT_TRUE(fill(512 * 140));
  EXPECT_EQ(std::ranges::count(disk_->writes, base, &MemoryDisk::Write::offset), 700 / 140 + 1);
}

// Small files, before "disk.vhd" and after it some of them gone: what is free of the MFT lies before the file and, of
// what has clusters and was never used, behind it. The library takes the latter first.
TEST_F(NtfsFillOfAKind, TheMftGrowsInOrder) {
  auto image = test::make_ntfs(32 * kMiB, 512);
  if (!image) GTEST_SKIP() << "mkntfs is not installed";
  disk_.emplace(std::move(*image));
  const auto with_root = [&](const auto& change) {
    with_open_volume([&](NtfsWriteVolume& volume) {
      const volume::InodePtr root(ntfs_inode_open(volume.get(), FILE_root));
      ASSERT_TRUE(root);
      change(volume, root.get());
    });
  };
  const auto name_of = [](int number) { return *to_utf16(concat("small ", number)); };
  with_root([&](NtfsWriteVolume&, ntfs_inode* root) {
    for (int i = 0; i < 300; ++i) {
      const std::u16string name = name_of(i);
      const volume::InodePtr file(ntfs_create(root, 0, test::as_ntfs(name), static_cast<u8>(name.size()), S_IFREG));
      ASSERT_TRUE(file);
    }
  });
  const SparseSpec spec{.pieces = 400, .piece = 512};
  ASSERT_TRUE(test::add_sparse_file(*disk_, spec));
  contents_ = test::contents_of(spec);
  with_open_volume([&](NtfsWriteVolume& volume) {
    for (int i = 0; i < 200; ++i) {
      const std::u16string name = name_of(i);
      ntfs_inode* root = ntfs_inode_open(volume.get(), FILE_root);
      const auto reference = ntfs_inode_lookup_by_name(root, test::as_ntfs(name), static_cast<int>(name.size()));
      ntfs_inode* file = ntfs_inode_open(volume.get(), MREF(reference));
      ASSERT_NE(file, nullptr);
      ASSERT_EQ(ntfs_delete(volume.get(), nullptr, file, root, test::as_ntfs(name), static_cast<u8>(name.size())), 0);
    }
  });
  std::uint64_t first_record = 0;
  with_open_volume([&](NtfsWriteVolume& volume) {
    first_record = static_cast<std::uint64_t>(volume.get()->mft_lcn) * volume.cluster();
  });
  disk_->recording = true;
  ASSERT_TRUE(fill());
  disk_->recording = false;
  expect_clean_and_readable();
  std::size_t longer = 0;
  for (std::size_t i = 1; i < disk_->writes.size(); ++i) {
    if (disk_->writes[i].offset != first_record) continue;
    ++longer;
    EXPECT_GT(disk_->writes[i].syncs, disk_->writes[i - 1].syncs) << "what it refers to is not on the disk";
  }
  EXPECT_GT(longer, 0U);
}

// --- power
// ------------------------------------------------------------------------------------------------------------

/// Writes into the image and takes it back.
class Undo {
 public:
  explicit Undo(MemoryDisk& disk) : disk_(disk) {}
  Undo(const Undo&) = delete;
  Undo& operator=(const Undo&) = delete;
  ~Undo() {
    for (auto had = had_.rbegin(); had != had_.rend(); ++had)
      std::ranges::copy(had->data, disk_.bytes.begin() + static_cast<std::ptrdiff_t>(had->offset));
  }
  void write(const MemoryDisk::Write& write, std::size_t length) {
    const auto at = disk_.bytes.begin() + static_cast<std::ptrdiff_t>(write.offset);
    had_.push_back({write.offset, {at, at + static_cast<std::ptrdiff_t>(length)}, 0});
    std::copy_n(write.data.begin(), length, at);
  }

 private:
  MemoryDisk& disk_;
  std::vector<MemoryDisk::Write> had_;
};

void mend_mirror(const MemoryDisk& disk, Undo& undo) {
  const MemoryDisk::Write write = mirror_of(disk);
  undo.write(write, write.data.size());
}

// What has an update sequence is assumed to be written whole, see ntfs_switch.h.
bool is_guarded(const MemoryDisk::Write& write) {
  const std::string_view magic = as_text(Bytes(write.data).first(std::min<std::size_t>(4, write.data.size())));
  return magic == "FILE" || magic == "INDX";
}

class NtfsPowerLoss : public NtfsFillTest {
 protected:
  void expect_as_it_was(const std::string& when) {
    SCOPED_TRACE(when);
    const auto read = contents_of(*disk_);
    ASSERT_TRUE(read) << read.error().message();
    ASSERT_TRUE(*read == contents_);
    ASSERT_EQ(check_volume(*disk_).damage, "");
  }
};

TEST_P(NtfsPowerLoss, AtAnyMomentTheFileReadsAsItDid) {
  const std::vector<std::byte> image = disk_->bytes;
  disk_->recording = true;
  ASSERT_TRUE(fill());
  disk_->recording = false;
  disk_->bytes = image;
  const std::vector<MemoryDisk::Write> writes = std::move(disk_->writes);
  std::mt19937 chance(1);
  std::size_t durable = 0;  // writes before it are on the disk for certain
  for (std::size_t n = 0; n < writes.size() && !HasFatalFailure(); ++n) {
    if (n > 0 && writes[n].syncs != writes[n - 1].syncs) {
      for (; durable < n; ++durable)
        std::ranges::copy(writes[durable].data,
                          disk_->bytes.begin() + static_cast<std::ptrdiff_t>(writes[durable].offset));
    }
    {
      Undo undo(*disk_);
      for (std::size_t i = durable; i < n; ++i) undo.write(writes[i], writes[i].data.size());
      if (!is_guarded(writes[n])) undo.write(writes[n], chance() % (writes[n].data.size() / 512 + 1) * 512);
      mend_mirror(*disk_, undo);
      expect_as_it_was(concat("after write ", n, " of ", writes.size()));
    }
    Undo undo(*disk_);
    for (std::size_t i = durable; i <= n; ++i)
      if (chance() % 2 == 0) undo.write(writes[i], writes[i].data.size());
    mend_mirror(*disk_, undo);
    expect_as_it_was(concat("with some of writes ", durable, " to ", n, " of ", writes.size()));
  }
  // And all that was recorded is what a run does.
  for (; durable < writes.size(); ++durable)
    std::ranges::copy(writes[durable].data, disk_->bytes.begin() + static_cast<std::ptrdiff_t>(writes[durable].offset));
  expect_filled();
}

INSTANTIATE_TEST_SUITE_P(All, NtfsPowerLoss, ::testing::ValuesIn(scenarios()), scenario_name);

// --- a great many
// -----------------------------------------------------------------------------------------------------

class NtfsManyPieces : public NtfsFillTest {};

TEST_P(NtfsManyPieces, AreFilled) {
  const auto filled = fill();
  ASSERT_TRUE(filled) << filled.error().error.message();
  expect_filled();
}

TEST_P(NtfsManyPieces, MoreThanAListCanTellAreRefusedWithNothingWritten) {
  NtfsWriteVolume volume(*disk_);
  ASSERT_TRUE(volume.begin());
  const std::uint64_t number = volume.find(kPath).value();
  NtfsMap target = read_ntfs_map(volume, number).value();
  target.runs.clear();
  for (std::int64_t i = 0; i < 2'000'000; ++i) append_run(target.runs, (i % 2 + 1) * 1'000'000'000 + i * 2, 1);
  disk_->recording = true;
  const auto change = NtfsSwitch::prepare(volume, number, target);
  ASSERT_FALSE(change);
  EXPECT_EQ(change.error().code, Code::Unsupported);
  EXPECT_THAT(change.error().message(), HasSubstr("more pieces than NTFS"));
  EXPECT_TRUE(disk_->writes.empty());
  ASSERT_TRUE(volume.finish());
}

INSTANTIATE_TEST_SUITE_P(
    All, NtfsManyPieces,
    ::testing::Values(
        Scenario{.name = "of_3000", .file = {.pieces = 3000, .piece = 1024}, .volume = 24 * kMiB},
        Scenario{.name = "of_10000", .file = {.pieces = 10'000, .piece = 512}, .volume = 32 * kMiB, .step = 2 * kMiB}),
    scenario_name);

}  // namespace
}  // namespace vhdboot::tool
