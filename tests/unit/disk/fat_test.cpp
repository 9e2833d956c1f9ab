// SPDX-License-Identifier: GPL-2.0-or-later
// A FAT12 volume written by hand; volumes of real tools are read in tests/integration/vhdtool_read_test.py.
#include "disk/fat.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/text.h"
#include "tests/unit/vhd/sparse_images.h"

namespace vhdboot::disk {
namespace {

using test::put_le;
using test::SparseFile;
using ::testing::HasSubstr;

constexpr std::uint64_t kFat = 512;
constexpr std::uint64_t kRoot = 1024;
constexpr std::uint64_t kData = 1536;  // cluster 2; 512 bytes each
constexpr std::uint64_t kClusters = 100;

std::uint64_t place(std::uint64_t cluster) {
  return kData + (cluster - 2) * 512;
}

void set_next(SparseFile& file, std::uint64_t cluster, unsigned value) {
  const std::uint64_t at = kFat + cluster * 3 / 2;
  auto bytes = file.bytes(at, 2);
  const unsigned old = load_le<std::uint16_t>(bytes, 0).value_or(0);
  put_le(file, at, static_cast<std::uint16_t>(cluster % 2 != 0 ? (old & 0xF) | value << 4 : (old & 0xF000) | value));
}

void put_entry(SparseFile& file, std::uint64_t at, std::string_view name, unsigned attributes, unsigned cluster,
               std::uint32_t size) {
  file.put(at, name);
  put_le(file, at + 11, static_cast<std::uint8_t>(attributes));
  put_le(file, at + 26, static_cast<std::uint16_t>(cluster));
  put_le(file, at + 28, size);
}

// "A long näme.efi" in two pieces for the short name, whose checksum it bears.
void put_long_name(SparseFile& file, std::uint64_t at, std::string_view short_name) {
  unsigned sum = 0;
  for (const char c : short_name) sum = ((sum << 7 | sum >> 1) + static_cast<unsigned char>(c)) & 0xFF;
  const std::u16string name = u"A long n\u00E4me.efi";
  constexpr std::array<std::size_t, 13> kPlaces{1, 3, 5, 7, 9, 14, 16, 18, 20, 22, 24, 28, 30};
  for (std::size_t piece = 0; piece < 2; ++piece) {
    const std::uint64_t entry = at + (1 - piece) * 32;
    put_le(file, entry, static_cast<std::uint8_t>(piece + 1 + (piece == 1 ? 0x40 : 0)));
    put_le(file, entry + 11, std::uint8_t{0x0F});
    put_le(file, entry + 13, static_cast<std::uint8_t>(sum));
    for (std::size_t i = 0; i < 13; ++i) {
      const std::size_t from = piece * 13 + i;
      const unsigned unit = from < name.size() ? name[from] : from == name.size() ? 0 : 0xFFFF;
      put_le(file, entry + kPlaces[i], static_cast<std::uint16_t>(unit));
    }
  }
}

// The root directory holds a label, a deleted file, FILE.TXT (three clusters, backwards), and the directory sub with a
// file of a long name.
SparseFile volume() {
  SparseFile file(kData + kClusters * 512);
  put_le(file, 11, std::uint16_t{512});
  put_le(file, 13, std::uint8_t{1});
  put_le(file, 14, std::uint16_t{1});
  put_le(file, 16, std::uint8_t{1});
  put_le(file, 17, std::uint16_t{16});
  put_le(file, 19, static_cast<std::uint16_t>(kClusters + 3));
  put_le(file, 22, std::uint16_t{1});
  put_le(file, 510, std::uint16_t{0xAA55});
  put_entry(file, kRoot, "LABEL      ", 0x08, 0, 0);
  put_entry(file, kRoot + 32, "\xE5ONE    TXT", 0x20, 9, 100);
  put_entry(file, kRoot + 64, "FILE    TXT", 0x20, 7, 1100);
  put_entry(file, kRoot + 96, "SUB        ", 0x10, 3, 0);
  put_le(file, kRoot + 96 + 12, std::uint8_t{0x08});
  set_next(file, 7, 6);
  set_next(file, 6, 5);
  set_next(file, 5, 0xFFF);
  for (const unsigned cluster : {5u, 6u, 7u})
    file.put(place(cluster), std::vector<std::byte>(512, static_cast<std::byte>(cluster)));
  set_next(file, 3, 4);
  set_next(file, 4, 0xFF8);
  put_entry(file, place(3), ".          ", 0x10, 3, 0);
  put_entry(file, place(3) + 32, "..         ", 0x10, 0, 0);
  // The pieces of the name lie on both sides of the limit of two clusters.
  for (std::uint64_t at = place(3) + 64; at < place(4) - 32; at += 32)
    put_entry(file, at, "\xE5          ", 0x20, 0, 0);
  put_long_name(file, place(4) - 32, "ALONGN~1EFI");
  put_entry(file, place(4) + 32, "ALONGN~1EFI", 0x20, 8, 5);
  set_next(file, 8, 0xFFF);
  file.put(place(8), "hello");
  return file;
}

std::string names(const std::vector<FatEntry>& entries) {
  std::string out;
  for (const FatEntry& entry : entries) out += concat(entry.name, entry.directory ? "/ " : " ");
  return out;
}

TEST(Fat, ListsNames) {
  const SparseFile file = volume();
  const auto fat = FatVolume::open(file);
  ASSERT_TRUE(fat) << fat.error().message();
  EXPECT_EQ(fat->bits(), 12u);
  EXPECT_EQ(names(*fat->list(FatVolume::root())), "FILE.TXT sub/ ");
  EXPECT_EQ(names(*fat->list(*fat->find("/Sub"))), "A long n\xC3\xA4me.efi ");
}

TEST(Fat, AnotherChecksumIsAnotherFilesLongName) {
  SparseFile file = volume();
  put_le(file, place(4) + 13, std::uint8_t{1});
  EXPECT_EQ(names(*FatVolume::open(file)->list(*FatVolume::open(file)->find("sub"))), "ALONGN~1.EFI ");
  put_le(file, place(4) - 32 + 13, std::uint8_t{1});
  EXPECT_EQ(names(*FatVolume::open(file)->list(*FatVolume::open(file)->find("sub"))), "ALONGN~1.EFI ");
}

TEST(Fat, ReadsAlongTheChain) {
  const SparseFile file = volume();
  const auto fat = FatVolume::open(file);
  ASSERT_TRUE(fat);
  const auto contents = fat->open_file(*fat->find("file.txt"));
  ASSERT_TRUE(contents) << contents.error().message();
  std::vector<std::byte> bytes(1100);
  ASSERT_TRUE((*contents)->read(0, bytes));
  for (std::size_t i = 0; i < bytes.size(); ++i) ASSERT_EQ(bytes[i], static_cast<std::byte>(7 - i / 512)) << i;
  std::vector<std::byte> part(3);
  ASSERT_TRUE((*contents)->read(511, part));
  EXPECT_EQ(part[0], std::byte{7});
  EXPECT_EQ(part[1], std::byte{6});
  EXPECT_FALSE((*contents)->read(1098, part));
  const auto hello = fat->open_file(*fat->find("/sub/a long n\xC3\xA4me.EFI"));
  ASSERT_TRUE(hello);
  EXPECT_EQ((*hello)->size(), 5u);
  EXPECT_EQ(fat->find("/sub/nothing").error().code, Code::NotFound);
  EXPECT_EQ(fat->find("/file.txt/nothing").error().code, Code::NotFound);
}

TEST(Fat, BrokenChains) {
  for (const unsigned next : {0u, 1u, 102u, 0xFF7u}) {
    SparseFile file = volume();
    set_next(file, 6, next);
    const auto fat = FatVolume::open(file);
    ASSERT_TRUE(fat);
    const auto contents = fat->open_file(*fat->find("file.txt"));
    ASSERT_FALSE(contents) << next;
    EXPECT_THAT(contents.error().message(), HasSubstr("broken")) << next;
  }
  SparseFile circle = volume();
  set_next(circle, 4, 3);
  const auto fat = FatVolume::open(circle);
  ASSERT_TRUE(fat);
  const auto list = fat->list(*fat->find("sub"));
  ASSERT_FALSE(list);
  EXPECT_THAT(list.error().message(), HasSubstr("circle"));
}

TEST(Fat, Refusals) {
  const auto with = [](auto change) {
    SparseFile file = volume();
    change(file);
    const auto fat = FatVolume::open(file);
    return fat ? std::string("accepted") : fat.error().message();
  };
  EXPECT_THAT(with([](SparseFile& f) { put_le(f, 510, std::uint16_t{0}); }), HasSubstr("no FAT"));
  EXPECT_THAT(with([](SparseFile& f) { put_le(f, 11, std::uint16_t{500}); }), HasSubstr("no FAT"));
  EXPECT_THAT(with([](SparseFile& f) { put_le(f, 13, std::uint8_t{0}); }), HasSubstr("no FAT"));
  EXPECT_THAT(with([](SparseFile& f) { put_le(f, 19, std::uint16_t{60000}); }), HasSubstr("larger"));
  EXPECT_THAT(with([](SparseFile& f) { put_le(f, 22, std::uint16_t{200}); }), HasSubstr("damaged"));
  SparseFile small(2 * kMiB);
  small.put(0, volume().bytes(0, 512));
  put_le(small, 19, std::uint16_t{4000});
  const auto fat = FatVolume::open(small);
  ASSERT_FALSE(fat);
  EXPECT_THAT(fat.error().message(), HasSubstr("too short"));
}

}  // namespace
}  // namespace vhdboot::disk
