// SPDX-License-Identifier: GPL-2.0-or-later
#include "entry/find_entries.h"

#include <gmock/gmock.h>

#include "base/sha256.h"
#include "base/text.h"
#include "entry/folders.h"
#include "kexec/cmdline.h"
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

TEST_F(Entries, AnImageThatTheFirmwareStarts) {
  MemoryPartition esp{.type = "vfat", .files = {{"/EFI/BOOT/BOOTX64.EFI", uki()}}, .gpt_type = disk::kEspType};
  make({esp});
  EXPECT_EQ(choose(), "/EFI/BOOT/BOOTX64.EFI");
  esp.files["/EFI/Linux/a.efi"] = uki();
  make({esp});
  EXPECT_EQ(choose(), "/EFI/Linux/a.efi");
  EXPECT_EQ(found_.entries.size(), 1U);
  make({{.type = "vfat",
         .files = {{"/EFI/BOOT/BOOTX64.EFI", to_buffer("MZ a boot loader")}},
         .gpt_type = disk::kEspType},
        kRoot});
  EXPECT_EQ(choose(), "loop0p2:/boot/vmlinuz-6.1");
  EXPECT_THAT(found_.broken, ::testing::IsEmpty());
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

TEST_F(Entries, WhatIsOfAnotherTimeDoesNotStandIn) {
  MemoryPartition esp = esp_with_entry("a.conf");
  const auto entry = [&](const std::string& name, const std::string& options) {
    esp.files["/loader/entries/" + name] = to_buffer("linux /l\ninitrd /i\noptions " + options + "\n");
  };
  entry("a.conf", "root=UUID=1 rootflags=subvol=@/1 quiet");
  entry("b.conf", "root=UUID=1 rootflags=subvol=@/2");
  entry("c.conf", "rescue root=UUID=1 rootflags=compress=zstd:1,subvol=/@/2");
  entry("d.conf", "root=UUID=2 rootflags=subvol=@/2");
  entry("e.conf", "root=UUID=1 rootflags=subvol=@/2");
  make({esp, kRoot});
  found_ = find_entries(*disk_);
  std::vector<std::string> ids;
  for (const Choice& choice : choose_entries(found_, "", *disk_).value()) ids.push_back(choice.entry->entry.id);
  EXPECT_THAT(ids, ElementsAre("e.conf", "c.conf", "b.conf"));
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
  EXPECT_THAT(choose(), Fails(Code::NotFound,
                              "nothing to boot on the guest disk (GPT, 1 partition): no unified kernel image in "
                              "/EFI/Linux, no entry in /loader/entries, no kernel in a /boot that the boot kernel can "
                              "read: name the disk that the guest starts from, or install the guest"));
  make({{.type = "ext4", .files = {{"/etc/fstab", to_buffer("\n")}}, .gpt_type = {}},
        {.type = "crypto_LUKS", .files = {}, .gpt_type = {}}});
  EXPECT_THAT(choose(), Fails(Code::NotFound,
                              "partition 2 of the guest disk holds crypto_LUKS, which the boot kernel does not read: "
                              "install a kernel in the guest, whose root is on partition 1 of the guest disk"));
  make({{.type = "vfat", .files = {}, .gpt_type = disk::kEspType},
        {.type = "crypto_LUKS", .files = {}, .gpt_type = {}}});
  EXPECT_THAT(choose(), Fails(Code::NotFound, "read: let the guest have its kernels where they can be read"));
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
  boot.files["/grub2/grub.cfg"] = to_buffer("load_env\nset default=\"${saved_entry}\"\nblscfg\n");
  make({esp, boot});
  ASSERT_TRUE(choose()) << "a link beside grub.cfg leads to the ESP";
  EXPECT_EQ(found_.entries.front().entry.options, "root=UUID=f52 ro quiet");
  boot.files.erase("/grub2/grub.cfg");
  esp.files["/EFI/other/grubenv"] = to_buffer(kGrubEnvironment);
  make({esp, boot});
  EXPECT_THAT(choose(), Fails(Code::NotFound, "GRUB's variable $kernelopts"));
}

TEST_F(Entries, AGrubOnTheEspIsThatOfTheOnlySystem) {
  MemoryPartition esp{.type = "vfat", .files = {}, .gpt_type = disk::kEspType};
  esp.files["/EFI/centos/grub.cfg"] = to_buffer("load_env\nmenuentry c { linux /vmlinuz-6.1 $kernelopts quiet }\n");
  esp.files["/EFI/centos/grubenv"] = to_buffer(kGrubEnvironment);
  make({esp, kRoot});
  ASSERT_TRUE(choose());
  EXPECT_EQ(found_.entries.front().open({})->parts.cmdline, "root=UUID=f52 ro quiet");
  make({esp, kRoot, kRoot});
  ASSERT_TRUE(choose());
  EXPECT_EQ(found_.entries.front().open({})->parts.cmdline, "root=UUID=f52 rootfstype=ext4 ro");
}

// As Home Assistant OS has it: one system, two slots with kernels of the same name.
TEST_F(Entries, AMenuOnTheEsp) {
  const std::string menu =
      "load_env\nfor SLOT in $ORDER; do\n if [ $SLOT = A ]; then default=0; break; fi\n default=1; break\ndone\n"
      "regexp --set 1:boothd (.+),.+ ${root}\n"
      "menuentry A { linux (${boothd},gpt2)/bzImage root=UUID=f52 }\n"
      "menuentry B { linux (${boothd},gpt3)/bzImage root=UUID=f53 }\n";
  const MemoryPartition slot{.type = "ext4", .files = {{"/bzImage", make_kernel()}}, .gpt_type = {}};
  for (const std::string folder : {"/EFI/BOOT", "", "/boot", "/grub"}) {
    MemoryPartition esp{.type = "vfat", .files = {}, .gpt_type = disk::kEspType};
    esp.files[folder + "/grub.cfg"] = to_buffer(menu);
    esp.files[folder + "/grubenv"] = to_buffer("# GRUB Environment Block\nORDER=B A\n");
    make({esp, slot, slot});
    EXPECT_EQ(choose(), "loop0p3:/bzImage") << folder;
    EXPECT_EQ(found_.entries.front().entry.options, "root=UUID=f53");
    esp.files[folder + "/grubenv"] = to_buffer("# GRUB Environment Block\nORDER=A B\n");
    make({esp, slot, slot});
    EXPECT_EQ(choose(), "loop0p2:/bzImage") << folder;
  }
  // What leads elsewhere is no menu.
  MemoryPartition esp{.type = "vfat", .files = {{"/vmlinuz-7", make_kernel()}}, .gpt_type = disk::kEspType};
  esp.files["/EFI/BOOT/grub.cfg"] = to_buffer("search.fs_uuid f52 root\nconfigfile ($root)/boot/grub/grub.cfg\n");
  esp.files["/extlinux.conf"] = to_buffer("LABEL a\n KERNEL /vmlinuz-7\n APPEND root=UUID=f52\n");
  make({esp, slot});
  ASSERT_TRUE(choose());
  EXPECT_EQ(found_.entries.front().entry.options, "root=UUID=f52");
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
  EXPECT_THAT(paths_of(found_), ElementsAre("loop0p4:/vmlinuz-6.2", "loop0p3:/vmlinuz-6.12"))
      << "what is below a mount point is left from before";
  // Whose kernel this is nobody says, and with the files of another system it would boot that one's root.
  ASSERT_EQ(found_.broken.size(), 1U);
  EXPECT_THAT(found_.broken.front().message(), ::testing::HasSubstr("/vmlinuz-7.0"));
  EXPECT_EQ(found_.entries[1].open({})->parts.cmdline, "root=UUID=f52 rootfstype=ext4 ro");  // of its own root's fstab
}

TEST_F(Entries, TheSystemWhoseMenuGrubReadsComesFirst) {
  const auto make_with = [&](const std::map<std::string, std::string>& files) {
    MemoryPartition esp{.type = "vfat", .files = {}, .gpt_type = disk::kEspType};
    for (const auto& [path, text] : files) esp.files[path] = to_buffer(text);
    make({esp, root_with("6.1", "UUID=f52 / ext4\n"), root_with("6.9", "UUID=f53 / ext4\n")});
  };
  const auto leads_to = [](const std::string& uuid) {
    return "search.fs_uuid " + uuid + " root hd0,gpt9\nset prefix=($root)'/boot/grub'\nconfigfile $prefix/grub.cfg\n";
  };
  make_with({{"/EFI/debian/grub.cfg", leads_to("f53")}});
  EXPECT_EQ(choose(), "loop0p3:/boot/vmlinuz-6.9");
  make_with({{"/EFI/debian/grub.cfg", "search --fs-uuid --set=dev F53\nconfigfile ($dev)/boot/grub2/grub.cfg\n"}});
  EXPECT_EQ(choose(), "loop0p3:/boot/vmlinuz-6.9");
  make_with({{"/EFI/BOOT/grub.cfg", leads_to("f53")}});
  EXPECT_EQ(choose(), "loop0p3:/boot/vmlinuz-6.9") << "no system is on the ESP";
  // Where nobody knows, the order on the disk counts.
  for (const char* other : {"f52", "f5f"}) {
    make_with({{"/EFI/debian/grub.cfg", leads_to("f53")}, {"/EFI/ubuntu/grub.cfg", leads_to(other)}});
    EXPECT_EQ(choose(), "loop0p2:/boot/vmlinuz-6.1");
    make_with({{"/EFI/debian/grub.cfg", leads_to(other)}});
    EXPECT_EQ(choose(), "loop0p2:/boot/vmlinuz-6.1");
  }
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
  for (const char* path : {"/boot/grub/grub.cfg", "/etc/os-release"}) EXPECT_EQ(disk_->reads[path], 1U);
  EXPECT_LE(disk_->reads["/etc/fstab"], 4U) << "also for what it mounts over /boot";
}

// ---- What the guest's own boot loader would choose ----

MemoryPartition esp_with_entries(const std::vector<std::pair<std::string, std::string>>& entries,
                                 const std::string& loader_conf = "") {
  MemoryPartition esp{
      .type = "vfat", .files = {{"/l", make_kernel()}, {"/i", to_buffer("initrd")}}, .gpt_type = disk::kEspType};
  for (const auto& [name, more] : entries)
    esp.files["/loader/entries/" + name] = to_buffer("linux /l\ninitrd /i\n" + more);
  if (!loader_conf.empty()) esp.files["/loader/loader.conf"] = to_buffer(loader_conf);
  return esp;
}

TEST_F(Entries, LoaderConfChooses) {
  const std::vector<std::pair<std::string, std::string>> pop{
      {"Pop_OS-current.conf", ""}, {"Pop_OS-oldkern.conf", ""}, {"Recovery-1A2B.conf", ""}};
  const auto chosen = [&](const std::string& conf) {
    make({esp_with_entries(pop, conf)});
    return choose().value();
  };
  EXPECT_EQ(chosen("default Pop_OS-current\ntimeout 3\n"), "/loader/entries/Pop_OS-current.conf");
  EXPECT_EQ(rule_of_default(found_.entries.front().entry), "`default` of /loader/loader.conf");
  EXPECT_EQ(chosen("default pop_os-OLD*\n"), "/loader/entries/Pop_OS-oldkern.conf");
  EXPECT_EQ(chosen("#default x\ndefault\tPop_OS-current.conf\r\n"), "/loader/entries/Pop_OS-current.conf");
  EXPECT_EQ(chosen("default Arch*\n"), "/loader/entries/Recovery-1A2B.conf");
  EXPECT_EQ(
      rule_of_default(found_.entries.front().entry),
      "the order of the Boot Loader Specification, as `default` of /loader/loader.conf, \"arch*\", starts no Linux "
      "that is known");
  for (const char* conf : {"", "default @saved\n", "timeout 3\n"}) {
    EXPECT_EQ(chosen(conf), "/loader/entries/Recovery-1A2B.conf") << conf;
    EXPECT_EQ(rule_of_default(found_.entries.front().entry), "the order of the Boot Loader Specification") << conf;
  }
}

TEST_F(Entries, LoaderConfAndTries) {
  const std::vector<std::pair<std::string, std::string>> counted{
      {"a-1.conf", ""}, {"a-2+0-3.conf", ""}, {"b+0.conf", ""}};
  make({esp_with_entries(counted, "default a-*\n")});
  EXPECT_EQ(choose(), "/loader/entries/a-1.conf");
  make({esp_with_entries(counted, "default b\n")});
  EXPECT_EQ(choose(), "/loader/entries/b+0.conf");  // as systemd-boot does
  make({esp_with_entries(counted, "preferred b\ndefault a-1\n")});
  EXPECT_EQ(choose(), "/loader/entries/a-1.conf");
}

TEST_F(Entries, ImagesAndFilesAreOneMenu) {
  MemoryPartition esp = esp_with_entries({{"b.conf", "sort-key b\n"}}, "");
  esp.files["/EFI/Linux/z.efi"] = uki();
  make({esp});
  EXPECT_EQ(choose(), "/loader/entries/b.conf");
  esp.files["/loader/loader.conf"] = to_buffer("default z.efi\n");
  make({esp});
  EXPECT_EQ(choose(), "/EFI/Linux/z.efi");
}

TEST_F(Entries, WhatCannotBeBootedIsPassedOver) {
  MemoryPartition boot{.type = "ext4", .files = {}, .gpt_type = {}};
  boot.files["/loader/entries/b4-4.14.conf"] = to_buffer("linux /b4/4.14/linux\ninitrd /b4/4.14/initrd\n");
  boot.files["/loader/entries/noinitrd.conf"] = to_buffer("linux /vmlinuz-6.12\ninitrd /missing\n");
  boot.files["/loader/entries/text.conf"] = to_buffer("linux /text\n");
  boot.files["/text"] = to_buffer(std::string(4096, 'x'));
  boot.files["/vmlinuz-6.12"] = make_kernel();
  boot.files["/vmlinuz-7.0"] = to_buffer("no kernel");
  boot.files["/grub/grub.cfg"] = to_buffer(
      "menuentry d { linux /vmlinuz-6.12 root=UUID=f51 }\nmenuentry e { linux /vmlinuz-7.0 root=UUID=f51 }\n");
  make({boot});
  EXPECT_EQ(choose(), "loop0p1:/vmlinuz-6.12");
  std::string said;
  for (const Error& error : found_.broken) said += error.message() + "\n";
  for (const char* what : {"b4-4.14.conf: /b4/4.14/linux is not there", "noinitrd.conf: /missing is not there",
                           "text.conf: /text: ", "/vmlinuz-7.0: "})
    EXPECT_THAT(said, ::testing::HasSubstr(what));
  EXPECT_EQ(found_.broken.size(), 4U) << "the menu's entry for a broken kernel says nothing new:\n" << said;
}

TEST_F(Entries, AnImageWithoutAKernelIsPassedOver) {
  MemoryPartition esp = kEspWithUki;
  esp.files["/EFI/Linux/b.efi"] = PeBuilder().add(".linux", std::string(4096, 'x')).build();
  make({esp});
  EXPECT_EQ(choose(), "/EFI/Linux/a.efi");
  ASSERT_EQ(found_.broken.size(), 1U);
  EXPECT_THAT(found_.broken[0].message(), ::testing::HasSubstr("/EFI/Linux/b.efi: the kernel in it: "));
}

TEST_F(Entries, AnImageWhateverTheKeyIs) {
  for (const char* key : {"efi", "linux", "uki"}) {
    MemoryPartition esp{.type = "vfat", .files = {}, .gpt_type = disk::kEspType};
    esp.files["/EFI/Linux/bootc/abc.efi"] = uki();
    esp.files["/loader/entries/t.conf"] = to_buffer(std::string(key) + " /EFI/Linux/bootc/abc.efi\n");
    make({esp});
    ASSERT_EQ(choose(), "/loader/entries/t.conf") << key;
    const auto opened = found_.entries.front().open({});
    ASSERT_TRUE(opened) << opened.error().message();
    EXPECT_EQ(opened->parts.cmdline, "quiet") << key;
  }
  MemoryPartition esp{.type = "vfat", .files = {}, .gpt_type = disk::kEspType};
  esp.files["/shell.efi"] = PeBuilder().add(".text", "code").build();
  esp.files["/loader/entries/t.conf"] = to_buffer("efi /shell.efi\n");
  make({esp});
  EXPECT_THAT(choose(), Fails(Code::Unsupported, "it starts the EFI program /shell.efi, no Linux kernel"));
}

std::string digest_of(Bytes bytes) {
  Sha256 hash;
  hash.add(bytes);
  const Sha256Digest digest = hash.finish();
  return std::string(as_text(digest));
}

// As lanzaboote makes it.
MemoryPartition esp_of_nixos(std::string_view kernel_path = "\\EFI\\nixos\\kernel-1.efi") {
  MemoryPartition esp{.type = "vfat", .files = {}, .gpt_type = disk::kEspType};
  esp.files["/EFI/nixos/kernel-1.efi"] = make_kernel();
  esp.files["/EFI/nixos/initrd-1.efi"] = to_buffer("initrd of NixOS");
  PeBuilder stub;
  stub.add(".osrel", "ID=nixos\n").add(".cmdline", "init=/nix/store/x/init").add(".linux", kernel_path);
  stub.add(".linuxh", digest_of(esp.files["/EFI/nixos/kernel-1.efi"])).add(".initrd", "\\EFI\\nixos\\initrd-1.efi");
  stub.add(".initrdh", digest_of(esp.files["/EFI/nixos/initrd-1.efi"]));
  esp.files["/EFI/Linux/nixos-generation-294.efi"] = stub.build();
  return esp;
}

TEST_F(Entries, AnImageThatNamesItsKernel) {
  make({esp_of_nixos()});
  ASSERT_EQ(choose(), "/EFI/Linux/nixos-generation-294.efi");
  const auto opened = found_.entries.front().open({});
  ASSERT_TRUE(opened) << opened.error().message();
  EXPECT_EQ(opened->parts.kernel.range.length, make_kernel().size());
  EXPECT_EQ(text_of(opened->parts.initrds), "initrd of NixOS");
  EXPECT_EQ(opened->parts.cmdline, "init=/nix/store/x/init");
}

TEST_F(Entries, AnImageThatNamesAnotherKernel) {
  MemoryPartition esp = esp_of_nixos();
  esp.files["/EFI/nixos/initrd-1.efi"] = to_buffer("initrd of NixOs");
  make({esp});
  ASSERT_TRUE(choose());
  EXPECT_THAT(found_.entries.front().open({}),
              Fails(Code::Corrupt, "initrd-1.efi is not the file that the image was made for"));
  esp.files.erase("/EFI/nixos/initrd-1.efi");
  make({esp});
  EXPECT_THAT(choose(), Fails(Code::NotFound, "/EFI/nixos/initrd-1.efi is not there"));
  for (const char* path : {"\\EFI\\..\\x", "\\", "/a//b"}) {
    make({esp_of_nixos(path)});
    EXPECT_THAT(choose(), Fails(Code::Corrupt, "its section .linux is no path of a file")) << path;
  }
  esp = esp_of_nixos();
  esp.files["/EFI/Linux/nixos-generation-294.efi"] = PeBuilder().add(".linux", "\\EFI\\nixos\\kernel-1.efi").build();
  make({esp});
  EXPECT_THAT(choose(), Fails(Code::Corrupt, "/EFI/nixos/kernel-1.efi without a hash"));
}

TEST_F(Entries, AnEspOfAnotherTypeOrASecondOne) {
  MemoryPartition windows{.type = "vfat", .files = {}, .gpt_type = disk::kEspType};
  windows.files["/EFI/Microsoft/Boot/bootmgfw.efi"] = to_buffer("x");
  make({windows, kEspWithUki});
  EXPECT_EQ(choose(), "/EFI/Linux/a.efi");
  MemoryPartition data = kEspWithUki;
  data.gpt_type = {};
  make({data});
  EXPECT_EQ(choose(), "/EFI/Linux/a.efi");
  make({windows, data, kRoot});
  EXPECT_EQ(choose(), "/EFI/Linux/a.efi");
  EXPECT_EQ(found_.entries.front().partition->entry->number, 2U);
}

TEST_F(Entries, TunedsVariablesAreEmptyWithoutGrubsFiles) {
  make({esp_with_entries({{"f.conf", "options root=UUID=f51 $tuned_params quiet\n"}})});
  ASSERT_TRUE(choose());
  auto opened = found_.entries.front().open({});
  EXPECT_EQ(opened->parts.cmdline, "root=UUID=f51  quiet");
  EXPECT_THAT(opened->warnings, ::testing::IsEmpty());
  make({esp_with_entries({{"f.conf", "options root=UUID=f51 $mine\n"}})});
  ASSERT_TRUE(choose());
  opened = found_.entries.front().open({});
  EXPECT_THAT(opened->warnings, ElementsAre("GRUB's variable $mine has no value, and is left out"));
}

MemoryPartition fedora(const std::string& saved, const std::string& grub_cfg = "") {
  MemoryPartition boot = esp_with_entries({{"6a98-6.5.6.conf", "title Old\n"},
                                           {"6a98-6.11.5.conf", "title New\noptions $tuned_params root=UUID=f51\n"},
                                           {"6a98-0-rescue.conf", "title Rescue\n"}});
  boot.type = "ext4";
  boot.gpt_type = {};
  if (!saved.empty()) boot.files["/grub2/grubenv"] = to_buffer("# GRUB Environment Block\nsaved_entry=" + saved + "\n");
  if (!grub_cfg.empty()) boot.files["/grub2/grub.cfg"] = to_buffer(grub_cfg);
  return boot;
}

TEST_F(Entries, TheSavedEntryOfGrub) {
  make({fedora("6a98-6.5.6")});
  EXPECT_EQ(choose(), "/loader/entries/6a98-6.5.6.conf");
  EXPECT_EQ(rule_of_default(found_.entries.front().entry), "saved_entry of grubenv");
  // The last one is GRUB 2.14's title, where there is a version.
  for (const char* name : {"Old", "6a98-6.5.6.conf", "Old (6.5.6)"}) {
    MemoryPartition boot = fedora(name);
    boot.files["/loader/entries/6a98-6.5.6.conf"] = to_buffer("title Old\nversion 6.5.6\nlinux /l\ninitrd /i\n");
    make({boot});
    EXPECT_EQ(choose(), "/loader/entries/6a98-6.5.6.conf") << name;
    boot.files["/grub2/grubenv"] = to_buffer("");
    boot.files["/grub2/grub.cfg"] = to_buffer(concat("set default='", name, "'\nblscfg\n"));
    make({boot});
    EXPECT_EQ(choose(), "/loader/entries/6a98-6.5.6.conf") << name;
  }
  make({fedora("1")});
  EXPECT_EQ(choose(), "/loader/entries/6a98-6.5.6.conf");
  for (const char* saved : {"", "0", "gone", "17"}) {
    make({fedora(saved)});
    EXPECT_EQ(choose(), "/loader/entries/6a98-6.11.5.conf") << saved;
  }
  make({fedora("6a98-6.5.6", "set default=\"6a98-6.11.5\"\nset tuned_params=\"isolcpus=1\"\nblscfg\n")});
  EXPECT_EQ(choose(), "/loader/entries/6a98-6.11.5.conf");
  EXPECT_EQ(rule_of_default(found_.entries.front().entry), "`default` of grub.cfg");
  EXPECT_EQ(found_.entries.front().entry.options, "isolcpus=1 root=UUID=f51");
}

TEST_F(Entries, TheSavedEntryOfGrubIsNoLinux) {
  make({fedora("Windows")});
  EXPECT_EQ(choose(), "/loader/entries/6a98-6.11.5.conf");
  EXPECT_EQ(
      rule_of_default(found_.entries.front().entry),
      "the order of the Boot Loader Specification, as saved_entry of grubenv, \"Windows\", starts no Linux that is "
      "known");
  make({fedora("Windows", "set default=\"Other\"\nblscfg\n")});
  ASSERT_TRUE(choose());
  EXPECT_THAT(rule_of_default(found_.entries.front().entry),
              ::testing::HasSubstr("`default` of grub.cfg, \"Other\", starts no Linux"));
  make({fedora("Windows", "menuentry Windows { chainloader /x.efi\n}\n")});
  ASSERT_TRUE(choose());
  EXPECT_EQ(rule_of_default(found_.entries.front().entry), "the order of the Boot Loader Specification")
      << "they are not in its menu";
}

// GRUB's menu has its own entries beside those of the files.
TEST_F(Entries, TheDefaultOfGrubIsAnEntryBesideTheFiles) {
  MemoryPartition esp{
      .type = "vfat", .files = {{"/EFI/fedora/grubx64.efi", to_buffer("MZ")}}, .gpt_type = disk::kEspType};
  const auto chosen = [&](const std::string& text) {
    MemoryPartition boot = fedora("", text);
    boot.files["/own"] = make_kernel();
    make({esp, boot});
    return choose().value_or("nothing");
  };
  const std::string own = "menuentry own --id mine { linux /own root=UUID=f52\n}\n";
  constexpr const char* kNew = "/loader/entries/6a98-6.11.5.conf";
  constexpr const char* kOld = "/loader/entries/6a98-6.5.6.conf";
  EXPECT_EQ(chosen("blscfg\n" + own), kNew);
  EXPECT_EQ(rule_of_default(found_.entries.front().entry), "the first entry of GRUB's menu");
  EXPECT_EQ(chosen("set default=mine\nblscfg\n" + own), "loop0p2:/own");
  EXPECT_EQ(rule_of_default(found_.entries.front().entry), "the default of grub.cfg");
  EXPECT_EQ(chosen("set default=3\nblscfg\n" + own), "loop0p2:/own");
  EXPECT_EQ(chosen("set default=1\nblscfg\n" + own), kOld);
  EXPECT_EQ(chosen("set default=1\n" + own + "blscfg\n"), kNew);
  EXPECT_EQ(chosen("set default=2\n" + own + "blscfg\n"), kOld);
  EXPECT_EQ(chosen(own + "blscfg\n"), "loop0p2:/own");
  EXPECT_EQ(chosen("set default=6a98-6.5.6\n" + own + "blscfg\n"), kOld);
  EXPECT_EQ(choose("own"), "loop0p2:/own") << "it can be named";
}

// GRUB has them by their names, whatever their sort-key.
TEST_F(Entries, GrubSortsFilesByTheirNames) {
  MemoryPartition esp{
      .type = "vfat", .files = {{"/EFI/fedora/grubx64.efi", to_buffer("MZ")}}, .gpt_type = disk::kEspType};
  MemoryPartition boot = esp_with_entries({{"a-6.5.conf", "sort-key a\nversion 6.5\n"}, {"a-6.11.conf", ""}});
  boot.gpt_type = {};
  boot.files["/grub2/grub.cfg"] = to_buffer("blscfg\n");
  make({esp, boot});
  EXPECT_EQ(choose(), "/loader/entries/a-6.11.conf");
  boot.files["/grub2/grub.cfg"] = to_buffer("set default=0\nblscfg\n");
  boot.files["/loader/entries/a-6.12.conf"] = to_buffer("linux /gone\n");
  make({esp, boot});
  EXPECT_EQ(choose(), "/loader/entries/a-6.11.conf") << "the next one";
  boot.files["/grub2/grub.cfg"] = to_buffer("set default=2\nblscfg\n");
  make({esp, boot});
  EXPECT_EQ(choose(), "/loader/entries/a-6.5.conf") << "GRUB counts those, too, that cannot be started";
}

// openSUSE's GRUB has its grub.cfg built in.
TEST_F(Entries, TheDefaultInTheEnvironmentAlone) {
  MemoryPartition esp = esp_with_entries({{"o-6.12-3.conf", ""}, {"o-6.12-4.conf", ""}});
  esp.files["/EFI/opensuse/grub.efi"] = to_buffer("MZ");
  esp.files["/EFI/opensuse/grubenv"] = to_buffer("# GRUB Environment Block\ndefault=o-6.12-3.conf\n");
  make({esp});
  EXPECT_EQ(choose(), "/loader/entries/o-6.12-3.conf");
  EXPECT_EQ(rule_of_default(found_.entries.front().entry), "`default` of grubenv");
}

// What an earlier installation left, beside the folder to which the file on the ESP leads.
TEST_F(Entries, TwoFoldersOfGrub) {
  MemoryPartition esp{.type = "vfat", .files = {}, .gpt_type = disk::kEspType};
  MemoryPartition root = kRoot;
  const auto menu = [](const std::string& option) {
    return to_buffer(concat("menuentry a { linux /boot/vmlinuz-6.1 root=UUID=f52 ", option, "\n}\n"));
  };
  root.files["/boot/grub/grub.cfg"] = menu("stale");
  root.files["/boot/grub2/grub.cfg"] = menu("right");
  for (const char* folder : {"grub2", "grub"}) {
    esp.files["/EFI/opensuse/grub.cfg"] = to_buffer(
        concat("search --fs-uuid --set=root f52\nset prefix=($root)/boot/", folder, "\nconfigfile $prefix/grub.cfg\n"));
    make({esp, root});
    ASSERT_TRUE(choose());
    EXPECT_EQ(found_.entries.front().entry.options,
              concat("root=UUID=f52 ", std::string_view(folder) == "grub2" ? "right" : "stale"));
  }
}

TEST_F(Entries, TheNewestOfKernelsWithoutAVersionInTheirNames) {
  MemoryPartition root{.type = "ext4", .files = {{"/etc/fstab", to_buffer("UUID=f51 / ext4\n")}}, .gpt_type = {}};
  for (const auto& [name, version] : {std::pair("linux", "6.12.4-arch1-1"), std::pair("linux-lts", "6.6.63-1-lts")}) {
    root.files[concat("/boot/vmlinuz-", name)] = make_kernel(version);
    root.files[concat("/boot/initramfs-", name, ".img")] = to_buffer("x");
  }
  make({root});
  EXPECT_EQ(choose(), "loop0p1:/boot/vmlinuz-linux");
  EXPECT_EQ(found_.entries.front().entry.version, "6.12.4-arch1-1");
  EXPECT_EQ(choose("linux-lts"), "loop0p1:/boot/vmlinuz-linux-lts");
  EXPECT_EQ(choose("6.6*"), "loop0p1:/boot/vmlinuz-linux-lts");
}

// grub-btrfs lists dozens, whose files a root that cannot be read has.
TEST_F(Entries, ManyEntriesWithoutTheirFiles) {
  MemoryPartition root = kRoot;
  std::string text;
  for (int i = 0; i < 40; ++i) text += concat("menuentry s", i, " { linux /.snapshots/", i, "/vmlinuz\n}\n");
  root.files["/boot/grub/grub.cfg"] = to_buffer(text);
  make({root});
  ASSERT_TRUE(choose());
  ASSERT_EQ(found_.broken.size(), 5U);
  EXPECT_THAT(found_.broken.back().message(), ::testing::HasSubstr("grub.cfg: 36 more entries"));
}

TEST_F(Entries, WhatOfAnEntryIsLeftOutIsSaid) {
  MemoryPartition root = kRoot;
  const auto with = [&](const std::string& option) {
    root.files["/boot/grub/grub.cfg"] = to_buffer(
        concat("probe -u $root --set=u\nmenuentry a { linux /boot/vmlinuz-6.1 root=UUID=f51 ", option, "\n}\n"));
    make({root});
    return choose();
  };
  ASSERT_TRUE(with("resume=UUID=$u"));
  EXPECT_THAT(found_.entries.front().open({})->warnings,
              ElementsAre(::testing::HasSubstr("the option \"resume=UUID=\" when it runs: it is left out")));
  root.files.erase("/etc/fstab");
  EXPECT_THAT(with("mount.usr=UUID=$u"), Fails(Code::NotFound, "has GRUB find out the mount.usr= of vmlinuz-6.1"));
}

// Ubuntu Core: the menu is on another partition than its program, and starts images in folders of any name.
TEST_F(Entries, AMenuInAFolderOfPrograms) {
  MemoryPartition boot{.type = "ext4", .files = {}, .gpt_type = {}};
  boot.files["/EFI/ubuntu/grub.cfg"] =
      to_buffer("menuentry 'Run' { chainloader /EFI/ubuntu/kernel.efi snapd_recovery_mode=run\n}\n");
  boot.files["/EFI/ubuntu/kernel.efi"] = uki();
  make({{.type = "vfat", .files = {{"/EFI/BOOT/grubx64.efi", to_buffer("MZ")}}, .gpt_type = disk::kEspType}, boot});
  EXPECT_EQ(choose(), "loop0p2:/EFI/ubuntu/kernel.efi");
  EXPECT_EQ(found_.entries.front().open({})->parts.cmdline, "snapd_recovery_mode=run");
  MemoryPartition esp{.type = "vfat", .files = {{"/vm/bzImage-1", make_kernel()}}, .gpt_type = disk::kEspType};
  esp.files["/EFI/arch/grub.cfg"] = to_buffer("menuentry a { linux /vm/bzImage-1 root=UUID=f52\n}\n");
  make({esp, kRoot});
  EXPECT_EQ(choose("a"), "loop0p1:/vm/bzImage-1");
}

// Bottlerocket: what leads to the menu of a slot knows which one it is.
TEST_F(Entries, AMenuThatASlotHas) {
  constexpr Guid kSlot = "6b636168-7420-6568-2070-6c616e657421"_guid;
  MemoryPartition esp{.type = "vfat", .files = {}, .gpt_type = disk::kEspType};
  esp.files["/EFI/BOOT/grub.cfg"] =
      to_buffer("gptprio.next -d boot_dev -u boot_uuid\nset root=$boot_dev\nexport boot_uuid\nconfigfile /grub.cfg\n");
  const auto slot = [&](const std::string& name) {
    return MemoryPartition{.type = "ext4",
                           .files = {{"/vmlinuz", make_kernel()},
                                     {"/grub.cfg", to_buffer(concat("menuentry ", name, " { linux /vmlinuz slot=", name,
                                                                    " root=PARTUUID=$boot_uuid\n}\n"))}},
                           .gpt_type = kSlot};
  };
  for (const std::size_t best : {1U, 2U}) {
    make({esp, slot("A"), slot("B")});
    for (const std::size_t one : {1U, 2U})
      table_.partitions[one].attributes = (std::uint64_t{1} << 56) | ((one == best ? 2ULL : 1ULL) << 48);
    ASSERT_TRUE(choose());
    EXPECT_EQ(found_.entries.front().entry.options,
              best == 1 ? "slot=A root=PARTUUID=part2" : "slot=B root=PARTUUID=part3");
  }
}

TEST_F(Entries, LoaderConfOfXbootldrDoesNotCount) {
  MemoryPartition esp = esp_with_entries({});
  esp.files["/EFI/systemd/systemd-bootx64.efi"] = to_buffer("MZ");
  MemoryPartition boot = esp_with_entries({{"a.conf", ""}, {"b.conf", ""}}, "default a.conf\n");
  boot.gpt_type = disk::kXbootldrType;
  make({esp, boot});
  EXPECT_EQ(choose(), "/loader/entries/b.conf");
  esp.files["/loader/loader.conf"] = to_buffer("default a.conf\n");
  make({esp, boot});
  EXPECT_EQ(choose(), "/loader/entries/a.conf");
}

TEST_F(Entries, OptionsThatGrubHasForEntriesWithout) {
  MemoryPartition boot = fedora("", "set default_kernelopts=\"root=UUID=f51 ro\"\nblscfg\n");
  make({boot});
  ASSERT_TRUE(choose("6a98-6.5.6"));
  EXPECT_EQ(choose_entry(found_, "6a98-6.5.6", *disk_)->entry->entry.options, "root=UUID=f51 ro");
}

TEST_F(Entries, TheDefaultIsNotAmongTheNewest) {
  MemoryPartition boot = fedora("m-1", "load_env\nset default=\"${saved_entry}\"\nblscfg\n");
  for (int i = 1; i <= 300; ++i)
    boot.files[concat("/loader/entries/m-", i, ".conf")] =
        to_buffer(concat("linux /l\ninitrd /i\noptions n=", i, "\n"));
  make({boot});
  ASSERT_TRUE(choose());
  EXPECT_EQ(found_.entries.front().entry.options, "n=1");
}

TEST_F(Entries, LoaderConfNamesAnotherProgram) {
  MemoryPartition esp = esp_with_entries({{"a.conf", ""}}, "default w.conf\n");
  esp.files["/loader/entries/w.conf"] = to_buffer("title Windows\nefi /EFI/Microsoft/Boot/bootmgfw.efi\n");
  esp.files["/EFI/Microsoft/Boot/bootmgfw.efi"] = to_buffer("program");
  make({esp});
  EXPECT_EQ(choose(), "/loader/entries/a.conf");
  EXPECT_THAT(rule_of_default(found_.entries.front().entry), ::testing::HasSubstr("\"w.conf\", starts no Linux"));
  esp.files["/loader/loader.conf"] = to_buffer("default auto-windows\n");
  make({esp});
  ASSERT_TRUE(choose());
  EXPECT_THAT(rule_of_default(found_.entries.front().entry), ::testing::HasSubstr("\"auto-windows\", starts no Linux"));
}

// As GRUB takes it, systemd-boot would not.
TEST_F(Entries, TwoInitrdsInALine) {
  MemoryPartition boot = esp_with_entry("a.conf");
  boot.files["/more"] = to_buffer("+more");
  boot.files["/loader/entries/a.conf"] = to_buffer("linux /l\ninitrd /i /more\n");
  make({boot});
  EXPECT_FALSE(choose());
  boot.type = "ext4";
  boot.gpt_type = {};
  boot.files["/grub2/grubenv"] = to_buffer("# GRUB Environment Block\n");
  make({boot});
  ASSERT_TRUE(choose());
  EXPECT_EQ(text_of(found_.entries.front().open({})->parts.initrds), "initrd+more");
}

// grub2-mkrelpath counts from the top of a btrfs.
TEST_F(Entries, PathsFromTheTopOfABtrfs) {
  MemoryPartition root{.type = "btrfs", .files = {}, .gpt_type = {}, .subvolumes = {{"/root", 256}}};
  root.default_subvolume = "/root";
  root.files["/root/boot/vmlinuz-6.1"] = make_kernel();
  root.files["/root/boot/initramfs-6.1.img"] = to_buffer("initrd");
  root.files["/root/etc/fstab"] = to_buffer("UUID=f51 / btrfs subvol=root 0 0\n");
  root.files["/root/boot/loader/entries/a-6.1.conf"] = to_buffer(
      "linux /root/boot/vmlinuz-6.1\ninitrd /root/boot/initramfs-6.1.img\noptions root=UUID=f51 "
      "rootflags=subvol=root\n");
  for (const bool is_default : {true, false}) {
    if (!is_default) root.default_subvolume.clear();
    make({root});
    EXPECT_TRUE(choose()) << is_default;
    EXPECT_EQ(found_.entries.front().entry.kind, EntryKind::Type1) << is_default;
    EXPECT_EQ(text_of(found_.entries.front().open({})->parts.initrds), "initrd");
  }
}

TEST_F(Entries, OldOstreeNamesAreInReverse) {
  MemoryPartition boot =
      esp_with_entries({{"ostree-fedora-0.conf", "version 2\n"}, {"ostree-fedora-1.conf", "version 1\n"}});
  boot.type = "ext4";
  boot.gpt_type = {};
  make({boot});
  EXPECT_EQ(choose(), "/loader/entries/ostree-fedora-0.conf");
}

MemoryPartition ubuntu(const std::string& grub_cfg) {
  MemoryPartition root = kRoot;
  root.files.erase("/boot/vmlinuz-6.1");
  for (const char* version : {"6.8.0-40-generic", "6.11.0-19-generic"}) {
    root.files[std::string("/boot/vmlinuz-") + version] = make_kernel();
    root.files[std::string("/boot/initrd.img-") + version] = to_buffer("initrd");
  }
  root.files["/boot/grub/grub.cfg"] = to_buffer(grub_cfg);
  return root;
}

TEST_F(Entries, GrubsDefaultChoosesTheKernel) {
  constexpr std::string_view kMenu =
      "menuentry 'Ubuntu' --id simple { linux /boot/vmlinuz-6.11.0-19-generic root=UUID=f51\n"
      " initrd /boot/initrd.img-6.11.0-19-generic\n}\n"
      "submenu 'Advanced' --id adv {\n"
      " menuentry 'new' --id new { linux /boot/vmlinuz-6.11.0-19-generic root=UUID=f51\n}\n"
      " menuentry 'old' --id old { linux /boot/vmlinuz-6.8.0-40-generic root=UUID=f51 pinned\n"
      "  initrd /boot/initrd.img-6.8.0-40-generic\n }\n}\n";
  for (const char* pinned : {"adv>old", "1>1", "Advanced>old"}) {
    make({ubuntu(concat("set default=\"", pinned, "\"\n", kMenu))});
    ASSERT_EQ(choose(), "loop0p1:/boot/vmlinuz-6.8.0-40-generic") << pinned;
    EXPECT_EQ(rule_of_default(found_.entries.front().entry), "the default of grub.cfg");
    EXPECT_EQ(found_.entries.front().open({})->parts.cmdline, "root=UUID=f51 pinned");
  }
  for (const char* first : {"0", "old", "gone>old"}) {
    make({ubuntu(concat("set default=\"", first, "\"\n", kMenu))});
    EXPECT_EQ(choose(), "loop0p1:/boot/vmlinuz-6.11.0-19-generic") << first << ": GRUB finds it in its submenu only";
  }
}

// os-prober's entries for the second system in the first one's menu.
TEST_F(Entries, TheSameKernelInTwoMenus) {
  const auto entry = [](const std::string& title, const std::string& version, const std::string& uuid,
                        const std::string& more = "") {
    return concat("menuentry '", title, "' {\n search --fs-uuid --set=root ", uuid, "\n linux /boot/vmlinuz-", version,
                  " root=UUID=", uuid, more, "\n initrd /boot/initrd.img-", version, "\n}\n");
  };
  const auto found = [&](const std::string& first, const std::string& second) {
    MemoryPartition debian = root_with("6.1", "UUID=f51 / ext4\n");
    MemoryPartition fedora = root_with("6.5", "UUID=f52 / ext4\n");
    debian.files["/boot/initrd.img-6.1"] = fedora.files["/boot/initrd.img-6.5"] = to_buffer("initrd");
    debian.files["/boot/grub/grub.cfg"] = to_buffer(concat(first, entry("Debian", "6.1", "f51")));
    fedora.files["/boot/grub/grub.cfg"] = to_buffer(concat(second, entry("Fedora", "6.5", "f52")));
    make({debian, fedora});
    found_ = find_entries(*disk_);
    std::vector<std::string> ids;
    for (const FoundEntry& one : found_.entries) ids.push_back(one.entry.id);
    return ids;
  };
  const std::string probed = entry("Fedora (on sda2)", "6.5", "f52");
  EXPECT_THAT(found("set default=1\n" + probed, ""), ElementsAre("vmlinuz-6.1", "vmlinuz-6.5"));
  EXPECT_THAT(found("set default=0\n" + probed, ""), ElementsAre("Fedora (on sda2)", "vmlinuz-6.1"));
  EXPECT_THAT(found("set default=1\n" + entry("Fedora (on sda2)", "6.5", "f52", " more"), ""),
              ElementsAre("vmlinuz-6.1", "Fedora (on sda2)", "vmlinuz-6.5"))
      << "with other options it is another";
}

// Two systems, each with a kernel of this name; GRUB's menu is the first one's.
TEST_F(Entries, GrubsDefaultIsAnotherSystem) {
  const auto system = [](const std::string& kernel) {
    MemoryPartition root{.type = "ext4", .files = {}, .gpt_type = {}};
    root.files["/boot/vmlinuz-linux"] = make_kernel();
    root.files["/boot/initramfs-linux.img"] = to_buffer(kernel);
    root.files["/etc/fstab"] = to_buffer("UUID=f5x / ext4 defaults 0 1\n");
    return root;
  };
  const auto other = [](const std::string& search, const std::string& device = "") {
    return concat("menuentry 'other' --id other {\n", search, "\n linux ", device,
                  "/boot/vmlinuz-linux root=UUID=f52 OTHER\n initrd ", device, "/boot/initramfs-linux.img\n}\n");
  };
  const std::string own =
      "menuentry 'own' { linux /boot/vmlinuz-linux root=UUID=f51 OWN\n initrd "
      "/boot/initramfs-linux.img\n}\n";
  for (const std::string& menu :
       {other("search --no-floppy --fs-uuid --set=root f52"), other("search --label --set=root SECOND"),
        other("set root='hd0,gpt2'"), other("", "(hd0,gpt2)"), other("set root='hd0,2'"), other("", "(${boothd},gpt2)"),
        other("search --set=root --file /mark"), other("search -u f52 --set=x", "($x)"),
        other("search --set=x -l SECOND\nset root=$x"),
        other("for d in hd0,gpt1 hd0,gpt2; do if [ -f ($d)/mark ]; then set root=$d; fi; done")}) {
    MemoryPartition first = system("first");
    MemoryPartition second = system("second");
    second.label = "SECOND";
    second.files["/mark"] = to_buffer("");
    first.files["/boot/grub/grub.cfg"] = to_buffer(concat("set default=other\n", own, menu));
    make({first, second});
    EXPECT_EQ(choose(), "loop0p2:/boot/vmlinuz-linux") << menu;
    EXPECT_EQ(rule_of_default(found_.entries.front().entry), "the default of grub.cfg");
    auto opened = found_.entries.front().open({});
    ASSERT_TRUE(opened);
    EXPECT_EQ(opened->parts.cmdline, "root=UUID=f52 OTHER");
    EXPECT_EQ(text_of(opened->parts.initrds), "second");
    first.files["/boot/grub/grub.cfg"] = to_buffer(concat(menu, "set default=1\n", own));
    make({first, second});
    EXPECT_EQ(choose(), "loop0p1:/boot/vmlinuz-linux") << menu;
    opened = found_.entries.front().open({});
    ASSERT_TRUE(opened);
    EXPECT_EQ(opened->parts.cmdline, "root=UUID=f51 OWN");
    EXPECT_EQ(text_of(opened->parts.initrds), "first");
  }
}

// A kernel of the same name is another one, with another root.
// A snapshot, another system in a subvolume of the same btrfs, a slot: the name alone is not the kernel.
TEST_F(Entries, TheDefaultsKernelIsCalledLikeAnother) {
  MemoryPartition root{
      .type = "ext4",
      .files = {{"/boot/vmlinuz-linux", make_kernel()},
                {"/boot/initrd.img-linux", to_buffer("new")},
                {"/boot/b/vmlinuz-linux", make_kernel()},
                {"/boot/b/initrd", to_buffer("old")},
                {"/etc/fstab", to_buffer("UUID=f51 / ext4\n")},
                {"/boot/grub/grub.cfg", to_buffer("set default=1\n"
                                                  "menuentry new { linux /boot/vmlinuz-linux root=UUID=f51\n"
                                                  "initrd /boot/initrd.img-linux\n}\n"
                                                  "menuentry old { linux /boot/b/vmlinuz-linux root=UUID=f51 old\n"
                                                  "initrd /boot/b/initrd\n}\n")}},
      .gpt_type = {}};
  make({root});
  EXPECT_EQ(choose(), "loop0p1:/boot/b/vmlinuz-linux");
  EXPECT_EQ(choose_entry(found_, "", *disk_)->entry->entry.options, "root=UUID=f51 old");
  EXPECT_EQ(choose_entry(found_, "", *disk_)->entry->entry.default_by, "the default of grub.cfg");
  const auto& other =
      std::ranges::find(found_.entries, "vmlinuz-linux", [](const FoundEntry& one) { return one.entry.id; })->entry;
  EXPECT_EQ(other.path, "loop0p1:/boot/vmlinuz-linux");
  EXPECT_EQ(other.options, "root=UUID=f51");
}

TEST_F(Entries, FilesBelowAMountPointAreLeftFromBefore) {
  MemoryPartition boot = boot_with("6.1");
  boot.files["/grub/grub.cfg"] = to_buffer("menuentry a { linux /vmlinuz-6.1 root=UUID=f51\n}");
  MemoryPartition root = root_with("6.9", "UUID=f51 / ext4\nUUID=f52 /boot ext4\n");
  root.files["/boot/grub/grub.cfg"] = to_buffer("menuentry a { linux /boot/vmlinuz-6.9 root=UUID=f51\n}");
  make({root, boot});
  EXPECT_EQ(choose(), "loop0p2:/vmlinuz-6.1");
  root.files["/etc/fstab"] = to_buffer("UUID=f51 / ext4\nUUID=f59 /boot ext4\n");
  make({root, boot});
  EXPECT_EQ(choose(), "loop0p1:/boot/vmlinuz-6.9") << "what it mounts is not on this disk";
}

TEST_F(Entries, StubsOfGrubThatAgree) {
  const auto leads_to = [](const std::string& uuid) {
    return to_buffer("search.fs_uuid " + uuid + " root\nset prefix=($root)'/boot/grub'\nconfigfile $prefix/grub.cfg\n");
  };
  const auto chosen = [&](const std::string& one, const std::string& other) {
    MemoryPartition first{
        .type = "vfat", .files = {{"/EFI/debian/grub.cfg", leads_to(one)}}, .gpt_type = disk::kEspType};
    MemoryPartition second{
        .type = "vfat", .files = {{"/EFI/BOOT/grub.cfg", leads_to(other)}}, .gpt_type = disk::kEspType};
    make({first, second, root_with("6.1", "UUID=f53 / ext4\n"), root_with("6.9", "UUID=f54 / ext4\n")});
    return choose().value_or("");
  };
  EXPECT_EQ(chosen("f54", "f54"), "loop0p4:/boot/vmlinuz-6.9");
  EXPECT_EQ(chosen("f54", "f53"), "loop0p3:/boot/vmlinuz-6.1") << "nobody knows: the first on the disk";
}

// An /EFI/BOOT/grub.cfg that leads to the menu is none, and the menu's own grubenv counts.
TEST_F(Entries, AStubOnTheEspIsNoMenu) {
  MemoryPartition esp{.type = "vfat",
                      .files = {{"/EFI/BOOT/grub.cfg", to_buffer("search.fs_uuid f52 root\n"
                                                                 "configfile ($root)/boot/grub/grub.cfg\n")}},
                      .gpt_type = disk::kEspType};
  MemoryPartition root = root_with("6.9", "UUID=f52 / ext4\n");
  root.files["/boot/vmlinuz-6.1"] = make_kernel();
  root.files["/boot/grub/grubenv"] = to_buffer("# GRUB Environment Block\nsaved_entry=old\n");
  root.files["/boot/grub/grub.cfg"] = to_buffer(
      "load_env\nset default=$saved_entry\n"
      "menuentry new { linux /boot/vmlinuz-6.9 root=UUID=f52\n}\n"
      "menuentry old --id old { linux /boot/vmlinuz-6.1 root=UUID=f52\n}\n");
  make({esp, root});
  EXPECT_EQ(choose(), "loop0p2:/boot/vmlinuz-6.1");
  EXPECT_EQ(choose("6.9"), "loop0p2:/boot/vmlinuz-6.9");
}

TEST_F(Entries, GrubsDefaultIsNotAmongEntriesThatItDoesNotShow) {
  MemoryPartition esp =
      esp_with_entries({{"new.conf", "version 6.12\nsort-key d\n"}, {"old.conf", "version 6.1\nsort-key d\n"}});
  esp.files["/EFI/systemd/systemd-bootx64.efi"] = to_buffer("MZ");
  esp.files["/EFI/debian/grub.cfg"] = to_buffer("set default=1\n");
  MemoryPartition root = kRoot;
  root.files["/boot/grub/grub.cfg"] =
      to_buffer("set default=1\nmenuentry a { linux /boot/vmlinuz-6.1 root=UUID=f52\n}");
  make({esp, root});
  EXPECT_EQ(choose(), "/loader/entries/new.conf");
  EXPECT_EQ(choose_entry(found_, "", *disk_)->entry->entry.default_by, "");
}

// Without a program for EFI: GRUB for a BIOS.
TEST_F(Entries, EntriesThatGrubsMenuDoesNotShowAreLeftFromBefore) {
  MemoryPartition root = kRoot;
  root.files["/boot/loader/entries/left.conf"] = to_buffer("linux /boot/vmlinuz-6.1\noptions root=UUID=f51 left\n");
  root.files["/boot/grub/grub.cfg"] = to_buffer("menuentry a { linux /boot/vmlinuz-6.1 root=UUID=f51 menu\n}");
  make({root});
  ASSERT_TRUE(choose());
  EXPECT_EQ(choose_entry(found_, "", *disk_)->entry->entry.options, "root=UUID=f51 menu");
  root.files["/boot/grub/grub.cfg"] = to_buffer("blscfg\n");
  make({root});
  EXPECT_EQ(choose(), "/boot/loader/entries/left.conf");
}

TEST_F(Entries, WhatIsLeftOnTheEspIsNotInGrubsMenu) {
  MemoryPartition esp = esp_with_entries({{"z-9.conf", "version 9\n"}});
  esp.files["/EFI/fedora/grubx64.efi"] = to_buffer("MZ");
  MemoryPartition boot{
      .type = "ext4",
      .files = {{"/vmlinuz-6.1", make_kernel()},
                {"/loader/entries/a-6.1.conf", to_buffer("linux /vmlinuz-6.1\nversion 6.1\noptions root=UUID=f53\n")},
                {"/grub2/grub.cfg", to_buffer("blscfg\n")}},
      .gpt_type = disk::kXbootldrType};
  make({esp, boot, root_with("5.0", "UUID=f53 / ext4\n")});
  EXPECT_EQ(choose(), "/loader/entries/a-6.1.conf");
}

TEST_F(Entries, AMenuThatIsTooLargeIsNamed) {
  MemoryPartition root = kRoot;
  std::string text;
  for (std::size_t i = 0; i <= 4096; ++i) text += "menuentry a { true; }\n";
  root.files["/boot/grub/grub.cfg"] = to_buffer(text);
  make({root});
  ASSERT_TRUE(choose());
  ASSERT_EQ(found_.broken.size(), 1U);
  EXPECT_THAT(found_.broken.front().message(),
              ::testing::HasSubstr("grub.cfg on partition 1 of the guest disk: it has"));
}

TEST_F(Entries, TheKernelIsNotWhereGrubLooks) {
  MemoryPartition first = kRoot;
  const auto with = [&](const std::string& search) {
    first.files["/boot/grub/grub.cfg"] =
        to_buffer(concat("menuentry 'other' {\n", search,
                         "\n linux /boot/vmlinuz-6.1 root=UUID=f52 OTHER\n initrd /boot/initrd.img-6.1\n}\n"));
    make({first, {.type = "ext4", .files = {}, .gpt_type = {}, .label = "SECOND"}});
    EXPECT_EQ(choose(), "loop0p1:/boot/vmlinuz-6.1");
    return found_.entries.front().open({})->parts.cmdline;
  };
  EXPECT_EQ(with("search --fs-uuid --set=root f52"), "root=UUID=f52 rootfstype=ext4 ro");
  EXPECT_THAT(found_.broken[0].message(), ::testing::HasSubstr("grub.cfg: \"other\": /boot/vmlinuz-6.1 is not there"));
  EXPECT_EQ(with("search --label --set=root SECOND"), "root=UUID=f52 rootfstype=ext4 ro");
  // Its first disk may have been another one, and a file system that is nowhere tells nothing.
  EXPECT_EQ(with("set root='hd0,gpt2'"), "root=UUID=f52 OTHER");
  EXPECT_EQ(with("search --fs-uuid --set=root 1234"), "root=UUID=f52 OTHER");
}

TEST_F(Entries, GrubsDefaultIsNoLinux) {
  make(
      {ubuntu("set default=1\nmenuentry 'Ubuntu' { linux /boot/vmlinuz-6.8.0-40-generic root=UUID=f51\n initrd "
              "/boot/initrd.img-6.8.0-40-generic\n}\nmenuentry 'Windows' { chainloader /EFI/bootmgfw.efi\n}\n")});
  EXPECT_EQ(choose(), "loop0p1:/boot/vmlinuz-6.8.0-40-generic");
  EXPECT_EQ(rule_of_default(found_.entries.front().entry),
            "the first Linux of grub.cfg, whose default, \"Windows\", starts none that is known");
}

TEST_F(Entries, TheInitrdOfGrubsDefaultIsGone) {
  MemoryPartition root = ubuntu(
      "set default=0\nmenuentry 'Ubuntu' { linux /boot/vmlinuz-6.11.0-19-generic root=UUID=f51"
      "\n initrd /boot/initrd.img-6.11.0-19-generic\n}\n");
  root.files.erase("/boot/initrd.img-6.11.0-19-generic");
  make({root});
  EXPECT_EQ(choose(), "loop0p1:/boot/vmlinuz-6.8.0-40-generic");
  ASSERT_EQ(found_.broken.size(), 1U);
  EXPECT_THAT(found_.broken[0].message(),
              ::testing::HasSubstr("its initrd /boot/initrd.img-6.11.0-19-generic is not there"));
}

// Their names have no order that means anything.
TEST_F(Entries, GrubsFallback) {
  const auto chosen = [&](const std::string& fallback, const std::set<std::string>& gone = {}) {
    MemoryPartition root = kRoot;
    std::string menu = concat("set default=a\nset fallback='", fallback, "'\n");
    for (const char* version : {"9", "a", "b", "c", "d"}) {
      const std::string kernel = concat("/boot/vmlinuz-", version);
      menu += concat("menuentry ", version, " { linux ", kernel, " root=UUID=f52 ", version, " }\n");
      if (!gone.contains(version)) root.files[kernel] = make_kernel();
    }
    root.files.erase("/boot/vmlinuz-6.1");
    root.files.erase("/boot/initrd.img-6.1");
    root.files["/boot/grub/grub.cfg"] = to_buffer(menu);
    make({root});
    return choose().value_or("nothing");
  };
  EXPECT_EQ(chosen("2 4"), "loop0p1:/boot/vmlinuz-a");
  EXPECT_EQ(rule_of_default(found_.entries.front().entry), "the default of grub.cfg");
  EXPECT_EQ(chosen("", {"a"}), "loop0p1:/boot/vmlinuz-9");
  EXPECT_EQ(chosen("2 4", {"a"}), "loop0p1:/boot/vmlinuz-b");
  EXPECT_EQ(rule_of_default(found_.entries.front().entry), "`fallback` of grub.cfg, whose default cannot be booted");
  EXPECT_EQ(chosen("4 2", {"a"}), "loop0p1:/boot/vmlinuz-d");
  EXPECT_EQ(chosen("4 2", {"a", "d"}), "loop0p1:/boot/vmlinuz-b");
  EXPECT_EQ(chosen("99 2", {"a"}), "loop0p1:/boot/vmlinuz-b");
  EXPECT_EQ(chosen("b 2", {"a"}), "loop0p1:/boot/vmlinuz-9") << "GRUB takes places alone";
}

TEST_F(Entries, GrubsDefaultAmongTheKernelsOfArch) {
  MemoryPartition root = kRoot;
  for (const char* file : {"/boot/vmlinuz-6.1", "/boot/initrd.img-6.1"}) root.files.erase(file);
  std::string menu = "set default=0\n";
  for (const char* name : {"linux", "linux-lts", "linux-zen"}) {
    root.files[std::string("/boot/vmlinuz-") + name] = make_kernel();
    root.files[std::string("/boot/initramfs-") + name + ".img"] = to_buffer(name);
    menu += concat("menuentry '", name, "' { linux /boot/vmlinuz-", name, " root=UUID=f51 rw\n initrd /boot/initramfs-",
                   name, ".img\n}\n");
  }
  root.files["/boot/grub/grub.cfg"] = to_buffer(menu);
  make({root});
  EXPECT_EQ(choose(), "loop0p1:/boot/vmlinuz-linux");
  EXPECT_EQ(text_of(found_.entries.front().open({})->parts.initrds), "linux");
}

TEST_F(Entries, KernelsThatOnlyTheMenuKnows) {
  MemoryPartition root = kRoot;
  for (const char* kernel : {"/boot/vmlinuz-6.1", "/boot/initrd.img-6.1"}) root.files.erase(kernel);
  root.files["/boot/kernels/8z3p-linux-6.6.30-bzImage"] = make_kernel();
  root.files["/boot/kernels/m8bn-initrd"] = to_buffer("initrd");
  root.files["/boot/grub/grub.cfg"] = to_buffer(
      "search --set=drive1 --fs-uuid f51\nset default=1\n"
      "menuentry 'NixOS' { linux ($drive1)/boot/kernels/8z3p-linux-6.6.30-bzImage init=/nix/store/xx/init a\n"
      " initrd ($drive1)/boot/kernels/m8bn-initrd\n}\n"
      "menuentry 'NixOS 12' { linux ($drive1)/boot/kernels/8z3p-linux-6.6.30-bzImage init=/nix/store/yy/init b\n"
      " initrd ($drive1)/boot/kernels/m8bn-initrd\n}\n"
      "menuentry 'gone' { linux /boot/kernels/gone\n}\n");
  make({root});
  EXPECT_EQ(choose(), "loop0p1:/boot/kernels/8z3p-linux-6.6.30-bzImage");
  ASSERT_EQ(found_.entries.size(), 2U);
  EXPECT_EQ(found_.entries.front().entry.title, "NixOS 12");
  const auto opened = found_.entries.front().open({});
  ASSERT_TRUE(opened) << opened.error().message();
  EXPECT_EQ(opened->parts.cmdline, "init=/nix/store/yy/init b");
  EXPECT_EQ(opened->parts.initrds.size(), 1U);
  ASSERT_EQ(found_.broken.size(), 1U);
  EXPECT_THAT(found_.broken[0].message(), ::testing::HasSubstr("grub.cfg: \"gone\": /boot/kernels/gone is not there"));
}

// openSUSE, on a btrfs.
TEST_F(Entries, TheSavedEntryIsInRawSectors) {
  MemoryPartition root = kRoot;
  root.files["/boot/vmlinuz-6.2"] = make_kernel();
  root.files["/boot/initrd.img-6.2"] = to_buffer("initrd");
  root.files["/boot/grub/grubenv"] = to_buffer("# GRUB Environment Block\nsaved_entry=none\nenv_block=3+1\n");
  std::string block = "# GRUB Environment Block\nsaved_entry=old\n";
  block.resize(512, '#');
  root.bytes = to_buffer(std::string(1536, 'x') + block);
  for (const char* device : {"(${root})", "(hd0,gpt1)", "", "(gone)"}) {
    root.files["/boot/grub/grub.cfg"] =
        to_buffer(concat("load_env\nif [ \"${env_block}\" ] ; then\n set env_block=\"", device,
                         "${env_block}\"\n load_env -f \"${env_block}\"\nfi\nset default=$saved_entry\n"
                         "menuentry new { linux /boot/vmlinuz-6.2\ninitrd /boot/initrd.img-6.2\n}\n"
                         "menuentry old { linux /boot/vmlinuz-6.1\ninitrd /boot/initrd.img-6.1\n}\n"));
    make({root});
    EXPECT_EQ(choose(),
              std::string_view(device) == "(gone)" ? "loop0p1:/boot/vmlinuz-6.2" : "loop0p1:/boot/vmlinuz-6.1")
        << device;
  }
}

// VyOS.
TEST_F(Entries, TheMenuIsInOtherFiles) {
  MemoryPartition root = kRoot;
  root.files["/boot/1.5/vmlinuz"] = make_kernel();
  root.files["/boot/grub/grub.cfg"] =
      to_buffer("for f in ${prefix}/grub.cfg.d/*-autoload.cfg\ndo\n source ${f}\ndone\n");
  root.files["/boot/grub/grub.cfg.d/20-autoload.cfg"] =
      to_buffer("menuentry '1.5' { linux /boot/1.5/vmlinuz boot=live\n}\n");
  root.files["/boot/grub/grub.cfg.d/20-other.cfg"] = to_buffer("menuentry 'x' { linux /boot/vmlinuz-6.1 x\n}\n");
  make({root});
  EXPECT_EQ(choose(), "loop0p1:/boot/1.5/vmlinuz");
}

MemoryPartition btrfs_with(const std::string& subvolume, const std::string& options) {
  return {.type = "btrfs",
          .files = {{subvolume + "/boot/vmlinuz-6.1", make_kernel()},
                    {subvolume + "/boot/initrd.img-6.1", to_buffer("initrd")},
                    {subvolume + "/etc/fstab", to_buffer("UUID=f51 / btrfs " + options + " 0 0\n")}},
          .gpt_type = {},
          .subvolumes = {{subvolume, 300}}};
}

TEST_F(Entries, ARootInASubvolumeOfAnyName) {
  for (const char* subvolume : {"/arch", "/subvols/arch", "/@debian"}) {
    make({btrfs_with(subvolume, std::string("subvol=") + subvolume)});
    EXPECT_EQ(choose(), std::string("loop0p1:") + subvolume + "/boot/vmlinuz-6.1");
    const auto opened = found_.entries.front().open({});
    ASSERT_TRUE(opened) << opened.error().message();
    EXPECT_THAT(opened->parts.cmdline, ::testing::HasSubstr(std::string("rootflags=subvol=") + subvolume));
  }
  // A folder, and a copy where there is a root with a usual name.
  MemoryPartition folder = btrfs_with("/folder", "defaults");
  folder.subvolumes.clear();
  make({folder});
  EXPECT_FALSE(choose());
  MemoryPartition copied = btrfs_with("/@", "subvol=@");
  copied.files.merge(btrfs_with("/@_before", "subvol=@").files);
  copied.subvolumes["/@_before"] = 301;
  make({copied});
  EXPECT_EQ(choose(), "loop0p1:/@/boot/vmlinuz-6.1");
  EXPECT_EQ(found_.entries.size(), 1U);
}

TEST_F(Entries, TheDefaultSubvolumeChooses) {
  MemoryPartition esp{.type = "vfat", .files = {{"/l", make_kernel()}}, .gpt_type = disk::kEspType};
  for (const char* number : {"3", "4"})
    esp.files[std::string("/loader/entries/snapper-") + number + ".conf"] =
        to_buffer(std::string("title T\nversion ") + number +
                  "@6.15\nlinux /l\noptions root=UUID=f52 rootflags=subvol=@/.snapshots/" + number + "/snapshot\n");
  MemoryPartition root{.type = "btrfs",
                       .files = {{"/@/.snapshots/3/snapshot/etc/fstab", to_buffer("#\n")},
                                 {"/@/.snapshots/4/snapshot/etc/fstab", to_buffer("#\n")}},
                       .gpt_type = {},
                       .subvolumes = {{"", 5}, {"/@/.snapshots/3/snapshot", 303}, {"/@/.snapshots/4/snapshot", 304}},
                       .default_subvolume = "/@/.snapshots/3/snapshot"};
  make({esp, root});
  EXPECT_EQ(choose(), "/loader/entries/snapper-3.conf");
  EXPECT_EQ(rule_of_default(found_.entries.front().entry), "the default subvolume of the btrfs");
  esp.files["/loader/loader.conf"] = to_buffer("default snapper-4*\n");
  make({esp, root});
  EXPECT_EQ(choose(), "/loader/entries/snapper-4.conf");
  esp.files.erase("/loader/loader.conf");
  root.default_subvolume.clear();
  make({esp, root});
  EXPECT_EQ(choose(), "/loader/entries/snapper-4.conf");  // as ever
}

// Limine's menu, with the image and the kernel that it names.
MemoryPartition esp_with_limine(const std::string& path, const std::string& text) {
  return {.type = "vfat",
          .files = {{path, to_buffer(text)},
                    {"/vmlinuz", make_kernel()},
                    {"/initrd", to_buffer("initrd")},
                    {"/EFI/Linux/a.efi", uki()},
                    {"/EFI/Linux/b.efi", uki()}},
          .gpt_type = disk::kEspType};
}

constexpr std::string_view kLimine =
    "default_entry: 3\n/+Arch\n//zen\nprotocol: linux\npath: boot():/gone\n"
    "//linux\nprotocol: linux\npath: boot():/vmlinuz#00\nmodule_path: boot():/initrd\ncmdline: root=UUID=f52 a\n"
    "//image\nprotocol: efi\npath: boot():/EFI/Linux/a.efi\n"
    "/Windows\nprotocol: efi\npath: boot():/EFI/Microsoft/Boot/bootmgfw.efi\n";

TEST_F(Entries, WhatLimineStarts) {
  for (const char* path : {"/limine.conf", "/limine/limine.conf", "/boot/limine.conf", "/EFI/BOOT/limine.conf",
                           "/EFI/limine/limine.conf", "/EFI/arch-limine/limine.conf"}) {
    make({esp_with_limine(path, std::string(kLimine)), kRoot});
    EXPECT_EQ(choose(), "loop0p1:/vmlinuz") << path;
    ASSERT_EQ(found_.entries.size(), 3U);
    const FoundEntry& first = found_.entries.front();
    EXPECT_EQ(first.entry.title, "linux");
    EXPECT_EQ(rule_of_default(first.entry), std::string("the default of ") + path);
    const auto opened = first.open({});
    ASSERT_TRUE(opened) << opened.error().message();
    EXPECT_EQ(opened->parts.cmdline, "root=UUID=f52 a");
    EXPECT_EQ(opened->parts.initrds.size(), 1U);
    ASSERT_EQ(found_.broken.size(), 1U);  // not Windows
    EXPECT_THAT(found_.broken[0].message(), ::testing::HasSubstr("\"zen\": /gone is not there"));
  }
}

TEST_F(Entries, LiminesDefaultIsNoLinux) {
  for (const char* number : {"2", "5"}) {  // gone, Windows
    std::string text(kLimine);
    text.replace(text.find("3"), 1, number);
    make({esp_with_limine("/limine.conf", text), kRoot});
    EXPECT_EQ(choose(), "loop0p1:/vmlinuz") << number;
    EXPECT_EQ(rule_of_default(found_.entries.front().entry),
              concat("the first Linux of /limine.conf, whose default, \"", number[0] == '2' ? "zen" : "Windows",
                     "\", starts none that is known"));
  }
}

TEST_F(Entries, AnImageThatLimineStarts) {
  std::string text(kLimine);
  text.replace(text.find("3"), 1, "4");
  make({esp_with_limine("/limine.conf", text)});
  EXPECT_EQ(choose(), "/EFI/Linux/a.efi");  // once, and not the newer b.efi
  EXPECT_EQ(rule_of_default(found_.entries.front().entry), "the default of /limine.conf");
  EXPECT_EQ(found_.entries.size(), 3U);
  // With options of its own it is another entry.
  text.replace(text.find("a.efi\n"), 6, "a.efi\ncmdline: more\n");
  make({esp_with_limine("/limine.conf", text)});
  EXPECT_EQ(choose(), "loop0p1:/EFI/Linux/a.efi");
  EXPECT_EQ(found_.entries.size(), 4U);
  const auto opened = found_.entries.front().open({});
  ASSERT_TRUE(opened) << opened.error().message();
  EXPECT_EQ(opened->parts.cmdline, "more");
}

TEST_F(Entries, LimineBesideSystemdBoot) {
  MemoryPartition esp = esp_with_limine("/limine.conf", std::string(kLimine));
  esp.files["/EFI/systemd/systemd-bootx64.efi"] = to_buffer("program");
  make({esp});
  EXPECT_EQ(choose(), "/EFI/Linux/b.efi");
  EXPECT_EQ(choose("linux"), "loop0p1:/vmlinuz");
}

TEST_F(Entries, LimineBesideWhatSystemdBootLeft) {
  MemoryPartition esp = esp_with_limine("/limine.conf", std::string(kLimine));
  esp.files["/loader/loader.conf"] = to_buffer("default b.efi\n");
  make({esp});
  EXPECT_EQ(choose(), "loop0p1:/vmlinuz");
}

// Files of systemd-boot, and GRUB's menu with a kernel of its own.
TEST_F(Entries, WhoseLoaderIsInstalled) {
  const auto chosen = [&](const std::map<std::string, std::string>& programs, const std::string& grub_cfg) {
    MemoryPartition esp = esp_with_entry("a.conf");
    esp.files["/EFI/Linux/a.efi"] = uki();
    for (const auto& [path, contents] : programs) esp.files[path] = to_buffer(contents);
    MemoryPartition root = kRoot;
    root.files["/boot/grub/grub.cfg"] = to_buffer(grub_cfg);
    make({esp, root});
    return choose().value_or("nothing");
  };
  const std::string menu = "menuentry a { linux /boot/vmlinuz-6.1 root=UUID=f52\n initrd /boot/initrd.img-6.1\n}\n";
  constexpr const char* kGrub = "/EFI/debian/grubx64.efi";
  constexpr const char* kSystemdBoot = "/EFI/systemd/systemd-bootx64.efi";
  constexpr const char* kFirmwares = "/EFI/BOOT/BOOTX64.EFI";
  EXPECT_EQ(chosen({}, menu), "/EFI/Linux/a.efi") << "nobody knows";
  EXPECT_EQ(chosen({{kGrub, "grub"}}, menu), "loop0p2:/boot/vmlinuz-6.1");
  EXPECT_EQ(rule_of_default(found_.entries.front().entry), "the default of grub.cfg");
  EXPECT_EQ(choose("a.efi"), "/EFI/Linux/a.efi") << "they can be named";
  EXPECT_EQ(chosen({{kGrub, "grub"}, {kSystemdBoot, "sd"}}, menu), "/EFI/Linux/a.efi");
  EXPECT_EQ(chosen({{kGrub, "grub"}, {kFirmwares, "MZ #### LoaderInfo: systemd-boot 257 ####"}}, menu),
            "/EFI/Linux/a.efi");
  EXPECT_EQ(chosen({{kGrub, "grub"}, {kFirmwares, "MZ shim"}}, menu), "loop0p2:/boot/vmlinuz-6.1");
  const auto program = [](const std::string& section) {
    return std::string(as_text(PeBuilder().add(".text", "x").add(section, "x").build()));
  };
  EXPECT_EQ(chosen({{kFirmwares, program("mods")}}, menu), "loop0p2:/boot/vmlinuz-6.1") << "grub-install --removable";
  EXPECT_EQ(chosen({{kFirmwares, program(".mods")}}, menu), "/EFI/Linux/a.efi");
  EXPECT_EQ(chosen({{kGrub, "grub"}}, "blscfg\n" + menu), "loop0p2:/boot/vmlinuz-6.1") << "it has no files there";
  EXPECT_EQ(chosen({{kGrub, "grub"}}, "uki\n"), "/EFI/Linux/a.efi");
  EXPECT_EQ(rule_of_default(found_.entries.front().entry), "the first entry of GRUB's menu");
  EXPECT_EQ(chosen({{kGrub, "grub"}}, "menuentry a { chainloader /EFI/x.efi\n}\n"), "/EFI/Linux/a.efi");
}

TEST_F(Entries, LimineNamesAnotherPartition) {
  const MemoryPartition boot{.type = "vfat", .files = {{"/k", make_kernel()}}, .gpt_type = {}};
  const MemoryPartition esp{
      .type = "vfat",
      .files = {{"/limine.cfg", to_buffer(":a\nPROTOCOL=linux\nKERNEL_PATH=uuid://F52/k\nCMDLINE=root=/dev/vda2\n")}},
      .gpt_type = disk::kEspType};
  make({esp, boot});
  EXPECT_EQ(choose(), "loop0p2:/k");
  make({esp});
  EXPECT_THAT(choose(), Fails(Code::NotFound, "/limine.cfg: \"a\": /k is not there"));
}

TEST_F(Entries, AnImageThatGrubStarts) {
  MemoryPartition root = kRoot;
  root.files["/boot/grub/grub.cfg"] = to_buffer(
      "menuentry 'Windows' { chainloader /EFI/Microsoft/Boot/bootmgfw.efi\n}\n"
      "menuentry 'unified' { chainloader -f /EFI/Linux/u.efi more options\n}\n");
  root.files["/EFI/Linux/u.efi"] = uki();
  for (const char* kernel : {"/boot/vmlinuz-6.1", "/boot/initrd.img-6.1"}) root.files.erase(kernel);
  make({root});
  EXPECT_EQ(choose(), "loop0p1:/EFI/Linux/u.efi");
  const auto opened = found_.entries.front().open({});
  ASSERT_TRUE(opened) << opened.error().message();
  EXPECT_EQ(opened->parts.cmdline, "more options");
  EXPECT_THAT(found_.broken, ::testing::IsEmpty());
}

TEST_F(Entries, InitrdsThatOnlyTheMenuKnows) {
  MemoryPartition root = kRoot;
  root.files.erase("/boot/initrd.img-6.1");
  root.files["/boot/booster.img"] = to_buffer("booster");
  root.files["/boot/ucode.img"] = to_buffer("microcode+");
  root.files["/boot/grub/grub.cfg"] =
      to_buffer("menuentry a { linux /boot/vmlinuz-6.1 root=UUID=f51\n initrd /boot/ucode.img /boot/booster.img\n}\n");
  make({root});
  ASSERT_TRUE(choose());
  EXPECT_EQ(text_of(found_.entries.front().open({})->parts.initrds), "microcode+booster");
}

// Arch's fallback. With the same initrds and options it is the same.
TEST_F(Entries, TheSameKernelWithAnotherInitrd) {
  MemoryPartition root{.type = "ext4", .files = {}, .gpt_type = {}};
  root.files["/boot/vmlinuz-linux"] = make_kernel();
  for (const char* name : {"initramfs-linux.img", "initramfs-linux-fallback.img", "ucode.img"})
    root.files[concat("/boot/", name)] = to_buffer("x");
  const auto entry = [](const std::string& title, const std::string& initrds, const std::string& more = "") {
    return concat("menuentry '", title, "' { linux /boot/vmlinuz-linux root=UUID=f51 ", more, "\n initrd ", initrds,
                  "\n}\n");
  };
  const std::string usual = "/boot/ucode.img /boot/initramfs-linux.img";
  const std::string fallback = "/boot/ucode.img /boot/initramfs-linux-fallback.img";
  const std::string menu = concat(entry("Arch", usual), "submenu 'more' {\n", entry("Linux linux", usual),
                                  entry("(fallback initramfs)", fallback, "all=1"), entry("again", fallback),
                                  entry("recovery", usual, "single"), entry("gone", "/boot/gone.img"), "}\n");
  for (const std::string& chosen : {std::string("0"), std::string("1>1")}) {
    root.files["/boot/grub/grub.cfg"] = to_buffer(concat("set default=\"", chosen, "\"\n", menu));
    make({root});
    found_ = find_entries(*disk_);
    std::vector<std::string> others;
    for (const FoundEntry& one : found_.entries) others.push_back(one.entry.id);
    // What the default starts has the kernel's name.
    const std::string other = chosen == "0" ? "(fallback initramfs)" : "Arch";
    EXPECT_THAT(others, ::testing::UnorderedElementsAre("vmlinuz-linux", other, "again", "recovery"));
    const bool is_fallback = chosen != "0";
    const FoundEntry& first = found_.entries[0];
    const FoundEntry& second =
        *std::ranges::find(found_.entries, other, [](const FoundEntry& one) { return one.entry.id; });
    EXPECT_EQ(first.entry.initrds.back(),
              is_fallback ? "/boot/initramfs-linux-fallback.img" : "/boot/initramfs-linux.img");
    EXPECT_EQ(second.entry.initrds.back(),
              is_fallback ? "/boot/initramfs-linux.img" : "/boot/initramfs-linux-fallback.img");
    const auto options = kexec::CommandLine::parse(second.open({})->parts.cmdline);
    EXPECT_EQ(options.find("all").has_value(), !is_fallback);
    EXPECT_EQ(choose_entries(found_, "", *disk_)->size(), 4U) << "it stands in";
  }
}

TEST_F(Entries, Extlinux) {
  MemoryPartition alpine = kRoot;
  alpine.files["/boot/vmlinuz-virt"] = make_kernel();
  alpine.files["/boot/initramfs-virt"] = to_buffer("alpine");
  alpine.files["/boot/extlinux.conf"] = to_buffer(
      "DEFAULT menu.c32\nLABEL lts\n  MENU LABEL Linux lts\n  LINUX vmlinuz-6.1\n  INITRD initrd.img-6.1\n"
      "  APPEND root=UUID=f51 lts\nLABEL virt\n  MENU DEFAULT\n  LINUX vmlinuz-virt\n  INITRD initramfs-virt\n"
      "  APPEND root=UUID=f51 modules=sd-mod,ext4 rootfstype=ext4\n");
  make({alpine});
  EXPECT_EQ(choose(), "loop0p1:/boot/vmlinuz-virt");
  EXPECT_EQ(rule_of_default(found_.entries.front().entry), "the default of extlinux.conf");
  EXPECT_EQ(found_.entries.front().open({})->parts.cmdline, "root=UUID=f51 modules=sd-mod,ext4 rootfstype=ext4");
}

TEST_F(Entries, WhereSyslinuxLooks) {
  const auto started = [&](const std::string& path, const std::string& text, const std::string& program = "/x") {
    MemoryPartition esp{.type = "vfat", .files = {{"/linux", make_kernel()}}, .gpt_type = disk::kEspType};
    esp.files[path] = to_buffer(text);
    esp.files[path.substr(0, path.rfind('/')) + "/ldlinux.e64"] = to_buffer("program");
    esp.files[program] = to_buffer("program");
    make({esp, {.type = "ext4", .files = {{"/etc/fstab", to_buffer("UUID=f52 / ext4\n")}}, .gpt_type = {}}});
    return choose() ? found_.entries.front().open({})->parts.cmdline : "nothing";
  };
  const std::string text = "DEFAULT /linux root=UUID=f52 quiet\n";
  for (const char* path : {"/EFI/BOOT/syslinux.cfg", "/EFI/syslinux/syslx64.cfg", "/EFI/BOOT/extlinux.conf",
                           "/syslinux.cfg", "/syslinux/syslinux.cfg", "/boot/syslinux/syslinux.cfg",
                           "/syslinux/extlinux.conf", "/isolinux/isolinux.cfg", "/boot/isolinux/syslinux.cfg"})
    EXPECT_EQ(started(path, text), "root=UUID=f52 quiet") << path;
  EXPECT_EQ(rule_of_default(found_.entries.front().entry), "the default of syslinux.cfg");
  EXPECT_EQ(started("/EFI/syslinux/syslinux.cfg", text, "/EFI/debian/grubx64.efi"), "nothing");
  EXPECT_EQ(started("/EFI/syslinux/syslinux.cfg", "label w\ncom32 chain.c32\n" + text + "label l\nlinux /linux\n" +
                                                      "append root=UUID=f52 l\nprompt 1\ntimeout 1\nontimeout w\n"),
            "root=UUID=f52 l");
  EXPECT_EQ(rule_of_default(found_.entries.front().entry),
            "the first Linux of syslinux.cfg, whose default, \"w\", starts none that is known");
}

TEST_F(Entries, ARootThatIsNotOnTheDisk) {
  MemoryPartition root = kRoot;
  root.files["/etc/kernel/cmdline"] = to_buffer("root=UUID=deadbeef quiet\n");
  root.files["/etc/fstab"] = to_buffer("UUID=f51 / ext4\n");
  make({root});
  ASSERT_TRUE(choose());
  auto opened = found_.entries.front().open({});
  EXPECT_EQ(opened->parts.cmdline, "root=UUID=f51 rootfstype=ext4 ro");
  EXPECT_EQ(opened->warnings.size(), 1U);
  // WSL's, and what debootstrap leaves.
  for (const char* fstab : {"LABEL=cloudimg-rootfs / ext4 defaults 0 1\n", "# UNCONFIGURED FSTAB FOR BASE SYSTEM\n"}) {
    root.files.erase("/etc/kernel/cmdline");
    root.files["/etc/fstab"] = to_buffer(fstab);
    make({root});
    ASSERT_TRUE(choose()) << fstab;
    EXPECT_EQ(found_.entries.front().open({})->parts.cmdline, "root=UUID=f51 ro") << fstab;
  }
}

}  // namespace
}  // namespace vhdboot::entry
