// SPDX-License-Identifier: GPL-2.0-or-later
// Stage 2 looks for what stage 1 chose, on the same machine as another kernel sees it.
#include "init/stage/find_again.h"

#include <gmock/gmock.h>

#include "tests/unit/base/error_matchers.h"
#include "tests/unit/stage/fake_devices.h"
#include "tests/unit/vhd/chain_images.h"

namespace vhdboot::stage {
namespace {

using namespace std::chrono_literals;
using test::Fails;
using test::FakeDevices;

test::FakeVolume data() {
  return test::make_exfat(0x1234ABCD, u"DATA", {{"/boot/debian.img", test::image_bytes()}});
}

// The same volume, the image rewritten: it lies elsewhere now.
test::FakeVolume moved() {
  return test::make_exfat(0x1234ABCD, u"DATA",
                          {{"/boot/other", std::string(8192, 'x')}, {"/boot/debian.img", test::image_bytes()}});
}

constexpr std::string_view kPlace = "root:0.0 pci:31.2 ata:0.0.0";

class FindAgain : public testing::Test {
 protected:
  // What stage 1 said of data() on the partition 11111111-02.
  static record::Handoff handoff() {
    FakeDevices before;
    auto& disk = before.plug("sda2", data().bytes);
    disk.content.identity.partuuid = "11111111-02";
    disk.hardware = {.chain = {}, .places = {test::place(kPlace)}, .wwid = "wwid=naa.1"};
    HostVolumes volumes(before);
    const auto image =
        examine_image(volumes.all().front(), *volume::parse_path("/boot/debian.img"), Writes::Kept).value();
    return {.files = {{.path = image.path.text(),
                       .kind = volume::Kind::Exfat,
                       .serial = image.volume->identity.uuid,
                       .partuuid = image.volume->identity.partuuid,
                       .places = image.volume->hardware.places,
                       .wwid = image.volume->hardware.wwid,
                       .size = image.layout.size,
                       .extents = image.layout.extents}},
            .payload_size = image.info().size,
            .view = blocks::checksum(image.view),
            .wait_seconds = 20};
  }

  test::FakeDisk& plug(const std::string& name, const test::FakeVolume& volume,
                       const std::string& partuuid = "11111111-02") {
    auto& disk = devices.plug(name, volume.bytes);
    disk.content.identity.partuuid = partuuid;
    disk.hardware.places = {test::place(kPlace)};
    return disk;
  }

  Result<FoundImage> find() {
    volumes.emplace(devices);
    return find_same_image(TRY(find_volumes(*volumes, handoff(), report)), handoff());
  }

