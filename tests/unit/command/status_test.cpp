// SPDX-License-Identifier: GPL-2.0-or-later
#include "tools/vhdboot/status_report.h"

#include "tests/unit/command/fake_system.h"

namespace vhdboot::command {
namespace {

using test::FakeSystem;
using testing::HasSubstr;

// As stage 2 leaves it where rows and gate are two devices.
void add_guest(FakeSystem& fake) {
  fake.write("/proc/cmdline",
             "ro vhdboot.image=/boot/debian.vhd vhdboot.entry=debian12.efi vhdboot.efi=/boot/debian.efi "
             "vhdboot.version=0.1.0\n");
  fake.write("/proc/sys/kernel/osrelease", "6.1.0-50-amd64\n");
  fake.write("/etc/os-release", "ID=debian\nPRETTY_NAME=\"Debian GNU/Linux 12 (bookworm)\"\n");
  fake.write("/proc/self/mountinfo", "30 1 253:2 / /disk rw - ntfs3 /dev/dm-2 rw\n");
  const auto attribute = [&](std::string_view path, std::string_view value) {
    fake.write(concat("/sys/class/block/", path), concat(value, '\n'));
  };
  attribute("dm-0/dm/name", "vhdboot-rows");
  attribute("dm-0/dm/uuid", "VHDBOOT-5EEDB00712345678-rows");
  attribute("dm-0/slaves/sda2/x", "");
  attribute("dm-1/dm/name", "vhdboot");
  attribute("dm-1/dm/uuid", "VHDBOOT-5EEDB00712345678");
  attribute("dm-1/slaves/dm-0/x", "");
  attribute("dm-1/slaves/sda2/x", "");
  attribute("dm-2/dm/name", "vhdboot-host");
  attribute("dm-2/dm/uuid", "VHDBOOT-HOST-5EEDB00712345678");
  attribute("dm-2/dev", "253:2");
  attribute("dm-2/ro", "0");
  attribute("loop0/loop/backing_file", "/dm-1");
  attribute("loop0/loop/dio", "1");
  attribute("loop0/size", "131072");
  attribute("loop0/ro", "0");
  attribute("loop1/loop/backing_file", "/other");
}

TEST(Status, OfAGuestThatForgets) {
  FakeSystem fake;
  add_guest(fake);
  fake.write("/sys/class/block/dm-1/slaves/loop900/x", "\n");
  Status status = read_status(fake.system());
  EXPECT_THAT(status_text(status), HasSubstr("written   what this system writes stays in memory, and is forgotten"));
  EXPECT_THAT(status_json(status), HasSubstr(R"("read_only":false,"writes":"memory"})"));
  EXPECT_EQ(status.disk->partition, "/dev/sda2");
}

TEST(Status, OfAGuestThatKeepsAPart) {
  FakeSystem fake;
  add_guest(fake);
  fake.write("/sys/class/block/dm-0/slaves/dm-3/x", "\n");
  fake.write("/sys/class/block/dm-3/dm/name", "vhdboot-forgets\n");
  fake.write("/sys/class/block/dm-3/dm/uuid", "VHDBOOT-0123456789ABCDEF-forgets\n");
  fake.write("/sys/class/block/dm-3/slaves/loop900/x", "\n");
  fake.write("/sys/class/block/dm-3/slaves/dm-4/x", "\n");
  fake.write("/sys/class/block/dm-4/slaves/sda2/x", "\n");
  Status status = read_status(fake.system());
  EXPECT_THAT(status_json(status), HasSubstr(R"("writes":"memory and image"})"));
  EXPECT_EQ(status.disk->partition, "/dev/sda2");
}

TEST(Status, OfAGuestThatKeepsDirectories) {
  FakeSystem fake;
  add_guest(fake);
  fake.write("/sys/class/block/dm-1/slaves/loop900/x", "\n");
  fake.write("/proc/self/mountinfo",
             "29 1 7:0 / / rw - ext4 /dev/loop0p2 rw\n30 29 7:1 / /run/vhdboot/persist rw - ext4 /dev/loop1 rw\n"
             "31 29 7:1 /home /home rw - ext4 /dev/loop1 rw\n32 29 7:1 /var/log /var/log rw - ext4 /dev/loop1 rw\n");
  const Status status = read_status(fake.system());
  EXPECT_THAT(status_text(status), HasSubstr("\nkept      /home, /var/log, in the image of `persist`\n"));
  EXPECT_THAT(status_json(status), HasSubstr(R"("writes":"memory"},"kept":["/home","/var/log"],"host")"));
}

TEST(Status, OfAGuestWithAScratchFile) {
  FakeSystem fake;
  add_guest(fake);
  fake.write("/sys/class/block/dm-3/dm/name", "vhdboot-store\n");
  fake.write("/sys/class/block/dm-3/dm/uuid", "VHDBOOT-5EEDB00712345678-store\n");
  fake.write("/sys/class/block/dm-3/slaves/sda2/x", "\n");
  fake.write("/sys/class/block/dm-1/slaves/dm-3/x", "\n");
  Status status = read_status(fake.system());
  EXPECT_THAT(status_json(status), HasSubstr(R"("writes":"scratch file"})"));
  EXPECT_EQ(status.disk->partition, "/dev/sda2");
}

TEST(Status, OfAGuest) {
  FakeSystem fake;
  add_guest(fake);
  fake.boot_entry(3, "Ventoy", "/EFI/BOOT/BOOTX64.EFI");
  fake.boot_entry(0, "Windows Boot Manager", "/EFI/Microsoft/Boot/bootmgfw.efi");
  fake.global("BootCurrent", pack_boot_numbers({3}));
  fake.global("BootNext", pack_boot_numbers({0}));
  Status status = read_status(fake.system());
  EXPECT_EQ(status_text(status),
            "system    Debian GNU/Linux 12 (bookworm), kernel 6.1.0-50-amd64, entry debian12.efi\n"
            "image     /boot/debian.vhd\n"
            "volume    on /dev/sda2, UUID 5EEDB00712345678\n"
            "disk      /dev/loop0, 64 MiB over /dev/dm-1, direct I/O\n"
            "written   what this system writes goes into the image, in its own place\n"
            "host      /dev/dm-2, all of the volume but the image, mounted at /disk, writable\n"
            "started   Boot0003 Ventoy, then /boot/debian.efi (vhdboot 0.1.0)\n"
            "next      Windows Boot Manager (Boot0000), once, by the firmware's BootNext\n");
  status.image =
      ImageFacts{.format = "fixed VHD", .size = 67109376, .pieces = 3, .volume_kind = "NTFS", .volume_label = "Data"};
  EXPECT_THAT(status_text(status), HasSubstr("image     /boot/debian.vhd, fixed VHD, 64 MiB in 3 pieces\n"
                                             "volume    NTFS \"Data\" on /dev/sda2"));
  EXPECT_EQ(
      status_json(status),
      R"_({"schema":"vhdboot.status/1","in_guest":true,"system":"Debian GNU/Linux 12 (bookworm)",)_"
      R"("kernel":"6.1.0-50-amd64","version":"0.1.0","efi_file":"/boot/debian.efi","entry":"debian12.efi",)"
      R"("image":{"path":"/boot/debian.vhd","format":"fixed VHD","size":67109376,"pieces":3},)"
      R"("volume":{"kind":"NTFS","label":"Data","uuid":"5EEDB00712345678","device":"/dev/sda2"},)"
      R"("disk":{"device":"/dev/loop0","size":67108864,"map":"/dev/dm-1","direct_io":true,"read_only":false,)"
      R"("writes":"image"},"host":{"device":"/dev/dm-2","read_only":false,"mounted_at":"/disk",)"
      R"("mounted_read_only":false},"firmware_entry":"Boot0003 Ventoy",)"
      R"("next":[{"by":"bootnext","text":"Windows Boot Manager (Boot0000), once, by the firmware's BootNext"}]})");
}

TEST(Status, OfAGuestWithFurtherDisks) {
  FakeSystem fake;
  add_guest(fake);
  const auto attribute = [&](std::string_view path, std::string_view value) {
    fake.write(concat("/sys/class/block/", path), concat(value, '\n'));
  };
  for (const char* number : {"1", "2"}) {
    attribute(concat("dm-1", number, "/dm/name"), concat("vhdboot-disk", number));
    attribute(concat("dm-1", number, "/dm/uuid"), concat("VHDBOOT-DISK", number, "-5EEDB00712345678"));
    attribute(concat("loop", number, "/loop/backing_file"), concat("/dm-1", number));
    attribute(concat("loop", number, "/size"), "2048");
    attribute(concat("loop", number, "/ro"), number[0] == '1' ? "0" : "1");
  }
  const Status status = read_status(fake.system());
  EXPECT_THAT(
      status_text(status),
      HasSubstr("disk1     /dev/loop1, 1 MiB over /dev/dm-11, what is written to it goes into its image, in its "
                "own place\ndisk2     /dev/loop2, 1 MiB over /dev/dm-12, read-only\nhost "));
  EXPECT_THAT(status_json(status),
              HasSubstr(R"("further_disks":[{"name":"disk1","device":"/dev/loop1","size":1048576,"map":"/dev/dm-11",)"
                        R"("read_only":false},{"name":"disk2","device":"/dev/loop2","size":1048576,)"
                        R"("map":"/dev/dm-12","read_only":true}])"));
}

TEST(Status, OfAnotherSystem) {
  FakeSystem fake;
  fake.write("/proc/cmdline", "ro quiet\n");
  const Status status = read_status(fake.system());
  EXPECT_FALSE(status.in_guest());
  EXPECT_EQ(status_text(status),
            "This system was not started by vhdboot.\nsystem    Linux\nnext      nothing is set: the usual start\n");
  EXPECT_EQ(status_json(status), R"({"schema":"vhdboot.status/1","in_guest":false,"next":[]})");
}

TEST(Status, ADeviceOfAnotherMakerIsNotOurs) {
  FakeSystem fake;
  fake.write("/sys/class/block/dm-0/dm/name", "vhdboot\n");
  fake.write("/sys/class/block/dm-0/dm/uuid", "LVM-x\n");
  EXPECT_FALSE(read_status(fake.system()).disk);
}

}  // namespace
}  // namespace vhdboot::command
