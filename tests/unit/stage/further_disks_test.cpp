// SPDX-License-Identifier: GPL-2.0-or-later
#include "init/stage/further_disks.h"

#include <gmock/gmock.h>

#include "init/blocks/host_device.h"
#include "init/stage/find_again.h"
#include "tests/unit/base/error_matchers.h"
#include "tests/unit/stage/fake_devices.h"
#include "tests/unit/vhd/chain_images.h"

namespace vhdboot::stage {
namespace {

using test::Fails;
using test::FakeDevices;
using testing::ElementsAre;
using testing::SizeIs;

std::string text_of(const test::SparseFile& file) {
  return std::string(as_text(file.bytes(0, static_cast<std::size_t>(file.size()))));
}

// A dynamic VHD of 16 KiB with these of its four blocks; with a parent a differencing one of that name.
std::string growing(const std::vector<std::uint64_t>& blocks, const std::string& parent = "") {
  test::ImageSpec spec{.disk = 16384, .block = 4096, .id = test::kDiskUuid, .path = parent};
  if (!parent.empty()) spec.parent = test::kParentUuid;
  for (const std::uint64_t block : blocks) spec.blocks[block] = {};
  return text_of(test::vhd_of(spec, 8192));
}

std::string fixed() {
  const auto footer = vhd::make_fixed_footer(16384, test::kParentUuid, vhd::kVhdEpoch).value();
  return test::image_bytes() + std::string(as_text(vhd::serialise(footer)));
}

test::FakeVolume volume() {
  return test::make_exfat(0x1234ABCD, u"DATA",
                          {{"/vm/debian.img", test::image_bytes()},
                           {"/vm/data.img", test::image_bytes()},
                           {"/vm/whole.vhd", growing({0, 1, 2, 3})},
                           {"/vm/holes.vhd", growing({0, 2})},
                           {"/vm/child.vhd", growing({1}, "..\\base\\base.vhd")},
                           {"/other/child.vhd", growing({2}, "..\\base\\base.vhd")},
                           {"/other/own.vhd", growing({0, 1, 2, 3}, "..\\base\\base.vhd")},
                           {"/base/base.vhd", fixed()},
                           {"/Disks/More.img", test::image_bytes()},
                           {"/scratch.img", std::string(8192, '\0')},
                           {"/short.img", std::string(100, 'x')}});
}

class FurtherDisk : public testing::Test {
 protected:
  FurtherDisk() { devices.plug("sda1", volume().bytes); }

  // The image /vm/debian.img as those lines configure it.
  Result<FoundImage> with(const std::string& conf, const std::string& image = "/vm/debian.img") {
    volumes.emplace(devices);
    const record::Config config = record::parse_config(conf, "debian.conf")->config;
    auto found = TRY(examine_image(volumes->all().front(), *volume::parse_path(image), writes_of(config)));
    return with_other_files(std::move(found), config);
  }

