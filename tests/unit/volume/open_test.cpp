// SPDX-License-Identifier: GPL-2.0-or-later
// What a partition holds, by its first sector.
#include <gmock/gmock.h>

#include "base/guid.h"
#include "init/volume/volume.h"
#include "tests/support/sparse_image.h"

namespace vhdboot::volume {
namespace {

using testing::HasSubstr;

Error error_of(const ByteSource& partition) {
  auto volume = HostVolume::open(partition);
  EXPECT_FALSE(volume);
  return volume ? Error{} : volume.error();
}

TEST(Open, NeitherNtfsNorExfat) {
  const test::SparseImage zeros(1 << 20);
  EXPECT_EQ(error_of(zeros).code, Code::NotFound);
  const test::SparseImage tiny(511);
  EXPECT_EQ(error_of(tiny).code, Code::NotFound);
  const test::SparseImage nothing(0);
  EXPECT_EQ(error_of(nothing).code, Code::NotFound);
}

TEST(Open, BitLocker) {
  test::SparseImage image(1 << 20);
  image.write(3, as_bytes("-FVE-FS-"));
  const Error error = error_of(image);
  EXPECT_EQ(error.code, Code::Unsupported);
  EXPECT_THAT(error.text, HasSubstr("the partition is encrypted by BitLocker"));
  EXPECT_THAT(error.text, HasSubstr("manage-bde -off"));
}

TEST(Open, BitLockerToGo) {
  test::SparseImage image(1 << 20);
  image.write(3, as_bytes("MSWIN4.1"));
  EXPECT_EQ(error_of(image).code, Code::NotFound);  // an ordinary FAT32 disk
  image.write(424, parse_guid("4967d63b-2e29-4ad8-8399-f6a339e3d001")->bytes);
  EXPECT_EQ(error_of(image).code, Code::Unsupported);
}

TEST(Open, ADeviceErrorStaysOne) {
  class Broken final : public ByteSource {
   public:
    [[nodiscard]] std::uint64_t size() const override { return 1 << 20; }
    [[nodiscard]] Result<void> read(std::uint64_t, MutableBytes) const override { return fail(Code::Io, "bad sector"); }
  };
  const Broken broken;
  const Error error = error_of(broken);
  EXPECT_EQ(error.code, Code::Io);
  EXPECT_THAT(error.text, HasSubstr("reading the boot sector: bad sector"));
}

TEST(Kind, HasAName) {
  EXPECT_EQ(name(Kind::Ntfs), "NTFS");
  EXPECT_EQ(name(Kind::Exfat), "exFAT");
}

}  // namespace
}  // namespace vhdboot::volume
