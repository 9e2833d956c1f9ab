// SPDX-License-Identifier: GPL-2.0-or-later
#include "init/modules/initrd_modules.h"

#include <fstream>

#include "base/cpio.h"
#include "base/text.h"
#include "tests/unit/base/error_matchers.h"
#include "tests/unit/base/oracle.h"

namespace vhdboot::modules {
namespace {

using test::Fails;
using testing::ElementsAre;
using testing::IsEmpty;

using Buffer = std::vector<std::byte>;
using Files = std::vector<std::pair<std::string, std::string>>;

Buffer archive(const Files& files) {
  Buffer bytes(1 << 20);
  cpio::Writer writer(bytes);
  for (const auto& [name, contents] : files) EXPECT_TRUE(writer.file(name, as_bytes(contents)));
  EXPECT_TRUE(writer.finish());
  bytes.resize(writer.size());
  return bytes;
}

Buffer packed(const Buffer& bytes, const std::string& command) {
  const test::ScratchFolder folder;
  const auto file = folder.write("data", bytes);
  EXPECT_TRUE(test::output_of(concat(command, " <", file.string(), " >", file.string(), ".out")));
  std::ifstream in(file.string() + ".out", std::ios::binary);
  const std::string text{std::istreambuf_iterator<char>(in), {}};
  return {as_bytes(text).begin(), as_bytes(text).end()};
}

// As initramfs-tools, dracut and mkinitcpio lay them out.
Files generic(const std::string& modules = "usr/lib/modules/6.1/") {
  return {{"usr/sbin/modprobe", "ELF"},
          {modules + "kernel/drivers/block/loop.ko.xz", "loop"},
          {modules + "kernel/drivers/md/dm-mod.ko", "dm"},
          {modules + "kernel/drivers/nvme/host/nvme.ko.zst", "nvme"},
          {modules + "modules.dep",
           "kernel/drivers/block/loop.ko.xz:\nkernel/drivers/md/dm-mod.ko:\n"
           "kernel/drivers/nvme/host/nvme.ko.zst:\nkernel/drivers/ata/ahci.ko:\n"},
          {modules + "modules.alias", "alias pci:v*bc01sc08i02* nvme\nalias pci:v*bc01sc06i01* ahci\n"},
          {modules + "modules.builtin", "kernel/drivers/scsi/sd_mod.ko\n"}};
}

const WantedModule kLoop{.name = "loop", .purpose = Purpose::GuestDisk, .driver = ""};
const WantedModule kDm{.name = "dm_mod", .purpose = Purpose::GuestDisk, .driver = ""};
const WantedModule kNvme{.name = "pci:v1bc01sc08i02", .purpose = Purpose::Controller, .driver = "nvme"};
const WantedModule kAhci{.name = "pci:v2bc01sc06i01", .purpose = Purpose::Controller, .driver = "ahci"};
const WantedModule kSd{.name = "scsi:t-0x00", .purpose = Purpose::Controller, .driver = "sd"};

Lacking lacking(const Files& files, const std::vector<WantedModule>& wanted) {
  const auto listed = list_initrd(MemorySource(archive(files)), "6.1");
  EXPECT_TRUE(listed) << listed.error().text;
  return find_lacking(*listed, wanted).value();
}

TEST(InitrdModules, WhateverItIsPackedWith) {
  for (const char* command : {"cat", "gzip", "xz --check=crc32", "zstd -q", "bzip2", "lz4 -q -l"}) {
    if (!test::have(split(command, ' ').front())) continue;
    Buffer bytes = archive({{"kernel/x86/microcode/GenuineIntel.bin", "micro"}});
    bytes.resize(bytes.size() + 512);  // padding
    const Buffer own = packed(archive(generic()), command);
    bytes.insert(bytes.end(), own.begin(), own.end());
    bytes.resize(bytes.size() + 8);
    const Buffer more = archive({{"usr/lib/modules/6.1/updates/vmd.ko", ""}});
    bytes.insert(bytes.end(), more.begin(), more.end());
    const auto listed = list_initrd(MemorySource(bytes), "6.1");
    ASSERT_TRUE(listed) << command << ": " << listed.error().text;
    EXPECT_TRUE(listed->has_modprobe && listed->tells_builtin && listed->tells_aliases) << command;
    EXPECT_EQ(listed->texts.dep,
              "kernel/drivers/block/loop.ko.xz:\nkernel/drivers/md/dm-mod.ko:\n"
              "kernel/drivers/nvme/host/nvme.ko.zst:\nupdates/vmd.ko:\n")
        << command << ": files that are there, not what depmod's text says of others";
  }
}

TEST(InitrdModules, ThePlacesOfDistributions) {
  for (const char* folder : {"lib/modules/6.1/", "./usr/lib/modules/6.1/", "/lib/modules/6.1/", "./lib/modules/6.1/"})
    EXPECT_THAT(lacking(generic(folder), {kLoop, kDm, kNvme, kSd}).certain, IsEmpty()) << folder;
  for (const char* folder :
       {"usr/lib/modules/6.1.0/", "usr/lib/modules/6.1", "lib/firmware/6.1/", "a/lib/modules/6.1/"})
    EXPECT_THAT(lacking(generic(folder), {kLoop}).maybe, ElementsAre(kLoop)) << folder;
}

TEST(InitrdModules, WhatIsNotThere) {
  EXPECT_THAT(lacking(generic(), {kAhci, kLoop}).certain, ElementsAre(kAhci)) << "named by depmod, but not there";
  Files without = generic();
  std::erase_if(without, [](const auto& file) { return file.first.contains("loop.ko"); });
  EXPECT_THAT(lacking(without, {kNvme, kLoop, kDm}).certain, ElementsAre(kLoop));
  without.push_back({"usr/lib/modules/6.1/modules.builtin.modinfo", std::string("loop.license=GPL\0", 17)});
  EXPECT_THAT(lacking(without, {kNvme, kLoop, kDm}).certain, IsEmpty()) << "built in";
}

// As mkinitcpio leaves them: depmod's binary indexes, and what is built in.
TEST(InitrdModules, WithoutDepmodsTexts) {
  Files files = generic();
  std::erase_if(files, [](const auto& file) {
    return file.first.ends_with("dep") || file.first.ends_with("alias") || file.first.ends_with("builtin");
  });
  EXPECT_THAT(lacking(files, {kNvme, kLoop, kDm}).maybe, IsEmpty()) << "by the names of the drivers";
  EXPECT_THAT(lacking(files, {kAhci}).maybe, ElementsAre(kAhci));
  files.push_back({"usr/lib/modules/6.1/modules.builtin.modinfo", std::string("ext4.license=GPL\0", 17)});
  const WantedModule other{.name = "zram", .purpose = Purpose::GuestDisk, .driver = ""};
  EXPECT_THAT(lacking(files, {kAhci, other}).maybe, ElementsAre(kAhci)) << "it may have another name";
  EXPECT_THAT(lacking(files, {kAhci, other}).certain, ElementsAre(other));
}

TEST(InitrdModules, NobodyLoadsThem) {
  Files files = generic();
  files.erase(files.begin());
  EXPECT_THAT(lacking(files, {kNvme, kSd}).certain, ElementsAre(kNvme));
  for (const std::string_view program : modprobe_programs()) {
    files.front() = {std::string(program.substr(1)), ""};
    EXPECT_TRUE(list_initrd(MemorySource(archive(files)), "6.1")->has_modprobe);
  }
}

TEST(InitrdModules, WhatIsSaid) {
  const auto said = [](const Buffer& bytes, const WantedModule& wanted, std::string_view release = "6.1") {
    return check_initrd(list_initrd(MemorySource(bytes), release), std::vector{wanted}, release);
  };
  EXPECT_THAT(*said(archive(generic()), kLoop), IsEmpty());
  EXPECT_THAT(said(archive(generic()), kAhci),
              Fails(Code::Unsupported,
                    "its initrd has no module for the controller pci:v2bc01sc06i01, here driven by ahci, and kernel "
                    "6.1 has none built in"));
  Files files = generic();
  files.erase(files.begin());
  EXPECT_THAT(said(archive(files), kLoop), Fails(Code::Unsupported, "has no modprobe to load a module for the guest"));
  EXPECT_THAT(
      *said(archive({}), kLoop),
      ElementsAre("its initrd has no modprobe to load a module for the guest disk: loop devices, and kernel 6.1 "
                  "has none built in, as far as can be told"));
  EXPECT_THAT(*said(archive(generic()), kLoop, ""), ElementsAre(testing::HasSubstr("release is not known")));
  EXPECT_THAT(*said({std::byte{0x89}, std::byte{'L'}}, kLoop), ElementsAre(testing::HasSubstr("not known here")));
  Buffer cut = packed(archive(generic()), "gzip");
  cut.resize(cut.size() / 2);
  EXPECT_THAT(*said(cut, kLoop), ElementsAre(testing::HasSubstr("its gzip data ends early")));
  const Buffer junk = packed({std::byte{'j'}, std::byte{'u'}}, "gzip");
  EXPECT_THAT(*said(junk, kLoop), ElementsAre(testing::HasSubstr("is no cpio archive")));
}

TEST(InitrdModules, Caps) {
  Buffer bytes(1 << 20);
  cpio::Writer writer(bytes);
  ASSERT_TRUE(
      writer.header({.name = "lib/modules/6.1/modules.dep", .mode = cpio::kRegular, .size = kMaxIndexBytes + 1}));
  bytes.resize(writer.size());
  EXPECT_THAT(list_initrd(MemorySource(bytes), "6.1"), Fails(Code::NoMemory, "holds more than"));
}

}  // namespace
}  // namespace vhdboot::modules
