// SPDX-License-Identifier: GPL-2.0-or-later
#include "init/modules/initrd_modules.h"

#include <fstream>
#include <map>

#include "base/cpio.h"
#include "base/text.h"
#include "base/units.h"
#include "init/modules/codecs.h"
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
          {modules + "modules.builtin", "kernel/drivers/scsi/sd_mod.ko\n"},
          {modules + "modules.builtin.modinfo", std::string("sd_mod.license=GPL\0", 19)}};
}

const WantedModule kLoop{.name = "loop", .purpose = Purpose::GuestDisk, .driver = ""};
const WantedModule kDm{.name = "dm_mod", .purpose = Purpose::GuestDisk, .driver = ""};
const WantedModule kNvme{.name = "pci:v1bc01sc08i02", .purpose = Purpose::Controller, .driver = "nvme"};
const WantedModule kAhci{.name = "pci:v2bc01sc06i01", .purpose = Purpose::Controller, .driver = "ahci"};
const WantedModule kZram{.name = "zram", .purpose = Purpose::GuestDisk, .driver = ""};
const WantedModule kSd{.name = "scsi:t-0x00", .purpose = Purpose::Controller, .driver = "sd"};

Lacking lacking(const Files& files, const std::vector<WantedModule>& wanted) {
  const auto listed = list_initrd(MemorySource(archive(files)), "6.1", make_decompressor);
  EXPECT_TRUE(listed) << listed.error().text;
  return find_lacking(*listed, wanted).value();
}

class PackedInitrd : public testing::TestWithParam<std::string> {};

TEST_P(PackedInitrd, IsListed) {
  if (!test::have(split(GetParam(), ' ').front())) GTEST_SKIP() << "needs " << GetParam();
  Buffer bytes = archive({{"kernel/x86/microcode/GenuineIntel.bin", "micro"}});
  bytes.resize(bytes.size() + 512);  // padding
  const Buffer own = packed(archive(generic()), GetParam());
  bytes.insert(bytes.end(), own.begin(), own.end());
  bytes.resize(align_up(bytes.size(), cpio::kAlignment) + 8);
  const Buffer more = archive({{"usr/lib/modules/6.1/updates/vmd.ko", ""}});
  bytes.insert(bytes.end(), more.begin(), more.end());
  const auto listed = list_initrd(MemorySource(bytes), "6.1", make_decompressor);
  ASSERT_TRUE(listed) << listed.error().text;
  EXPECT_TRUE(listed->has_modprobe && listed->tells_builtin && listed->tells_aliases);
  EXPECT_EQ(listed->texts.dep,
            "kernel/drivers/block/loop.ko.xz:\nkernel/drivers/md/dm-mod.ko:\n"
            "kernel/drivers/nvme/host/nvme.ko.zst:\nupdates/vmd.ko:\n")
      << "files that are there, not what depmod's text says of others";
}

INSTANTIATE_TEST_SUITE_P(Tools, PackedInitrd,
                         testing::Values("cat", "gzip", "xz --check=crc32", "zstd -q", "bzip2", "lz4 -q -l"),
                         [](const auto& info) { return std::string(split(info.param, ' ').front()); });

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

Files without(Files files, std::initializer_list<std::string_view> ends) {
  std::erase_if(files, [&](const auto& file) {
    return std::ranges::any_of(ends, [&](std::string_view end) { return file.first.ends_with(end); });
  });
  return files;
}

// As mkinitcpio leaves them: depmod's binary indexes alone.
TEST(InitrdModules, WithoutDepmodsTexts) {
  const Files files = without(generic(), {".dep", ".alias", ".builtin", ".modinfo"});
  EXPECT_THAT(lacking(files, {kNvme, kLoop, kDm}).maybe, IsEmpty()) << "by the names of the drivers";
  const auto found = lacking(files, {kAhci, kZram});
  EXPECT_THAT(found.maybe, ElementsAre(kAhci, kZram));
  EXPECT_THAT(found.certain, IsEmpty());
}

