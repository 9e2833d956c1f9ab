// SPDX-License-Identifier: GPL-2.0-or-later
#include "tools/vhdtool/check_place.h"

#include <gmock/gmock.h>

#include "base/units.h"
#include "tools/vhdtool/check_modules.h"
#include "tools/vhdtool/check_report.h"

namespace vhdboot::vhdtool {
namespace {

using ::testing::AllOf;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::Field;
using ::testing::HasSubstr;
using volume::FileLayout;
using volume::Kind;

auto is(Severity severity, std::string_view check, const std::string& part) {
  return AllOf(Field(&Finding::severity, severity), Field(&Finding::check, check),
               Field(&Finding::text, HasSubstr(part)));
}
auto is_error(std::string_view check, const std::string& part) {
  return is(Severity::Error, check, part);
}
auto is_warning(std::string_view check, const std::string& part) {
  return is(Severity::Warning, check, part);
}

const volume::Path kPath = *volume::parse_path("/boot/d.vhd");

FileLayout whole(std::uint64_t size) {
  FileLayout layout;
  layout.size = layout.valid_size = layout.allocated_size = size;
  layout.extents = {{.logical = 0, .physical = kMiB, .length = size}};
  return layout;
}

TEST(CheckPlace, ALayoutWithoutFault) {
  Findings findings;
  check_layout(whole(kMiB), kPath, findings);
  EXPECT_THAT(findings.all(), ElementsAre(is(Severity::Ok, "file", "as they are")));
}

TEST(CheckPlace, TheSparseAttributeAloneIsNoFault) {
  FileLayout layout = whole(kMiB);
  layout.sparse = true;
  Findings findings;
  check_layout(layout, kPath, findings);
  EXPECT_THAT(findings.all(), ElementsAre(is(Severity::Ok, "file", "no holes")));
  layout.extents.front().length -= 4096;
  Findings hole;
  check_layout(layout, kPath, hole);
  EXPECT_THAT(hole.all(), ElementsAre(is_error("sparse", "vhdtool desparse")));
}

TEST(CheckPlace, EveryFaultAtOnce) {
  FileLayout layout = whole(kMiB);
  layout.encrypted = layout.compressed = layout.sparse = layout.resident = true;
  layout.reparse_tag = 0x80000017;
  layout.valid_size = 512;
  Findings findings;
  check_layout(layout, kPath, findings);
  EXPECT_THAT(findings.all(), ElementsAre(is_error("reparse-point", "WOF"), is_error("encrypted", "cipher /d"),
                                          is_error("compressed", "compact /u"), is_error("resident", "within the MFT"),
                                          is_error("valid-data-length", "up to byte 512 of")));
}

TEST(CheckPlace, HolesDirectoriesAndEmptyFiles) {
  FileLayout layout = whole(kMiB);
  layout.extents[0].length = 4096;
  Findings findings;
  check_layout(layout, kPath, findings);
  FileLayout folder;
  folder.directory = true;
  check_layout(folder, kPath, findings);
  check_layout({.size = 0, .extents = {}}, kPath, findings);
  EXPECT_THAT(findings.all(), ElementsAre(is_error("sparse", "a hole at byte 4096"), is_error("file", "directory"),
                                          is_error("file", "is empty")));
}

TEST(CheckPlace, StateOfTheVolume) {
  Findings findings;
  check_volume(Kind::Ntfs, volume::VolumeState{}, findings);
  check_volume(Kind::Ntfs, volume::VolumeState{.dirty = true, .hibernated = true}, findings);
  check_volume(Kind::Exfat, fail(Code::Io, "no answer"), findings);
  EXPECT_THAT(findings.all(),
              ElementsAre(is(Severity::Ok, "volume", "NTFS, clean"), is_error("volume", "Windows is hibernated on it"),
                          is_error("volume", "no answer")));
}

Result<blocks::View> view(std::size_t pieces, std::uint64_t physical = 0, std::uint32_t logical_block = 512) {
  blocks::MappedFile file{.size = pieces * 4096};
  for (std::size_t i = 0; i < pieces; ++i)
    file.extents.push_back({.logical = i * 4096, .physical = physical + i * 8192, .length = 4096});
  return blocks::flat_view(std::move(file),
                           {.numbers = "8:3", .size = kGiB, .logical_block = logical_block, .cluster_size = 4096},
                           pieces * 4096);
}

TEST(CheckPlace, Extents) {
  Findings findings;
  check_attachment(view(1), 512, findings);
  check_attachment(view(10'001), 512, findings);
  check_attachment(view(1, 2 * kGiB), 512, findings);
  check_attachment(view(2, 0, 4096), 512, findings);
  EXPECT_THAT(findings.all(), ElementsAre(is(Severity::Ok, "extents", "in 1 piece"),
                                          is_warning("extents", "10001 pieces"), is_error("extents", ""),
                                          is_warning("direct-io", "4096"), is(Severity::Ok, "extents", "in 2 pieces")));
}

TEST(CheckPlace, OnAFileSystemThatDoesNotBoot) {
  MountedFile file;
  file.name = "d.vhd";
  file.size = kMiB;
  file.file_system = "ext4";
  file.hole = 0;
  Findings findings;
  check_mounted(file, findings);
  EXPECT_THAT(findings.all(), ElementsAre(is_warning("file-system",
                                                     "(ext4) is not one that vhdboot boots from: copy "
                                                     "the image to NTFS or exFAT (on Linux with cp")));
}

TEST(CheckPlace, ADriverThatHidesWhatItIs) {
  MountedFile file;
  file.file_system = "fuseblk";
  Findings findings;
  check_mounted(file, findings);
  EXPECT_THAT(findings.all(), ElementsAre(is_warning("file-system", "run this as root")));
}

TEST(CheckPlace, MountedNtfs) {
  MountedFile file;
  file.name = "d.vhd";
  file.size = kMiB;
  file.file_system = "ntfs3";
  file.kind = Kind::Ntfs;
  file.attributes = 0x20;
  file.extents = 3;
  file.state = volume::VolumeState{.dirty = true, .journal_pending = true};
  Findings fine;
  check_mounted(file, fine);
  EXPECT_EQ(fine.worst(), Severity::Ok) << check_text("d.vhd", fine);

  file.attributes = 0x220;
  file.allocated = kMiB;
  Findings filled;
  check_mounted(file, filled);
  EXPECT_EQ(filled.worst(), Severity::Ok) << check_text("d.vhd", filled);
  file.allocated = kMiB - 4096;  // as ntfs-3g, which does not tell where a hole is
  Findings holes;
  check_mounted(file, holes);
  EXPECT_THAT(holes.all(), Contains(is_error("sparse", "fsutil sparse setflag FILE 0")));

  file.attributes = 0x200 | 0x400 | 0x800 | 0x4000;
  file.unwritten = 8192;
  file.extents = 2'000'000;
  file.state->hibernated = true;
  Findings bad;
  check_mounted(file, bad);
  EXPECT_THAT(bad.all(), ElementsAre(is_error("volume", "hibernated"), is_error("encrypted", "cipher"),
                                     is_error("compressed", "compact"), is_error("valid-data-length", "byte 8192"),
                                     is_error("reparse-point", "copy it"), is_error("extents", "2000000 pieces")));

  file.attributes.reset();
  file.allocated.reset();
  file.unwritten.reset();
  file.extents.reset();
  file.state.reset();
  Findings unknown;
  check_mounted(file, unknown);
  EXPECT_EQ(unknown.count(Severity::Warning), 3U) << check_text("d.vhd", unknown);
  EXPECT_EQ(unknown.count(Severity::Error), 0U);
}

modules::ModuleIndex index(std::string dep) {
  return *modules::ModuleIndex::parse(
      {.dep = std::move(dep), .alias = {}, .softdep = {}, .builtin = {}, .builtin_modinfo = {}});
}

TEST(CheckModules, OfTheGuestDisk) {
  Findings findings;
  EXPECT_TRUE(check_modules(index("kernel/md/dm-mod.ko:\nkernel/block/loop.ko:\n"), "6.1", findings));
  EXPECT_FALSE(check_modules(index(""), "6.1", findings));
  EXPECT_THAT(findings.all(), ElementsAre(is(Severity::Ok, "modules", "is made of: dm_mod, loop"),
                                          is_error("modules", "kernel 6.1 has no device-mapper (dm_mod)")));
}

TEST(CheckReport, WorstLastAndAVerdict) {
  Findings findings;
  EXPECT_EQ(check_status(findings), ExitStatus::Done);
  EXPECT_EQ(check_text("a", findings), "a: boots\n");
  EXPECT_EQ(check_json("a.vhd", findings), R"({"schema":"vhdboot.check/1","file":"a.vhd","status":0,"findings":[]})");
  EXPECT_EQ(check_json("a.vhd", sys_error("opening it", EIO)),
            R"({"schema":"vhdboot.check/1","file":"a.vhd","status":1,"message":"opening it: Input/output error"})");
  findings.warning("b", "second");
  EXPECT_EQ(check_status(findings), ExitStatus::Warnings);
  EXPECT_THAT(check_text("a", findings), HasSubstr("a: boots, with 1 warning\n"));
  findings.error("c", "third");
  findings.ok("a", "first");
  EXPECT_EQ(check_status(findings), ExitStatus::Refused);
  EXPECT_EQ(check_text("x\n", findings),
            "ok:      a: first\nwarning: b: second\nerror:   c: third\nx?: will not boot: 1 error, 1 warning\n");
  EXPECT_EQ(check_json("x", findings), R"({"schema":"vhdboot.check/1","file":"x","status":3,"findings":[)"
                                       R"({"check":"b","severity":"warning","text":"second"},)"
                                       R"({"check":"c","severity":"error","text":"third"},)"
                                       R"({"check":"a","severity":"ok","text":"first"}]})");
}

}  // namespace
}  // namespace vhdboot::vhdtool
