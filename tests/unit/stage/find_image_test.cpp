// SPDX-License-Identifier: GPL-2.0-or-later
// Which image is booted, on a machine whose disks come, go and fail.
#include "init/stage/find_image.h"

#include <gmock/gmock.h>

#include "tests/support/ntfs_image.h"
#include "tests/unit/base/error_matchers.h"
#include "tests/unit/stage/fake_devices.h"
#include "tests/unit/vhd/chain_images.h"

namespace vhdboot::stage {
namespace {

using namespace std::chrono_literals;
using test::Fails;
using test::FakeDevices;
using test::image_bytes;

test::FakeVolume with_image(std::uint32_t serial, std::u16string label) {
  return test::make_exfat(serial, std::move(label), {{"/boot/debian.efi", "MZ"}, {"/boot/debian.img", image_bytes()}});
}

test::FakeVolume without_image(std::uint32_t serial = 0x5555AAAA) {
  return test::make_exfat(serial, u"OTHER", {{"/readme.txt", "."}});
}

class FindImage : public testing::Test {
 protected:
  // As stage 1 does it: from the origin to the image.
  Result<FoundImage> find(const record::Origin& origin) {
    volumes.emplace(devices);
    settings = TRY(read_settings(*volumes, {.origin = origin, .config = {}}, report));
    return find_image(*volumes, settings, report);
  }
  // From an ESP, with the image named by the load options.
  Result<FoundImage> find_named(const std::string& options) {
    return find({.partuuid = "99999999-01", .path = "/EFI/debian.efi", .options = options});
  }
  // Started from the volume 1234-ABCD.
  Result<FoundImage> find_beside(const std::string& options = "") {
    return find({.serial = "1234-ABCD", .path = "/boot/debian.efi", .options = options});
  }