TEST(InitrdModules, WithDepmodsIndexes) {
  Files files = without(generic(), {".dep", ".alias", ".builtin", ".modinfo"});
  files.push_back({"usr/lib/modules/6.1/kernel/nvme-core.ko", ""});
  const auto index = [](const std::string& key, const std::string& value) {
    const std::string node = key + std::string("\0\0\0\0\1\0\0\0\0", 9) + value + std::string(1, '\0');
    return std::string("\xB0\x07\xF4\x57\0\2\0\1\xC0\0\0\x0C", 12) + node;
  };
  const std::string folder = "usr/lib/modules/6.1/";
  files.push_back(
      {folder + "modules.dep.bin", index("nvme", "kernel/drivers/nvme/host/nvme.ko.zst: kernel/nvme-core.ko")});
  files.push_back({folder + "modules.alias.bin", index("pci:v1*", "nvme")});
  files.push_back({folder + "modules.builtin.bin", index("sd_mod", "")});
  EXPECT_THAT(lacking(files, {kAhci}).maybe, ElementsAre(kAhci));
  files.push_back({folder + "modules.builtin.alias.bin", index("scsi:t_0x00*", "sd_mod")});
  WantedModule sd = kSd;
  WantedModule nvme = kNvme;
  sd.driver = nvme.driver = "renamed";
  const auto found = lacking(files, {nvme, kLoop, kDm, sd, kAhci, kZram});
  EXPECT_THAT(found.maybe, IsEmpty());
  EXPECT_THAT(found.certain, ElementsAre(kAhci, kZram));
  EXPECT_THAT(list_initrd(MemorySource(archive(files)), "6.1", make_decompressor)->texts.dep,
              testing::HasSubstr("kernel/drivers/nvme/host/nvme.ko.zst: kernel/nvme-core.ko\n"));
  Files damaged = files;
  damaged.back().second.resize(20);
  EXPECT_THAT(lacking(damaged, {kAhci}).maybe, ElementsAre(kAhci)) << "one that is damaged tells nothing";
  damaged = files;
  (damaged.end() - 2)->second.resize(20);
  EXPECT_THAT(lacking(damaged, {kAhci, kZram}).maybe, ElementsAre(kAhci, kZram)) << "the other has no names";
}

TEST(InitrdModules, WhoseAliasesAreNotAllTold) {
  for (const std::string_view end : {".alias", ".modinfo"}) {
    const auto found = lacking(without(generic(), {end}), {kAhci, kZram});
    EXPECT_THAT(found.maybe, ElementsAre(kAhci)) << "another driver may do, or be built in under another name";
    EXPECT_THAT(found.certain, ElementsAre(kZram)) << end;
  }
}

TEST(InitrdModules, DriversWhoseModuleHasAnotherName) {
  const std::map<std::string, std::string> modules{{"sd", "sd_mod"},
                                                   {"mmcblk", "mmc_block"},
                                                   {"vbd", "xen-blkfront"},
                                                   {"xhci_hcd", "xhci-pci"},
                                                   {"ufshcd", "ufshcd-pci"}};
  for (const auto& [driver, module] : modules) {
    Files files = without(generic(), {".alias", ".builtin", ".modinfo"});
    const WantedModule wanted{.name = "bus:x", .purpose = Purpose::Controller, .driver = driver};
    EXPECT_THAT(lacking(files, {wanted}).maybe, ElementsAre(wanted));
    files.push_back({concat("usr/lib/modules/6.1/kernel/", module, ".ko"), ""});
    EXPECT_THAT(lacking(files, {wanted}).maybe, IsEmpty()) << driver;
  }
}

TEST(InitrdModules, NobodyLoadsThem) {
  Files files = generic();
  files.erase(files.begin());
  EXPECT_THAT(lacking(files, {kNvme, kSd}).certain, ElementsAre(kNvme));
  for (const std::string_view program : modprobe_programs()) {
    files.front() = {std::string(program.substr(1)), ""};
    EXPECT_TRUE(list_initrd(MemorySource(archive(files)), "6.1", make_decompressor)->has_modprobe);
  }
}

TEST(InitrdModules, WhatIsSaid) {
  const auto said = [](const Buffer& bytes, const std::vector<WantedModule>& wanted, std::string_view release = "6.1") {
    return check_initrd(list_initrd(MemorySource(bytes), release, make_decompressor), wanted, release);
  };
  EXPECT_EQ(said(archive(generic()), {kLoop, kDm}), "");
  EXPECT_THAT(said(archive(generic()), {kAhci, kLoop, kZram}),
              Fails(Code::Unsupported,
                    "its initrd has no module for the controller pci:v2bc01sc06i01, here driven by ahci, nor for the "
                    "guest disk: zram, and kernel 6.1 has none built in"));
  Files files = generic();
  files.erase(files.begin());
  EXPECT_THAT(said(archive(files), {kLoop}),
              Fails(Code::Unsupported, "has no modprobe to load a module for the guest"));
  EXPECT_EQ(said(archive({}), {kLoop}),
            "its initrd has no modprobe to load a module for the guest disk: loop devices, and does not tell all that "
            "kernel 6.1 has built in");
  EXPECT_THAT(*said(archive(generic()), {kLoop}, ""), testing::HasSubstr("release is not known"));
  EXPECT_THAT(*said({std::byte{0x89}, std::byte{'L'}}, {kLoop}), testing::HasSubstr("not read here"));
  EXPECT_THAT(*said({std::byte{0x5D}, std::byte{0}}, {kLoop}), testing::HasSubstr("not read here"));
}

