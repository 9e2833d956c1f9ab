// SPDX-License-Identifier: GPL-2.0-or-later
#include "init/stage/persist_image.h"

#include <gmock/gmock.h>

#include "init/stage/scratch_file.h"
#include "tests/unit/base/error_matchers.h"
#include "tests/unit/stage/fake_devices.h"

namespace vhdboot::stage {
namespace {

using test::Fails;
using test::FakeDevices;
using testing::SizeIs;

class PersistImage : public testing::Test {
 protected:
  PersistImage() {
    devices.plug("sda1", test::make_exfat(0x1234ABCD, u"DATA",
                                          {{"/boot/debian.img", test::image_bytes()},
                                           {"/vhd/scratch.img", std::string(8192, '\0')},
                                           {"/vhd/Keep.img", test::image_bytes()}})
                             .bytes);
  }

  Result<FoundImage> with(const std::optional<std::string>& file, const std::string& ephemeral = "yes") {
    volumes.emplace(devices);
    auto image = TRY(examine_image(volumes->all().front(), *volume::parse_path("/boot/debian.img"), Writes::Elsewhere));
    image = TRY(with_scratch_file(std::move(image), *record::parse_ephemeral(ephemeral)));
    TRY(add_persist_image(image, file));
    return image;
  }

  FakeDevices devices;
  std::optional<HostVolumes> volumes;
};

TEST_F(PersistImage, IsMappedBesideTheImage) {
  const auto image = with("/vhd/keep.IMG");
  ASSERT_TRUE(image) << image.error().message();
  ASSERT_TRUE(image->persist);
  EXPECT_EQ(image->persist->path.text(), "/vhd/Keep.img");
  EXPECT_THAT(image->view.files, SizeIs(2)) << "so that the host device leaves it out";
  const auto without = with(std::nullopt);
  ASSERT_TRUE(without);
  EXPECT_FALSE(without->persist);
  EXPECT_EQ(checksum(image->view), checksum(without->view));
}

TEST_F(PersistImage, IsNoneOfTheOtherFiles) {
  EXPECT_THAT(with("/boot/DEBIAN.img"),
              Fails(Code::Invalid, "`persist`: /boot/DEBIAN.img is a file of this guest already: name another image"));
  EXPECT_THAT(with("/vhd/scratch.img", "/vhd/scratch.img"), Fails(Code::Invalid, "name another image"));
  EXPECT_TRUE(with("/vhd/keep.img", "/vhd/scratch.img"));
}

TEST_F(PersistImage, OneThatIsNotThereSendsNobodyElsewhere) {
  EXPECT_THAT(with("/vhd/keep2.img"), Fails(Code::Unsupported, "`persist`: /vhd/keep2.img on /dev/sda1"));
}

}  // namespace
}  // namespace vhdboot::stage