  FakeDevices devices;
  std::optional<HostVolumes> volumes;
  std::vector<std::string> warnings;
  sys::Reporter report{warnings};
};

TEST_F(FindAgain, UnderAnotherName) {
  plug("sda2", test::make_exfat(0x5555AAAA, u"OTHER", {{"/readme.txt", "."}}), "55555555-02");
  devices.at(3s, [&] { plug("sdb2", data()); });
  const auto image = find();
  ASSERT_TRUE(image) << image.error().message();
  EXPECT_EQ(image->volume->device.name, "sdb2");
  EXPECT_EQ(image->layout.extents, handoff().files.front().extents);
  EXPECT_EQ(devices.elapsed(), 3s);
}

TEST_F(FindAgain, ADiskThatItsHubResetsMeanwhile) {
  plug("sda2", data()).open_error = ENXIO;
  devices.at(1s, [&] { devices.unplug("sda2"); });
  devices.at(2s, [&] { plug("sdb2", data()); });
  const auto image = find();
  ASSERT_TRUE(image) << image.error().message();
  EXPECT_EQ(image->volume->device.name, "sdb2");
}

TEST_F(FindAgain, AnotherPartitionWithThatSerialIsNotMeant) {
  plug("sda2", data(), "77777777-02");
  devices.at(1s, [&] { plug("sdb2", data()); });
  const auto image = find();
  ASSERT_TRUE(image) << image.error().message();
  EXPECT_EQ(image->volume->device.name, "sdb2");
}

TEST_F(FindAgain, ADiskAndItsCloneAreRefused) {
  plug("sda2", data());
  plug("sdb2", data());
  EXPECT_THAT(find(), Fails(Code::Unsafe,
                            "/dev/sda2 (exFAT \"DATA\") and /dev/sdb2 (exFAT \"DATA\") have the same "
                            "identity (1234-ABCD): one is a copy of the other"));
}

TEST_F(FindAgain, OfADiskAndItsCloneTheOneAtTheSamePlace) {
  plug("sda2", data()).hardware.places = {test::place("root:0.0 pci:20.0 usb:1.5.480")};
  devices.at(3s, [&] { plug("sdb2", data()); });
  const auto image = find();
  ASSERT_TRUE(image) << image.error().message();
  EXPECT_EQ(image->volume->device.name, "sdb2");
  EXPECT_EQ(devices.elapsed(), 3s);
}

TEST_F(FindAgain, OnlyTheCloneIsSeen) {
  plug("sda2", data()).hardware.places = {test::place("root:0.0 pci:20.0 usb:1.5.480")};
  EXPECT_THAT(find(), Fails(Code::Unsafe,
                            "its disk hangs at root:0.0 pci:31.2 ata:0.0.0, but /dev/sda2 (exFAT \"DATA\") of the same "
                            "identity hangs elsewhere: it may be a copy, and is not used"));
}

TEST_F(FindAgain, AKernelThatDoesNotSayWhereDisksHangSeesAllOfThemFirst) {
  plug("sda2", data()).hardware.places.clear();
  ASSERT_TRUE(find());
  EXPECT_EQ(devices.elapsed(), 2s);
  devices.at(3s, [&] { plug("sdb2", data()).hardware.places.clear(); });
  EXPECT_THAT(find(), Fails(Code::Unsafe, "have the same identity"));
}

TEST_F(FindAgain, TheMakersNameTellsTwoDisksApart) {
  plug("sda2", data()).hardware.wwid = "wwid=naa.2";
  devices.at(1s, [&] { plug("sdb2", data()).hardware.wwid = "wwid=naa.1"; });
  const auto image = find();
  ASSERT_TRUE(image) << image.error().message();
  EXPECT_EQ(image->volume->device.name, "sdb2");
}

// The guest's kernel is older or newer than ours, and takes another of the disk's names.
TEST_F(FindAgain, ANameOfAnotherKindIsNoOtherDisk) {
  plug("sda2", data()).hardware.wwid = "wwid=nvme.8086-41";
  const auto image = find();
  ASSERT_TRUE(image) << image.error().message();
  EXPECT_EQ(devices.elapsed(), 0s);
}

TEST_F(FindAgain, TheDiskWasExchanged) {
  plug("sda2", data()).hardware.wwid = "wwid=naa.2";
  EXPECT_THAT(find(), Fails(Code::Unsafe,
                            "/dev/sda2 (exFAT \"DATA\") of the same identity calls itself wwid=naa.2 and "
                            "not wwid=naa.1: it may be a copy, and is not used"));
}

TEST_F(FindAgain, NoDriver) {
  plug("sda2", data(), "77777777-02");
  EXPECT_THAT(find(), Fails(Code::NotFound,
                            "the volume 1234-ABCD with the image did not appear within 20 seconds: the "
                            "guest's kernel has no driver for its disk, or the disk was unplugged; "
                            "looked at /dev/sda2 (exFAT \"DATA\")"));
  EXPECT_EQ(devices.elapsed(), 20s);
}

TEST_F(FindAgain, ADiskThatFailsIsNotAMissingDriver) {
  plug("sda2", data()).bad = {{0, 512}};
  EXPECT_THAT(find(), Fails(Code::Io,
                            "did not appear within 20 seconds: it may be on a disk that cannot be read: "
                            "/dev/sda2: reading the boot sector"));
}

TEST_F(FindAgain, TheImageHasMoved) {
  plug("sda2", moved());
  EXPECT_FALSE(find());
  EXPECT_EQ(find().error().code, Code::Unsafe);
}

TEST_F(FindAgain, UnpluggedBetweenFindingAndExamining) {
  plug("sda2", data());
  volumes.emplace(devices);
  const VolumesAgain again = find_volumes(*volumes, handoff(), report).value();
  devices.unplug("sda2");
  EXPECT_THAT(find_same_image(again, handoff()), Fails(Code::Io, "/boot/debian.img on /dev/sda2"));
}

TEST_F(FindAgain, AReadErrorOnTheWayToTheImage) {
  const auto volume = data();
  plug("sda2", volume).bad = {{volume.folders.at("/boot"), 512}};
  EXPECT_THAT(find(), Fails(Code::Io, "/boot/debian.img on /dev/sda2"));
}

// --- an image with a parent

std::string text_of(const test::SparseFile& file) {
  return std::string(as_text(file.bytes(0, static_cast<std::size_t>(file.size()))));
}

// A child of 64 KiB whose block 1 is in it, and its parent. `held`: sectors of the block.
test::FakeVolume chain(const test::Held& held = {}, const std::string& base_name = "base.vhd", char fill = 'b') {
  test::ImageSpec spec{.disk = 64 * kKiB, .block = 8192, .id = test::kDiskUuid, .parent = test::kParentUuid};
  spec.path = base_name;
  spec.blocks = {{1, held}};
  const auto footer = vhd::make_fixed_footer(spec.disk, test::kParentUuid, vhd::kVhdEpoch).value();
  const std::string base = std::string(spec.disk, fill) + std::string(as_text(vhd::serialise(footer)));
  return test::make_exfat(0x1234ABCD, u"DATA",
                          {{"/vm/debian.vhd", text_of(test::vhd_of(spec, 8192))}, {"/vm/" + base_name, base}});
}

class FindChainAgain : public FindAgain {
 protected:
  static record::Handoff chain_handoff() {
    FakeDevices before;
    before.plug("sda2", chain().bytes);
    HostVolumes volumes(before);
    const auto image =
        examine_image(volumes.all().front(), *volume::parse_path("/vm/debian.vhd"), Writes::Kept).value();
    record::Handoff handoff{
        .files = {}, .payload_size = image.info().size, .view = blocks::checksum(image.view), .wait_seconds = 20};
    const auto add = [&](const volume::Path& path, const volume::FileLayout& layout) {
      handoff.files.push_back({.path = path.text(),
                               .kind = volume::Kind::Exfat,
                               .serial = image.volume->identity.uuid,
                               .size = layout.size,
                               .extents = layout.extents});
    };
    add(image.path, image.layout);
    for (const FoundParent& parent : image.parents) add(parent.path, parent.layout);
    return handoff;
  }

