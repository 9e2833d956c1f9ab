// SPDX-License-Identifier: GPL-2.0-or-later
// The oracle is blkid, on volumes that the real tools made.
#include "efi/boot_sector.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <optional>
#include <string>
#include <vector>

#include "tests/unit/base/oracle.h"

namespace vhdboot::efi {
namespace {

using vhdboot::test::have;
using vhdboot::test::output_of;
using vhdboot::test::ScratchFolder;

std::optional<std::string> serial(Bytes block) {
  const auto text = volume_serial(block);
  if (!text) return std::nullopt;
  return std::string(text->view());
}

std::optional<std::string> serial_of_file(const std::filesystem::path& file, std::size_t block_size) {
  std::vector<std::byte> block(block_size);
  std::ifstream(file, std::ios::binary).read(reinterpret_cast<char*>(block.data()), static_cast<long>(block.size()));
  return serial(block);
}

void compare_with_blkid(const std::string& make, std::uintmax_t size) {
  const char* const path = getenv("PATH");
  setenv("PATH", (std::string(path != nullptr ? path : "/usr/bin:/bin") + ":/usr/sbin:/sbin").c_str(), 1);
  if (!have(make.substr(0, make.find(' '))) || !have("blkid")) GTEST_SKIP() << "needs " << make << " and blkid";
  const ScratchFolder scratch;
  for (int i = 0; i < 3; ++i) {
    const auto file = scratch.write("volume" + std::to_string(i), {});
    std::filesystem::resize_file(file, size);
    ASSERT_TRUE(output_of(make + " " + file.string() + " 2>&1"));
    auto expected = output_of("blkid -p -o value -s UUID " + file.string());
    ASSERT_TRUE(expected && !expected->empty());
    expected->pop_back();
    EXPECT_EQ(serial_of_file(file, 512), expected);
    EXPECT_EQ(serial_of_file(file, 4096), expected);
  }
}

TEST(VolumeSerial, AgreesWithBlkidOnNtfs) {
  compare_with_blkid("mkntfs -q -F -Q", 4 << 20);
}

TEST(VolumeSerial, AgreesWithBlkidOnExfat) {
  compare_with_blkid("mkfs.exfat", 8 << 20);
}

TEST(VolumeSerial, KeepsLeadingZeros) {
  std::vector<std::byte> ntfs(512), exfat(512);
  std::copy_n(as_bytes("NTFS    ").begin(), 8, ntfs.begin() + 3);
  std::copy_n(as_bytes("EXFAT   ").begin(), 8, exfat.begin() + 3);
  EXPECT_EQ(serial(ntfs), "0000000000000000");
  EXPECT_EQ(serial(exfat), "0000-0000");
  EXPECT_TRUE(store_le<std::uint64_t>(ntfs, 0x48, 0x00AB'CDEF'0123'4567));
  EXPECT_TRUE(store_le<std::uint32_t>(exfat, 0x64, 0x000A'00B1));
  EXPECT_EQ(serial(ntfs), "00ABCDEF01234567");
  EXPECT_EQ(serial(exfat), "000A-00B1");
}

TEST(VolumeSerial, KnowsNoOtherContents) {
  EXPECT_EQ(serial({}), std::nullopt);
  EXPECT_EQ(serial(std::vector<std::byte>(512)), std::nullopt);
  for (const std::string_view name : {"-FVE-FS-", "MSDOS5.0", "NTFS", "EXFAT  ", "ntfs    "}) {
    std::vector<std::byte> block(512);
    std::copy_n(as_bytes(name).begin(), name.size(), block.begin() + 3);
    EXPECT_EQ(serial(block), std::nullopt) << name;
  }
  std::vector<std::byte> cut(0x4F);
  std::copy_n(as_bytes("NTFS    ").begin(), 8, cut.begin() + 3);
  EXPECT_EQ(serial(cut), std::nullopt);
}

}  // namespace
}  // namespace vhdboot::efi
