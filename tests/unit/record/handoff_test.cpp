// SPDX-License-Identifier: GPL-2.0-or-later
#include "init/record/handoff.h"

#include "base/crc32.h"
#include "base/text.h"
#include "tests/unit/base/error_matchers.h"

namespace vhdboot::record {
namespace {

using test::Fails;

Handoff full() {
  return {
      .files = {{.path = "/Images/debian \xC3\xB6.vhd",
                 .kind = volume::Kind::Exfat,
                 .serial = "1234-ABCD",
                 .partuuid = "89abcdef-01",
                 .places = {*disk::parse_hardware_path("root:0.0 pci:2.0 nvme:1"),
                            *disk::parse_hardware_path("root:?.256 pci:3.0 nvme:1")},
                 .wwid = "nvme.1b36-70 uuid",
                 .size = 8192,
                 .extents = {{0, 4096, 4096}, {4096, 65536, 4096}}}},
      .payload_size = 4096,
      .view = 0x12345678,
      .guest_block = 4096,
      .trim = false,
      .ephemeral = Ephemeral{.on = true, .percent = 50},
      .kept = {{0, 512}, {1024, 3072}},
      .host_mount = HostMount{.path = "/disk", .read_only = false, .options = "uid=1000"},
      .root = GuestRoot{.partition = 2, .read_only = false, .type = "btrfs", .flags = "subvol=@ home,noatime"},
      .counted = entry::CountedEntry{.partition = 1, .path = "/EFI/Linux/debian+1-2.efi"},
      .loader_partuuid = "89ABCDEF-0123-4567-89AB-CDEF01234567",
      .init = "/sbin/init",
      .modules = {{"kernel/drivers/block/loop.ko", "max_loop=8 max_part=\"1 2\""}, {"kernel/fs/exfat/exfat.ko", ""}},
      .wait_seconds = 90,
      .rescue = RescueChoice::Reboot};
}

Handoff plain() {
  return {.files = {{.path = "/debian.vhd", .serial = "0123456789ABCDEF", .size = 8192}}, .payload_size = 7680};
}

/// As full(), with a second file on another volume.
Handoff two_files() {
  Handoff handoff = full();
  handoff.files.push_back(
      {.path = "/base.vhdx", .serial = "0123456789ABCDEF", .size = 12288, .extents = {{0, 8192, 12288}}});
  return handoff;
}

/// The text with its checksum made right again.
std::string sealed(std::string text) {
  text.resize(text.rfind("crc32 "));
  return text + concat("crc32 ", to_hex(crc32(as_bytes(text)), 8), '\n');
}

std::string replaced(std::string text, std::string_view from, std::string_view to) {
  const auto at = text.find(from);
  EXPECT_NE(at, std::string::npos) << from;
  return sealed(text.replace(at, from.size(), to));
}

TEST(Handoff, TextAndBack) {
  for (const auto& handoff : {full(), plain(), two_files()}) {
    const auto text = to_text(handoff);
    ASSERT_TRUE(text) << text.error().text;
    const auto back = parse_handoff(*text);
    ASSERT_TRUE(back) << back.error().text;
    EXPECT_EQ(*back, handoff);
  }
}

TEST(Handoff, WhatIsForgotten) {
  auto handoff = plain();
  handoff.ephemeral = Ephemeral{.on = true, .bytes = 1 << 30};
  const auto text = *to_text(handoff);
  EXPECT_EQ(parse_handoff(text)->ephemeral, handoff.ephemeral);
  for (const auto* wrong : {"ephemeral no", "ephemeral 0", "ephemeral 76%", "ephemeral", "ephemeral -1"})
    EXPECT_THAT(parse_handoff(replaced(text, "ephemeral 1073741824", wrong)), Fails(Code::Corrupt, "")) << wrong;
  handoff.ephemeral = Ephemeral{};
  EXPECT_THAT(to_text(handoff), Fails(Code::Invalid, "has no store but \"no\""));
}

TEST(Handoff, WhatIsKept) {
  auto handoff = plain();
  handoff.kept = {{512, 7168}};
  EXPECT_THAT(to_text(handoff), Fails(Code::Invalid, "keeps something where nothing is forgotten"));
  handoff.ephemeral = kForgetting;
  const auto text = *to_text(handoff);
  EXPECT_EQ(parse_handoff(text)->kept, handoff.kept);
  EXPECT_FALSE(handoff.writes_nothing());
  for (const auto* wrong : {"keep 512 0", "keep 512 7169", "keep 8192 1", "keep 512", "keep", "keep 1 2 3",
                            "keep 18446744073709551615 2", "keep 0 512\nkeep 0 512"})
    EXPECT_THAT(parse_handoff(replaced(text, "keep 512 7168", wrong)), Fails(Code::Corrupt, "")) << wrong;
}

TEST(Handoff, AScratchFile) {
  auto handoff = plain();
  handoff.ephemeral = Ephemeral{.on = true, .file = "/vhd/scratch.img"};
  EXPECT_THAT(to_text(handoff), Fails(Code::Invalid, "without the other"));
  handoff.scratch = handoff.files.front();
  handoff.scratch->path = "/vhd/scratch.img";
  const auto text = *to_text(handoff);
  EXPECT_EQ(*parse_handoff(text), handoff);
  EXPECT_FALSE(handoff.writes_nothing());
  EXPECT_THAT(parse_handoff(replaced(text, "ephemeral /vhd/scratch.img", "ephemeral 50%")),
              Fails(Code::Corrupt, "without the other"));
  EXPECT_THAT(parse_handoff(replaced(text, "scratch /vhd/scratch.img", "file /vhd/scratch.img")),
              Fails(Code::Corrupt, "without the other"));
  EXPECT_THAT(parse_handoff(replaced(text, "scratch /vhd/scratch.img", "scratch vhd")), Fails(Code::Corrupt, ""));
  const auto section = text.substr(text.find("scratch /"), text.find("crc32") - text.find("scratch /"));
  EXPECT_THAT(parse_handoff(replaced(text, section, section + section)), Fails(Code::Corrupt, "two scratch files"));
  EXPECT_THAT(parse_handoff(replaced(text, section, section + "file /x\n")),
              Fails(Code::Corrupt, "behind those of the disks"));
}

TEST(Handoff, FurtherDisks) {
  auto handoff = two_files();
  handoff.disks = {
      {.files = {handoff.files[1], handoff.files[0]}, .payload_size = 8192, .view = 7, .guest_block = 4096},
      {.files = {handoff.files[0]}, .payload_size = 512}};
  handoff.disks[1].files.front().path = "/more /a.vhd";
  const auto text = *to_text(handoff);
  EXPECT_THAT(text, ::testing::HasSubstr("disk 8192 7 4096 /base.vhdx\nvolume ntfs\n"));
  EXPECT_THAT(text, ::testing::HasSubstr("disk 512 0 512 /more /a.vhd\nvolume exfat\n"));
  EXPECT_EQ(*parse_handoff(text), handoff);
  handoff.has_kernel_disk = true;
  EXPECT_EQ(*parse_handoff(*to_text(handoff)), handoff);
  EXPECT_THAT(parse_handoff(replaced(*to_text(handoff), "kernel-disk last", "kernel-disk 1")),
              Fails(Code::Corrupt, ""));
  auto folder = plain();
  folder.files.resize(1);
  folder.files.front().extents.clear();
  folder.folder = std::string(64, 'a');
  folder.ephemeral = kForgetting;
  folder.root = GuestRoot{.partition = 0, .read_only = false, .type = "erofs", .flags = {}};
  EXPECT_EQ(*parse_handoff(*to_text(folder)), folder);
  for (auto change :
       {+[](Handoff& one) { one.folder.pop_back(); }, +[](Handoff& one) { one.folder.back() = 'X'; },
        +[](Handoff& one) { one.root.reset(); }, +[](Handoff& one) { one.ephemeral.reset(); },
        +[](Handoff& one) { one.files.front().extents = {{.logical = 0, .physical = 0, .length = 1}}; }}) {
    auto wrong = folder;
    change(wrong);
    EXPECT_THAT(to_text(wrong), Fails(Code::Invalid, "shows a folder"));
  }
  auto kernel_alone = plain();
  kernel_alone.has_kernel_disk = true;
  EXPECT_THAT(to_text(kernel_alone), Fails(Code::Invalid, "takes a kernel from no disk"));
  handoff.has_kernel_disk = false;
  auto with_all = handoff;
  with_all.ephemeral = Ephemeral{.on = true, .file = "/s"};
  with_all.scratch = handoff.files[0];
  with_all.persist = handoff.files[1];
  with_all.persist_paths = "/home";
  const auto all = *to_text(with_all);
  EXPECT_LT(all.rfind("\ndisk "), all.find("\nscratch /"));
  EXPECT_LT(all.find("\nscratch /"), all.find("\npersist /"));
  EXPECT_EQ(*parse_handoff(all), with_all);
  for (const auto* wrong : {"disk 0 7 4096 /base.vhdx", "disk 8192 7 1024 /base.vhdx", "disk 8192 7 /base.vhdx",
                            "disk 8192 4294967296 512 /base.vhdx", "disk 8192 7 512 base.vhdx", "disk /base.vhdx",
                            "disk 8192 7 512 ", "disk 8192 7 512 512 /base.vhdx", "disk 8192 7 512 /"})
    EXPECT_THAT(parse_handoff(replaced(text, "disk 8192 7 4096 /base.vhdx", wrong)), Fails(Code::Corrupt, "")) << wrong;
  const auto section = text.substr(text.find("disk 512"), text.find("crc32") - text.find("disk 512"));
  std::string many;
  for (std::size_t i = 0; i < kMaxHandoffDisks; ++i) many += section;
  EXPECT_THAT(parse_handoff(replaced(text, section, many)), Fails(Code::NoMemory, "too many disks"));
  EXPECT_THAT(parse_handoff(replaced(*to_text(plain()), "file ", "disk 512 0 512 ")),
              Fails(Code::Corrupt, "before the guest's own"));
  handoff.disks.resize(kMaxHandoffDisks + 1, handoff.disks.front());
  EXPECT_THAT(to_text(handoff), Fails(Code::Invalid, "10 disks"));
  handoff.disks = {{.payload_size = 512}};
  EXPECT_THAT(to_text(handoff), Fails(Code::Invalid, "a disk without a file"));
}

TEST(Handoff, AnImageForWhatIsKept) {
  auto handoff = plain();
  handoff.ephemeral = kForgetting;
  handoff.persist_paths = "/home /var/log";
  EXPECT_THAT(to_text(handoff), Fails(Code::Invalid, "keeps \"/home /var/log\" in another image, which cannot be"));
  handoff.persist = handoff.files.front();
  handoff.persist->path = "/vhd/keep.vhd";
  const auto text = *to_text(handoff);
  EXPECT_EQ(*parse_handoff(text), handoff);
  EXPECT_FALSE(handoff.writes_nothing());
  for (const auto* wrong : {"persist-paths /var/../log", "persist-paths /run", "persist-paths /home /home/me",
                            "persist-paths /home  /var", "persist-paths", "persist-paths /a\npersist-paths /b"})
    EXPECT_THAT(parse_handoff(replaced(text, "persist-paths /home /var/log", wrong)), Fails(Code::Corrupt, ""))
        << wrong;
  for (const auto* needed : {"persist-paths /home /var/log\n", "ephemeral 50%\n"})
    EXPECT_THAT(parse_handoff(replaced(text, needed, "")), Fails(Code::Corrupt, "which cannot be")) << needed;
  const auto section = text.substr(text.find("persist /"), text.find("crc32") - text.find("persist /"));
  EXPECT_THAT(parse_handoff(replaced(text, section, "")), Fails(Code::Corrupt, "which cannot be"));
  EXPECT_THAT(parse_handoff(replaced(text, section, section + section)), Fails(Code::Corrupt, "two images"));
  EXPECT_THAT(parse_handoff(replaced(text, section, section + "file /x\n")),
              Fails(Code::Corrupt, "behind those of the disks"));
  EXPECT_THAT(parse_handoff(replaced(text, "persist /vhd", "persist vhd")), Fails(Code::Corrupt, "no file path"));
}

TEST(Handoff, AnImageThatArrives) {
  auto handoff = plain();
  handoff.files.resize(1);
  handoff.arrival =
      HandoffArrival{.from = {.source = "http://10.0.2.2/a.vhd", .root_hash = std::string(64, 'a'), .address = ""},
                     .map = handoff.files.front(),
                     .tree = handoff.files.front()};
  handoff.arrival->map.path = "/boot/a.vhd.map";
  handoff.arrival->tree.path = "/boot/a.vhd.verity";
  const auto text = *to_text(handoff);
  EXPECT_EQ(*parse_handoff(text), handoff);
  EXPECT_LT(text.find("\nmap /"), text.find("\ntree /"));
  auto with_address = handoff;
  with_address.arrival->from.address = "10.0.2.20/24";
  EXPECT_EQ(*parse_handoff(*to_text(with_address)), with_address);
  with_address.arrival->from.address = "10.0.2.20/24\nroot";
  EXPECT_THAT(to_text(with_address), Fails(Code::Invalid, "has no source"));
  for (const auto* needed : {"source http://10.0.2.2/a.vhd\n", "root-hash aa"})
    EXPECT_THAT(parse_handoff(replaced(text, needed, "")), Fails(Code::Corrupt, "")) << needed;
  const auto tree = text.substr(text.find("tree /"), text.find("crc32") - text.find("tree /"));
  EXPECT_THAT(parse_handoff(replaced(text, tree, "")), Fails(Code::Corrupt, "does not say all of what arrives"));
  EXPECT_THAT(parse_handoff(replaced(text, tree, tree + tree)), Fails(Code::Corrupt, "two files of one kind"));
  EXPECT_THAT(parse_handoff(replaced(text, tree, tree + "file /x\n")),
              Fails(Code::Corrupt, "behind those of the disks"));
  handoff.ephemeral = kForgetting;
  EXPECT_THAT(to_text(handoff), Fails(Code::Invalid, "arrives and cannot"));
}

TEST(Handoff, TheRootWithoutAnInitrd) {
  auto handoff = plain();
  handoff.root = GuestRoot{.partition = 0, .read_only = true, .type = "ext4", .flags = ""};
  const auto text = *to_text(handoff);
  EXPECT_THAT(text, ::testing::HasSubstr("\nroot 0 ro ext4\n"));
  EXPECT_EQ(parse_handoff(text)->root, handoff.root);
  for (const auto* wrong :
       {"root 256 ro ext4", "root x ro ext4", "root 0 r ext4", "root 0 ro", "root 0 ro ", "root 0", "root 0 ro ext4 "})
    EXPECT_THAT(parse_handoff(replaced(text, "root 0 ro ext4", wrong)), Fails(Code::Corrupt, "")) << wrong;
  handoff.root->type = "a b";
  EXPECT_THAT(to_text(handoff), Fails(Code::Invalid, ""));
  handoff.root->type = "ext4";
  handoff.root->flags = "a\nb";
  EXPECT_THAT(to_text(handoff), Fails(Code::Invalid, ""));
}

TEST(Handoff, TheCountedEntry) {
  auto handoff = plain();
  handoff.counted = entry::CountedEntry{.partition = 1, .path = "/loader/entries/a+2-1.conf"};
  const auto text = *to_text(handoff);
  EXPECT_THAT(text, ::testing::HasSubstr("\ncounted 1 /loader/entries/a+2-1.conf\n"));
  EXPECT_EQ(parse_handoff(text)->counted, handoff.counted);
  for (const auto* wrong :
       {"counted 1", "counted x /a+1.conf", "counted 1 a+1.conf", "counted 999 /a+1.conf", "counted 1 /a.conf",
        "counted 1 /a'b+1.conf", "counted 1 /a b+1.conf", "counted 1 /../a+1.conf"})
    EXPECT_THAT(parse_handoff(replaced(text, "counted 1 /loader/entries/a+2-1.conf", wrong)), Fails(Code::Corrupt, ""))
        << wrong;
  handoff.counted->path = "/a+1.conf;reboot";
  EXPECT_THAT(to_text(handoff), Fails(Code::Invalid, "no counted entry"));
}

TEST(Handoff, TheFormatIsStable) {
  EXPECT_EQ(*to_text(plain()),
            sealed("vhdboot-handoff 7\npayload 7680\nview 0\nguest-block 512\ninit /init\nwait 30\nrescue menu\n"
                   "file /debian.vhd\nvolume ntfs\nserial 0123456789ABCDEF\nsize 8192\ncrc32 "));
  EXPECT_THAT(*to_text(two_files()),
              ::testing::HasSubstr(
                  "rescue reboot\n"
                  "module kernel/drivers/block/loop.ko max_loop=8 max_part=\"1 2\"\nmodule kernel/fs/exfat/exfat.ko\n"
                  "file /Images/debian \xC3\xB6.vhd\nvolume exfat\nserial 1234-ABCD\n"
                  "partuuid 89abcdef-01\nplace root:0.0 pci:2.0 nvme:1\n"
                  "place root:?.256 pci:3.0 nvme:1\nwwid nvme.1b36-70 uuid\nsize 8192\nextent 0 4096 "
                  "4096\nextent 4096 65536 4096\n"
                  "file /base.vhdx\nvolume ntfs\nserial 0123456789ABCDEF\nsize 12288\n"
                  "extent 0 8192 12288\ncrc32 "));
}

TEST(Handoff, EveryCutIsNoticed) {
  const auto text = *to_text(two_files());
  for (std::size_t length = 0; length < text.size(); ++length)
    ASSERT_FALSE(parse_handoff(std::string_view(text).substr(0, length))) << length;
}

TEST(Handoff, EveryChangedByteIsNoticed) {
  const auto text = *to_text(two_files());
  for (std::size_t i = 0; i < text.size(); ++i) {
    auto changed = text;
    changed[i] ^= 1;
    ASSERT_FALSE(parse_handoff(changed)) << i;
  }
}

TEST(Handoff, Deviations) {
  const auto text = *to_text(full());
  EXPECT_THAT(parse_handoff(replaced(text, "handoff 7", "handoff 2")),
              Fails(Code::Unsupported, "the handoff of stage 1 has version 2, this program reads version 7"));
  EXPECT_THAT(parse_handoff(replaced(text, "vhdboot-handoff", "handoff")), Fails(Code::Corrupt, "does not begin with"));
  EXPECT_THAT(parse_handoff(replaced(text, "volume exfat", "volume ext4")), Fails(Code::Corrupt, "\"volume ext4\""));
  EXPECT_THAT(parse_handoff(replaced(text, "volume exfat\n", "")), Fails(Code::Corrupt, "does not say volume"));
  EXPECT_THAT(parse_handoff(replaced(text, "init /sbin/init\n", "")), Fails(Code::Corrupt, "does not say init"));
  EXPECT_THAT(parse_handoff(replaced(text, "wait 90", "wait 0")), Fails(Code::Corrupt, "waits 0 seconds"));
  EXPECT_THAT(parse_handoff(replaced(text, "wait 90", "wait 4294967297")), Fails(Code::Corrupt, "means nothing"));
  EXPECT_THAT(parse_handoff(replaced(text, "wait 90", "wait 90\nwait 90")), Fails(Code::Corrupt, "twice"));
  EXPECT_THAT(parse_handoff(replaced(text, "wait 90", "colour blue")), Fails(Code::Corrupt, "\"colour blue\""));
  EXPECT_THAT(parse_handoff(replaced(text, "wait 90", "wait")), Fails(Code::Corrupt, "\"wait\""));
  EXPECT_THAT(parse_handoff(replaced(text, "serial 1234-ABCD", "serial x")), Fails(Code::Corrupt, "volume serial"));
  EXPECT_THAT(parse_handoff(replaced(text, "partuuid 89abcdef-01", "partuuid x")),
              Fails(Code::Corrupt, "partition UUID"));
  EXPECT_THAT(parse_handoff(replaced(text, "loader-partuuid 89ABCDEF", "loader-partuuid 89ABCDE")),
              Fails(Code::Corrupt, "boot loader"));
  EXPECT_THAT(parse_handoff(replaced(text, "file /Images", "file Images")), Fails(Code::Corrupt, "file path"));
  EXPECT_THAT(parse_handoff(replaced(text, "file /Images", "file /../Images")), Fails(Code::Corrupt, "file path"));
  EXPECT_THAT(parse_handoff(replaced(text, "view 305419896", "view 4294967296")),
              Fails(Code::Corrupt, "means nothing"));
  EXPECT_THAT(parse_handoff(replaced(text, "view 305419896\n", "")), Fails(Code::Corrupt, "does not say view"));
  EXPECT_THAT(parse_handoff(replaced(text, "payload 4096", "payload 0")), Fails(Code::Corrupt, "disk of 0"));
  EXPECT_THAT(parse_handoff(replaced(text, "payload 4096", "payload 0 4096")), Fails(Code::Corrupt, "means nothing"));
  EXPECT_THAT(parse_handoff(replaced(text, "payload 4096\n", "")), Fails(Code::Corrupt, "does not say payload"));
  EXPECT_THAT(parse_handoff(replaced(text, "guest-block 4096", "guest-block 1024")), Fails(Code::Corrupt, "1024"));
  EXPECT_THAT(parse_handoff(replaced(text, "host-mount /disk", "host-mount disk")),
              Fails(Code::Corrupt, "\"host-mount disk rw uid=1000\""));
  EXPECT_THAT(parse_handoff(replaced(text, "module kernel/fs", "module /kernel/fs")),
              Fails(Code::Corrupt, "module file"));
  EXPECT_THAT(parse_handoff(replaced(text, "module kernel/fs", "module ../fs")), Fails(Code::Corrupt, "module file"));
  EXPECT_THAT(parse_handoff(replaced(text, "extent 4096", "extent 4095")), Fails(Code::Corrupt, "out of order"));
  EXPECT_THAT(parse_handoff(replaced(text, "65536 4096", "65536 0")), Fails(Code::Corrupt, "out of order"));
  EXPECT_THAT(parse_handoff(replaced(text, "65536 4096", "65536 18446744073709551615")),
              Fails(Code::Corrupt, "out of order"));
  EXPECT_THAT(parse_handoff(replaced(text, "65536 4096", "65536")), Fails(Code::Corrupt, "no extent"));
  EXPECT_THAT(parse_handoff(replaced(text, "65536 4096", "65536 -1")), Fails(Code::Corrupt, "no extent"));
  EXPECT_THAT(parse_handoff(text + "crc32 00000000\n"), Fails(Code::Corrupt, "wrong checksum"));
  EXPECT_THAT(parse_handoff(text + "\n"), Fails(Code::Corrupt, "cut off"));
  EXPECT_THAT(parse_handoff(""), Fails(Code::Corrupt, "does not begin with"));
  EXPECT_THAT(parse_handoff("vhdboot-handoff 7\n"), Fails(Code::Corrupt, ""));
}

TEST(Handoff, DeviationsOfFiles) {
  const auto text = *to_text(two_files());
  const auto second = [&](std::string_view from, std::string_view to) {
    const auto at = text.rfind("file /base");
    return sealed(text.substr(0, at) + replaced(text.substr(at), from, to));
  };
  EXPECT_TRUE(parse_handoff(second("size 12288", "size 12289")));
  EXPECT_THAT(parse_handoff(second("size 12288\n", "")), Fails(Code::Corrupt, "does not say size"));
  EXPECT_THAT(parse_handoff(second("volume ntfs\n", "")), Fails(Code::Corrupt, "does not say volume"));
  EXPECT_THAT(parse_handoff(second("serial 0123456789ABCDEF\n", "")), Fails(Code::Corrupt, "does not say serial"));
  EXPECT_THAT(parse_handoff(second("size 12288", "size 12288\nsize 12288")), Fails(Code::Corrupt, "\"size\" twice"));
  EXPECT_THAT(parse_handoff(second("size 12288", "size -1")), Fails(Code::Corrupt, "means nothing"));
  EXPECT_THAT(parse_handoff(second("extent 0 8192 12288", "extent 0 8192 0")), Fails(Code::Corrupt, "out of order"));
  EXPECT_THAT(parse_handoff(second("file /base", "file base")), Fails(Code::Corrupt, "file path"));
  // Lines in the wrong place.
  EXPECT_THAT(parse_handoff(second("size 12288", "size 12288\nmodule a.ko")), Fails(Code::Corrupt, "means nothing"));
  EXPECT_THAT(parse_handoff(second("size 12288", "size 12288\nwait 30")), Fails(Code::Corrupt, "means nothing"));
  EXPECT_THAT(parse_handoff(replaced(text, "wait 90", "size 90")), Fails(Code::Corrupt, "means nothing"));
  EXPECT_THAT(parse_handoff(replaced(text, "wait 90", "extent 0 0 1")), Fails(Code::Corrupt, "means nothing"));

  std::string none = *to_text(plain());
  none.resize(none.find("file "));
  EXPECT_THAT(parse_handoff(sealed(none + "crc32 ")), Fails(Code::Corrupt, "names no file"));
  std::string many = *to_text(plain());
  const std::string section = many.substr(many.find("file "), many.rfind("crc32 ") - many.find("file "));
  many.resize(many.rfind("crc32 "));
  for (std::size_t i = 1; i < kMaxHandoffFiles; ++i) many += section;
  EXPECT_TRUE(parse_handoff(sealed(many + "crc32 ")));
  EXPECT_THAT(parse_handoff(sealed(many + section + "crc32 ")), Fails(Code::NoMemory, "too many files"));
}

TEST(Handoff, WhatCannotBeWritten) {
  const auto with = [](auto change) {
    auto handoff = full();
    change(handoff);
    return to_text(handoff);
  };
  EXPECT_THAT(with([](auto& h) { h.files.front().path = "/a\nb"; }), Fails(Code::Invalid, "file path"));
  EXPECT_THAT(with([](auto& h) { h.files.front().path = ""; }), Fails(Code::Invalid, "file path"));
  EXPECT_THAT(with([](auto& h) { h.host_mount = HostMount{.path = "/a\nb"}; }), Fails(Code::Invalid, "mount point"));
  EXPECT_THAT(with([](auto& h) { h.init = ""; }), Fails(Code::Invalid, "no init"));
  EXPECT_THAT(with([](auto& h) { h.files.front().serial = ""; }), Fails(Code::Invalid, "serial"));
  EXPECT_THAT(with([](auto& h) { h.modules.assign(kMaxHandoffModules + 1, {.path = "a.ko", .options = ""}); }),
              Fails(Code::Invalid, "1025"));
  EXPECT_THAT(with([](auto& h) { h.files.clear(); }), Fails(Code::Invalid, "names no file"));
  EXPECT_THAT(with([](auto& h) { h.files.resize(kMaxHandoffFiles + 1, h.files.front()); }),
              Fails(Code::Invalid, "65 files"));
  EXPECT_THAT(with([](auto& h) { h.wait_seconds = 0; }), Fails(Code::Invalid, "wait"));
}

TEST(Handoff, ManyExtents) {
  auto handoff = plain();
  for (std::uint64_t i = 0; i < 20'000; ++i)
    handoff.files.front().extents.push_back({i * 4096, (i * 7919 % 20'000) * 4096, 4096});
  handoff.files.front().size = 20'000 * 4096;
  EXPECT_EQ(*parse_handoff(*to_text(handoff)), handoff);
}

TEST(Handoff, TheCapOnExtents) {
  std::string text = *to_text(two_files());
  text.resize(text.rfind("crc32 "));
  // Of both files together.
  for (std::size_t i = 0; i < kMaxHandoffExtents - 2; ++i) text += "extent 0 0 1\n";
  EXPECT_THAT(parse_handoff(sealed(text + "crc32 ")), Fails(Code::NoMemory, "too many extents"));
}

TEST(Handoff, CompareExtents) {
  const auto file = full().files.front();
  EXPECT_TRUE(compare_extents(file, 8192, file.extents));
  EXPECT_TRUE(compare_extents(file, 8192, {{{0, 4096, 2048}, {2048, 6144, 2048}, {4096, 65536, 4096}}}))
      << "the same places in other pieces";
  EXPECT_THAT(
      compare_extents(file, 4096, file.extents),
      Fails(Code::Unsafe, "debian \xC3\xB6.vhd is not where stage 1 found it: it had 8192 bytes and has 4096 now"));
  EXPECT_THAT(compare_extents(file, 8192, {{{0, 4096, 4096}, {4096, 131072, 4096}}}),
              Fails(Code::Unsafe, "its byte 4096 lay at byte 65536 of the volume and lies at 131072 now"));
  EXPECT_THAT(compare_extents(file, 8192, {{{0, 4096, 8192}}}),
              Fails(Code::Unsafe, "the piece at its byte 0 had 4096 bytes and has 8192 now"));
  EXPECT_THAT(compare_extents(file, 8192, {{{0, 4096, 4096}}}), Fails(Code::Unsafe, "2 pieces and lies in 1"));
  EXPECT_THAT(compare_extents(file, 8192, {}), Fails(Code::Unsafe, "start the machine again"));
}

TEST(Handoff, TheVolumeIsKnownByWhatIsKnown) {
  const auto file = full().files.front();
  EXPECT_TRUE(is_volume_of(file, {.uuid = "1234-abcd", .partuuid = "89ABCDEF-01"}));
  EXPECT_FALSE(is_volume_of(file, {.uuid = "1234-ABCD"})) << "on another, unpartitioned disk";
  EXPECT_FALSE(is_volume_of(file, {.uuid = "1234-ABCD", .partuuid = "89abcdef-02"})) << "a copied partition";
  EXPECT_FALSE(is_volume_of(file, {.uuid = "1234-ABCE", .partuuid = "89abcdef-01"}));
  EXPECT_FALSE(is_volume_of(file, {.partuuid = "89abcdef-01"}));
  EXPECT_TRUE(is_volume_of(plain().files.front(), {.uuid = "0123456789ABCDEF", .partuuid = "89abcdef-01"}));
  EXPECT_EQ(file.identity(), (disk::Identity{.uuid = "1234-ABCD", .partuuid = "89abcdef-01"}));
}

}  // namespace
}  // namespace vhdboot::record
