// SPDX-License-Identifier: GPL-2.0-or-later
#include "entry/find_entries.h"

#include <gmock/gmock.h>

#include "base/text.h"
#include "entry/folders.h"
#include "tests/unit/base/error_matchers.h"
#include "tests/unit/disk/memory_disk.h"

namespace vhdboot::entry {
namespace {

using test::make_kernel;
using test::MemoryDisk;
using test::MemoryPartition;
using test::PeBuilder;
using test::to_buffer;
using ::testing::ElementsAre;
using vhdboot::test::Fails;

test::Buffer uki() {
  return PeBuilder()
      .add({.name = ".linux", .data = make_kernel(), .virtual_size = {}})
      .add(".cmdline", "quiet")
      .add(".initrd", "initrd")
      .build();
}

const MemoryPartition kEspWithUki{.type = "vfat", .files = {{"/EFI/Linux/a.efi", uki()}}, .gpt_type = disk::kEspType};
const MemoryPartition kRoot{.type = "ext4",
                            .files = {{"/boot/vmlinuz-6.1", make_kernel()},
                                      {"/boot/initrd.img-6.1", to_buffer("initrd")},
                                      {"/etc/fstab", to_buffer("UUID=f52 / ext4 defaults 0 1\n")}},
                            .gpt_type = {}};

MemoryPartition esp_with_entry(const std::string& name) {
  return {.type = "vfat",
          .files = {{"/loader/entries/" + name, to_buffer("title T\nlinux /l\ninitrd /i\noptions quiet\n")},
                    {"/l", make_kernel()},
                    {"/i", to_buffer("initrd")}},
          .gpt_type = disk::kEspType};
}

class Entries : public ::testing::Test {
 protected:
  void make(std::vector<MemoryPartition> partitions) {
    table_ = test::table_of(partitions);
    disk_ = std::make_unique<MemoryDisk>(table_, std::move(partitions));
  }
  // The path of what a boot chooses.
  Result<std::string> choose(std::string_view pattern = "") {
    found_ = find_entries(*disk_, pattern);
    return TRY(choose_entry(found_, pattern, *disk_)).entry->entry.path;
  }
  disk::PartitionTable table_;
  std::unique_ptr<MemoryDisk> disk_;
  FoundEntries found_;
};

TEST_F(Entries, AUnifiedImageIsEnough) {
  make({kEspWithUki, kRoot});
  EXPECT_EQ(choose(), "/EFI/Linux/a.efi");
  EXPECT_THAT(disk_->opened, ElementsAre(1));  // looking on costs time
}

TEST_F(Entries, ThenEntriesThenKernels) {
  make({esp_with_entry("t.conf"), kRoot});
  EXPECT_EQ(choose(), "/loader/entries/t.conf");
  EXPECT_EQ(found_.entries.size(), 1U);
  make({{.type = "vfat", .files = {}, .gpt_type = disk::kEspType}, kRoot});
  EXPECT_EQ(choose(), "loop0p2:/boot/vmlinuz-6.1");
  EXPECT_EQ(found_.entries.front().path, "/boot/vmlinuz-6.1");
  EXPECT_EQ(found_.entries.front().partition, disk_->partitions().data() + 1);
}

TEST_F(Entries, APatternLooksFurther) {
  make({kEspWithUki, kRoot});
  EXPECT_EQ(choose("vmlinuz*"), "loop0p2:/boot/vmlinuz-6.1");
  EXPECT_THAT(choose("nothing"), Fails(Code::NotFound, "nothing"));
  EXPECT_EQ(find_entries(*disk_).entries.size(), 2U);
}

TEST_F(Entries, WhatStandsInForTheChosenOne) {
  const auto stand_ins = [&](std::string_view pattern) {
    found_ = find_entries(*disk_);
    std::vector<std::string> paths;
    const auto choices = choose_entries(found_, pattern, *disk_);
    if (choices)
      for (const Choice& choice : *choices) paths.push_back(choice.entry->entry.path);
    return paths;
  };
  MemoryPartition esp = esp_with_entry("a.conf");
  for (const char* name : {"b.conf", "c+0.conf"})
    esp.files[std::string("/loader/entries/") + name] = esp.files["/loader/entries/a.conf"];
  esp.files["/loader/entries/other.conf"] = to_buffer("title O\nsort-key other\nlinux /l\ninitrd /i\n");
  make({esp, kRoot});
  // Not another system, not one of another kind, not one whose tries are used up.
  EXPECT_THAT(stand_ins(""), ElementsAre("/loader/entries/other.conf"));
  EXPECT_THAT(stand_ins("b.conf"), ElementsAre("/loader/entries/b.conf"));
  EXPECT_THAT(stand_ins("?.conf"),
              ElementsAre("/loader/entries/b.conf", "/loader/entries/a.conf", "/loader/entries/c+0.conf"));
  esp.files.erase("/loader/entries/other.conf");
  make({esp, kRoot});
  EXPECT_THAT(stand_ins(""), ElementsAre("/loader/entries/b.conf", "/loader/entries/a.conf"));
}

TEST_F(Entries, WithoutTriesLeftItLooksFurther) {
  make({esp_with_entry("t+0-3.conf"), kRoot});
  EXPECT_EQ(choose(), "loop0p2:/boot/vmlinuz-6.1");
  make({esp_with_entry("t+0-3.conf")});
  EXPECT_EQ(choose(), "/loader/entries/t+0-3.conf");  // better than nothing
}

TEST_F(Entries, TriesAreCountedOnFat) {
  make({esp_with_entry("t+3.conf")});
  ASSERT_TRUE(choose());
  const auto opened = found_.entries.front().open({});
  ASSERT_TRUE(opened && opened->counted);
  EXPECT_EQ(opened->counted->partition, 1U);
  EXPECT_EQ(opened->counted->path, "/loader/entries/t+3.conf");
  EXPECT_EQ(opened->counted->next_path, "/loader/entries/t+2-1.conf");
}

TEST_F(Entries, WhatIsNotCounted) {
  for (const char* name : {"t.conf", "t+0-3.conf", "t t+3.conf"}) {
    make({esp_with_entry(name)});
    ASSERT_TRUE(choose()) << name;
    const auto opened = found_.entries.front().open({});
    ASSERT_TRUE(opened) << name;
    EXPECT_FALSE(opened->counted) << name;
  }
}

TEST_F(Entries, NothingOrBroken) {
  make({{.type = "ext4", .files = {}, .gpt_type = {}}});
  EXPECT_THAT(choose(), Fails(Code::NotFound, "nothing to boot"));
  make({{.type = "", .files = {}, .gpt_type = disk::kEspType}});
  EXPECT_THAT(choose(), Fails(Code::Unsupported, "partition 1 of the guest disk holds no file system"));
  make({{.type = "vfat", .files = {{"/EFI/Linux/a.efi", to_buffer("junk")}}, .gpt_type = disk::kEspType}, kRoot});
  EXPECT_EQ(choose(), "loop0p2:/boot/vmlinuz-6.1");
  EXPECT_EQ(found_.broken.size(), 1U);
}

TEST_F(Entries, TheSameNameOnTwoPartitionsIsTheEsps) {
  MemoryPartition second = kEspWithUki;
  second.gpt_type = disk::kXbootldrType;
  make({second, kEspWithUki});
  ASSERT_TRUE(choose());
  ASSERT_EQ(found_.entries.size(), 2U);
  EXPECT_EQ(found_.entries.front().partition->entry->number, 2U);
}

// An entry for an image elsewhere on its partition, with an addon and a credential beside that one.
MemoryPartition esp_with_uki_entry(const std::string& more) {
  MemoryPartition esp{.type = "vfat", .files = {}, .gpt_type = disk::kEspType};
  esp.files["/loader/entries/t.conf"] = to_buffer("uki /os/a.efi\n" + more);
  esp.files["/os/a.efi"] = uki();
  esp.files["/os/a.efi.extra.d/b.addon.efi"] = PeBuilder().add(".cmdline", "beside").build();
  esp.files["/os/a.efi.extra.d/b.cred"] = to_buffer("c");
  esp.files["/os/more/a.addon.efi"] = PeBuilder().add(".cmdline", "extra").build();
  esp.files["/os/more/x.cred"] = to_buffer("credential");
  return esp;
}

std::string text_of(const std::vector<kexec::Piece>& pieces) {
  std::string text;
  for (const kexec::Piece& piece : pieces) {
    std::vector<std::byte> bytes(piece.range.length);
    EXPECT_TRUE(piece.file->read(piece.range.offset, bytes));
    text += as_text(bytes);
  }
  return text;
}

TEST_F(Entries, ExtrasOfAnImageJoinThoseBesideIt) {
  make({esp_with_uki_entry("extra /os/more/x.cred\nextra os/more/a.addon.efi\n")});
  ASSERT_TRUE(choose());
  const auto entry = found_.entries.front().open({.profile = {}, .smbios_options = "smbios"});
  ASSERT_TRUE(entry) << entry.error().message();
  EXPECT_EQ(entry->parts.cmdline, "quiet extra beside smbios");
  EXPECT_THAT(text_of(entry->parts.extras), ::testing::HasSubstr("credential"));
  EXPECT_THAT(entry->warnings, ::testing::IsEmpty());
}

TEST_F(Entries, OptionsOfAnEntryStandInForTheImagesOnly) {
  make({esp_with_uki_entry("options mine\n")});
  ASSERT_TRUE(choose());
  EXPECT_EQ(found_.entries.front().open({.profile = {}, .smbios_options = "smbios"})->parts.cmdline,
            "mine beside smbios");
}

TEST_F(Entries, ExtrasThatAreNotTakenAreNamed) {
  MemoryPartition esp = esp_with_uki_entry("extra /os/more/readme\nextra /os/more/b.cred\nextra /os/x.raw\n");
  esp.files["/os/x.raw/inside"] = to_buffer("");
  make({esp});
  ASSERT_TRUE(choose());
  EXPECT_THAT(found_.entries.front().open({})->warnings,
              ElementsAre("/os/more/readme is passed over: by its name it is no addon, credential or extension",
                          "/os/more/b.cred is passed over: there is another file of that name for the image",
                          "/os/x.raw is passed over: it is a folder"));
  make({esp_with_uki_entry("extra /os/more/missing.cred\n")});
  ASSERT_TRUE(choose());
  EXPECT_THAT(found_.entries.front().open({}), Fails(Code::NotFound, "/os/more/missing.cred"));
  MemoryPartition plain = esp_with_entry("t.conf");
  plain.files["/loader/entries/t.conf"] = to_buffer("linux /l\nextra /a.cred\n");
  make({plain});
  ASSERT_TRUE(choose());
  EXPECT_THAT(found_.entries.front().open({})->warnings,
              ElementsAre("/a.cred is passed over: `extra` is for entries with `uki`"));
}

TEST_F(Entries, AFolderCalledLikeACompanionIsPassedOver) {
  MemoryPartition esp = kEspWithUki;
  esp.files["/EFI/Linux/a.efi.extra.d/x.raw/inside"] = to_buffer("");
  esp.files["/EFI/Linux/a.efi.extra.d/y.cred"] = to_buffer("credential");
  esp.files["/loader/addons/z.addon.efi/inside"] = to_buffer("");
  make({esp});
  ASSERT_TRUE(choose());
  const auto entry = found_.entries.front().open({});
  ASSERT_TRUE(entry) << entry.error().message();
  EXPECT_THAT(entry->warnings, ElementsAre("/loader/addons/z.addon.efi is passed over: it is a folder",
                                           "/EFI/Linux/a.efi.extra.d/x.raw is passed over: it is a folder"));
  EXPECT_THAT(text_of(entry->parts.extras), ::testing::HasSubstr("credential"));
}

constexpr std::string_view kGrubEnvironment = "# GRUB Environment Block\nkernelopts=root=UUID=f52 ro\n";

TEST_F(Entries, VariablesOfEntriesMayBeOnTheEsp) {
  MemoryPartition boot = esp_with_entry("t.conf");
  boot.type = "ext4";
  boot.gpt_type = {};
  boot.files["/loader/entries/t.conf"] = to_buffer("linux /l\noptions $kernelopts quiet\n");
  MemoryPartition esp{.type = "vfat", .files = {}, .gpt_type = disk::kEspType};
  make({esp, boot});
  EXPECT_THAT(choose(), Fails(Code::NotFound, "GRUB's variable $kernelopts"));
  esp.files["/EFI/fedora/grubenv"] = to_buffer(kGrubEnvironment);
  esp.files["/EFI/BOOT/BOOTX64.EFI"] = to_buffer("");
  make({esp, boot});
  ASSERT_TRUE(choose());
  EXPECT_EQ(found_.entries.front().entry.options, "root=UUID=f52 ro quiet");
  boot.files["/grub2/grubenv"] = to_buffer("# GRUB Environment Block\nkernelopts=own\n");
  make({esp, boot});
  ASSERT_TRUE(choose());
  EXPECT_EQ(found_.entries.front().entry.options, "own quiet");
  boot.files.erase("/grub2/grubenv");
  esp.files["/EFI/other/grubenv"] = to_buffer(kGrubEnvironment);
  make({esp, boot});
  EXPECT_THAT(choose(), Fails(Code::NotFound, "GRUB's variable $kernelopts"));
}

TEST_F(Entries, AGrubOnTheEspIsThatOfTheOnlySystem) {
  MemoryPartition esp{.type = "vfat", .files = {}, .gpt_type = disk::kEspType};
  esp.files["/EFI/centos/grub.cfg"] = to_buffer("menuentry c { linux /vmlinuz-6.1 $kernelopts quiet }\n");
  esp.files["/EFI/centos/grubenv"] = to_buffer(kGrubEnvironment);
  make({esp, kRoot});
  ASSERT_TRUE(choose());
  EXPECT_EQ(found_.entries.front().open({})->parts.cmdline, "root=UUID=f52 ro quiet");
  make({esp, kRoot, kRoot});
  ASSERT_TRUE(choose());
  EXPECT_EQ(found_.entries.front().open({})->parts.cmdline, "root=UUID=f52 ro");
}

MemoryPartition boot_with(const std::string& version) {
  return {.type = "ext4", .files = {{"/vmlinuz-" + version, make_kernel()}}, .gpt_type = {}};
}

MemoryPartition root_with(const std::string& version, const std::string& fstab) {
  return {.type = "ext4",
          .files = {{"/boot/vmlinuz-" + version, make_kernel()}, {"/etc/fstab", to_buffer(fstab)}},
          .gpt_type = {}};
}

std::vector<std::string> paths_of(const FoundEntries& found) {
  std::vector<std::string> paths;
  for (const FoundEntry& entry : found.entries) paths.push_back(entry.entry.path);
  return paths;
}

TEST_F(Entries, KernelsOfOneSystemAreOrderedOverItsFolders) {
  MemoryPartition boot = boot_with("6.1");
  boot.files["/vmlinuz-6.12"] = make_kernel();
  boot.files["/vmlinuz-0-rescue-x"] = make_kernel();
  make({root_with("6.9", "UUID=f51 / ext4\n"), boot, boot_with("6.1")});
  ASSERT_TRUE(choose());
  EXPECT_THAT(paths_of(found_),
              ElementsAre("loop0p2:/vmlinuz-6.12", "loop0p1:/boot/vmlinuz-6.9", "loop0p2:/vmlinuz-6.1",
                          "loop0p3:/vmlinuz-6.1", "loop0p2:/vmlinuz-0-rescue-x"));
}

TEST_F(Entries, KernelsOfTwoSystemsAreKeptApart) {
  make({root_with("6.1", "UUID=f51 / ext4\n/dev/sda4 /boot ext4\n"),
        root_with("6.9", "UUID=f52 / ext4\nUUID=\"f53\" /boot ext4\n"), boot_with("6.12"), boot_with("6.2"),
        boot_with("7.0")});
  ASSERT_TRUE(choose());
  EXPECT_THAT(paths_of(found_), ElementsAre("loop0p4:/vmlinuz-6.2", "loop0p1:/boot/vmlinuz-6.1",
                                            "loop0p3:/vmlinuz-6.12", "loop0p2:/boot/vmlinuz-6.9"));
  // Whose kernel this is nobody says, and with the files of another system it would boot that one's root.
  ASSERT_EQ(found_.broken.size(), 1U);
  EXPECT_THAT(found_.broken.front().message(), ::testing::HasSubstr("/vmlinuz-7.0"));
  EXPECT_EQ(found_.entries[2].open({})->parts.cmdline, "root=UUID=f52 rootfstype=ext4 ro");  // of its own root's fstab
}

TEST_F(Entries, TheNumberOfEntryFilesIsCapped) {
  MemoryPartition esp = esp_with_entry("e-1.conf");
  for (std::size_t i = 2; i <= kMaxEntryFiles; ++i)
    esp.files["/loader/entries/e-" + std::to_string(i) + ".conf"] = esp.files["/loader/entries/e-1.conf"];
  make({esp});
  EXPECT_EQ(choose(), "/loader/entries/e-256.conf");
  EXPECT_EQ(found_.entries.size(), kMaxEntryFiles);
  EXPECT_TRUE(found_.broken.empty());
  esp.files["/loader/entries/e-257.conf"] = esp.files["/loader/entries/e-1.conf"];
  esp.files["/loader/entries/notes"] = to_buffer("");
  make({esp});
  EXPECT_EQ(choose(), "/loader/entries/e-257.conf");
  EXPECT_EQ(found_.entries.size(), kMaxEntryFiles);
  EXPECT_EQ(found_.entries.back().entry.id, "e-2.conf");  // the oldest was left out
  ASSERT_EQ(found_.broken.size(), 1U);
  EXPECT_THAT(found_.broken[0].message(), ::testing::HasSubstr("/loader/entries of the guest has 257 entries"));
}

TEST_F(Entries, FilesAreReadOnceForAllKernelsOfAFolder) {
  MemoryPartition root = kRoot;
  for (const char* version : {"6.2", "6.3", "6.4"})
    root.files[std::string("/boot/vmlinuz-") + version] = root.files["/boot/vmlinuz-6.1"];
  root.files["/boot/grub/grub.cfg"] = to_buffer("menuentry a { linux /boot/vmlinuz-6.1 root=UUID=f51 }");
  root.files["/etc/os-release"] = to_buffer("PRETTY_NAME=D");
  make({root});
  ASSERT_TRUE(choose());
  EXPECT_EQ(found_.entries.size(), 4U);
  EXPECT_EQ(found_.entries.back().entry.title, "D");
  for (const char* path : {"/boot/grub/grub.cfg", "/etc/os-release", "/etc/fstab"}) EXPECT_EQ(disk_->reads[path], 1U);
}

}  // namespace
}  // namespace vhdboot::entry