  FakeDevices devices;
  std::optional<HostVolumes> volumes;
  Settings settings;
  std::vector<std::string> warnings;
  sys::Reporter report{warnings};
};

#define EXPECT_FOUND(result, where, what)                  \
  do {                                                     \
    const auto& result_ = (result);                        \
    ASSERT_TRUE(result_) << result_.error().message();     \
    EXPECT_EQ(result_->volume->device.path, where);        \
    EXPECT_EQ(result_->path.text(), what);                 \
    EXPECT_EQ(result_->info().size, image_bytes().size()); \
  } while (false)

TEST_F(FindImage, BesideTheEfiFile) {
  devices.plug("sda1", without_image().bytes);
  devices.plug("sda2", with_image(0x1234ABCD, u"DATA").bytes);
  EXPECT_FOUND(find_beside(), "/dev/sda2", "/boot/debian.img");
  EXPECT_EQ(devices.elapsed(), 0s);
}

TEST_F(FindImage, OnADiskThatAppearsAfterAllOthers) {
  devices.plug("sda1", without_image().bytes);
  devices.at(2s, [&] { devices.plug("sdb1", without_image(0x77777777).bytes); });
  devices.at(9s, [&] { devices.plug("sdc1", with_image(0x1234ABCD, u"DATA").bytes); });
  EXPECT_FOUND(find_beside(), "/dev/sdc1", "/boot/debian.img");
  EXPECT_EQ(devices.elapsed(), 9s);
}

TEST_F(FindImage, OnADiskWithoutAMediumAtFirst) {
  devices.plug("sda1", with_image(0x1234ABCD, u"DATA").bytes).open_error = ENOMEDIUM;
  devices.at(6s, [&] { devices.disk("sda1").open_error = 0; });
  EXPECT_FOUND(find_named("image=/boot/debian.img"), "/dev/sda1", "/boot/debian.img");
  EXPECT_EQ(devices.elapsed(), 8s);
}

TEST_F(FindImage, OnAnotherVolumeThanTheOrigin) {
  devices.plug("sda1", test::make_exfat(0x1234ABCD, u"STICK", {{"/boot/debian.efi", "MZ"}}).bytes);
  devices.at(4s, [&] { devices.plug("sdb1", with_image(0x2222BBBB, u"BIG").bytes); });
  EXPECT_FOUND(find_beside("image=/boot/debian.img volume=2222-BBBB"), "/dev/sdb1", "/boot/debian.img");
  EXPECT_EQ(devices.elapsed(), 4s);
}

TEST_F(FindImage, NoneBesideTheEfiFile) {
  devices.plug("sda1", test::make_exfat(0x1234ABCD, u"STICK", {{"/boot/debian.efi", "MZ"}}).bytes);
  devices.plug("sdb1", with_image(0x2222BBBB, u"BIG").bytes);  // by convention it is not looked for there
  EXPECT_THAT(find_beside(), Fails(Code::NotFound, "no image beside /boot/debian.efi on /dev/sda1 (exFAT \"STICK\")"));
}

TEST_F(FindImage, OnAWriteProtectedDisk) {
  devices.plug("sda1", with_image(0x1234ABCD, u"DATA").bytes).device.read_only = true;
  EXPECT_THAT(find_beside(), Fails(Code::Unsupported, "/dev/sda1 (exFAT \"DATA\") is write-protected"));
  EXPECT_TRUE(find_beside("ephemeral=yes")) << "nothing is written";
  EXPECT_THAT(find_beside("ephemeral=yes keep=3"), Fails(Code::Unsupported, "write-protected"));
}

TEST_F(FindImage, TheConfiguredTimePassesWhenNothingAppears) {
  EXPECT_THAT(find_named("image=/boot/debian.img wait=17"),
              Fails(Code::NotFound, "no image /boot/debian.img after 17 seconds; no NTFS or exFAT volume appeared"));
  EXPECT_EQ(devices.elapsed(), 17s);
}

TEST_F(FindImage, TheTimeIsNotSpentTwice) {
  devices.plug("sda1", without_image().bytes);
  EXPECT_THAT(find_beside("image=/boot/debian.img wait=17"),
              Fails(Code::NotFound, "after 17 seconds; looked at /dev/sda1 (exFAT \"OTHER\")"));
  EXPECT_EQ(devices.elapsed(), 17s);
}

TEST_F(FindImage, ANamedVolumeThatDoesNotAppear) {
  devices.plug("sda1", without_image().bytes);
  EXPECT_THAT(find_named("image=/boot/debian.img volume=2222-BBBB wait=5"),
              Fails(Code::NotFound, "no volume UUID=2222-BBBB after 5 seconds; looked at /dev/sda1 (exFAT \"OTHER\")"));
  EXPECT_EQ(devices.elapsed(), 5s);
}

TEST_F(FindImage, ANamedVolumeMayBeOnADiskThatFails) {
  devices.plug("sda1", without_image().bytes).bad = {{0, 512}};
  EXPECT_THAT(
      find_named("image=/boot/debian.img volume=2222-BBBB wait=5"),
      Fails(Code::Io, "no volume UUID=2222-BBBB after 5 seconds, and not all could be read: /dev/sda1: reading"));
}

TEST_F(FindImage, ALabelThatTwoVolumesCarry) {
  devices.plug("sda1", with_image(0x11111111, u"DATA").bytes);
  devices.at(1s, [&] { devices.plug("sdb1", without_image().bytes); });
  devices.at(2s, [&] { devices.plug("sdc1", with_image(0x33333333, u"DATA").bytes); });
  EXPECT_THAT(find_named("image=/boot/debian.img volume=LABEL=DATA"),
              Fails(Code::Invalid, "two volumes are LABEL=DATA: /dev/sda1 (exFAT \"DATA\") and /dev/sdc1"));
}

TEST_F(FindImage, ALabelOfADiskThatAppearsLateIsNoIdentityEither) {
  devices.at(5s, [&] { devices.plug("sda1", with_image(0x11111111, u"DATA").bytes); });
  devices.at(6s, [&] { devices.plug("sdb1", with_image(0x33333333, u"DATA").bytes); });
  EXPECT_THAT(find_named("image=/boot/debian.img volume=LABEL=DATA"),
              Fails(Code::Invalid, "two volumes are LABEL=DATA"));
}

TEST_F(FindImage, ALabelThatOneVolumeCarries) {
  devices.at(5s, [&] { devices.plug("sda1", with_image(0x11111111, u"DATA").bytes); });
  EXPECT_FOUND(find_named("image=/boot/debian.img volume=LABEL=DATA"), "/dev/sda1", "/boot/debian.img");
  EXPECT_EQ(devices.elapsed(), 7s);
}

TEST_F(FindImage, TheOnlyOneAmongAll) {
  devices.plug("sda1", without_image().bytes);
  devices.at(3s, [&] { devices.plug("sdb1", with_image(0x2222BBBB, u"BIG").bytes); });
  EXPECT_FOUND(find_named("image=/boot/debian.img"), "/dev/sdb1", "/boot/debian.img");
  EXPECT_EQ(devices.elapsed(), 5s);
}

TEST_F(FindImage, ACloneThatAppearsWhileDisksSettle) {
  const auto bytes = with_image(0x2222BBBB, u"BIG").bytes;
  devices.plug("sda1", bytes);
  devices.at(1500ms, [&] { devices.plug("sdb", test::other_disk()); });
  devices.at(3s, [&] { devices.plug("sdb1", bytes); });
  EXPECT_THAT(find_named("image=/boot/debian.img"),
              Fails(Code::Invalid, "two images match: /boot/debian.img on /dev/sda1 (exFAT \"BIG\") and on /dev/sdb1"));
  EXPECT_EQ(devices.elapsed(), 5s);
}

TEST_F(FindImage, AClonedVolumeThatIsNamed) {
  const auto bytes = with_image(0x2222BBBB, u"BIG").bytes;
  devices.plug("sda1", bytes);
  devices.plug("sdb1", bytes);
  EXPECT_THAT(find_named("image=/boot/debian.img volume=2222-BBBB"),
              Fails(Code::Invalid, "two volumes are UUID=2222-BBBB: /dev/sda1 (exFAT \"BIG\") and /dev/sdb1"));
}

TEST_F(FindImage, TheOneThatGoesWhileDisksSettleIsWaitedForAgain) {
  const auto bytes = with_image(0x2222BBBB, u"BIG").bytes;
  devices.plug("sda1", bytes);
  devices.at(1s, [&] { devices.unplug("sda1"); });
  devices.at(8s, [&] { devices.plug("sdb1", bytes); });
  devices.at(9s, [&] { devices.plug("sdc1", with_image(0x33333333, u"OLD").bytes); });
  EXPECT_THAT(find_named("image=/boot/debian.img"), Fails(Code::Invalid, "two images match"));
}

// An old copy elsewhere must not be booted because the one that is meant cannot be read.
TEST_F(FindImage, AReadErrorOnTheWayToTheImageIsNoAbsence) {
  const auto meant = with_image(0x1234ABCD, u"DATA");
  devices.plug("sda1", with_image(0x33333333, u"OLD").bytes);
  devices.plug("sdb1", meant.bytes).bad = {{meant.folders.at("/boot"), 512}};
  EXPECT_THAT(find_named("image=/boot/debian.img"),
              Fails(Code::Io,
                    "/boot/debian.img is on /dev/sda1 (exFAT \"OLD\"), but whether there is another one cannot "
                    "be told; say that it is meant with `volume` (3333-3333): /boot/debian.img on /dev/sdb1"));
  EXPECT_FOUND(find_named("image=/boot/debian.img volume=3333-3333"), "/dev/sda1", "/boot/debian.img");
}

TEST_F(FindImage, ADiskThatCannotBeReadMayHoldAnother) {
  devices.plug("sda1", with_image(0x33333333, u"OLD").bytes);
  auto& failing = devices.plug("sdb1", with_image(0x1234ABCD, u"DATA").bytes);
  failing.open_error = EIO;
  EXPECT_THAT(find_named("image=/boot/debian.img"), Fails(Code::Io, "/dev/sdb1: opening /dev/sdb1"));
  devices.at(10s, [&] { devices.unplug("sdb1"); });
  volumes->wait(devices.in(60s)).value();
  EXPECT_FOUND(find_image(*volumes, settings, report), "/dev/sda1", "/boot/debian.img");
}

TEST_F(FindImage, WhenTheOriginIsNotKnownADiskThatFailsIsAReasonToAsk) {
  devices.plug("sda1", with_image(0x33333333, u"OLD").bytes);
  devices.plug("sdb1", with_image(0x1234ABCD, u"DATA").bytes).open_error = EIO;
  EXPECT_THAT(find({.path = "/boot/debian.efi"}), Fails(Code::Io, "say that it is meant with `volume` (3333-3333)"));
  EXPECT_FOUND(find({.path = "/boot/debian.efi", .options = "volume=3333-3333"}), "/dev/sda1", "/boot/debian.img");
}

TEST_F(FindImage, OnlyADiskThatCannotBeRead) {
  devices.plug("sdb1", with_image(0x1234ABCD, u"DATA").bytes).open_error = EIO;
  EXPECT_THAT(find_named("image=/boot/debian.img"),
              Fails(Code::Io, "no image /boot/debian.img was found, and not all could be read: /dev/sdb1"));
}

// debian.vhd cannot be read: debian.img beside it is not taken instead.
TEST_F(FindImage, ADamagedImageDoesNotGiveWayToTheNextName) {
  const auto both = test::make_exfat(
      0x1234ABCD, u"DATA",
      {{"/boot/debian.efi", "MZ"}, {"/boot/debian.vhd", image_bytes()}, {"/boot/debian.img", image_bytes()}});
  auto damaged = std::make_shared<test::SparseImage>(both.bytes->copy());
  // The stream entry of debian.vhd, the second file of its folder: a first cluster beyond the volume.
  const std::uint64_t entry = both.folders.at("/boot") + 3 * 32 + 32;
  ASSERT_EQ(damaged->get<std::uint8_t>(entry), 0xC0);
  damaged->put<std::uint32_t>(entry + 20, 0x00FFFFFF);
  devices.plug("sda1", damaged);
  EXPECT_THAT(find_beside(), Fails(Code::Corrupt, "/boot/debian.vhd on /dev/sda1"));
}

// The second file of a folder lies where the first one does: who writes the one damages the other.
std::shared_ptr<test::SparseImage> with_shared_clusters(const test::FakeVolume& intact, std::string_view folder) {
  auto damaged = std::make_shared<test::SparseImage>(intact.bytes->copy());
  const std::uint64_t first = intact.folders.find(folder)->second + 32;
  const std::uint64_t second = first + 3 * 32;
  damaged->put<std::uint32_t>(second + 20, damaged->get<std::uint32_t>(first + 20));
  test::seal_set(*damaged, second - 32);
  return damaged;
}

TEST_F(FindImage, ItsClustersAreAnotherFilesToo) {
  const auto intact = with_image(0x1234ABCD, u"DATA");
  devices.plug("sda1", with_shared_clusters(intact, "/boot"));
  EXPECT_THAT(
      find_beside(),
      Fails(Code::Corrupt, "/dev/sda1 (exFAT \"DATA\"): /boot/debian.img: it shares clusters with \"debian.efi\""));
}

std::string vhd_bytes(bool saved_state = false) {
  vhd::Footer footer = vhd::make_fixed_footer(image_bytes().size(), test::kParentUuid, vhd::kVhdEpoch).value();
  footer.saved_state = saved_state;
  return image_bytes() + std::string(as_text(vhd::serialise(footer)));
}

std::string child_bytes(bool of_this_one) {
  const auto file = test::dynamic_vhd(of_this_one ? vhd::DiskType::Differencing : vhd::DiskType::Dynamic);
  return std::string(as_text(file.bytes(0, file.size())));
}

TEST_F(FindImage, AVirtualMachineWasSavedWithIt) {
  devices.plug("sda1",
               test::make_exfat(0x1234ABCD, u"DATA", {{"/debian.efi", "MZ"}, {"/debian.vhd", vhd_bytes(true)}}).bytes);
  EXPECT_THAT(find({.serial = "1234-ABCD", .path = "/debian.efi"}),
              Fails(Code::Unsafe, "a virtual machine was saved with debian.vhd"));
}

TEST_F(FindImage, OthersStandOnIt) {
  const auto find_beside_child = [&](const std::string& name, const std::string& contents) {
    devices.plug("sda1", test::make_exfat(0x1234ABCD, u"DATA",
                                          {{"/vm/debian.efi", "MZ"}, {"/vm/debian.vhd", vhd_bytes()}, {name, contents}})
                             .bytes);
    return find({.serial = "1234-ABCD", .path = "/vm/debian.efi"});
  };
  for (const char* name : {"/vm/child.vhd", "/vm/debian_1.AVHD"})
    EXPECT_THAT(find_beside_child(name, child_bytes(true)),
                Fails(Code::Unsafe, concat(name, " is a differencing image whose parent this is")));
  EXPECT_TRUE(find_beside_child("/child.vhd", child_bytes(true))) << "in another folder: cannot be told";
  EXPECT_TRUE(find_beside_child("/vm/child.bak", child_bytes(true)));
  EXPECT_TRUE(find_beside_child("/vm/other.vhd", child_bytes(false)));
  EXPECT_TRUE(find_beside_child("/vm/other.vhd", "no VHD"));
  EXPECT_TRUE(find_beside_child("/vm/other.vhd", child_bytes(true).substr(0, 700)));
}

// --- chains

std::string text_of(const test::SparseFile& file) {
  return std::string(as_text(file.bytes(0, static_cast<std::size_t>(file.size()))));
}

Guid id_of(unsigned number) {
  Guid id = test::kDiskUuid;
  id.bytes[0] = static_cast<std::byte>(number);
  return id;
}

// A differencing VHD of the disk that vhd_bytes() has, with one block of its own.
std::string child_of(const Guid& parent, const std::string& path, unsigned number, std::uint64_t block) {
  test::ImageSpec spec{.disk = 16384, .block = 4096, .id = id_of(number), .parent = parent, .path = path};
  spec.blocks = {{block, {}}};
  return text_of(test::vhd_of(spec, 8192));
}

// The disk as the view's rows show it, read from the partition.
std::vector<std::byte> by_rows(const FoundImage& image) {
  std::vector<std::byte> disk(static_cast<std::size_t>(image.view.size));
  for (const blocks::Row& row : image.view.rows) {
    if (row.kind != blocks::RowKind::Linear) continue;
    const auto part = MutableBytes(disk).subspan(static_cast<std::size_t>(row.start * 512),
                                                 static_cast<std::size_t>(row.length * 512));
    const HostVolume& volume = row.device == 0 ? *image.volume : *image.other_volume();
    EXPECT_TRUE(volume.source->read(row.device_sector * 512, part));
  }
  return disk;
}

TEST_F(FindImage, AChain) {
  std::string base = vhd_bytes();
  base.replace(4096, 4, "base");
  devices.plug("sda1", test::make_exfat(0x1234ABCD, u"DATA",
                                        {{"/vm/debian.efi", "MZ"},
                                         {"/vm/debian.vhd", child_of(id_of(2), "..\\old\\MIDDLE.vhd", 1, 3)},
                                         {"/old/middle.vhd", child_of(test::kParentUuid, "C:\\gone\\base.vhd", 2, 2)},
                                         {"/old/base.vhd", base}})
                           .bytes);
  const auto image = find({.serial = "1234-ABCD", .path = "/vm/debian.efi"});
  ASSERT_TRUE(image) << image.error().message();
  ASSERT_EQ(image->parents.size(), 2U);
  EXPECT_EQ(image->parents[0].path.text(), "/old/middle.vhd");
  EXPECT_EQ(image->parents[1].path.text(), "/old/base.vhd");
  EXPECT_EQ(image->kind(), "differencing VHD with 2 parents");
  EXPECT_EQ(image->view.size, 16384U);
  ASSERT_EQ(image->view.files.size(), 3U);
  EXPECT_EQ(image->view.files[2].extents, image->parents[1].layout.extents);
  std::vector<std::byte> read(16384);
  ASSERT_TRUE(image->disk->read(0, read));
  EXPECT_EQ(by_rows(*image), read);
  EXPECT_EQ(as_text(Bytes(read).subspan(4096, 4)), "base");
  EXPECT_EQ(Bytes(read).subspan(8192, 512)[8], std::byte{'a'});
}

TEST_F(FindImage, OthersStandOnAVhdx) {
  const auto find_beside_child = [&](const Guid& parent, const std::string& options) {
    test::ExfatImage builder({.clusters = 8192, .label = u"DATA", .serial = 0x1234ABCD});
    test::ImageSpec spec{.block = kMiB, .id = id_of(1)};
    for (std::uint64_t block = 0; block < 4; ++block) spec.blocks[block] = {};
    const test::ImageSpec child{.block = kMiB, .id = id_of(2), .parent = parent, .path = ".\\debian.vhdx"};
    builder.add_file("/boot/debian.efi", as_bytes("MZ"));
    builder.add_file("/boot/debian.vhdx", as_bytes(text_of(vhdx_of(spec))));
    builder.add_file("/boot/child.avhdx", as_bytes(text_of(vhdx_of(child))));
    devices.plug("sda1", std::make_shared<test::SparseImage>(builder.finish()));
    return find_beside(options);
  };
  const auto image = find_beside_child(id_of(7), "");
  ASSERT_TRUE(image) << image.error().message();
  EXPECT_EQ(image->path.text(), "/boot/debian.vhdx");
  EXPECT_THAT(find_beside_child(id_of(1), ""),
              Fails(Code::Unsafe, "/boot/child.avhdx is a differencing image whose parent this is"));
  EXPECT_TRUE(find_beside_child(id_of(1), "ephemeral=yes")) << "it is only read then";
}

TEST_F(FindImage, ParentsThatDoNotDo) {
  const auto found = [&](const std::string& child, const std::string& base) {
    devices.plug("sda1", test::make_exfat(0x1234ABCD, u"DATA",
                                          {{"/vm/debian.efi", "MZ"}, {"/vm/debian.vhd", child}, {"/vm/base.vhd", base}})
                             .bytes);
    return find({.serial = "1234-ABCD", .path = "/vm/debian.efi"});
  };
  const auto child = [](const std::string& path) { return child_of(test::kParentUuid, path, 1, 3); };
  EXPECT_TRUE(found(child("base.vhd"), vhd_bytes()));
  EXPECT_TRUE(found(child("..\\..\\elsewhere\\base.vhd"), vhd_bytes())) << "out of the volume: beside the child";
  EXPECT_THAT(found(child("other.vhd"), vhd_bytes()),
              Fails(Code::Corrupt,
                    "/vm/debian.vhd on /dev/sda1 (exFAT \"DATA\"): its parent image was not found: put it "
                    "beside this image (it is known as other.vhd"));
  EXPECT_THAT(found(child("debian.vhd"), vhd_bytes()),
              Fails(Code::Corrupt, "/vm/debian.vhd would be a parent of its own"));
  EXPECT_THAT(found(child_of(id_of(9), "base.vhd", 1, 3), vhd_bytes()),
              Fails(Code::Corrupt, "its parent /vm/base.vhd: it is another image"));
  EXPECT_THAT(found(child("base.vhd"), vhd_bytes(true)), Fails(Code::Unsafe, "was saved with base.vhd"));
  EXPECT_THAT(found(child("base.vhd"), image_bytes()), Fails(Code::Corrupt, "no VHD footer: run `raw2vhd base.vhd`"));
  // A parent with a child that is a parent of that one.
  EXPECT_THAT(found(child_of(id_of(2), "base.vhd", 1, 3), child_of(id_of(1), "debian.vhd", 2, 3)),
              Fails(Code::Corrupt, "/vm/debian.vhd would be a parent of its own"));
}

// --- parents on another volume

class ParentsElsewhere : public FindImage {
 protected:
  static std::shared_ptr<const test::SparseImage> child(const std::string& path = "D:\\old\\MIDDLE.vhd") {
    return test::make_exfat(0x1234ABCD, u"DATA",
                            {{"/vm/debian.efi", "MZ"}, {"/vm/debian.vhd", child_of(id_of(2), path, 1, 3)}})
        .bytes;
  }
  static std::string base() {
    std::string base = vhd_bytes();
    base.replace(4096, 4, "base");
    return base;
  }
  static test::FakeVolume bases(const std::string& middle = "/old/middle.vhd") {
    return test::make_exfat(
        0x5555AAAA, u"BASES",
        {{middle, child_of(test::kParentUuid, "..\\new\\base.vhd", 2, 2)}, {"/new/base.vhd", base()}});
  }
  static std::shared_ptr<const test::SparseImage> flagged(std::uint8_t flags) {
    constexpr std::uint64_t kVolumeFlags = 106;  // not in the checksum
    auto bytes = std::make_shared<test::SparseImage>(bases().bytes->copy());
    bytes->write(kVolumeFlags, std::array{std::byte{flags}});
    return bytes;
  }
  Result<FoundImage> find_with(const std::string& options = "parent-volume=5555-AAAA") {
    return find({.serial = "1234-ABCD", .path = "/vm/debian.efi", .options = options});
  }
  static std::vector<std::string> places(const FoundImage& image) {
    std::vector<std::string> places;
    for (const FoundParent& parent : image.parents)
      places.push_back(concat(parent.volume->device.name, ':', parent.path.text()));
    return places;
  }
};

TEST_F(ParentsElsewhere, WhereTheChildSaysOrInTheSameFolder) {
  for (const auto& [path, middle] :
       std::vector<std::pair<std::string, std::string>>{{"D:\\old\\MIDDLE.vhd", "/old/middle.vhd"},
                                                        {"..\\x\\middle.vhd", "/x/middle.vhd"},
                                                        {"middle.vhd", "/vm/middle.vhd"}}) {
    devices.plug("sda1", child(path));
    devices.plug("sdb1", bases(middle).bytes);
    const auto image = find_with();
    ASSERT_TRUE(image) << image.error().message();
    EXPECT_THAT(places(*image), testing::ElementsAre("sdb1:" + middle, "sdb1:/new/base.vhd"));
    EXPECT_EQ(image->other_volume()->device.name, "sdb1");
    ASSERT_EQ(image->view.devices.size(), 2U);
    EXPECT_EQ(image->view.devices[1].numbers, image->other_volume()->device.numbers);
    EXPECT_EQ(image->view.files[0].device, 0U);
    EXPECT_EQ(image->view.files[2].device, 1U);
    std::vector<std::byte> read(16384);
    ASSERT_TRUE(image->disk->read(0, read));
    EXPECT_EQ(by_rows(*image), read);
    EXPECT_EQ(as_text(Bytes(read).subspan(4096, 4)), "base");
  }
}

TEST_F(ParentsElsewhere, TheChildsOwnVolumeComesFirst) {
  devices.plug("sda1", test::make_exfat(0x1234ABCD, u"DATA",
                                        {{"/vm/debian.efi", "MZ"},
                                         {"/vm/debian.vhd", child_of(id_of(2), "D:\\old\\middle.vhd", 1, 3)},
                                         {"/vm/middle.vhd", child_of(test::kParentUuid, "base.vhd", 2, 2)},
                                         {"/vm/base.vhd", base()}})
                           .bytes);
  const auto alone = find_with("parent-volume=9999-9999");
  ASSERT_TRUE(alone) << "nobody looks for a volume that nobody needs: " << alone.error().message();
  EXPECT_EQ(alone->other_volume(), nullptr);
  EXPECT_EQ(devices.elapsed(), 0s);
}

TEST_F(ParentsElsewhere, ThereAndBack) {
  devices.plug("sda1", test::make_exfat(0x1234ABCD, u"DATA",
                                        {{"/vm/debian.efi", "MZ"},
                                         {"/vm/debian.vhd", child_of(id_of(2), "D:\\vm\\debian.vhd", 1, 3)},
                                         {"/vm/base.vhd", base()}})
                           .bytes);
  devices.plug("sdb1", test::make_exfat(0x5555AAAA, u"BASES",
                                        {{"/vm/debian.vhd", child_of(test::kParentUuid, "base.vhd", 2, 2)}})
                           .bytes);
  const auto image = find_with();
  ASSERT_TRUE(image) << image.error().message();
  EXPECT_THAT(places(*image), testing::ElementsAre("sdb1:/vm/debian.vhd", "sda1:/vm/base.vhd"));
}

TEST_F(ParentsElsewhere, OnlyWhereAPersonHasSaidSo) {
  devices.plug("sda1", child());
  devices.plug("sdb1", bases().bytes);
  EXPECT_THAT(find_with(""), Fails(Code::Corrupt,
                                   "its parent image was not found: put it beside this image (it is known as "
                                   "D:\\old\\MIDDLE.vhd); if it lies on another volume, name that one with "
                                   "`parent-volume`"));
  EXPECT_THAT(find_with("parent-volume=LABEL=DATA"), Fails(Code::Corrupt, "its parent image was not found"));
}

TEST_F(ParentsElsewhere, OnNeitherVolume) {
  devices.plug("sda1", child("D:\\gone\\middle.vhd"));
  devices.plug("sdb1", bases().bytes);
  EXPECT_THAT(find_with(), Fails(Code::Corrupt,
                                 "(it is known as D:\\gone\\middle.vhd); nor is it on /dev/sdb1 (exFAT \"BASES\"), "
                                 "looked for as /vm/middle.vhd or /gone/middle.vhd"));
  devices.plug("sdb1", test::make_exfat(0x5555AAAA, u"BASES", {{"/gone/middle.vhd", vhd_bytes()}}).bytes);
  EXPECT_THAT(find_with(),
              Fails(Code::Corrupt, "its parent /gone/middle.vhd on /dev/sdb1 (exFAT \"BASES\"): it is another image"));
}

TEST_F(ParentsElsewhere, AVolumeThatAppearsLate) {
  devices.plug("sda1", child());
  devices.at(3s, [&] { devices.plug("sdb1", bases().bytes); });
  ASSERT_TRUE(find_with());
  EXPECT_EQ(devices.elapsed(), 3s);
}

TEST_F(ParentsElsewhere, AVolumeThatDoesNotAppear) {
  devices.plug("sda1", child());
  EXPECT_THAT(find_with("parent-volume=5555-AAAA wait=7"),
              Fails(Code::Unsupported,
                    "/vm/debian.vhd on /dev/sda1 (exFAT \"DATA\"): its parent is not on this volume, and the one of "
                    "`parent-volume` cannot be told: no volume UUID=5555-AAAA after 7 seconds; looked at /dev/sda1 "
                    "(exFAT \"DATA\"); plug its disk in, or correct that word"));
  EXPECT_EQ(devices.elapsed(), 7s);
}

TEST_F(ParentsElsewhere, TwoVolumesOfThatName) {
  devices.plug("sda1", child());
  devices.plug("sdb1", bases().bytes);
  devices.plug("sdc1", bases().bytes);
  EXPECT_THAT(find_with(), Fails(Code::Invalid,
                                 "two volumes are UUID=5555-AAAA: /dev/sdb1 (exFAT \"BASES\") and /dev/sdc1 (exFAT "
                                 "\"BASES\"); name one by its PARTUUID"));
}

TEST_F(ParentsElsewhere, AVolumeThatIsNotInOrder) {
  devices.plug("sda1", child());
  devices.plug("sdb1", flagged(2));
  EXPECT_THAT(find_with(),
              Fails(Code::Unsafe, "/dev/sdb1 (exFAT \"BASES\"): the volume must not be written: it is marked dirty"));
  EXPECT_TRUE(find_with("parent-volume=5555-AAAA ephemeral=yes"));
  devices.plug("sdb1", flagged(6));
  EXPECT_THAT(find_with("parent-volume=5555-AAAA ephemeral=yes"), Fails(Code::Unsafe, "reported failures"));
  devices.plug("sdb1", bases().bytes).device.read_only = true;
  EXPECT_TRUE(find_with()) << "it is only read";
  const auto two = test::make_exfat(0x5555AAAA, u"BASES",
                                    {{"/old/first", "x"},
                                     {"/old/middle.vhd", child_of(test::kParentUuid, "base.vhd", 2, 2)},
                                     {"/old/base.vhd", base()}});
  devices.plug("sdb1", two.bytes);
  EXPECT_TRUE(find_with());
  devices.plug("sdb1", with_shared_clusters(two, "/old"));
  EXPECT_FALSE(find_with());
}

TEST_F(ParentsElsewhere, TheLastLookIsAtBothVolumes) {
  devices.plug("sda1", child());
  devices.plug("sdb1", bases().bytes);
  const auto image = find_with();
  ASSERT_TRUE(image) << image.error().message();
  EXPECT_TRUE(check_still_alone(*volumes, *image, settings));
  devices.at(devices.elapsed(), [&] { devices.plug("sdc1", bases().bytes); });
  EXPECT_THAT(
      check_still_alone(*volumes, *image, settings),
      Fails(Code::Unsafe, "/dev/sdb1 (exFAT \"BASES\") and /dev/sdc1 (exFAT \"BASES\") have the same identity"));
  devices.at(devices.elapsed(), [&] {
    devices.unplug("sdb1");
    devices.unplug("sdc1");
  });
  EXPECT_THAT(check_still_alone(*volumes, *image, settings),
              Fails(Code::NotFound, "/dev/sdb1 (exFAT \"BASES\") has been unplugged"));
}

// The parent lies where another file lies.
TEST_F(FindImage, AParentsClustersAreAnotherFilesToo) {
  const auto intact = test::make_exfat(0x1234ABCD, u"DATA",
                                       {{"/vm/debian.efi", "MZ"},
                                        {"/vm/base.vhd", vhd_bytes()},
                                        {"/vm/debian.vhd", child_of(test::kParentUuid, "base.vhd", 1, 3)}});
  devices.plug("sda1", with_shared_clusters(intact, "/vm"));
  EXPECT_THAT(find({.serial = "1234-ABCD", .path = "/vm/debian.efi"}), Fails(Code::Corrupt, "base.vhd"));
}

TEST_F(FindImage, AVhdx) {
  test::ImageSpec spec{.disk = 4 * kMiB, .block = kMiB, .every = 64};
  spec.blocks = {{1, {}}, {3, {}}};
  test::ExfatImage volume({.clusters = 4096, .label = u"DATA", .serial = 0x1234ABCD});
  volume.add_file("/debian.efi", as_bytes("MZ"));
  volume.add_file("/debian.vhdx", as_bytes(text_of(test::vhdx_of(spec))));
  devices.plug("sda1", std::make_shared<test::SparseImage>(volume.finish()));
  const auto image = find({.serial = "1234-ABCD", .path = "/debian.efi", .options = "image=/debian.vhdx"});
  ASSERT_TRUE(image) << image.error().message();
  EXPECT_EQ(image->kind(), "dynamic VHDX image");
  std::vector<std::byte> read(4 * kMiB);
  ASSERT_TRUE(image->disk->read(0, read));
  EXPECT_TRUE(by_rows(*image) == read);
  EXPECT_EQ(image->view.rows.size(), 4U);
}

TEST_F(FindImage, ANeighbourThatCannotBeReadMayBeAChild) {
  auto& disk = devices.plug(
      "sda1", test::make_exfat(
                  0x1234ABCD, u"DATA",
                  {{"/vm/debian.efi", "MZ"}, {"/vm/debian.vhd", vhd_bytes()}, {"/vm/child.vhd", child_bytes(true)}})
                  .bytes);
  volumes.emplace(devices);
  const auto child = volumes->all().front().reader->layout(*volume::parse_path("/vm/child.vhd")).value();
  disk.bad = {{child.extents.front().physical, child.extents.front().length}};
  EXPECT_THAT(find({.serial = "1234-ABCD", .path = "/vm/debian.efi"}), Fails(Code::Io, "/vm/child.vhd"));
}

TEST_F(FindImage, ADirtyVolumeWillDoForAGuestThatForgetsAll) {
  const auto with_flags = [&](std::uint8_t flags) {
    constexpr std::uint64_t kVolumeFlags = 106;  // not in the checksum
    auto bytes = std::make_shared<test::SparseImage>(with_image(0x1234ABCD, u"DATA").bytes->copy());
    bytes->write(kVolumeFlags, std::array{std::byte{flags}});
    return bytes;
  };
  devices.plug("sda1", with_flags(2));
  EXPECT_THAT(find_beside(), Fails(Code::Unsafe, "marked dirty"));
  EXPECT_THAT(find_beside("ephemeral=no"), Fails(Code::Unsafe, "marked dirty"));
  EXPECT_THAT(find_beside("ephemeral=yes keep=3"), Fails(Code::Unsafe, "marked dirty"));
  EXPECT_FOUND(find_beside("ephemeral=yes"), "/dev/sda1", "/boot/debian.img");
  devices.unplug("sda1");
  devices.plug("sda1", with_flags(6));
  EXPECT_THAT(find_beside("ephemeral=yes"), Fails(Code::Unsafe, "reported failures"));
}

TEST_F(FindImage, UnpluggedBetweenFindingAndExamining) {
  devices.plug("sda1", with_image(0x1234ABCD, u"DATA").bytes);
  volumes.emplace(devices);
  HostVolume& volume = volumes->all().front();
  ASSERT_TRUE(look_on(volume, {*volume::parse_path("/boot/debian.img")}).value());
  devices.unplug("sda1");
  EXPECT_THAT(examine_image(volume, *volume::parse_path("/boot/debian.img"), Writes::Kept),
              Fails(Code::Io, "/boot/debian.img on /dev/sda1 (exFAT \"DATA\")"));
}

TEST_F(FindImage, ACloneThatAppearsWhileTheGuestIsLoaded) {
  const auto bytes = with_image(0x1234ABCD, u"DATA").bytes;
  devices.plug("sda1", bytes).read_time = 10ms;
  const auto image = find_beside();
  ASSERT_TRUE(image) << image.error().message();
  EXPECT_TRUE(check_still_alone(*volumes, *image, settings));
  const auto so_far = devices.elapsed();
  devices.at(so_far, [&] { devices.plug("sdb1", without_image().bytes); });
  EXPECT_TRUE(check_still_alone(*volumes, *image, settings));
  devices.at(so_far, [&] { devices.plug("sdc1", bytes); });
  EXPECT_THAT(check_still_alone(*volumes, *image, settings),
              Fails(Code::Unsafe, "/dev/sda1 (exFAT \"DATA\") and /dev/sdc1 (exFAT \"DATA\") have the same identity"));
}

TEST_F(FindImage, TheDiskGoesWhileTheGuestIsLoaded) {
  const auto bytes = with_image(0x1234ABCD, u"DATA").bytes;
  devices.plug("sda1", bytes);
  const auto image = find_beside();
  ASSERT_TRUE(image) << image.error().message();
  devices.at(0s, [&] { devices.unplug("sda1"); });
  EXPECT_THAT(check_still_alone(*volumes, *image, settings),
              Fails(Code::NotFound, "/dev/sda1 (exFAT \"DATA\") has been unplugged"));
  devices.at(0s, [&] { devices.plug("sdb1", bytes); });
  EXPECT_THAT(check_still_alone(*volumes, *image, settings), Fails(Code::NotFound, "was unplugged and has come back"));
}

// The last look waits for disks that are slow to appear, but not where none of them can be meant.
TEST_F(FindImage, TheLastLookKnowsWhereTheDiskHangs) {
  const auto bytes = with_image(0x1234ABCD, u"DATA").bytes;
  devices.plug("sda1", bytes).hardware.places = {test::place("root:0.0 pci:31.2 ata:0.0.0")};
  devices.at(1500ms, [&] { devices.plug("sdb1", bytes).hardware.places = {test::place("root:0.0 pci:20.0 usb:1")}; });
  const auto image = find({.serial = "1234-ABCD",
                           .path = "/boot/debian.efi",
                           .options = "",
                           .places = {test::place("root:0 pci:31.2 ata:0.0")}});
  ASSERT_TRUE(image) << image.error().message();
  EXPECT_TRUE(check_still_alone(*volumes, *image, settings));
  EXPECT_EQ(devices.elapsed(), 0s);
  settings.origin.places.clear();
  EXPECT_THAT(check_still_alone(*volumes, *image, settings), Fails(Code::Unsafe, "have the same identity"));
}

// The firmware started from a CD or the network, or GRUB names another volume: the place is not that of the image.
TEST_F(FindImage, ThePlaceIsOfAnotherDisk) {
  devices.plug("sda1", without_image().bytes).hardware.places = {test::place("root:0.0 pci:31.2 ata:0.0.0")};
  devices.plug("sdb1", with_image(0x1234ABCD, u"DATA").bytes).hardware.places = {
      test::place("root:0.0 pci:31.2 ata:1.0.0")};
  for (const std::optional<std::string>& serial :
       {std::optional<std::string>("5555-AAAA"), std::optional<std::string>()}) {
    const auto image = find({.serial = serial,
                             .path = "/boot/debian.efi",
                             .options = "",
                             .places = {test::place("root:0 pci:31.2 ata:0.0")}});
    ASSERT_TRUE(image) << image.error().message();
    EXPECT_EQ(image->volume->device.name, "sdb1");
    const auto alone = check_still_alone(*volumes, *image, settings);
    EXPECT_TRUE(alone) << alone.error().message();
  }
}

TEST_F(FindImage, AtTheLastLookTheDiskThatIsMeantAppears) {
  const auto bytes = with_image(0x1234ABCD, u"DATA").bytes;
  devices.plug("sda1", bytes).hardware.places = {test::place("?:1")};
  const auto image = find({.serial = "1234-ABCD",
                           .path = "/boot/debian.efi",
                           .options = "",
                           .places = {test::place("root:0 pci:31.2 ata:0.0")}});
  ASSERT_TRUE(image) << image.error().message();
  devices.at(devices.elapsed(),
             [&] { devices.plug("sdb1", bytes).hardware.places = {test::place("root:0.0 pci:31.2 ata:0.0.0")}; });
  EXPECT_THAT(check_still_alone(*volumes, *image, settings),
              Fails(Code::Unsafe, "/dev/sda1 (exFAT \"DATA\") and /dev/sdb1 (exFAT \"DATA\") have the same identity"));
}

class WindowsSleeps : public FindImage {
 protected:
  // What Windows leaves when it sleeps.
  std::shared_ptr<const test::SparseImage> windows(std::string_view hibernation_file) {
    const std::string path = folder.file("windows");
    test::make_ntfs(path, {.label = "Windows"});
    {
      test::NtfsWriter writer(path);
      std::vector<std::byte> contents(4096);
      std::ranges::copy(as_bytes(hibernation_file), contents.begin());
      writer.add_file("/hiberfil.sys", contents);
    }
    return std::make_shared<test::SparseImage>(test::SparseImage::load(path));
  }
  test::TempFolder folder;
};

TEST_F(WindowsSleeps, AnImageOnExfatIsRefused) {
  if (!test::tool("mkntfs")) GTEST_SKIP() << "no mkntfs";
  devices.plug("sda1", windows("hibr"));
  devices.plug("sda2", with_image(0x1234ABCD, u"DATA").bytes);
  const auto image = find_beside();
  ASSERT_TRUE(image) << image.error().message();
  EXPECT_THAT(check_no_windows_sleeps(*volumes, *image),
              Fails(Code::Unsafe, "Windows sleeps on /dev/sda1 (NTFS \"Windows\") and may hold /dev/sda2 (exFAT"));
}

TEST_F(WindowsSleeps, OneThatIsAwakeIsNoReason) {
  if (!test::tool("mkntfs")) GTEST_SKIP() << "no mkntfs";
  devices.plug("sda1", windows("wake"));
  devices.plug("sda2", with_image(0x1234ABCD, u"DATA").bytes);
  const auto image = find_beside();
  ASSERT_TRUE(image) << image.error().message();
  const auto awake = check_no_windows_sleeps(*volumes, *image);
  EXPECT_TRUE(awake) << awake.error().message();
}

}  // namespace
}  // namespace vhdboot::stage
