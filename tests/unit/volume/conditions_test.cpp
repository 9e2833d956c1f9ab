// SPDX-License-Identifier: GPL-2.0-or-later
// The table of what a volume may be in: each line is met by a volume that was made so, and stands in the page.
#include <gmock/gmock.h>

#include <fstream>
#include <iterator>
#include <regex>
#include <set>

#include "init/volume/state.h"
#include "tests/support/exfat_image.h"
#include "tests/support/ntfs_image.h"
#include "tests/unit/volume/volume_checks.h"

namespace vhdboot::volume {
namespace {

using test::ExfatImage;
using test::SparseImage;
using testing::HasSubstr;

/// Windows' own files in a volume of mkntfs.
SparseImage ntfs(std::string_view hiberfil = "") {
  const test::TempFolder folder;
  const std::string path = folder.file("ntfs.img");
  test::make_ntfs(path);
  if (!hiberfil.empty()) {
    std::vector<std::byte> contents(100'000);
    std::ranges::copy(as_bytes(hiberfil), contents.begin());
    test::NtfsWriter(path).add_file("/hiberfil.sys", contents);
  }
  return SparseImage::load(path);
}

SparseImage ntfs_with_journal(const test::Journal& journal) {
  SparseImage image = ntfs();
  const std::uint64_t log = test::journal_offset(image);
  image.write(log, test::restart_page(journal));
  image.write(log + 4096, test::restart_page(journal));
  return image;
}

template <class T>
SparseImage ntfs_with_volume_information(std::int64_t distance, T value) {
  SparseImage image = ntfs();
  for (const std::uint64_t at : test::volume_flags(image)) image.put(at + static_cast<std::uint64_t>(distance), value);
  return image;
}

SparseImage exfat(std::uint16_t flags) {
  return ExfatImage({.flags = flags}).finish();
}

SparseImage with_oem_id(std::string_view id) {
  SparseImage image(1 << 20);
  image.write(3, as_bytes(id));
  return image;
}

/// The MFT's first record is none.
SparseImage damaged() {
  SparseImage image = ntfs();
  const std::uint64_t cluster = std::uint64_t{image.get<std::uint16_t>(11)} * image.get<std::uint8_t>(13);
  image.put<std::uint32_t>(image.get<std::uint64_t>(48) * cluster, 0);
  return image;
}

/// What becomes of an image on a partition.
Result<void> judge(const SparseImage& partition, std::string_view type) {
  if (const auto condition = condition_of_type(type)) return refuse(*condition);
  const auto volume = TRY(HostVolume::open(partition));
  return check_clean(TRY(volume->state()));
}

struct Made {
  Condition condition;
  std::string_view what;
  std::function<SparseImage()> make;
  std::string_view type = "0x7";
};

const std::vector<Made>& made() {
  static const std::vector<Made> all{
      {Condition::Hibernated, "hibernated", [] { return ntfs("HIBR"); }},
      {Condition::Hibernated, "the system volume after Fast Startup", [] { return ntfs("hibr"); }},
      {Condition::Hibernated, "waking was cut off", [] { return ntfs("RSTR"); }},
      {Condition::JournalOpen, "Windows crashed", [] { return ntfs_with_journal({}); }},
      {Condition::JournalOpen, "another volume after Fast Startup",
       [] { return ntfs_with_journal({.major = 2, .minor = 0, .flags = 2}); }},
      {Condition::Dirty, "NTFS dirty", [] { return ntfs_with_volume_information<std::uint16_t>(0, 0x0001); }},
      {Condition::Dirty, "exFAT dirty", [] { return exfat(0x0002); }},
      {Condition::ChkdskScheduled, "chkdsk under way",
       [] { return ntfs_with_volume_information<std::uint16_t>(0, 0x4000); }},
      {Condition::ChkdskScheduled, "to be upgraded", [] { return ntfs_with_volume_information<std::uint16_t>(0, 4); }},
      {Condition::MediaFailure, "exFAT media failure", [] { return exfat(0x0004); }},
      {Condition::Damaged, "no MFT", damaged},
      {Condition::NewerNtfs, "NTFS 3.2", [] { return ntfs_with_volume_information<std::uint8_t>(-1, 2); }},
      {Condition::NewerNtfs, "NTFS 4.0", [] { return ntfs_with_volume_information<std::uint16_t>(-2, 4); }},
      {Condition::BitLocker, "BitLocker", [] { return with_oem_id("-FVE-FS-"); }},
      {Condition::DynamicDisk, "LDM, MBR", [] { return ntfs(); }, "0x42"},
      {Condition::DynamicDisk, "LDM, GPT", [] { return ntfs(); }, "af9b60a0-1431-4f62-bc68-3311714a69ad"},
      {Condition::DynamicDisk, "LDM's database", [] { return SparseImage(1 << 20); },
       "5808c8aa-7e8f-42e0-85d2-e1e90434cfb3"},
      {Condition::StorageSpaces, "a pool", [] { return SparseImage(1 << 20); }, "e75caf8f-f680-4cee-afa3-b001e56efc2d"},
      {Condition::Refs, "ReFS", [] { return with_oem_id({"ReFS\0\0\0\0", 8}); }},
  };
  return all;
}

TEST(Conditions, EachIsMetByAVolumeThatWasMadeSo) {
  if (!test::tool("mkntfs")) GTEST_SKIP() << "mkntfs (ntfs-3g) is not installed";
  std::set<Condition> met;
  for (const Made& one : made()) {
    const auto judged = judge(one.make(), one.type);
    ASSERT_FALSE(judged) << one.what;
    const ConditionRow& row = row_of(one.condition);
    EXPECT_EQ(judged.error().code, row.code) << one.what;
    EXPECT_THAT(judged.error().text, HasSubstr(std::string(row.clause))) << one.what;
    met.insert(one.condition);
  }
  for (const ConditionRow& row : condition_rows()) EXPECT_TRUE(met.contains(row.condition)) << row.name;
}

TEST(Conditions, OrderlyVolumesAreNone) {
  EXPECT_TRUE(judge(exfat(0), "0x7"));
  EXPECT_TRUE(judge(exfat(0), "ebd0a0a2-b9e5-4433-87c0-68b6b72699c7"));
  EXPECT_TRUE(judge(exfat(0), ""));
  EXPECT_TRUE(judge(exfat(0), "0x27")) << "hidden, as a recovery partition is";
  if (!test::tool("mkntfs")) GTEST_SKIP() << "mkntfs (ntfs-3g) is not installed";
  EXPECT_TRUE(judge(ntfs(), "0x7"));
  EXPECT_TRUE(judge(ntfs("wake"), "0x7")) << "Windows has woken up and left its file";
}

/// The text of an mdoc page: without macros, each run of blanks one.
std::string page_text(const std::string& path) {
  std::ifstream file(path);
  std::string text{std::istreambuf_iterator<char>(file), {}};
  text = std::regex_replace(text, std::regex(R"(\n\.(It|Ql|Pq|Pa|Sq|Dq) )"), "\n");
  return std::regex_replace(text, std::regex(R"(\s+)"), " ");
}

TEST(Conditions, ThePageHasTheWholeTable) {
  const std::string page = page_text(SOURCE_FOLDER "/docs/vhdboot.7");
  for (const ConditionRow& row : condition_rows()) {
    const std::string clause = std::regex_replace(std::string(row.clause), std::regex("[:\"].*"), "");
    EXPECT_THAT(page, HasSubstr(concat(' ', row.name, ' '))) << row.name;
    EXPECT_THAT(page, HasSubstr(clause)) << row.name;
  }
}

}  // namespace
}  // namespace vhdboot::volume