  // On a machine with that volume now.
  Result<FoundImage> find_in(const test::FakeVolume& volume, const record::Handoff& then = chain_handoff()) {
    FakeDevices now;
    now.plug("sda2", volume.bytes);
    HostVolumes found(now);
    auto image = find_same_image({.image = &found.all().front()}, then);
    if (image) parents = image->parents.size();
    return image;
  }

  std::size_t parents = 0;
};

TEST_F(FindChainAgain, AsItWas) {
  EXPECT_TRUE(find_in(chain()));
  EXPECT_EQ(parents, 1U);
  EXPECT_TRUE(find_in(chain({}, "base.vhd", 'x'))) << "what is in it is not compared";
}

TEST_F(FindChainAgain, ABlockHasOtherSectorsNow) {
  EXPECT_THAT(
      find_in(chain([](std::uint64_t sector) { return sector != 3; })),
      Fails(Code::Unsafe, "/vm/debian.vhd is not the image that stage 1 saw, its disk is made of other pieces now"));
}

TEST_F(FindChainAgain, AnotherParent) {
  EXPECT_THAT(find_in(chain({}, "copy.vhd")),
              Fails(Code::Unsafe, "its parent was /vm/base.vhd and is /vm/copy.vhd now"));
  record::Handoff moved = chain_handoff();
  moved.files.back().extents.front().physical += 4096;
  EXPECT_THAT(find_in(chain(), moved), Fails(Code::Unsafe, "/vm/base.vhd is not where stage 1 found it"));
  record::Handoff other = chain_handoff();
  other.files.back().serial = "5555-AAAA";
  EXPECT_THAT(find_in(chain(), other), Fails(Code::Unsafe, "its parent was /vm/base.vhd"));
}

TEST_F(FindChainAgain, AnotherNumberOfFiles) {
  record::Handoff more = chain_handoff();
  more.files.push_back(more.files.back());
  EXPECT_THAT(find_in(chain(), more), Fails(Code::Unsafe, "it was made of 3 files and is made of 2 now"));
}

// --- an image whose parent is on another volume

class FindParentsAgain : public testing::Test {
 protected:
  static std::string base() {
    const auto footer = vhd::make_fixed_footer(64 * kKiB, test::kParentUuid, vhd::kVhdEpoch).value();
    return std::string(64 * kKiB, 'b') + std::string(as_text(vhd::serialise(footer)));
  }
  static std::shared_ptr<const test::SparseImage> child(std::initializer_list<test::FakeFile> more = {}) {
    test::ImageSpec spec{.disk = 64 * kKiB, .block = 8192, .id = test::kDiskUuid, .parent = test::kParentUuid};
    spec.path = "D:\\old\\base.vhd";
    spec.blocks = {{1, {}}};
    test::ExfatImage image({.label = u"DATA", .serial = 0x1234ABCD});
    image.add_file("/vm/debian.vhd", as_bytes(text_of(test::vhd_of(spec, 8192))));
    for (const test::FakeFile& file : more) image.add_file(file.path, as_bytes(file.contents));
    return std::make_shared<test::SparseImage>(image.finish());
  }
  static std::shared_ptr<const test::SparseImage> parents(std::initializer_list<test::FakeFile> more = {}) {
    test::ExfatImage image({.label = u"BASES", .serial = 0x5555AAAA});
    for (const test::FakeFile& file : more) image.add_file(file.path, as_bytes(file.contents));
    image.add_file("/old/base.vhd", as_bytes(base()));
    return std::make_shared<test::SparseImage>(image.finish());
  }

