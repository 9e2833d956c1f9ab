// SPDX-License-Identifier: GPL-2.0-or-later
#include "tools/vhdboot/image_list.h"

#include "tests/unit/command/fake_system.h"

namespace vhdboot::command {
namespace {

using test::FakeSystem;
using testing::ElementsAre;

constexpr std::uint64_t kMiB = 1 << 20;

std::vector<std::string> paths(const ImageList& list) {
  std::vector<std::string> out;
  for (const ListedImage& image : list.images) out.push_back(image.path);
  return out;
}

TEST(ImageList, InTheSameFoldersAsTheMenu) {
  VolumeFiles volume;
  volume.list = [](const volume::Path& folder) -> Result<std::vector<volume::DirEntry>> {
    if (folder.text() == "/")
      return std::vector<volume::DirEntry>{{.name = "a.VHD", .size = kMiB}, {.name = "b.txt", .size = kMiB}};
    if (folder.text() == "/own") return std::vector<volume::DirEntry>{{.name = "c.img", .size = kMiB}};
    if (folder.text() == "/vhd")
      return std::vector<volume::DirEntry>{{.name = "small.vhd", .size = 512},
                                           {.name = "d.vhdx", .size = 2 * kMiB},
                                           {.name = "e.vhd", .directory = true}};
    if (folder.text() == "/images") return fail(Code::Corrupt, "it is damaged");
    return fail(Code::NotFound, "not there");
  };
  ImageList list;
  ListedImage place;
  place.volume = "Data";
  const BootSetup own{.device = "/dev/sda1", .origin = {.path = "/own/x.efi"}, .config = {}};
  find_images(volume, folders_on("/dev/sda1", {}, {own}), place, list);
  EXPECT_THAT(paths(list), ElementsAre("/own/c.img", "/a.VHD", "/vhd/d.vhdx"));
  EXPECT_THAT(list.passed_over, ElementsAre("/images on Data: it is damaged"));
  list = {};
  find_images(volume, folders_on("/dev/sdb1", {}, {own}), place, list);
  EXPECT_THAT(paths(list), ElementsAre("/a.VHD", "/vhd/d.vhdx"));
  EXPECT_EQ(list.images.front().name, "a");
}

TEST(ImageList, OfAMountedVolume) {
  FakeSystem fake;
  fake.write("/media/data/Boot/debian.vhd", std::string(kMiB, 'x'));
  const std::string place = fake.system().at("/media/data");
  ListedImage mounted;
  mounted.file = place;
  mounted.volume = "Data";
  ImageList list;
  find_images(files_at(place), folders_on("", {}, {}), mounted, list);
  ASSERT_THAT(paths(list), ElementsAre("/boot/debian.vhd"));
  EXPECT_EQ(list.images.front().file, concat(place, "/Boot/debian.vhd"));
  EXPECT_THAT(list.passed_over, ElementsAre());
}

TEST(ImageList, WhichVolumes) {
  const auto mounts = tools::parse_mount_table(
      "22 1 8:2 / / rw - ext4 /dev/sda2 rw\n"
      "23 22 8:3 / /media/my\\040data rw shared:1 - ntfs3 /dev/sda3 rw\n"
      "24 22 8:3 /boot /bound rw - ntfs3 /dev/sda3 rw\n"
      "25 22 8:4 / /stick ro - exfat /dev/sdb1 rw\n"
      "garbage\n");
  EXPECT_THAT(mounted_volumes(mounts),
              ElementsAre(ListedVolume{"/dev/sda3", "/media/my data"}, ListedVolume{"/dev/sdb1", "/stick"}));
  EXPECT_TRUE(mounts.back().read_only);
  EXPECT_EQ(tools::mount_of(mounts, "/media/my data/boot/x.vhd"), &mounts[1]);
  EXPECT_EQ(tools::mount_of(mounts, "/media/my datas"), &mounts[0]);
  EXPECT_EQ(tools::path_on_volume(mounts[1], "/media/my data/boot/x.vhd"), "/boot/x.vhd");
  EXPECT_EQ(tools::path_on_volume(mounts[2], "/bound/x.vhd"), "/boot/x.vhd");
  EXPECT_EQ(tools::path_on_volume(mounts[0], "/"), "/");
}

TEST(ImageList, Verdicts) {
  vhdtool::Findings fine;
  fine.ok("kernel", "a: Debian 12, kernel 6.0");
  fine.ok("kernel", "b: Debian 12, kernel 6.1, is booted by default (the order of the versions)");
  fine.boots("b: Debian 12, kernel 6.1");
  fine.ok("kernel", "c: Debian 12, kernel 5.9");
  fine.warning("extents", "many");
  ListedImage image;
  take_verdict(fine, image);
  EXPECT_EQ(image.state, ImageState::Ready);
  EXPECT_EQ(image.system, "b: Debian 12, kernel 6.1");
  fine.error("sparse", "it has holes");
  fine.error("more", "more");
  take_verdict(fine, image);
  EXPECT_EQ(image.state, ImageState::Refused);
  EXPECT_EQ(image.reason, "it has holes");
  vhdtool::Findings open;
  open.leave_open();
  ListedImage other;
  take_verdict(open, other);
  EXPECT_EQ(other.state, ImageState::Unknown);
}

TEST(ImageList, AsText) {
  ImageList list;
  EXPECT_EQ(list_text(list), "");
  list.images.push_back({.name = "debian",
                         .path = "/boot/debian.vhd",
                         .volume = "Data",
                         .device = "/dev/sda3",
                         .file = {},
                         .size = kMiB,
                         .system = "Debian 12",
                         .state = ImageState::Ready,
                         .reason = {}});
  list.images.push_back({.name = "arch",
                         .path = "/arch.vhd",
                         .volume = "Data",
                         .device = "/dev/sda3",
                         .file = "/d/arch.vhd",
                         .size = kMiB,
                         .system = {},
                         .state = ImageState::Refused,
                         .reason = "it has holes"});
  EXPECT_EQ(list_text(list),
            "NAME    SYSTEM     SIZE   WHERE                  STATE\n"
            "debian  Debian 12  1 MiB  Data:/boot/debian.vhd  ready\n"
            "arch    -          1 MiB  Data:/arch.vhd         refused: it has holes\n");
  EXPECT_EQ(list_json(list),
            R"({"schema":"vhdboot.list/1","images":[{"name":"debian","path":"/boot/debian.vhd","volume":"Data",)"
            R"("device":"/dev/sda3","size":1048576,"system":"Debian 12","state":"ready"},{"name":"arch",)"
            R"("path":"/arch.vhd","volume":"Data","device":"/dev/sda3","file":"/d/arch.vhd","size":1048576,)"
            R"("state":"refused","reason":"it has holes"}],"passed_over":[]})");
}

}  // namespace
}  // namespace vhdboot::command
