// SPDX-License-Identifier: GPL-2.0-or-later
#include "init/stage/scratch_file.h"

#include <gmock/gmock.h>

#include "tests/unit/base/error_matchers.h"
#include "tests/unit/stage/fake_devices.h"

namespace vhdboot::stage {
namespace {

using test::Fails;
using test::FakeDevices;
using testing::SizeIs;

class ScratchFile : public testing::Test {
 protected:
  ScratchFile() {
    devices.plug("sda1", test::make_exfat(0x1234ABCD, u"DATA",
                                          {{"/boot/debian.img", test::image_bytes()},
                                           {"/vhd/Scratch.img", std::string(8192, '\0')},
                                           {"/vhd/letters.txt", "Dear reader"}})
                             .bytes);
  }

  Result<FoundImage> with(const std::string& ephemeral) {
    volumes.emplace(devices);
    auto image = TRY(examine_image(volumes->all().front(), *volume::parse_path("/boot/debian.img"), Writes::Kept));
    return with_scratch_file(std::move(image), *record::parse_ephemeral(ephemeral));
  }

  FakeDevices devices;
  std::optional<HostVolumes> volumes;
};

TEST_F(ScratchFile, IsMappedBesideTheImage) {
  const auto image = with("/vhd/scratch.IMG");
  ASSERT_TRUE(image) << image.error().message();
  ASSERT_TRUE(image->scratch);
  EXPECT_EQ(image->scratch->path.text(), "/vhd/Scratch.img");
  EXPECT_THAT(image->view.files, SizeIs(2)) << "so that the host device leaves it out";
  const auto without = with("yes");
  ASSERT_TRUE(without);
  EXPECT_FALSE(without->scratch);
  EXPECT_EQ(checksum(image->view), checksum(without->view));
}

TEST_F(ScratchFile, OtherFilesAreNotWrittenOver) {
  EXPECT_THAT(with("/vhd/letters.txt"), Fails(Code::Unsupported, "something else is in it"));
  EXPECT_THAT(with("/boot/debian.img"), Fails(Code::Corrupt, "share a place on the host volume"));
  EXPECT_THAT(with("/vhd"), Fails(Code::Unsupported, ""));
}

TEST_F(ScratchFile, OneThatIsNotThereSendsNobodyElsewhere) {
  EXPECT_THAT(with("/vhd/scratch2.img"), Fails(Code::Unsupported, "the scratch file /vhd/scratch2.img on /dev/sda1"));
}

}  // namespace
}  // namespace vhdboot::stage
