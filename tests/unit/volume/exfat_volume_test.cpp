// SPDX-License-Identifier: GPL-2.0-or-later
#include "init/volume/exfat_volume.h"

#include <gmock/gmock.h>

#include "base/units.h"
#include "tests/support/exfat_image.h"
#include "tests/support/process.h"
#include "tests/unit/volume/volume_checks.h"

namespace vhdboot::volume {
namespace {

using test::ExfatImage;
using test::ExfatOptions;
using test::Placement;
using test::seal_set;
using test::SparseImage;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

Error open_error(const ByteSource& image) {
  auto volume = HostVolume::open(image);
  EXPECT_FALSE(volume);
  return volume ? Error{} : volume.error();
}

Error layout_error(HostVolume& volume, std::string_view path) {
  auto layout = volume.layout(path_of(path));
  EXPECT_FALSE(layout) << path;
  return layout ? Error{} : layout.error();
}

/// After a change in a boot region: makes its checksum right again.
void seal_boot(SparseImage& image, unsigned sector_shift = 9, std::uint64_t at = 0) {
  const std::uint64_t sector = 1ull << sector_shift;
  std::vector<std::byte> region(11 * sector);
  ASSERT_TRUE(image.read(at, region));
  std::uint32_t sum = 0;
  for (std::size_t i = 0; i < region.size(); ++i)
    if (i != 106 && i != 107 && i != 112)
      sum = ((sum & 1) ? 0x80000000u : 0) + (sum >> 1) + std::to_integer<unsigned>(region[i]);
  for (std::uint64_t i = 0; i < sector; i += 4) image.put(at + 11 * sector + i, sum);
}

/// The offset of the first entry of `type` in the root directory.
std::uint64_t root_entry(const SparseImage& image, std::uint64_t root, std::uint8_t type) {
  for (std::uint64_t at = root;; at += 32)
    if (image.get<std::uint8_t>(at) == type) return at;
}

struct Geometry {
  unsigned sector_shift;
  unsigned cluster_shift;
};

class ExfatGeometries : public testing::TestWithParam<Geometry> {};

TEST_P(ExfatGeometries, FilesAreWhereTheExtentsSay) {
  const auto [sector_shift, cluster_shift] = GetParam();
  const std::size_t cluster = 1u << cluster_shift;
  ExfatImage builder(
      {.sector_shift = sector_shift, .cluster_shift = cluster_shift, .clusters = cluster_shift > 20 ? 24u : 400u});
  const std::size_t more = cluster_shift > 20 ? 1 : 3;  // whole clusters
  const auto contents = pattern(more * cluster + 500);
  builder.add_file("/neighbours.vhd", contents, Placement::NoFatChain);
  builder.add_file("/chain.vhd", contents, Placement::Chain);
  builder.add_file("/deep/er/scattered.vhd", contents, Placement::Scattered);
  const SparseImage image = builder.finish();

  const auto volume = open_volume(image);
  ASSERT_TRUE(volume);
  EXPECT_EQ(volume->kind(), Kind::Exfat);
  EXPECT_EQ(volume->label(), "HOST");
  EXPECT_EQ(volume->serial_text(), "1234-ABCD");
  EXPECT_EQ(volume->cluster_size(), cluster);
  EXPECT_EQ(volume->volume_size(), image.size());
  EXPECT_EQ(*volume->state(), VolumeState{});
  EXPECT_EQ(expect_mappable(*volume, image, "/neighbours.vhd", contents).extents.size(), 1u);
  EXPECT_EQ(expect_mappable(*volume, image, "/chain.vhd", contents).extents.size(), 1u);
  const FileLayout scattered = expect_mappable(*volume, image, "/deep/er/scattered.vhd", contents);
  EXPECT_EQ(scattered.extents.size(), more + 1);
  EXPECT_EQ(scattered.allocated_size, (more + 1) * cluster);
  EXPECT_EQ(*volume->read_file(path_of("/deep/er/scattered.vhd"), contents.size()), contents);
}

INSTANTIATE_TEST_SUITE_P(All, ExfatGeometries,
                         testing::Values(Geometry{9, 9}, Geometry{9, 12}, Geometry{9, 15}, Geometry{9, 17},
                                         Geometry{12, 12}, Geometry{12, 17}, Geometry{11, 13}, Geometry{9, 25},
                                         Geometry{12, 25}),
                         [](const auto& info) {
                           return concat("sector", 1u << info.param.sector_shift, "cluster",
                                         1u << info.param.cluster_shift);
                         });

TEST(Exfat, MoreThanAThousandExtents) {
  const auto contents = pattern(1500 * 512 - 7);
  for (const Placement placement : {Placement::Scattered, Placement::Backwards}) {
    ExfatImage builder({.cluster_shift = 9, .clusters = 4000});
    builder.add_file("/debian.vhd", contents, placement);
    const SparseImage image = builder.finish();
    const auto volume = open_volume(image);
    EXPECT_EQ(expect_mappable(*volume, image, "/debian.vhd", contents).extents.size(), 1500u);
  }
}

TEST(Exfat, AHugeFragmentedFileIsLaidOutFromTheFatAlone) {
  constexpr std::uint64_t kSize = 100 * kGiB;
  ExfatImage builder({.cluster_shift = 17, .clusters = 1'700'000});
  builder.add_empty_file("/debian.vhd", kSize, Placement::Scattered);
  const SparseImage image = builder.finish();
  const auto volume = open_volume(image);
  image.reads = 0;
  const FileLayout layout = layout_of(*volume, "/debian.vhd");
  EXPECT_EQ(layout.extents.size(), 819'200u);
  EXPECT_TRUE(check_mappable(layout, path_of("/debian.vhd")));
  EXPECT_LT(image.reads, 150u);  // 6.8 MB of FAT in blocks
}

TEST(Exfat, NamesIgnoreCaseAsTheVolumeSays) {
  for (const bool compressed : {true, false}) {
    ExfatImage builder({.compressed_upcase = compressed});
    const auto contents = pattern(100);
    builder.add_file("/Ärger/Ωmega/ПриВет.vhd", contents);
    builder.add_file("/\xF0\x9D\x84\x9E clef.img", contents);
    builder.add_file("/straße.vhd", contents);
    const SparseImage image = builder.finish();
    const auto volume = open_volume(image);
    for (const auto* path : {"/Ärger/Ωmega/ПриВет.vhd", "/ärGER/ωMEGA/пРИвЕТ.VHD", "/ÄRGER/ΩMEGA/ПРИВЕТ.VHD",
                             "/\xF0\x9D\x84\x9E CLEF.IMG", "/STRAßE.VHD"})
      expect_mappable(*volume, image, path, contents);
    EXPECT_EQ(volume->spelling(path_of("/ärGER/ωMEGA/пРИвЕТ.VHD"))->text(), "/Ärger/Ωmega/ПриВет.vhd");
    EXPECT_EQ(volume->spelling(path_of("/"))->text(), "/");
    EXPECT_EQ(volume->spelling(path_of("/Ärger/missing")).error().code, Code::NotFound);
    // No full case folding, as on Windows: one unit maps to one unit.
    EXPECT_EQ(layout_error(*volume, "/STRASSE.VHD").code, Code::NotFound);
  }
}

TEST(Exfat, DeepPathsAndLongNames) {
  ExfatImage builder({.cluster_shift = 9, .clusters = 2000});
  std::string path;
  for (int i = 0; i < 40; ++i) path += concat("/directory with a rather long name, number ", i);
  path += "/" + std::string(251, 'n') + ".vhd";
  builder.add_file(path, pattern(2000));
  const SparseImage image = builder.finish();
  const auto volume = open_volume(image);
  expect_mappable(*volume, image, path, pattern(2000));
  expect_mappable(*volume, image, to_lower_ascii(path), pattern(2000));
}

TEST(Exfat, ADirectoryOfManyClustersInPieces) {
  ExfatImage builder({.cluster_shift = 9, .clusters = 4000});
  for (int i = 0; i < 500; ++i) builder.add_file(concat("/many/file ", i), pattern(10, static_cast<unsigned>(i)));
  const SparseImage image = builder.finish();
  const auto volume = open_volume(image);
  const auto list = volume->list(path_of("/MANY"));
  ASSERT_TRUE(list);
  EXPECT_EQ(list->size(), 500u);
  EXPECT_EQ(list->back(), (DirEntry{"file 499", false, 10}));
  expect_mappable(*volume, image, "/many/FILE 499", pattern(10, 499));
}

TEST(Exfat, Lists) {
  ExfatImage builder({});
  builder.add_file("/boot/debian.vhd", pattern(5000));
  builder.add_file("/b", pattern(7));
  builder.add_directory("/empty");
  const SparseImage image = builder.finish();
  const auto volume = open_volume(image);
  EXPECT_THAT(*volume->list(Path()),
              ElementsAre(DirEntry{"boot", true, 0}, DirEntry{"b", false, 7}, DirEntry{"empty", true, 0}));
  EXPECT_THAT(*volume->list(path_of("/BOOT")), ElementsAre(DirEntry{"debian.vhd", false, 5000}));
  EXPECT_THAT(*volume->list(path_of("/empty")), IsEmpty());
  EXPECT_EQ(volume->list(path_of("/b")).error().code, Code::NotFound);
}

TEST(Exfat, WhatIsMissingIsNamed) {
  ExfatImage builder({});
  builder.add_file("/boot/debian.vhd", pattern(10));
  const SparseImage image = builder.finish();
  const auto volume = open_volume(image);
  EXPECT_EQ(layout_error(*volume, "/boot/arch.vhd").text, "there is no \"arch.vhd\" in /boot");
  EXPECT_EQ(layout_error(*volume, "/root/arch.vhd").text, "there is no \"root\" in /");
  EXPECT_EQ(layout_error(*volume, "/boot/debian.vhd/x").text, "/boot/debian.vhd is not a directory");
  EXPECT_EQ(layout_error(*volume, "/boot/debian.vhd/x").code, Code::NotFound);
}

TEST(Exfat, Directories) {
  ExfatImage builder({});
  builder.add_directory("/boot");
  const SparseImage image = builder.finish();
  const auto volume = open_volume(image);
  EXPECT_TRUE(layout_of(*volume, "/boot").directory);
  EXPECT_TRUE(layout_of(*volume, "/").directory);
  EXPECT_EQ(volume->read_file(path_of("/boot"), 10).error().code, Code::NotFound);
  EXPECT_EQ(volume->read_file(path_of("/"), 10).error().code, Code::NotFound);
}

TEST(Exfat, WhenAFileWasChanged) {
  const auto stamp = [](unsigned year, unsigned month, unsigned day, unsigned hour, unsigned minute, unsigned second) {
    return (year - 1980) << 25 | month << 21 | day << 16 | hour << 11 | minute << 5 | second / 2;
  };
  const auto modified = [](std::uint32_t stamp, std::uint8_t hundredths, std::uint8_t offset) {
    ExfatImage builder({});
    builder.add_file("/base.vhd", pattern(100));
    builder.set_modified("/base.vhd", stamp, hundredths, offset);
    const SparseImage image = builder.finish();
    return layout_of(*open_volume(image), "/base.vhd").modified;
  };
  // date -ud "2024-02-29 13:37:59" +%s
  const auto leap_day = stamp(2024, 2, 29, 13, 37, 58);
  EXPECT_EQ(modified(leap_day, 100, 0x80), 1709213879);
  EXPECT_EQ(modified(leap_day, 99, 0x80), 1709213878);
  EXPECT_EQ(modified(leap_day, 100, 0x80 | 22), 1709213879 - 5 * 3600 - 1800) << "India";
  EXPECT_EQ(modified(leap_day, 100, 0x80 | (0x80 - 20)), 1709213879 + 5 * 3600) << "New York";
  EXPECT_EQ(modified(stamp(1980, 1, 1, 0, 0, 0), 0, 0x80), 315532800);
  EXPECT_EQ(modified(stamp(2107, 12, 31, 23, 59, 58), 199, 0x80), 4354819199);
  EXPECT_EQ(modified(leap_day, 100, 22), std::nullopt) << "no time zone";
  for (const auto wrong : {stamp(2024, 0, 1, 0, 0, 0), stamp(2023, 2, 29, 0, 0, 0), stamp(2024, 13, 1, 0, 0, 0),
                           stamp(2024, 1, 1, 24, 0, 0), stamp(2024, 1, 1, 0, 60, 0), stamp(2024, 1, 1, 0, 0, 60)})
    EXPECT_EQ(modified(wrong, 0, 0x80), std::nullopt) << wrong;
  EXPECT_EQ(modified(leap_day, 200, 0x80), std::nullopt);
}

TEST(Exfat, AnEmptyFile) {
  ExfatImage builder({});
  builder.add_file("/nothing", {});
  const SparseImage image = builder.finish();
  const auto volume = open_volume(image);
  EXPECT_EQ(layout_of(*volume, "/nothing"), FileLayout{});
  EXPECT_THAT(*volume->read_file(path_of("/nothing"), 10), IsEmpty());
}

TEST(Exfat, AShortValidDataLengthIsRefusedAndReadsAsZeros) {
  ExfatImage builder({});
  auto contents = pattern(20'000);
  builder.add_file("/debian.vhd", contents, Placement::NoFatChain, 5000);
  const SparseImage image = builder.finish();
  const auto volume = open_volume(image);
  const FileLayout layout = layout_of(*volume, "/debian.vhd");
  EXPECT_EQ(layout.valid_size, 5000u);
  EXPECT_THAT(check_mappable(layout, path_of("/debian.vhd")).error().text, HasSubstr("byte 5000 of 20000"));
  std::fill(contents.begin() + 5000, contents.end(), std::byte{0});
  EXPECT_EQ(*volume->read_file(path_of("/debian.vhd"), 20'000), contents);
  EXPECT_EQ(volume->read_file(path_of("/debian.vhd"), 19'999).error().code, Code::Unsupported);
}

TEST(Exfat, States) {
  const auto state = [](std::uint16_t flags) {
    const SparseImage image = ExfatImage({.flags = flags}).finish();
    return *open_volume(image)->state();
  };
  EXPECT_EQ(state(0), VolumeState{});
  EXPECT_EQ(state(2), VolumeState{.dirty = true});
  EXPECT_EQ(state(4), VolumeState{.media_failure = true});
  EXPECT_THAT(check_clean(state(6)).error().text, AllOf(HasSubstr("dirty"), HasSubstr("failures")));
}

TEST(Exfat, TheSecondFatWhenItIsTheActiveOne) {
  const auto contents = pattern(9000);
  for (const bool second : {false, true}) {
    ExfatImage builder({.cluster_shift = 9, .fats = 2, .second_fat_active = second});
    builder.add_file("/debian.vhd", contents, Placement::Scattered);
    const SparseImage image = builder.finish();
    const auto volume = open_volume(image);
    EXPECT_EQ(expect_mappable(*volume, image, "/debian.vhd", contents).extents.size(), 18u);
  }
}

TEST(Exfat, TheBackupBootRegionServesForReadingOnly) {
  for (const unsigned shift : {9u, 12u}) {
    ExfatImage builder({.sector_shift = shift});
    builder.add_file("/debian.vhd", pattern(100));
    SparseImage image = builder.finish();
    image.put<std::uint8_t>(200, 0xFF);  // boot code: the checksum is wrong now
    const auto volume = open_volume(image);
    expect_mappable(*volume, image, "/debian.vhd", pattern(100));
    EXPECT_TRUE(volume->state()->dirty);
    image.put<std::uint8_t>(108, 99);
    expect_mappable(*open_volume(image), image, "/debian.vhd", pattern(100));
    image.put<std::uint8_t>((12ull << shift) + 200, 0xFF);
    EXPECT_THAT(open_error(image).text, HasSubstr("sector size"));
    image.put<std::uint8_t>(108, static_cast<std::uint8_t>(shift));
    EXPECT_THAT(open_error(image).text, HasSubstr("checksum"));
    EXPECT_EQ(open_error(image).code, Code::Corrupt);
  }
}

TEST(Exfat, BootSectorsThatCannotBe) {
  const auto broken = [](auto change) {
    SparseImage image = ExfatImage({}).finish();
    change(image);
    seal_boot(image);
    for (std::uint64_t i = 0; i < 512; i += 8) image.put<std::uint64_t>(12 * 512 + i, 0);  // no backup
    const Error error = open_error(image);
    EXPECT_NE(error.code, Code::NotFound);
    return error.text;
  };
  EXPECT_THAT(broken([](auto& i) { i.put(72, i.size() / 512 + 1); }), HasSubstr("the partition only"));
  EXPECT_THAT(broken([](auto& i) { i.put(72, UINT64_MAX); }), HasSubstr("the partition only"));
  EXPECT_THAT(broken([](auto& i) { i.template put<std::uint8_t>(109, 17); }), HasSubstr("cluster size"));
  EXPECT_THAT(broken([](auto& i) { i.template put<std::uint8_t>(109, 255); }), HasSubstr("cluster size"));
  EXPECT_THAT(broken([](auto& i) { i.template put<std::uint8_t>(110, 3); }), HasSubstr("3 FATs"));
  EXPECT_THAT(broken([](auto& i) { i.template put<std::uint32_t>(80, 12); }), HasSubstr("FAT lies wrong"));
  EXPECT_THAT(broken([](auto& i) { i.template put<std::uint32_t>(84, 0xFFFFFFFF); }), HasSubstr("FAT lies wrong"));
  EXPECT_THAT(broken([](auto& i) { i.template put<std::uint32_t>(84, 1); }), HasSubstr("too short"));
  EXPECT_THAT(broken([](auto& i) { i.template put<std::uint32_t>(92, 0); }), HasSubstr("number of clusters"));
  EXPECT_THAT(broken([](auto& i) { i.template put<std::uint32_t>(92, 1025); }), HasSubstr("past the end"));
  EXPECT_THAT(broken([](auto& i) { i.template put<std::uint32_t>(96, 1); }), HasSubstr("root directory"));
  EXPECT_THAT(broken([](auto& i) { i.template put<std::uint32_t>(96, 1026); }), HasSubstr("root directory"));
  EXPECT_THAT(broken([](auto& i) { i.template put<std::uint16_t>(104, 0x0200); }), HasSubstr("revision 2.0"));
  EXPECT_THAT(broken([](auto& i) { i.template put<std::uint8_t>(40, 1); }), HasSubstr("must be zero"));
  EXPECT_THAT(broken([](auto& i) { i.template put<std::uint16_t>(510, 0); }), HasSubstr("signature"));
}

TEST(Exfat, AVolumeCutShort) {
  const SparseImage whole = ExfatImage({}).finish();
  for (const std::uint64_t size : {512u, 4096u, 100'000u}) {
    const SliceSource image(whole, 0, size);
    EXPECT_EQ(open_error(image).code, Code::Corrupt) << size;
  }
}

TEST(Exfat, BrokenChains) {
  const auto contents = pattern(8 * 512);
  ExfatImage builder({.cluster_shift = 9});
  builder.add_file("/debian.vhd", contents, Placement::Scattered);
  const auto clusters = builder.clusters_of("/debian.vhd");
  SparseImage image = builder.finish();
  const auto entry = [&](std::size_t i) { return builder.fat_offset() + clusters[i] * 4ull; };
  const auto error_with = [&](std::size_t i, std::uint32_t value) {
    const auto before = image.get<std::uint32_t>(entry(i));
    image.put(entry(i), value);
    const Error error = layout_error(*open_volume(image), "/debian.vhd");
    EXPECT_EQ(error.code, Code::Corrupt);
    image.put(entry(i), before);
    return error.text;
  };
  EXPECT_THAT(error_with(3, 0xFFFFFFFF), AllOf(HasSubstr("/debian.vhd"), HasSubstr("ends after 4 of 8")));
  EXPECT_THAT(error_with(3, 0xFFFFFFF7), HasSubstr("marked bad"));
  EXPECT_THAT(error_with(3, 0), HasSubstr("ends after 4"));
  EXPECT_THAT(error_with(3, 1), HasSubstr("ends after 4"));
  EXPECT_THAT(error_with(3, 5000), HasSubstr("ends after 4"));
  EXPECT_THAT(error_with(3, clusters[1]), HasSubstr("same place"));
  EXPECT_THAT(error_with(3, clusters[3]), HasSubstr("same place"));
}

TEST(Exfat, ARootDirectoryThatNeverEnds) {
  ExfatImage builder({.cluster_shift = 9});
  SparseImage image = builder.finish();
  const std::uint32_t root = image.get<std::uint32_t>(96);
  image.put(builder.fat_offset() + root * 4ull, root);
  EXPECT_EQ(open_error(image).code, Code::Corrupt);
  image.put<std::uint32_t>(builder.fat_offset() + root * 4ull, 0);
  EXPECT_THAT(open_error(image).text, HasSubstr("leaves the volume"));
}

TEST(Exfat, SizesThatCannotBe) {
  ExfatImage builder({});
  builder.add_file("/debian.vhd", pattern(100));
  SparseImage image = builder.finish();
  const std::uint64_t set = root_entry(image, builder.root_offset(), 0x85);
  const auto error_with = [&](std::uint64_t size, std::uint32_t cluster) {
    image.put(set + 32 + 24, size);
    image.put(set + 32 + 20, cluster);
    seal_set(image, set);
    return layout_error(*open_volume(image), "/debian.vhd").text;
  };
  EXPECT_THAT(error_with(UINT64_MAX, 5), HasSubstr("more than the volume has"));
  EXPECT_THAT(error_with(1024 * 4096 + 1, 2), HasSubstr("more than the volume has"));
  EXPECT_THAT(error_with(1024 * 4096, 3), HasSubstr("past the end of the volume"));
  EXPECT_THAT(error_with(100, 0), HasSubstr("which does not exist"));
  EXPECT_THAT(error_with(100, 1026), HasSubstr("which does not exist"));
}

TEST(Exfat, DamagedEntriesAreToldFromMissingOnes) {
  ExfatImage builder({});
  builder.add_file("/debian.vhd", pattern(100));
  builder.add_file("/other.vhd", pattern(100));
  SparseImage image = builder.finish();
  const std::uint64_t set = root_entry(image, builder.root_offset(), 0x85);
  image.put<std::uint8_t>(set + 8, 1);  // a time stamp: the checksum is wrong now
  const auto volume = open_volume(image);
  EXPECT_THAT(layout_error(*volume, "/debian.vhd").text, AllOf(HasSubstr("damaged"), HasSubstr("chkdsk")));
  EXPECT_EQ(layout_error(*volume, "/nobody.vhd").code, Code::NotFound);
  EXPECT_THAT(*volume->list(Path()), ElementsAre(DirEntry{"other.vhd", false, 100}));

  seal_set(image, set);
  EXPECT_TRUE(open_volume(image)->layout(path_of("/debian.vhd")));
  image.put<std::uint16_t>(set + 32 + 4, 0x1234);  // the hash of the name
  seal_set(image, set);
  EXPECT_THAT(layout_error(*open_volume(image), "/debian.vhd").text, HasSubstr("damaged"));
}

TEST(Exfat, DeletedAndForeignEntriesArePassedOver) {
  ExfatImage builder({});
  builder.add_file("/deleted.vhd", pattern(100));
  builder.add_file("/debian.vhd", pattern(200));
  SparseImage image = builder.finish();
  const std::uint64_t set = root_entry(image, builder.root_offset(), 0x85);
  const auto debian = layout_of(*open_volume(image), "/debian.vhd");
  for (std::uint64_t at = set; at < set + 96; at += 32) image.put<std::uint8_t>(at, image.get<std::uint8_t>(at) & 0x7F);
  EXPECT_EQ(layout_error(*open_volume(image), "/deleted.vhd").code, Code::NotFound);
  EXPECT_EQ(layout_of(*open_volume(image), "/debian.vhd"), debian);
  image.put<std::uint8_t>(set, 0xA0);       // a volume GUID
  image.put<std::uint8_t>(set + 32, 0x99);  // something critical of tomorrow
  image.put<std::uint8_t>(set + 64, 0xC1);  // a name that belongs to nobody
  EXPECT_EQ(layout_of(*open_volume(image), "/debian.vhd"), debian);
  image.put<std::uint8_t>(set + 64, 0x85);  // a file without what belongs to it
  image.put<std::uint8_t>(set + 65, 2);
  EXPECT_EQ(layout_of(*open_volume(image), "/debian.vhd"), debian);
}

TEST(Exfat, TheUpcaseTableHasToBeRight) {
  ExfatImage builder({});
  SparseImage image = builder.finish();
  const std::uint64_t entry = root_entry(image, builder.root_offset(), 0x82);
  const std::uint32_t checksum = image.get<std::uint32_t>(entry + 4);
  image.put(entry + 4, checksum + 1);
  EXPECT_THAT(open_error(image).text, AllOf(HasSubstr("up-case table"), HasSubstr("checksum")));
  image.put(entry + 4, checksum);
  image.put<std::uint64_t>(entry + 24, 128 * 1024 + 2);
  EXPECT_THAT(open_error(image).text, HasSubstr("too large"));
  image.put<std::uint8_t>(entry, 0x02);
  EXPECT_THAT(open_error(image).text, HasSubstr("no up-case table"));
}

TEST(Exfat, AVolumeWithoutALabel) {
  const SparseImage image = ExfatImage({.label = u""}).finish();
  EXPECT_EQ(open_volume(image)->label(), "");
  const SparseImage greek = ExfatImage({.label = u"Ωmega \xD834\xDD1E"}).finish();
  EXPECT_EQ(open_volume(greek)->label(), "Ωmega \xF0\x9D\x84\x9E");
}

// The builder of these volumes is itself on trial here.
TEST(Exfat, FsckFindsNothingToRepairInOurVolumes) {
  const auto fsck = test::tool("fsck.exfat");
  if (!fsck) GTEST_SKIP() << "fsck.exfat (exfatprogs) is not installed";
  const test::TempFolder folder;
  for (const auto& [sector_shift, cluster_shift] :
       {Geometry{9, 9}, Geometry{9, 12}, Geometry{12, 12}, Geometry{9, 17}}) {
    ExfatImage builder({.sector_shift = sector_shift, .cluster_shift = cluster_shift, .clusters = 4096});
    builder.add_file("/boot/ПриВет/debian.vhd", pattern(300'000), Placement::Scattered);
    builder.add_file("/boot/backwards.vhd", pattern(300'000), Placement::Backwards);
    builder.add_file("/boot/neighbours.vhd", pattern(300'000), Placement::NoFatChain);
    builder.add_file("/boot/short.vhd", pattern(300'000), Placement::Chain, 1000);
    builder.add_file("/" + std::string(255, 'n'), {});
    const std::string file = folder.file("exfat.img");
    builder.finish().save(file);
    const auto done = test::run({*fsck, "-n", file});
    EXPECT_EQ(done.status, 0) << done.output;
    EXPECT_THAT(done.output, HasSubstr("clean"));
  }
}

TEST(Exfat, AVolumeOfMkfs) {
  const auto mkfs = test::tool("mkfs.exfat");
  if (!mkfs) GTEST_SKIP() << "mkfs.exfat (exfatprogs) is not installed";
  const test::TempFolder folder;
  const std::string file = folder.file("exfat.img");
  for (const auto* cluster : {"512", "4K", "128K", "32M"}) {
    SparseImage(256 * kMiB).save(file);
    const auto done = test::run({*mkfs, "-c", cluster, "-L", "Größe", file});
    ASSERT_EQ(done.status, 0) << done.output;
    const SparseImage image = SparseImage::load(file);
    const auto volume = open_volume(image);
    ASSERT_TRUE(volume);
    EXPECT_EQ(*volume->state(), VolumeState{});
    EXPECT_THAT(*volume->list(Path()), IsEmpty());
    if (const auto blkid = test::tool("blkid")) {
      const auto found = test::run({*blkid, "-p", "-o", "value", "-s", "UUID", file});
      EXPECT_EQ(found.output, volume->serial_text() + "\n");
    }
  }
}

/// A volume with /vm/debian.vhd, scattered, and other files.
ExfatImage crowded(const ExfatOptions& options = {}) {
  ExfatImage builder(options);
  builder.add_file("/notes.txt", pattern(100), Placement::Chain);
  builder.add_file("/vm/debian.vhd", pattern(20 * 4096 - 7), Placement::Scattered);
  builder.add_file("/vm/other.vhd", pattern(3 * 4096), Placement::NoFatChain);
  return builder;
}

std::string allocation_error(const ByteSource& image, std::string_view path = "/VM/Debian.VHD") {
  const auto volume = open_volume(image);
  const auto result = volume->check_allocation(path_of(path));
  EXPECT_TRUE(result || result.error().code == Code::Corrupt);
  return result ? std::string() : result.error().text;
}

TEST(Exfat, ClustersOfAFileAreItsOwn) {
  for (const bool second : {false, true}) {
    ExfatImage builder = crowded({.fats = second ? 2u : 1u, .second_fat_active = second});
    EXPECT_EQ(allocation_error(builder.finish()), "");
  }
}

TEST(Exfat, AClusterThatCountsAsFree) {
  ExfatImage builder = crowded();
  SparseImage image = builder.finish();
  const std::uint32_t cluster = builder.clusters_of("/vm/debian.vhd").at(11);
  const std::uint64_t bitmap =
      builder.offset_of(image.get<std::uint32_t>(root_entry(image, builder.root_offset(), 0x81) + 20));
  const std::uint64_t at = bitmap + (cluster - 2) / 8;
  image.put(at, static_cast<std::uint8_t>(image.get<std::uint8_t>(at) & ~(1u << (cluster - 2) % 8)));
  EXPECT_THAT(allocation_error(image), AllOf(HasSubstr("/VM/Debian.VHD"), HasSubstr("counts as free"),
                                             HasSubstr("from its byte 45056 on"), HasSubstr("chkdsk")));
  EXPECT_EQ(allocation_error(image, "/vm/other.vhd"), "");
}

TEST(Exfat, AClusterThatAnotherHasToo) {
  ExfatImage builder = crowded();
  SparseImage image = builder.finish();
  const std::uint32_t last = builder.clusters_of("/vm/debian.vhd").back();
  const std::uint64_t link = builder.fat_offset() + 4ull * builder.clusters_of("/vm/debian.vhd").at(18);
  const auto cluster_at = [&](std::uint64_t offset) {
    return static_cast<std::uint32_t>((offset - builder.offset_of(2)) / 4096 + 2);
  };
  struct Case {
    std::uint32_t cluster;
    const char* owner;
  };
  const auto entry_of = [&](std::uint8_t type) {
    return image.get<std::uint32_t>(root_entry(image, builder.root_offset(), type) + 20);
  };
  for (const auto& [cluster, owner] :
       {Case{builder.clusters_of("/vm/other.vhd").at(1), "\"other.vhd\" in /VM"},
        Case{builder.clusters_of("/notes.txt").front(), "\"notes.txt\" in /"},
        Case{cluster_at(builder.root_offset()), "the folder /"}, Case{entry_of(0x81), "the allocation bitmap"},
        Case{entry_of(0x82), "the up-case table"}}) {
    image.put(link, cluster);
    image.put(builder.fat_offset() + 4ull * cluster, std::uint32_t{0xFFFFFFFF});
    EXPECT_THAT(allocation_error(image), HasSubstr(concat("shares clusters with ", owner)));
  }
  image.put(link, last);
  EXPECT_EQ(allocation_error(image), "");
}

}  // namespace
}  // namespace vhdboot::volume
