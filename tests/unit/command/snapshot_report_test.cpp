// SPDX-License-Identifier: GPL-2.0-or-later
#include "tools/vhdboot/snapshot_report.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace vhdboot::command {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

Status of_image(std::string image, Written written) {
  Status status;
  status.start = guest::Start{};
  status.start->image = std::move(image);
  status.disk = DiskFacts{};
  status.disk->written = written;
  return status;
}

TEST(SnapshotReport, OfASystemBesideVhdboot) {
  const auto advice = snapshot_advice(Status{}, "ext4");
  EXPECT_EQ(
      to_text(advice),
      "This system does not run from an image that vhdboot has started: `vhdtool snapshot IMAGE` makes a snapshot of "
      "one that nothing uses.\n");
  EXPECT_THAT(to_json(advice), AllOf(HasSubstr(R"("schema":"vhdboot.snapshot/1","possible_now":false)"),
                                     HasSubstr(R"("now":[],"offline":[])")));
}

TEST(SnapshotReport, OfAVhdxThatIsWritten) {
  const auto text = to_text(snapshot_advice(of_image("/boot/my debian.vhdx", Written::Image), "ext4"));
  EXPECT_THAT(text, AllOf(HasSubstr("/boot/my debian.vhdx\nThis system runs from its image."),
                          HasSubstr("      vhdtool snapshot --reserve 8G \"VOLUME/boot/my debian.vhdx\"\n"),
                          HasSubstr("      vhdtool rollback \"VOLUME/boot/my debian.vhdx\"\n"),
                          HasSubstr("vhdboot next menu --reboot"), Not(HasSubstr("btrfs")), Not(HasSubstr("raw2vhd"))));
}

TEST(SnapshotReport, OfAVhdOnBtrfs) {
  Status status = of_image("/boot/debian.vhd", Written::Image);
  EXPECT_THAT(to_text(snapshot_advice(status, "btrfs")),
              AllOf(HasSubstr("btrfs subvolume snapshot -r / /before"), Not(HasSubstr("raw2vhd"))));
  status.image = ImageFacts{.format = "fixed VHD"};
  EXPECT_THAT(to_text(snapshot_advice(status, "btrfs")), Not(HasSubstr("raw2vhd")));
}

TEST(SnapshotReport, OfARawImage) {
  const std::string way = "      raw2vhd \"VOLUME/boot/debian.img\"\n";
  Status status = of_image("/boot/debian.img", Written::Image);
  EXPECT_THAT(to_text(snapshot_advice(status, "ext4")), HasSubstr(way));
  status.image = ImageFacts{.format = "raw image"};
  EXPECT_THAT(to_text(snapshot_advice(status, "ext4")), HasSubstr(way));
  status.image = ImageFacts{.format = "fixed VHD"};
  EXPECT_THAT(to_text(snapshot_advice(status, "ext4")), Not(HasSubstr(way)));
}

TEST(SnapshotReport, OfWhatDoesNotChange) {
  for (const Written written : {Written::Memory, Written::Scratch}) {
    const auto text = to_text(snapshot_advice(of_image("/a.vhdx", written), "ext4"));
    EXPECT_THAT(text, AllOf(HasSubstr("This system forgets what it writes"), Not(HasSubstr("In this system:"))));
  }
  EXPECT_THAT(to_text(snapshot_advice(of_image("/a.vhdx", Written::Nowhere), "ext4")), HasSubstr("is read-only"));
}

// What is kept of it changes.
TEST(SnapshotReport, OfWhatChangesInPart) {
  for (const Written written : {Written::MemoryAndImage, Written::ScratchAndImage})
    EXPECT_THAT(to_text(snapshot_advice(of_image("/a.vhdx", written), "ext4")),
                HasSubstr("This system runs from its image."));
}

TEST(SnapshotReport, OfAnImageWithoutName) {
  Status status = of_image("", Written::Image);
  status.start.reset();
  EXPECT_THAT(to_text(snapshot_advice(status, "ext4")), Not(HasSubstr("VOLUME")));
}

}  // namespace
}  // namespace vhdboot::command
