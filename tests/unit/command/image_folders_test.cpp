// SPDX-License-Identifier: GPL-2.0-or-later
#include "tools/vhdboot/image_folders.h"

#include "tests/unit/command/fake_system.h"

namespace vhdboot::command {
namespace {

using test::FakeSystem;
using testing::ElementsAre;

std::vector<std::string> texts(const std::vector<volume::Path>& paths) {
  std::vector<std::string> out;
  for (const volume::Path& path : paths) out.push_back(path.text());
  return out;
}

TEST(ImageFolders, OfEveryConfiguration) {
  FakeSystem fake;
  fake.write("/data/boot/debian.efi", "");
  fake.write("/data/boot/Debian.CONF", "folder /vms\nfolder /Boot\nimage /systems/debian.vhd\n");
  fake.write("/data/boot/wrong.efi", "");
  fake.write("/data/boot/wrong.conf", "folder /not\ntimeout never\n");
  fake.write("/data/boot/alone.conf", "folder /not\n");
  fake.write("/data/own/arch.efi", "");
  fake.write("/data/own/arch.conf", "folder /more\nimage /x/arch.vhd\nvolume LABEL=Other\n");
  const auto setups =
      find_setups(files_at(fake.system().at("/data")), "/dev/sda3", {volume::parse_path("/own").value()});
  ASSERT_EQ(setups.size(), 2U);
  EXPECT_EQ(setups[0].origin.path, "/own/arch.efi");
  EXPECT_THAT(texts(folders_on("/dev/sda3", {}, setups)),
              ElementsAre("/own", "/", "/boot", "/vhd", "/images", "/more", "/systems", "/vms"));
  // On another volume the image of the other configuration may be, and the EFI files are not there.
  EXPECT_THAT(texts(folders_on("/dev/sdb1", {.label = "Other"}, setups)),
              ElementsAre("/x", "/", "/boot", "/vhd", "/images", "/more", "/vms"));
  EXPECT_THAT(texts(folders_on("/dev/sdb1", {}, {})), ElementsAre("/", "/boot", "/vhd", "/images"));
}

TEST(ImageFolders, AnEfiFileOnAnEspSaysNothingOfTheVolume) {
  const BootSetup setup{.device = {}, .origin = {.path = "/EFI/x.efi"}, .config = {.image = "/vms/debian.vhd"}};
  EXPECT_THAT(texts(folders_on("", {}, {setup})), ElementsAre("/vms", "/", "/boot", "/vhd", "/images"));
}

}  // namespace
}  // namespace vhdboot::command