// Its rest, and so the archive that follows it.
TEST(InitrdModules, WhatTheKernelWouldNotUnpack) {
  const auto fails = [](const Buffer& bytes, const std::string& why) {
    const auto said = check_initrd(list_initrd(MemorySource(bytes), "6.1", make_decompressor), {}, "6.1");
    EXPECT_THAT(said, Fails(Code::Corrupt, "the kernel would not unpack its initrd: "));
    EXPECT_THAT(said, Fails(Code::Corrupt, why));
  };
  const Buffer whole = archive(generic());
  Buffer cut = packed(whole, "gzip");
  cut.resize(cut.size() / 2);
  fails(cut, "its gzip data ends early");
  fails(packed({std::byte{'j'}, std::byte{'u'}}, "gzip"), "does not begin with a cpio archive");
  cut = whole;
  cut.resize(cut.size() / 2);
  fails(cut, "it ends in the middle of a file");
  fails(packed(cut, "gzip"), "its gzip data ends in the middle of a file");
  Buffer more = whole;
  more.push_back(std::byte{0});
  more.insert(more.end(), whole.begin(), whole.end());
  fails(more, "what follows a file in it is not aligned to four bytes");
  more = whole;
  more.push_back(std::byte{0});
  const Buffer gzip = packed(whole, "gzip");
  more.insert(more.end(), gzip.begin(), gzip.end());
  fails(more, "what follows a file in it is not aligned to four bytes");
  more = whole;
  more.insert(more.end(), 4, std::byte{'x'});
  fails(more, concat("at byte ", whole.size(), " it is neither an archive nor compressed"));
  Buffer zeros(512);
  zeros.insert(zeros.end(), whole.begin(), whole.end());
  fails(packed(zeros, "gzip"), "its gzip data does not begin with a cpio archive");
  fails(packed({}, "gzip"), "its gzip data is empty");
}

// As it does.
TEST(InitrdModules, WhereCompressedPiecesBegin) {
  const Buffer gzip = packed(archive(generic()), "gzip");
  Buffer bytes(3);
  bytes.insert(bytes.end(), gzip.begin(), gzip.end());
  bytes.resize(bytes.size() + 1);
  bytes.insert(bytes.end(), gzip.begin(), gzip.end());
  EXPECT_TRUE(list_initrd(MemorySource(bytes), "6.1", make_decompressor));
  Buffer zeros(512);
  const Buffer whole = archive(generic());
  zeros.insert(zeros.end(), whole.begin(), whole.end());
  const Buffer later = packed(zeros, "gzip");
  bytes.insert(bytes.end(), later.begin(), later.end());
  EXPECT_TRUE(list_initrd(MemorySource(bytes), "6.1", make_decompressor))
      << "the first one alone has to begin with an archive";
}

// Damage below it is another's.
TEST(InitrdModules, AFileThatCannotBeRead) {
  class Damaged final : public ByteSource {
   public:
    [[nodiscard]] std::uint64_t size() const override { return 1000; }
    [[nodiscard]] Result<void> read(std::uint64_t, MutableBytes) const override {
      return fail(Code::Corrupt, "a damaged file system");
    }
  };
  EXPECT_THAT(list_initrd(Damaged(), "6.1", make_decompressor), Fails(Code::Io, "a damaged file system"));
}

TEST(InitrdModules, Caps) {
  Buffer bytes(1 << 20);
  cpio::Writer writer(bytes);
  ASSERT_TRUE(
      writer.header({.name = "lib/modules/6.1/modules.dep", .mode = cpio::kRegular, .size = kMaxIndexBytes + 1}));
  bytes.resize(writer.size());
  EXPECT_THAT(list_initrd(MemorySource(bytes), "6.1", make_decompressor), Fails(Code::NoMemory, "holds more than"));
  Files many;
  for (std::size_t i = 0; i < 5000; ++i)
    many.push_back({concat("lib/modules/6.1/", std::string(4000, 'a'), i, ".ko"), ""});
  Buffer names(24 << 20);
  cpio::Writer long_names(names);
  for (const auto& [name, contents] : many) ASSERT_TRUE(long_names.file(name, {}));
  EXPECT_THAT(list_initrd(MemorySource(names), "6.1", make_decompressor), Fails(Code::NoMemory, "holds more than"))
      << "their names";
  const Buffer one = packed(archive({}), "gzip");
  Buffer streams;
  for (std::size_t i = 0; i <= kMaxInitrdStreams; ++i) streams.insert(streams.end(), one.begin(), one.end());
  EXPECT_THAT(list_initrd(MemorySource(streams), "6.1", make_decompressor),
              Fails(Code::NoMemory, "pieces of compressed data"));
}

}  // namespace
}  // namespace vhdboot::modules