  static record::Handoff handoff() {
    FakeDevices before;
    before.plug("sda2", child());
    before.plug("sdb1", parents()).hardware.places = {test::place(kPlace)};
    HostVolumes volumes(before);
    HostVolume& other = volumes.all().back();
    const auto image =
        examine_image(volumes.all().front(), *volume::parse_path("/vm/debian.vhd"), Writes::Kept, ParentVolume(&other))
            .value();
    const FoundParent& parent = image.parents.front();
    return {.files = {{.path = image.path.text(),
                       .kind = volume::Kind::Exfat,
                       .serial = image.volume->identity.uuid,
                       .size = image.layout.size,
                       .extents = image.layout.extents},
                      {.path = parent.path.text(),
                       .kind = volume::Kind::Exfat,
                       .serial = parent.volume->identity.uuid,
                       .places = parent.volume->hardware.places,
                       .size = parent.layout.size,
                       .extents = parent.layout.extents}},
            .payload_size = image.info().size,
            .view = blocks::checksum(image.view),
            .wait_seconds = 20};
  }

  Result<FoundImage> find() {
    volumes.emplace(devices);
    return find_same_image(TRY(find_volumes(*volumes, handoff(), report)), handoff());
  }
  void plug_parents(const std::string& name, std::string_view where = kPlace) {
    devices.plug(name, parents()).hardware.places = {test::place(where)};
  }

  FakeDevices devices;
  std::optional<HostVolumes> volumes;
  std::vector<std::string> warnings;
  sys::Reporter report{warnings};
};

TEST_F(FindParentsAgain, WhenTheirDiskAppears) {
  devices.plug("sdc2", child());
  devices.at(3s, [&] { plug_parents("sdd1"); });
  const auto image = find();
  ASSERT_TRUE(image) << image.error().message();
  EXPECT_EQ(image->volume->device.name, "sdc2");
  EXPECT_EQ(image->other_volume()->device.name, "sdd1");
  EXPECT_EQ(devices.elapsed(), 3s);
}

TEST_F(FindParentsAgain, TheirDiskIsMissing) {
  devices.plug("sdc2", child());
  EXPECT_THAT(find(),
              Fails(Code::NotFound,
                    "the volume 5555-AAAA with the parents of the image did not appear within 20 seconds: the "
                    "guest's kernel has no driver for its disk, or the disk was unplugged; looked at /dev/sdc2"));
  EXPECT_EQ(devices.elapsed(), 20s);
}

TEST_F(FindParentsAgain, TheirDiskAndItsClone) {
  devices.plug("sdc2", child());
  plug_parents("sdd1", "root:0.0 pci:20.0 usb:1.5.480");
  EXPECT_THAT(find(), Fails(Code::Unsafe, "of the same identity hangs elsewhere: it may be a copy, and is not used"));
  plug_parents("sde1");
  EXPECT_TRUE(find());
  plug_parents("sdf1");
  EXPECT_THAT(find(), Fails(Code::Unsafe, "/dev/sde1 (exFAT \"BASES\") and /dev/sdf1 (exFAT \"BASES\") have the same"));
}

TEST_F(FindParentsAgain, TheyHaveMoved) {
  devices.plug("sdc2", child());
  devices.plug("sdd1", parents({{"/old/other", std::string(8192, 'x')}})).hardware.places = {test::place(kPlace)};
  EXPECT_THAT(find(), Fails(Code::Unsafe, ""));
}

TEST_F(FindParentsAgain, SomebodyHasPutACopyBesideTheChild) {
  devices.plug("sdc2", child({{"/vm/base.vhd", base()}}));
  plug_parents("sdd1");
  EXPECT_THAT(find(), Fails(Code::Unsafe, "its parent was /old/base.vhd and is /vm/base.vhd now"));
}

}  // namespace
}  // namespace vhdboot::stage