  FakeDevices devices;
  std::optional<HostVolumes> volumes;
};

TEST_F(FurtherDisk, BesideTheImageOrByItsWholePath) {
  const auto alone = with("");
  const auto image = with("disk data.img\ndisk \\disks\\more.IMG\ndisk whole.vhd\n");
  ASSERT_TRUE(image) << image.error().message();
  ASSERT_THAT(image->further, SizeIs(3));
  EXPECT_EQ(image->further.front().path.text(), "/vm/data.img");
  EXPECT_EQ(std::next(image->further.begin())->path.text(), "/Disks/More.img");
  EXPECT_EQ(image->further.back().kind(), "dynamic VHD");
  EXPECT_EQ(checksum(image->view), checksum(alone->view));
}

// Whoever mounts the volume in the guest finds errors where a disk of the guest lies.
TEST_F(FurtherDisk, TheHostDeviceLeavesItOut) {
  const auto hidden = [](const FoundImage& image) {
    std::uint64_t sectors = 0;
    for (const blocks::Row& row : blocks::host_device_rows(image.view, 0).value())
      if (row.kind == blocks::RowKind::Error) sectors += row.length;
    return sectors;
  };
  const auto alone = with("");
  const auto image = with("disk data.img\n");
  ASSERT_TRUE(image) << image.error().message();
  EXPECT_EQ(hidden(*image), 2 * hidden(*alone));
}

TEST_F(FurtherDisk, HasAllOfItsBlocksToBeWrittenTo) {
  EXPECT_THAT(with("disk holes.vhd\n"),
              Fails(Code::Unsupported,
                    "the further disk /vm/holes.vhd: it is a dynamic VHD, and not all of its disk "
                    "lies in its file, so that it cannot be written to as a further disk: give it "
                    "all of its blocks with `vhdtool provision --full`"));
  EXPECT_THAT(with("disk child.vhd\n"), Fails(Code::Unsupported, "differencing VHD"));
  const auto read = with("disk holes.vhd\ndisk child.vhd\nephemeral 64M\n");
  ASSERT_TRUE(read) << read.error().message();
  EXPECT_THAT(modules_of({}, *read), ElementsAre("dm_mod", "dm_zero", "loop"));
}

TEST_F(FurtherDisk, OneWithAllOfThemIsWrittenInPlace) {
  const auto image = with("disk whole.vhd\n");
  ASSERT_TRUE(image) << image.error().message();
  EXPECT_THAT(modules_of({}, *image), ElementsAre("dm_mod", "loop"));
}

TEST_F(FurtherDisk, NoFileIsTwoDisks) {
  EXPECT_THAT(
      with("disk debian.img\n"),
      Fails(Code::Invalid, "the further disk /vm/debian.img: /vm/debian.img is of another disk of this guest already"));
  EXPECT_THAT(with("disk data.img\ndisk /VM/Data.img\n"), Fails(Code::Invalid, "/vm/data.img is of another disk"));
  EXPECT_THAT(with("disk /scratch.img\nephemeral /scratch.img\n"), Fails(Code::Invalid, "/scratch.img is of another"));
  EXPECT_THAT(with("disk /base/base.vhd\nephemeral yes\n", "/vm/child.vhd"),
              Fails(Code::Invalid, "/base/base.vhd is of another disk"));
  EXPECT_THAT(with("disk /other/own.vhd\n", "/base/base.vhd"), Fails(Code::Invalid, "/base/base.vhd is of another"));
  EXPECT_THAT(with("disk /other/child.vhd\nephemeral yes\n", "/vm/child.vhd"),
              Fails(Code::Invalid, "the further disk /other/child.vhd: /base/base.vhd is of another disk"));
}

TEST_F(FurtherDisk, BesideAnImageForWhatIsKept) {
  const std::string forgets = "ephemeral /scratch.img\npersist-paths /home\n";
  const auto image = with(forgets + "disk data.img\npersist /Disks/More.img\n");
  ASSERT_TRUE(image) << image.error().message();
  EXPECT_THAT(image->further, SizeIs(1));
  EXPECT_TRUE(image->persist);
  std::vector<std::string> names;
  for (const blocks::MappedFile& file : image->view.files) names.push_back(file.name);
  EXPECT_THAT(names, ElementsAre("", "/scratch.img", "/vm/data.img", "/Disks/More.img"));
  EXPECT_THAT(with(forgets + "disk data.img\npersist /VM/data.img\n"),
              Fails(Code::Invalid, "`persist`: /VM/data.img is a file of this guest already"));
  EXPECT_THAT(with(forgets + "disk child.vhd\npersist /base/base.vhd\n"),
              Fails(Code::Invalid, "`persist`: /base/base.vhd is a file of this guest already"));
}

TEST_F(FurtherDisk, OneThatIsNotThereSendsNobodyElsewhere) {
  EXPECT_THAT(with("disk gone.vhd\n"),
              Fails(Code::Unsupported, "the further disk /vm/gone.vhd: /vm/gone.vhd on /dev/sda1"));
  EXPECT_THAT(with("disk /vm\n"), Fails(Code::Unsupported, "the further disk /vm: "));
  EXPECT_FALSE(with("disk /short.img\n"));
}

TEST_F(FurtherDisk, OneWithTheKernelIsLastAndMayGrow) {
  const auto image = with("kernel holes.vhd\ndisk data.img\n");
  ASSERT_TRUE(image) << image.error().message();
  ASSERT_THAT(image->further, SizeIs(2));
  EXPECT_FALSE(image->further.front().has_kernel);
  EXPECT_TRUE(image->further.back().has_kernel);
  EXPECT_EQ(image->further.back().path.text(), "/vm/holes.vhd");
  EXPECT_THAT(with("kernel gone.vhd\n"), Fails(Code::Unsupported, "the image of `kernel`, /vm/gone.vhd: "));
  EXPECT_THAT(with("kernel debian.img\n"), Fails(Code::Invalid, "is of another disk of this guest already"));
}

// --- found again by stage 2

std::vector<record::HandoffFile> files_of(const FoundImage& image) {
  std::vector<record::HandoffFile> files;
  const auto add = [&](const volume::Path& path, const volume::FileLayout& layout) {
    files.push_back({.path = path.text(),
                     .kind = volume::Kind::Exfat,
                     .serial = image.volume->identity.uuid,
                     .size = layout.size,
                     .extents = layout.extents});
  };
  add(image.path, image.layout);
  for (const FoundParent& parent : image.parents) add(parent.path, parent.layout);
  return files;
}

record::Handoff handoff_of(const FoundImage& image) {
  const bool has_kernel_disk = !image.further.empty() && image.further.back().has_kernel;
  record::Handoff handoff{
      .files = files_of(image), .payload_size = image.info().size, .view = blocks::checksum(image.view)};
  for (const FoundImage& disk : image.further)
    handoff.disks.push_back(
        {.files = files_of(disk), .payload_size = disk.info().size, .view = blocks::checksum(disk.view)});
  handoff.has_kernel_disk = has_kernel_disk;
  return handoff;
}

class FurtherDiskAgain : public FurtherDisk {
 protected:
  Result<FoundImage> again(const record::Handoff& handoff) {
    return find_same_image({.image = &volumes->all().front()}, handoff);
  }
};

TEST_F(FurtherDiskAgain, AsItWas) {
  const auto image = with("disk whole.vhd\ndisk data.img\n");
  ASSERT_TRUE(image) << image.error().message();
  const auto found = again(handoff_of(*image));
  ASSERT_TRUE(found) << found.error().message();
  ASSERT_THAT(found->further, SizeIs(2));
  EXPECT_EQ(found->further.front().view.rows, image->further.front().view.rows);
}

TEST_F(FurtherDiskAgain, WithTheKernel) {
  const auto image = with("disk whole.vhd\nkernel holes.vhd\n");
  ASSERT_TRUE(image) << image.error().message();
  const auto found = again(handoff_of(*image));
  ASSERT_TRUE(found) << found.error().message();
  ASSERT_THAT(found->further, SizeIs(2));
  EXPECT_FALSE(found->further.front().has_kernel);
  EXPECT_TRUE(found->further.back().has_kernel);
}

TEST_F(FurtherDiskAgain, AnythingElseIsRefused) {
  const auto image = with("disk whole.vhd\n");
  ASSERT_TRUE(image) << image.error().message();
  const record::Handoff handoff = handoff_of(*image);
  const auto changed = [&](const std::function<void(record::HandoffDisk&)>& change) {
    record::Handoff other = handoff;
    change(other.disks.front());
    return again(other);
  };
  EXPECT_THAT(changed([](auto& disk) { disk.files.front().extents.front().physical += 4096; }),
              Fails(Code::Unsafe, "/vm/whole.vhd is not where stage 1 found it"));
  EXPECT_THAT(changed([](auto& disk) { disk.view ^= 1; }), Fails(Code::Unsafe, "its disk is made of other pieces now"));
  EXPECT_THAT(changed([](auto& disk) { disk.files.push_back(disk.files.front()); }),
              Fails(Code::Unsafe, "it was made of 2 files and is made of 1 now"));
  EXPECT_THAT(changed([](auto& disk) { disk.guest_block = 4096; }),
              Fails(Code::Unsafe, "/vm/whole.vhd has other logical blocks now"));
  EXPECT_THAT(changed([](auto& disk) { disk.files.front().serial = "5555-AAAA"; }),
              Fails(Code::Unsafe, "/vm/whole.vhd was on another volume, 5555-AAAA"));
  EXPECT_THAT(changed([](auto& disk) { disk.files.front().path = "/vm/debian.img"; }),
              Fails(Code::Invalid, "is of another disk of this guest already"));
  EXPECT_THAT(changed([](auto& disk) { disk.files.front().path = "/vm/holes.vhd"; }),
              Fails(Code::Unsupported, "it cannot be written to as a further disk"));
}

}  // namespace
}  // namespace vhdboot::stage
