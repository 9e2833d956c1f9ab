// SPDX-License-Identifier: GPL-2.0-or-later
#include "init/volume/ntfs_volume.h"

#include <gmock/gmock.h>

#include "base/units.h"
#include "tests/support/ntfs_image.h"
#include "tests/support/sparse_image.h"
#include "tests/unit/volume/volume_checks.h"

namespace vhdboot::volume {
namespace {

using test::Journal;
using test::make_ntfs;
using test::NtfsOptions;
using test::NtfsWriter;
using test::restart_page;
using test::SparseImage;
using test::volume_flags;
using testing::AllOf;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::UnorderedElementsAre;

/// A volume made by mkntfs and filled by `fill`.
template <class Fill>
SparseImage ntfs_image(const NtfsOptions& options, Fill fill) {
  const test::TempFolder folder;
  const std::string path = folder.file("ntfs.img");
  make_ntfs(path, options);
  {
    NtfsWriter writer(path);
    fill(writer);
  }
  return SparseImage::load(path);
}

Error layout_error(HostVolume& volume, std::string_view path) {
  auto layout = volume.layout(path_of(path));
  EXPECT_FALSE(layout) << path;
  return layout ? Error{} : layout.error();
}

Error open_error(const ByteSource& image) {
  auto volume = HostVolume::open(image);
  EXPECT_FALSE(volume);
  return volume ? Error{} : volume.error();
}

std::string refusal(HostVolume& volume, std::string_view path) {
  const auto result = check_mappable(layout_of(volume, path), path_of(path));
  EXPECT_FALSE(result) << path;
  return result ? std::string() : result.error().text;
}

class NtfsTest : public testing::Test {
 protected:
  void SetUp() override {
    if (!test::tool("mkntfs")) GTEST_SKIP() << "mkntfs (ntfs-3g) is not installed";
  }
};

struct Geometry {
  unsigned sector;
  unsigned cluster;
};

class NtfsGeometries : public NtfsTest, public testing::WithParamInterface<Geometry> {};

TEST_P(NtfsGeometries, FilesAreWhereTheExtentsSay) {
  const auto [sector, cluster] = GetParam();
  const auto contents = pattern(11 * cluster + 1234);
  const SparseImage image = ntfs_image(
      {.size = cluster > 65536 ? 1 * kGiB : 64 * kMiB, .sector = sector, .cluster = cluster}, [&](NtfsWriter& writer) {
        writer.add_file("/boot/debian.vhd", contents);
        writer.add_scattered("/boot/scattered.vhd", contents);
      });
  const auto volume = open_volume(image);
  ASSERT_TRUE(volume);
  EXPECT_EQ(volume->kind(), Kind::Ntfs);
  EXPECT_EQ(volume->label(), "HOST");
  EXPECT_EQ(volume->cluster_size(), cluster);
  EXPECT_LE(volume->volume_size(), image.size());
  EXPECT_GE(volume->volume_size() + cluster, image.size());
  EXPECT_EQ(*volume->state(), VolumeState{});
  const FileLayout whole = expect_mappable(*volume, image, "/boot/debian.vhd", contents);
  EXPECT_EQ(whole.extents.size(), 1u);
  EXPECT_EQ(whole.allocated_size, align_up(contents.size(), cluster));
  EXPECT_EQ(expect_mappable(*volume, image, "/boot/scattered.vhd", contents).extents.size(),
            (contents.size() + cluster - 1) / cluster);
  EXPECT_EQ(*volume->read_file(path_of("/boot/scattered.vhd"), contents.size()), contents);
}

INSTANTIATE_TEST_SUITE_P(All, NtfsGeometries,
                         testing::Values(Geometry{512, 512}, Geometry{512, 1024}, Geometry{512, 4096},
                                         Geometry{512, 65536}, Geometry{512, 2 << 20}, Geometry{1024, 4096},
                                         Geometry{4096, 4096}, Geometry{4096, 65536}),
                         [](const auto& info) {
                           return concat("sector", info.param.sector, "cluster", info.param.cluster);
                         });

TEST_F(NtfsTest, MoreThanAThousandExtentsInAnAttributeList) {
  const auto contents = pattern(2500 * 512 - 7);
  const SparseImage image = ntfs_image({.size = 64 * kMiB, .cluster = 512}, [&](NtfsWriter& writer) {
    writer.add_scattered("/debian.vhd", contents);
    ntfs_inode* inode = writer.inode("/debian.vhd");
    EXPECT_TRUE(NInoAttrList(inode));
    writer.close(inode);
  });
  const auto volume = open_volume(image);
  EXPECT_EQ(expect_mappable(*volume, image, "/debian.vhd", contents).extents.size(), 2500u);
}

TEST_F(NtfsTest, NamesIgnoreCaseAsTheVolumeSays) {
  const auto contents = pattern(10'000);
  const SparseImage image = ntfs_image({}, [&](NtfsWriter& writer) {
    writer.add_file("/Ärger/Ωmega/ПриВет.vhd", contents);
    writer.add_file("/\xF0\x9D\x84\x9E clef.img", contents);
    writer.add_file("/straße.vhd", contents);
  });
  const auto volume = open_volume(image);
  for (const auto* path : {"/Ärger/Ωmega/ПриВет.vhd", "/ärGER/ωMEGA/пРИвЕТ.VHD", "/ÄRGER/ΩMEGA/ПРИВЕТ.VHD",
                           "/\xF0\x9D\x84\x9E CLEF.IMG", "/STRAßE.VHD"})
    expect_mappable(*volume, image, path, contents);
  EXPECT_EQ(layout_error(*volume, "/STRASSE.VHD").code, Code::NotFound);
}

TEST_F(NtfsTest, TheVeryNameIsPreferred) {
  const SparseImage image = ntfs_image({}, [&](NtfsWriter& writer) {
    writer.add_file("/Debian.vhd", pattern(5000, 1));
    writer.add_file("/debian.vhd", pattern(5000, 2));
    writer.add_file("/DEBIAN.VHD", pattern(5000, 3));
  });
  const auto volume = open_volume(image);
  expect_mappable(*volume, image, "/Debian.vhd", pattern(5000, 1));
  expect_mappable(*volume, image, "/debian.vhd", pattern(5000, 2));
  expect_mappable(*volume, image, "/DEBIAN.VHD", pattern(5000, 3));
  EXPECT_TRUE(volume->layout(path_of("/dEbIaN.vhd")));
}

TEST_F(NtfsTest, PathsAreSpelledAsTheVolumeHasThem) {
  const SparseImage image = ntfs_image({}, [&](NtfsWriter& writer) {
    writer.add_file("/Ärger/ПриВет.vhd", pattern(100));
    writer.add_file("/two/Debian.vhd", pattern(5000, 1));
    writer.add_file("/two/debian.vhd", pattern(5000, 2));
    writer.add_file("/long/Debian Testing.vhd", pattern(100));
    ntfs_inode* file = writer.inode("/long/Debian Testing.vhd");
    ntfs_inode* directory = writer.inode("/long");
    EXPECT_EQ(ntfs_set_ntfs_dos_name(file, directory, "DEBIAN~1.VHD", 12, 0), 0);  // closes both
    writer.add_file("/links/One.vhd", pattern(100));
    file = writer.inode("/links/One.vhd");
    directory = writer.inode("/links");
    const std::u16string other = u"Other.vhd";
    EXPECT_EQ(ntfs_link(file, directory, reinterpret_cast<const ntfschar*>(other.data()), 9), 0);
    writer.close(file);
    writer.close(directory);
  });
  const auto volume = open_volume(image);
  const auto spelled = [&](const char* path) { return volume->spelling(path_of(path)).value_or(Path()).text(); };
  EXPECT_EQ(spelled("/"), "/");
  EXPECT_EQ(spelled("/äRGER/пРИвЕТ.VHD"), "/Ärger/ПриВет.vhd");
  EXPECT_EQ(spelled("/TWO/Debian.vhd"), "/two/Debian.vhd");
  EXPECT_EQ(spelled("/TWO/debian.vhd"), "/two/debian.vhd");
  EXPECT_EQ(spelled("/Long/debian~1.vhd"), "/long/Debian Testing.vhd");
  EXPECT_EQ(spelled("/Links/Other.vhd"), "/links/Other.vhd");
  EXPECT_EQ(spelled("/Links/One.vhd"), "/links/One.vhd");
  EXPECT_EQ(volume->spelling(path_of("/two/ubuntu.vhd")).error().code, Code::NotFound);
}

TEST_F(NtfsTest, DeepPathsAndLongNames) {
  std::string path;
  for (int i = 0; i < 60; ++i) path += concat("/directory with a rather long name, number ", i);
  path += "/" + std::string(251, 'n') + ".vhd";
  const SparseImage image = ntfs_image({}, [&](NtfsWriter& writer) { writer.add_file(path, pattern(5000)); });
  const auto volume = open_volume(image);
  expect_mappable(*volume, image, path, pattern(5000));
  expect_mappable(*volume, image, to_lower_ascii(path), pattern(5000));
}

TEST_F(NtfsTest, ADirectoryOfManyIndexBlocks) {
  const SparseImage image = ntfs_image({.size = 32 * kMiB}, [&](NtfsWriter& writer) {
    for (int i = 0; i < 1000; ++i) writer.add_file(concat("/many/file ", i), pattern(1000, static_cast<unsigned>(i)));
  });
  const auto volume = open_volume(image);
  const auto list = volume->list(path_of("/MANY"));
  ASSERT_TRUE(list) << list.error().message();
  EXPECT_EQ(list->size(), 1000u);
  EXPECT_THAT(*list, Contains(DirEntry{"file 999", false, 1000}));
  for (const int i : {0, 500, 999})
    EXPECT_EQ(*volume->read_file(path_of(concat("/many/FILE ", i)), 1000), pattern(1000, static_cast<unsigned>(i)));
}

TEST_F(NtfsTest, ListsWhatPeopleMadeAndAsTheyWroteIt) {
  const SparseImage image = ntfs_image({}, [&](NtfsWriter& writer) {
    writer.add_file("/Boot/Debian.vhd", pattern(5000));
    writer.add_file("/b", pattern(7));
    writer.add_directory("/Empty");
  });
  const auto volume = open_volume(image);
  EXPECT_THAT(*volume->list(Path()),
              UnorderedElementsAre(DirEntry{"Boot", true, 0}, DirEntry{"b", false, 7}, DirEntry{"Empty", true, 0}));
  EXPECT_THAT(*volume->list(path_of("/BOOT")), ElementsAre(DirEntry{"Debian.vhd", false, 5000}));
  EXPECT_THAT(*volume->list(path_of("/empty")), IsEmpty());
  EXPECT_EQ(volume->list(path_of("/b")).error().code, Code::NotFound);
  // Looking after a listing still ignores case.
  EXPECT_TRUE(volume->layout(path_of("/boot/debian.VHD")));
}

TEST_F(NtfsTest, WhenAFileWasChanged) {
  const std::int64_t before = ::time(nullptr);
  const SparseImage image = ntfs_image({}, [&](NtfsWriter& writer) { writer.add_file("/base.vhd", pattern(10)); });
  const std::int64_t after = ::time(nullptr);
  const auto modified = layout_of(*open_volume(image), "/base.vhd").modified;
  ASSERT_TRUE(modified);
  EXPECT_GE(*modified, before);
  EXPECT_LE(*modified, after);
}

TEST_F(NtfsTest, WhatIsMissingIsNamed) {
  const SparseImage image =
      ntfs_image({}, [&](NtfsWriter& writer) { writer.add_file("/boot/debian.vhd", pattern(10)); });
  const auto volume = open_volume(image);
  EXPECT_EQ(layout_error(*volume, "/boot/arch.vhd").text, "there is no \"arch.vhd\" in /boot");
  EXPECT_EQ(layout_error(*volume, "/root/arch.vhd").text, "there is no \"root\" in /");
  EXPECT_EQ(layout_error(*volume, "/root/arch.vhd").code, Code::NotFound);
  EXPECT_EQ(layout_error(*volume, "/boot/debian.vhd/x").text, "/boot/debian.vhd is not a directory");
  EXPECT_TRUE(layout_of(*volume, "/boot").directory);
  EXPECT_TRUE(layout_of(*volume, "/").directory);
  EXPECT_EQ(volume->read_file(path_of("/boot"), 10).error().code, Code::NotFound);
}

TEST_F(NtfsTest, ResidentAndEmptyFiles) {
  const SparseImage image = ntfs_image({}, [&](NtfsWriter& writer) {
    writer.add_file("/debian.conf", as_bytes("image /boot/debian.vhd\n"));
    writer.add_file("/nothing", {});
  });
  const auto volume = open_volume(image);
  EXPECT_TRUE(layout_of(*volume, "/debian.conf").resident);
  EXPECT_THAT(refusal(*volume, "/debian.conf"), HasSubstr("lies within the MFT"));
  EXPECT_EQ(as_text(*volume->read_file(path_of("/debian.conf"), 100)), "image /boot/debian.vhd\n");
  EXPECT_THAT(volume->read_file(path_of("/debian.conf"), 22).error().text, HasSubstr("23 bytes, more than the 22"));
  EXPECT_THAT(refusal(*volume, "/nothing"), HasSubstr("is empty"));
  EXPECT_THAT(*volume->read_file(path_of("/nothing"), 0), IsEmpty());
}

TEST_F(NtfsTest, ASparseFile) {
  const SparseImage image = ntfs_image({}, [&](NtfsWriter& writer) {
    ntfs_inode* inode = writer.inode("/debian.vhd");
    {
      const AttrPtr data(ntfs_attr_open(inode, AT_DATA, AT_UNNAMED, 0));
      NtfsWriter::write(data.get(), 1 << 20, pattern(100'000));
    }
    writer.close(inode);
  });
  const auto volume = open_volume(image);
  const FileLayout layout = layout_of(*volume, "/debian.vhd");
  EXPECT_TRUE(layout.sparse);
  EXPECT_EQ(layout.size, (1u << 20) + 100'000);
  EXPECT_LT(layout.allocated_size, 200'000u);
  EXPECT_EQ(layout.extents.front().logical, 1u << 20);
  EXPECT_THAT(refusal(*volume, "/debian.vhd"), HasSubstr("fsutil sparse setflag FILE 0"));
  const auto read = volume->read_file(path_of("/debian.vhd"), 2 << 20);
  ASSERT_TRUE(read);
  EXPECT_TRUE(std::ranges::equal(Bytes(*read).subspan(1 << 20), pattern(100'000)));
}

TEST_F(NtfsTest, ACompressedFile) {
  const std::vector<std::byte> contents(300'000, std::byte{'A'});
  const SparseImage image = ntfs_image({}, [&](NtfsWriter& writer) {
    NVolSetCompression(writer.volume());
    ntfs_inode* inode = writer.inode("/debian.vhd");
    inode->flags = static_cast<FILE_ATTR_FLAGS>(inode->flags | FILE_ATTR_COMPRESSED);
    {
      const AttrPtr data(ntfs_attr_open(inode, AT_DATA, AT_UNNAMED, 0));
      NtfsWriter::write(data.get(), 0, contents);
      ntfs_attr_pclose(data.get());
    }
    ntfs_inode_mark_dirty(inode);
    writer.close(inode);
  });
  const auto volume = open_volume(image);
  const FileLayout layout = layout_of(*volume, "/debian.vhd");
  EXPECT_TRUE(layout.compressed);
  EXPECT_LT(layout.allocated_size, 100'000u);
  EXPECT_THAT(refusal(*volume, "/debian.vhd"), HasSubstr("compact /u"));
  EXPECT_THAT(volume->read_file(path_of("/debian.vhd"), 300'000).error().text, HasSubstr("compact /u"));
}

/// Lets `change` edit the data attribute of a file as it lies in its MFT record.
template <class Change>
void edit_data_attribute(NtfsWriter& writer, std::string_view path, Change change) {
  ntfs_inode* inode = writer.inode(path);
  {
    const SearchPtr context(ntfs_attr_get_search_ctx(inode, nullptr));
    ASSERT_EQ(ntfs_attr_lookup(AT_DATA, AT_UNNAMED, 0, CASE_SENSITIVE, 0, nullptr, 0, context.get()), 0);
    change(inode, context->attr);
    ntfs_inode_mark_dirty(context->ntfs_ino);
    ntfs_inode_mark_dirty(inode);
  }
  writer.close(inode);
}

TEST_F(NtfsTest, AnEncryptedFile) {
  const SparseImage image = ntfs_image({}, [&](NtfsWriter& writer) {
    writer.add_file("/debian.vhd", pattern(100'000));
    edit_data_attribute(writer, "/debian.vhd", [](ntfs_inode* inode, ATTR_RECORD* data) {
      data->flags = static_cast<ATTR_FLAGS>(data->flags | ATTR_IS_ENCRYPTED);
      inode->flags = static_cast<FILE_ATTR_FLAGS>(inode->flags | FILE_ATTR_ENCRYPTED);
    });
  });
  const auto volume = open_volume(image);
  EXPECT_THAT(refusal(*volume, "/debian.vhd"), HasSubstr("cipher /d"));
  EXPECT_THAT(volume->read_file(path_of("/debian.vhd"), 1 << 20).error().text, HasSubstr("encrypted"));
}

TEST_F(NtfsTest, TheSparseAttributeWithoutAHole) {
  const SparseImage image = ntfs_image({}, [&](NtfsWriter& writer) {
    writer.add_file("/debian.vhd", pattern(100'000));
    edit_data_attribute(writer, "/debian.vhd", [](ntfs_inode* inode, ATTR_RECORD*) {
      inode->flags = static_cast<FILE_ATTR_FLAGS>(inode->flags | FILE_ATTR_SPARSE_FILE);
    });
  });
  const auto volume = open_volume(image);
  const FileLayout layout = layout_of(*volume, "/debian.vhd");
  EXPECT_TRUE(layout.sparse);
  EXPECT_TRUE(check_mappable(layout, path_of("/debian.vhd")));
}

TEST_F(NtfsTest, AShortValidDataLength) {
  auto contents = pattern(100'000);
  const SparseImage image = ntfs_image({}, [&](NtfsWriter& writer) {
    writer.add_file("/debian.vhd", contents);
    edit_data_attribute(writer, "/debian.vhd", [](ntfs_inode*, ATTR_RECORD* data) { data->initialized_size = 70'000; });
  });
  const auto volume = open_volume(image);
  const FileLayout layout = layout_of(*volume, "/debian.vhd");
  EXPECT_EQ(layout.valid_size, 70'000u);
  EXPECT_THAT(refusal(*volume, "/debian.vhd"), HasSubstr("byte 70000 of 100000"));
  std::fill(contents.begin() + 70'000, contents.end(), std::byte{0});
  EXPECT_EQ(*volume->read_file(path_of("/debian.vhd"), 100'000), contents);
}

TEST_F(NtfsTest, ReparsePoints) {
  const auto mark = [](NtfsWriter& writer, std::string_view path, std::uint32_t tag) {
    ntfs_inode* inode = writer.inode(path);
    std::array<std::uint8_t, 24> data{};
    std::memcpy(data.data(), &tag, sizeof(tag));
    data[4] = 16;
    EXPECT_EQ(ntfs_attr_add(inode, AT_REPARSE_POINT, AT_UNNAMED, 0, data.data(), data.size()), 0);
    inode->flags = static_cast<FILE_ATTR_FLAGS>(inode->flags | FILE_ATTR_REPARSE_POINT);
    ntfs_inode_mark_dirty(inode);
    writer.close(inode);
  };
  const SparseImage image = ntfs_image({}, [&](NtfsWriter& writer) {
    writer.add_file("/wof.vhd", pattern(100'000));
    mark(writer, "/wof.vhd", 0x80000017);
    writer.add_file("/cloud/debian.vhd", pattern(5000));
    mark(writer, "/cloud", 0x9000101A);
    writer.add_file("/junction/debian.vhd", pattern(5000));
    mark(writer, "/junction", 0xA0000003);
  });
  const auto volume = open_volume(image);
  EXPECT_EQ(layout_of(*volume, "/wof.vhd").reparse_tag, 0x80000017);
  EXPECT_THAT(refusal(*volume, "/wof.vhd"), HasSubstr("WOF"));
  EXPECT_THAT(volume->read_file(path_of("/wof.vhd"), 1 << 20).error().text, HasSubstr("0x80000017"));
  expect_mappable(*volume, image, "/cloud/debian.vhd", pattern(5000));  // a synchronised folder is still a folder
  EXPECT_THAT(layout_error(*volume, "/junction/debian.vhd").text, HasSubstr("/junction is a link"));
  EXPECT_EQ(layout_error(*volume, "/junction/debian.vhd").code, Code::Unsupported);
}

VolumeState state_of(const ByteSource& image) {
  const auto volume = open_volume(image);
  const auto state = volume->state();
  EXPECT_TRUE(state) << state.error().message();
  return state ? *state : VolumeState{};
}

TEST_F(NtfsTest, VolumeFlags) {
  SparseImage image = ntfs_image({}, [](NtfsWriter&) {});
  const auto with_flags = [&](std::uint16_t flags) {
    for (const std::uint64_t at : volume_flags(image)) image.put(at, flags);
    return state_of(image);
  };
  EXPECT_EQ(with_flags(0x0000), VolumeState{});
  EXPECT_EQ(with_flags(0x0001), VolumeState{.dirty = true});
  for (const std::uint16_t flag : {0x0002, 0x0004, 0x0020, 0x4000, 0x8000})
    EXPECT_EQ(with_flags(flag), VolumeState{.chkdsk_scheduled = true}) << flag;
  EXPECT_EQ(with_flags(0x4001), (VolumeState{.dirty = true, .chkdsk_scheduled = true}));
  EXPECT_EQ(with_flags(0x0008), VolumeState{}) << "once mounted by NT 4: no matter";
  EXPECT_EQ(with_flags(0x0010), VolumeState{}) << "the USN journal is being deleted: no matter";
}

TEST_F(NtfsTest, Hibernation) {
  const auto state_with = [](std::string_view name, std::string_view start, std::size_t size) {
    std::vector<std::byte> contents(size);
    std::ranges::copy(as_bytes(start), contents.begin());
    const SparseImage image = ntfs_image({}, [&](NtfsWriter& writer) { writer.add_file(name, contents); });
    return state_of(image);
  };
  const VolumeState hibernated{.hibernated = true};
  EXPECT_EQ(state_with("/hiberfil.sys", "hibr", 100'000), hibernated);
  EXPECT_EQ(state_with("/hiberfil.sys", "HIBR", 100'000), hibernated);
  EXPECT_EQ(state_with("/Hiberfil.Sys", "HIBR", 100'000), hibernated);
  EXPECT_EQ(state_with("/hiberfil.sys", "hibr", 100), hibernated);
  EXPECT_EQ(state_with("/hiberfil.sys", "RSTR", 100'000), hibernated);  // resuming was cut off
  EXPECT_EQ(state_with("/hiberfil.sys", "", 100'000), VolumeState{});
  EXPECT_EQ(state_with("/hiberfil.sys", "wake", 100'000), VolumeState{});
  EXPECT_EQ(state_with("/windows/hiberfil.sys", "hibr", 100'000), VolumeState{});
}

TEST_F(NtfsTest, JournalStates) {
  SparseImage image = ntfs_image({}, [](NtfsWriter&) {});
  const std::uint64_t log = test::journal_offset(image);
  const auto state_with = [&](const Journal& first, const Journal& second) {
    image.write(log, restart_page(first));
    image.write(log + 4096, restart_page(second));
    return state_of(image);
  };
  const Journal clean{.flags = 2};
  const Journal closed{.in_use = 0xFFFF};
  const Journal open{};
  const VolumeState pending{.journal_pending = true};
  EXPECT_EQ(state_with(clean, clean), VolumeState{});
  EXPECT_EQ(state_with(closed, closed), VolumeState{});
  EXPECT_EQ(state_with(open, open), pending);
  // The newer page counts.
  EXPECT_EQ(state_with(clean, {.lsn = 2000}), pending);
  EXPECT_EQ(state_with(open, {.flags = 2, .lsn = 2000}), VolumeState{});
  // Fast Startup leaves the version at 2.0, however clean it says it is.
  EXPECT_EQ(state_with({.major = 2, .minor = 0, .flags = 2}, {.major = 2, .minor = 0, .flags = 2}), pending);
  // Versions and pages that are not understood are no reason to write.
  EXPECT_EQ(state_with({.major = 3, .minor = 0, .flags = 2}, {.major = 3, .minor = 0, .flags = 2}), pending);
  // A page that was written only in part may be the newer one.
  EXPECT_EQ(state_with(clean, {.lsn = 2000}), pending);
  image.put<std::uint16_t>(log + 4096 + 3 * 512 - 2, 0x1235);
  EXPECT_EQ(state_of(image), pending);
  image.put<std::uint16_t>(log + 3 * 512 - 2, 0x1235);
  EXPECT_EQ(state_of(image), pending) << "none is left that says it is clean";
  image.write(log, std::vector<std::byte>(8192, std::byte{0x5A}));
  EXPECT_EQ(state_of(image), pending);
}

TEST_F(NtfsTest, LabelAndSerial) {
  const test::TempFolder folder;
  const std::string path = folder.file("ntfs.img");
  make_ntfs(path, {.label = "Größe Ωμέγα"});
  const SparseImage image = SparseImage::load(path);
  const auto volume = open_volume(image);
  EXPECT_EQ(volume->label(), "Größe Ωμέγα");
  EXPECT_EQ(volume->serial_text().size(), 16u);
  if (const auto blkid = test::tool("blkid")) {
    EXPECT_EQ(test::run({*blkid, "-p", "-o", "value", "-s", "UUID", path}).output, volume->serial_text() + "\n");
    EXPECT_EQ(test::run({*blkid, "-p", "-o", "value", "-s", "LABEL", path}).output, volume->label() + "\n");
  }
  make_ntfs(path, {.label = ""});
  const SparseImage nameless = SparseImage::load(path);
  EXPECT_EQ(open_volume(nameless)->label(), "");
}

TEST_F(NtfsTest, BootSectorsThatCannotBe) {
  const SparseImage good = ntfs_image({}, [](NtfsWriter&) {});
  const auto broken = [&](std::uint64_t at, auto value) {
    SparseImage image = good.copy();
    image.put(at, value);
    const Error error = open_error(image);
    EXPECT_NE(error.code, Code::NotFound);
    return error.text;
  };
  EXPECT_THAT(broken(11, std::uint16_t{0}), HasSubstr("sectors of 0 bytes"));
  EXPECT_THAT(broken(11, std::uint16_t{513}), HasSubstr("sectors of 513 bytes"));
  EXPECT_THAT(broken(11, std::uint16_t{8192}), HasSubstr("sectors of 8192 bytes"));
  EXPECT_THAT(broken(11, std::uint16_t{256}), HasSubstr("sectors of 256 bytes"));
  EXPECT_THAT(broken(13, std::uint8_t{0}), HasSubstr("cluster size"));
  EXPECT_THAT(broken(13, std::uint8_t{3}), HasSubstr("cluster size"));
  EXPECT_THAT(broken(13, std::uint8_t{129}), HasSubstr("cluster size"));
  EXPECT_THAT(broken(13, std::uint8_t{240}), HasSubstr("cluster size"));
  EXPECT_THAT(broken(40, std::uint64_t{0}), HasSubstr("volume size of zero"));
  EXPECT_THAT(broken(40, good.size() / 512 + 1), HasSubstr("the partition only 32768"));
  EXPECT_THAT(broken(40, UINT64_MAX), HasSubstr("the partition only"));
  EXPECT_THAT(broken(48, UINT64_MAX), HasSubstr("MFT"));
  EXPECT_THAT(broken(48, std::uint64_t{0}), HasSubstr("MFT"));
  EXPECT_THAT(broken(56, std::uint64_t{1} << 40), HasSubstr("MFT"));
  EXPECT_THAT(broken(56, good.get<std::uint64_t>(48)), HasSubstr("an MFT that lies outside"));
  EXPECT_THAT(broken(64, std::uint8_t{0xE1}), HasSubstr("MFT records"));  // 2 GiB each
  EXPECT_THAT(broken(64, std::uint8_t{0}), HasSubstr("MFT records"));
  EXPECT_THAT(broken(64, std::uint8_t{3}), HasSubstr("MFT records"));
  EXPECT_THAT(broken(68, std::uint8_t{0xE1}), HasSubstr("index records"));
  EXPECT_THAT(broken(48, std::uint64_t{100}), HasSubstr("opening the NTFS volume"));
}

TEST_F(NtfsTest, AVolumeCutShort) {
  const SparseImage good = ntfs_image({}, [](NtfsWriter&) {});
  const SliceSource half(good, 0, good.size() / 2);
  EXPECT_THAT(open_error(half).text, HasSubstr("the partition only 16384"));
}

/// A disk with one unreadable place.
class Scratched final : public ByteSource {
 public:
  Scratched(const ByteSource& whole, std::uint64_t at) : whole_(whole), at_(at) {}
  [[nodiscard]] std::uint64_t size() const override { return whole_.size(); }
  [[nodiscard]] Result<void> read(std::uint64_t offset, MutableBytes out) const override {
    if (offset <= at_ && at_ < offset + out.size()) return fail(Code::Io, "bad sector");
    return whole_.read(offset, out);
  }

 private:
  const ByteSource& whole_;
  std::uint64_t at_;
};

TEST_F(NtfsTest, ADeviceErrorStaysOne) {
  const SparseImage good = ntfs_image({}, [](NtfsWriter& writer) {
    for (int i = 0; i < 300; ++i) writer.add_file(concat("/many/file ", i), {});
  });
  const std::uint64_t mft = good.get<std::uint64_t>(48) * 4096;
  const Scratched no_mft(good, mft);
  EXPECT_EQ(open_error(no_mft).code, Code::Io);
  EXPECT_THAT(open_error(no_mft).text, HasSubstr("bad sector"));
  std::uint64_t index = 0;
  for (std::uint64_t at = good.size() - 4096; index == 0 && at > 0; at -= 4096)
    if (good.get<std::uint32_t>(at) == 0x58444E49) index = at;
  ASSERT_NE(index, 0u);
  const Scratched no_index(good, index);
  const auto volume = open_volume(no_index);
  const auto list = volume->list(path_of("/many"));
  ASSERT_FALSE(list);
  EXPECT_EQ(list.error().code, Code::Io);
  EXPECT_THAT(list.error().text, HasSubstr("listing /many: bad sector"));
}

TEST_F(NtfsTest, ADirectoryTreeThatLeadsBackIntoItselfEnds) {
  SparseImage image = ntfs_image({}, [](NtfsWriter& writer) {
    for (int i = 0; i < 600; ++i) writer.add_file(concat("/many/file with a long name ", i), {});
  });
  // Every inner entry of the index blocks now leads to block 0, which is an inner one for the test to mean something.
  unsigned changed = 0;
  for (std::uint64_t block = 0; block < image.size(); block += 4096) {
    if (image.get<std::uint32_t>(block) != 0x58444E49) continue;
    std::uint64_t at = block + 24 + image.get<std::uint32_t>(block + 24);
    for (;; at += image.get<std::uint16_t>(at + 8)) {
      const std::uint16_t length = image.get<std::uint16_t>(at + 8);
      const std::uint16_t flags = image.get<std::uint16_t>(at + 12);
      if ((flags & 1) != 0) {
        image.put(at + length - 8, image.get<std::uint64_t>(block + 16));
        ++changed;
      }
      if ((flags & 2) != 0 || length == 0) break;
    }
  }
  const auto volume = open_volume(image);
  const auto layout = volume->layout(path_of("/many/zzz"));
  ASSERT_FALSE(layout);
  EXPECT_GT(changed, 0u);
  EXPECT_THAT(layout.error().text, HasSubstr("never come to an end"));
}

/// Says of a cluster that it is in use, or free.
void count_cluster(NtfsWriter& writer, std::uint64_t cluster, bool used) {
  ntfs_attr* bitmap = writer.volume()->lcnbmp_na;
  std::uint8_t byte = 0;
  ASSERT_EQ(ntfs_attr_pread(bitmap, static_cast<s64>(cluster / 8), 1, &byte), 1);
  byte = static_cast<std::uint8_t>(used ? byte | 1u << cluster % 8 : byte & ~(1u << cluster % 8));
  NtfsWriter::write(bitmap, static_cast<s64>(cluster / 8), std::as_bytes(std::span(&byte, 1)));
}

/// Has the first cluster of one file lie where another one lies: the first run of both is written anew, as a run of the
/// same length with another start.
void move_first_run(NtfsWriter& writer, std::string_view path, s64 cluster) {
  ntfs_inode* inode = writer.inode(path);
  {
    const AttrPtr data(ntfs_attr_open(inode, AT_DATA, AT_UNNAMED, 0));
    ASSERT_TRUE(data && ntfs_attr_map_whole_runlist(data.get()) == 0);
    data->rl[0].lcn = cluster;
    ASSERT_EQ(ntfs_attr_update_mapping_pairs(data.get(), 0), 0);
  }
  writer.close(inode);
}

s64 first_cluster(NtfsWriter& writer, ATTR_TYPES type, std::uint64_t record, ntfschar* name, u32 units) {
  const InodePtr inode(ntfs_inode_open(writer.volume(), record));
  const AttrPtr data(ntfs_attr_open(inode.get(), type, name, units));
  if (!data || ntfs_attr_map_whole_runlist(data.get()) != 0) throw std::runtime_error("no runs");
  return data->rl[0].lcn;
}

s64 first_cluster(NtfsWriter& writer, std::string_view path) {
  ntfs_inode* inode = writer.inode(path);
  const std::uint64_t number = inode->mft_no;
  writer.close(inode);
  return first_cluster(writer, AT_DATA, number, AT_UNNAMED, 0);
}

std::string allocation_error(const ByteSource& image, std::string_view path = "/VM/Debian.vhd") {
  const auto volume = open_volume(image);
  const auto result = volume->check_allocation(path_of(path));
  EXPECT_TRUE(result || result.error().code == Code::Corrupt);
  return result ? std::string() : result.error().text;
}

void crowd(NtfsWriter& writer) {
  writer.add_file("/notes.txt", pattern(5000));
  writer.add_scattered("/vm/debian.vhd", pattern(2000 * 512));
  writer.add_file("/vm/other.vhd", pattern(3 * 4096));
}

TEST_F(NtfsTest, ClustersOfAFileAreItsOwn) {
  const auto image = ntfs_image({.cluster = 512}, [](NtfsWriter& writer) {
    crowd(writer);
    for (int i = 0; i < 60; ++i) writer.add_file(concat("/vm/", i), pattern(700));
    ntfs_inode* inode = writer.inode("/vm/debian.vhd");
    // A second name in the same folder is no other file.
    const InodePtr folder(ntfs_inode_open(writer.volume(), FILE_root));
    ntfschar name[] = {const_cpu_to_le16('l')};
    EXPECT_EQ(ntfs_link(inode, folder.get(), name, 1), 0);
    writer.close(inode);
  });
  EXPECT_EQ(allocation_error(image), "");
  EXPECT_EQ(allocation_error(image, "/vm/other.vhd"), "");
}

TEST_F(NtfsTest, AClusterThatCountsAsFree) {
  const auto image = ntfs_image({}, [](NtfsWriter& writer) {
    crowd(writer);
    count_cluster(writer, static_cast<std::uint64_t>(first_cluster(writer, "/vm/debian.vhd")), false);
  });
  EXPECT_THAT(allocation_error(image), AllOf(HasSubstr("/VM/Debian.vhd"), HasSubstr("counts as free"),
                                             HasSubstr("from its byte 0 on"), HasSubstr("chkdsk")));
  EXPECT_EQ(allocation_error(image, "/vm/other.vhd"), "");
}

TEST_F(NtfsTest, AClusterThatAnotherHasToo) {
  const auto with_first_run_at = [](const std::function<s64(NtfsWriter&)>& place) {
    return allocation_error(ntfs_image({}, [&](NtfsWriter& writer) {
      crowd(writer);
      move_first_run(writer, "/vm/debian.vhd", place(writer));
    }));
  };
  const auto of_file = [](const char* path) {
    return [path](NtfsWriter& writer) { return first_cluster(writer, path); };
  };
  const auto of_record = [](std::uint64_t record) {
    return [record](NtfsWriter& writer) { return first_cluster(writer, AT_DATA, record, AT_UNNAMED, 0); };
  };
  EXPECT_THAT(with_first_run_at(of_file("/vm/other.vhd")), HasSubstr("shares clusters with \"other.vhd\" in /VM"));
  EXPECT_THAT(with_first_run_at(of_file("/notes.txt")), HasSubstr("shares clusters with \"notes.txt\" in /"));
  for (const auto record : {FILE_MFT, FILE_MFTMirr, FILE_LogFile, FILE_AttrDef, FILE_Bitmap, FILE_UpCase})
    EXPECT_THAT(with_first_run_at(of_record(static_cast<std::uint64_t>(record))),
                HasSubstr(concat("shares clusters with the file system's own file ", static_cast<int>(record))));
  EXPECT_THAT(with_first_run_at([](NtfsWriter& writer) {
                return first_cluster(writer, AT_INDEX_ALLOCATION, FILE_root, NTFS_INDEX_I30, 4);
              }),
              HasSubstr("shares clusters with the file system's own file 5"));
}

TEST_F(NtfsTest, AStreamOfAnotherFileCountsToo) {
  const auto image = ntfs_image({}, [](NtfsWriter& writer) {
    crowd(writer);
    ntfschar name[] = {const_cpu_to_le16('s')};
    ntfs_inode* inode = writer.inode("/notes.txt");
    ASSERT_EQ(ntfs_attr_add(inode, AT_DATA, name, 1, nullptr, 0), 0);
    {
      const AttrPtr stream(ntfs_attr_open(inode, AT_DATA, name, 1));
      NtfsWriter::write(stream.get(), 0, pattern(9000));
    }
    const std::uint64_t number = inode->mft_no;
    writer.close(inode);
    move_first_run(writer, "/vm/debian.vhd", first_cluster(writer, AT_DATA, number, name, 1));
  });
  EXPECT_THAT(allocation_error(image), HasSubstr("shares clusters with \"notes.txt\" in /"));
}

}  // namespace
}  // namespace vhdboot::volume
