// SPDX-License-Identifier: GPL-2.0-or-later
// The stub as a whole, under a mock of the firmware. tests/boot has the same under a real one.
#include "efi/stub.h"

#include <gmock/gmock.h>

#include <string>

#include "base/cpio.h"
#include "base/text.h"
#include "efi/origin_archive.h"
#include "tests/unit/efi/mock_firmware.h"
#include "tests/unit/efi/pe_image.h"

namespace vhdboot::efi {
namespace {

using namespace test;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

constexpr std::string_view kKernel = "MZ: the kernel";
constexpr std::string_view kInitrd = "zstd: 17 bytes...";
constexpr Guid kPartition = "0a1b2c3d-4e5f-6071-8293-a4b5c6d7e8f9"_guid;
constexpr Guid kVentoy = "37b87ac6-c180-4583-a705-414da8f77ed2"_guid;

std::string boot_sector(std::string_view name, std::size_t at, std::string_view serial) {
  std::string block(4096, '\0');
  block.replace(3, name.size(), name);
  block.replace(at, serial.size(), serial);
  return block;
}

const std::string kNtfs = boot_sector("NTFS    ", 0x48, "\xEF\xCD\xAB\x89\x67\x45\x23\x01");
const std::string kExfat = boot_sector("EXFAT   ", 0x64, "\xCD\xAB\x34\x12");

class Stub : public testing::Test {
 protected:
  Stub() {
    self = firmware.add_handle();
    firmware.install(self, kLoadedImage, &image);
    set_sections({{".text", "code"}, {".cmdline", "quiet loglevel=4\n"}, {".initrd", kInitrd}, {".linux", kKernel}});
    firmware.on_start = [this] { initrd = firmware.ask_for_initrd(); };
  }

  void set_sections(const std::vector<Section>& sections) {
    pe = pe_image(sections);
    image.ImageBase = pe.data();
    image.ImageSize = pe.size();
  }

  /// As GRUB and Ventoy start us from NTFS: a block device and no file system.
  void start_from_ntfs() {
    device = firmware.add_handle();
    place = join({controller_nodes(), mbr_node(1, 0x0BADCAFE)});
    firmware.set_device_path(device, place);
    firmware.add_disk(device, kNtfs);
    image.DeviceHandle = device;
    image.FilePath = firmware.keep_path(join({file_node(u"\\boot\\menu/debian.efi")}));
  }

  void start_from_esp() {
    device = firmware.add_handle();
    place = join({controller_nodes(), gpt_node(1, kPartition)});
    firmware.set_device_path(device, place);
    firmware.add_disk(device, std::string(512, '\0'));
    firmware.add_file_system(device);
    firmware.files[u"\\EFI\\debian.efi"] = {.contents = "this file"};
    image.DeviceHandle = device;
    image.FilePath = firmware.keep_path(join({file_node(u"\\EFI\\debian.efi")}));
  }

  void set_options(std::u16string_view text) {
    options = utf16_bytes(text);
    image.LoadOptions = options.data();
    image.LoadOptionsSize = static_cast<UINT32>(options.size());
  }

  /// The kernel must start.
  void boot() {
    EXPECT_THROW((void)run(self, firmware.table), KernelRuns);
    check_nothing_is_left();
  }

  /// The machine must be reset, after showing something.
  Reset fail() {
    Reset reset{EfiResetWarm, -1};
    try {
      (void)run(self, firmware.table);
      ADD_FAILURE() << "the stub returned";
    } catch (const Reset& caught) {
      reset = caught;
    } catch (const KernelRuns&) {
      ADD_FAILURE() << "the kernel was started";
    }
    EXPECT_EQ(reset.type, EfiResetCold);
    check_nothing_is_left();
    return reset;
  }

  /// The screen with its broken lines joined.
  std::string shown() const {
    std::string text = firmware.screen;
    for (std::size_t at; (at = text.find("\r\n")) != std::string::npos;) text.replace(at, 2, " ");
    return text;
  }

  void check_nothing_is_left() {
    EXPECT_EQ(firmware.allocations(), 0u);
    EXPECT_EQ(firmware.open_events(), 0u);
    EXPECT_EQ(firmware.open_files, 0);
    EXPECT_EQ(firmware.loaded_images, 0);
    EXPECT_FALSE(firmware.ask_for_initrd()) << "the protocol is still installed";
  }

  /// What the archive behind the embedded initramfs is, checked against what it should be, with `place`.
  void expect_origin(Origin origin) {
    origin.place = place;
    std::string expected(kInitrd);
    expected.resize(align_up(expected.size(), 4));
    std::vector<std::byte> archive(origin_archive_size(origin));
    ASSERT_TRUE(write_origin_archive(origin, archive));
    expected += as_text(archive);
    EXPECT_EQ(initrd, expected);
  }

  MockFirmware firmware;
  EFI_LOADED_IMAGE image{};
  EFI_HANDLE self = nullptr;
  EFI_HANDLE device = nullptr;
  Buffer place;  // the device path of the partition that is found
  Buffer pe;
  Buffer options;
  std::optional<std::string> initrd;
};

// ---- starting

TEST_F(Stub, EscAndTheSpaceBarAskForTheMenu) {
  Key esc{.at_second = -1};
  esc.scan_code = 0x17;
  Key up{.at_second = -1};
  up.scan_code = 0x01;
  for (const auto& [keys, asked] :
       std::vector<std::pair<std::vector<Key>, bool>>{{{{.at_second = -2, .character = u' '}, {.at_second = -1}}, true},
                                                      {{up, esc}, true},
                                                      {{{.at_second = -1, .character = u'\r'}, up}, false},
                                                      {{{.at_second = 1, .character = u' '}}, false}}) {
    initrd.reset();
    firmware.keys = keys;
    start_from_ntfs();
    boot();
    expect_origin(
        {.partuuid = "0badcafe-01", .serial = "0123456789ABCDEF", .path = "/boot/menu/debian.efi", .menu = asked});
  }
}

TEST_F(Stub, StartsTheKernelFromNtfs) {
  start_from_ntfs();
  boot();
  EXPECT_EQ(firmware.loaded, kKernel);
  EXPECT_EQ(firmware.options, as_text(utf16_bytes(std::u16string_view(u"quiet loglevel=4\0", 17))));
  EXPECT_EQ(firmware.screen, "vhdboot " VHDBOOT_VERSION ": starting the boot kernel\r\n");
  EXPECT_EQ(firmware.before_clear, "") << "the screen stays as it is";
  EXPECT_EQ(firmware.now, 0) << "no waiting";
  EXPECT_EQ(firmware.watchdog, std::vector<UINTN>{300});
  expect_origin({.partuuid = "0badcafe-01", .serial = "0123456789ABCDEF", .path = "/boot/menu/debian.efi"});
}

TEST_F(Stub, StartsTheKernelFromExfatOn4KBlocks) {
  device = firmware.add_handle();
  place = join({controller_nodes(), gpt_node(2, kPartition)});
  firmware.set_device_path(device, place);
  firmware.add_disk(device, kExfat, 4096);
  firmware.media(device).IoAlign = 4096;
  image.DeviceHandle = device;
  image.FilePath = firmware.keep_path(join({file_node(u"\\debian.efi")}));
  boot();
  expect_origin({.partuuid = "0a1b2c3d-4e5f-6071-8293-a4b5c6d7e8f9", .serial = "1234-ABCD", .path = "/debian.efi"});
}

TEST_F(Stub, ReadsTheConfigurationOnAnEsp) {
  start_from_esp();
  firmware.files[u"\\EFI\\debian.conf"] = {.contents = "image /boot/debian.vhd\n"};
  boot();
  expect_origin({.partuuid = "0a1b2c3d-4e5f-6071-8293-a4b5c6d7e8f9",
                 .path = "/EFI/debian.efi",
                 .conf = as_bytes("image /boot/debian.vhd\n")});
}

TEST_F(Stub, PassesLoadOptionsOn) {
  start_from_ntfs();
  set_options(u"image=/boot/b\u00fccher.vhd\nx=1");
  boot();
  expect_origin({.partuuid = "0badcafe-01",
                 .serial = "0123456789ABCDEF",
                 .path = "/boot/menu/debian.efi",
                 .options = "image=/boot/b\u00fccher.vhd x=1"});
}

TEST_F(Stub, StartsWhateverIsMissing) {
  boot();
  expect_origin({});
}

TEST_F(Stub, NeedsNoCommandLine) {
  set_sections({{".initrd", kInitrd}, {".linux", kKernel}});
  boot();
  EXPECT_EQ(firmware.options, std::string(2, '\0'));
}

TEST_F(Stub, NeedsNoConsole) {
  firmware.remove_console();
  firmware.remove_keyboard();
  start_from_ntfs();
  boot();
}

TEST_F(Stub, PadsTheInitramfsToFourBytes) {
  for (const std::string_view contents : {"1", "12", "123", "1234"}) {
    set_sections({{".initrd", contents}, {".linux", kKernel}});
    boot();
    ASSERT_TRUE(initrd);
    EXPECT_EQ(initrd->substr(0, 4), std::string(contents) + std::string(4 - contents.size(), '\0'));
    EXPECT_EQ(initrd->substr(4, 6), "070701");
  }
}

// ---- where we come from

TEST_F(Stub, FindsTheDeviceByPathWhenNobodyNamesIt) {
  start_from_ntfs();
  image.DeviceHandle = nullptr;
  firmware.set_device_path(self,
                           join({controller_nodes(), mbr_node(1, 0x0BADCAFE), file_node(u"\\boot\\menu/debian.efi")}),
                           kLoadedImageDevicePath);
  image.FilePath = nullptr;
  boot();
  expect_origin({.partuuid = "0badcafe-01", .serial = "0123456789ABCDEF", .path = "/boot/menu/debian.efi"});
}

// GRUB's FilePath is a whole device path.
TEST_F(Stub, FindsTheDeviceInTheFilePath) {
  start_from_ntfs();
  image.DeviceHandle = nullptr;
  image.FilePath = firmware.keep_path(
      join({controller_nodes(), mbr_node(1, 0x0BADCAFE), file_node(u"\\boot\\"), file_node(u"debian.efi")}));
  boot();
  expect_origin({.partuuid = "0badcafe-01", .serial = "0123456789ABCDEF", .path = "/boot/debian.efi"});
}

TEST_F(Stub, TakesNoDiskForItsPartition) {
  const EFI_HANDLE disk = firmware.add_handle();
  firmware.set_device_path(disk, controller_nodes());
  firmware.add_disk(disk, kNtfs);
  place = join({controller_nodes(), mbr_node(1, 0x0BADCAFE), file_node(u"\\a.efi")});
  image.FilePath = firmware.keep_path(place);
  boot();
  expect_origin({.partuuid = "0badcafe-01", .path = "/a.efi"});
}

// GRUB's chainloader: the partition of its variable "root", and a path on another one.
TEST_F(Stub, NamesNoPartitionWhereItsFileIsNot) {
  start_from_esp();
  image.FilePath = firmware.keep_path(join({controller_nodes(), gpt_node(1, kPartition), file_node(u"\\debian.efi")}));
  firmware.files[u"\\debian.conf"] = {.contents = "not ours"};
  place.clear();
  boot();
  expect_origin({.path = "/debian.efi"});
}

TEST_F(Stub, BelievesAPartitionWhoseFilesCannotBeRead) {
  start_from_esp();
  firmware.files[u"\\EFI\\debian.efi"].open_status = EFI_DEVICE_ERROR;
  boot();
  expect_origin({.partuuid = "0a1b2c3d-4e5f-6071-8293-a4b5c6d7e8f9", .path = "/EFI/debian.efi"});
}

TEST_F(Stub, KnowsAnUnpartitionedDiskByItsSerial) {
  device = firmware.add_handle();
  place = controller_nodes();
  firmware.set_device_path(device, place);
  firmware.add_disk(device, kExfat);
  image.DeviceHandle = device;
  image.FilePath = firmware.keep_path(join({file_node(u"\\a.efi")}));
  boot();
  expect_origin({.serial = "1234-ABCD", .path = "/a.efi"});
}

TEST_F(Stub, DoesWithoutASerialThatCannotBeRead) {
  start_from_ntfs();
  const auto without_serial = [&] {
    boot();
    expect_origin({.partuuid = "0badcafe-01", .path = "/boot/menu/debian.efi"});
  };
  firmware.disk_status = EFI_DEVICE_ERROR;
  without_serial();
  firmware.disk_status = EFI_SUCCESS;
  for (const UINT32 block_size : {0u, 256u, 8192u, 0xFFFFFFFFu}) {
    firmware.media(device).BlockSize = block_size;
    without_serial();
  }
  firmware.media(device).BlockSize = 512;
  firmware.media(device).IoAlign = 8192;
  without_serial();
  firmware.media(device).IoAlign = 0;
  firmware.media(device).MediaPresent = FALSE;
  without_serial();
}

// ---- the configuration file

TEST_F(Stub, ReadsTheConfigurationInPieces) {
  start_from_esp();
  firmware.files[u"\\EFI\\debian.conf"] = {.contents = "image /boot/debian.vhd\n", .read_at_most = 5};
  boot();
  ASSERT_TRUE(initrd);
  EXPECT_THAT(*initrd, HasSubstr("image /boot/debian.vhd\n"));
}

TEST_F(Stub, AnEmptyConfigurationIsOne) {
  start_from_esp();
  firmware.files[u"\\EFI\\debian.conf"] = {};
  boot();
  EXPECT_THAT(*initrd, HasSubstr("vhdboot/origin.conf"));
  EXPECT_EQ(firmware.now, 0);
}

TEST_F(Stub, NamesTheConfigurationAfterItself) {
  start_from_esp();
  firmware.files[u"\\b\u00fccher.conf"] = {.contents = "one"};
  firmware.files[u"\\debian.bin.conf"] = {.contents = "two"};
  firmware.files[u"\\b\u00fccher.EFI"] = {};
  firmware.files[u"\\debian.bin"] = {};
  image.FilePath = firmware.keep_path(join({file_node(u"\\b\u00fccher.EFI")}));
  boot();
  EXPECT_THAT(*initrd, HasSubstr("one"));
  image.FilePath = firmware.keep_path(join({file_node(u"\\debian.bin")}));
  boot();
  EXPECT_THAT(*initrd, HasSubstr("two"));
}

TEST_F(Stub, NoConfigurationIsNoNews) {
  start_from_esp();
  boot();
  EXPECT_THAT(*initrd, Not(HasSubstr("origin.conf")));
  EXPECT_EQ(firmware.screen, "vhdboot " VHDBOOT_VERSION ": starting the boot kernel\r\n");
  EXPECT_EQ(firmware.now, 0);
}

TEST_F(Stub, TellsOfAConfigurationThatCannotBeRead) {
  start_from_esp();
  const auto warning = [&](MockFile file) {
    firmware.screen.clear();
    firmware.files[u"\\EFI\\debian.conf"] = std::move(file);
    const double before = firmware.now;
    boot();
    EXPECT_THAT(*initrd, Not(HasSubstr("origin.conf")));
    EXPECT_GE(firmware.now - before, 2) << "time to read it";
    return shown();
  };
  EXPECT_THAT(warning({.open_status = EFI_VOLUME_CORRUPTED}),
              HasSubstr("warning: /EFI/debian.conf cannot be read (the file system is damaged)."));
  EXPECT_THAT(warning({.contents = "x", .read_status = EFI_DEVICE_ERROR}), HasSubstr("(device error)"));
  EXPECT_THAT(warning({.contents = "x", .claimed_size = 2}), HasSubstr("cannot be read"));
  EXPECT_THAT(warning({.directory = true}), HasSubstr("is not a file that can be read"));
  EXPECT_THAT(warning({.contents = std::string(64 * 1024 + 1, '#')}), HasSubstr("larger than 64 KiB"));
  EXPECT_THAT(warning({.claimed_size = ~UINT64{0}}), HasSubstr("larger than 64 KiB"));
  firmware.volume_status = EFI_NO_MEDIA;
  EXPECT_THAT(warning({}), HasSubstr("cannot be read (no medium)"));
}

TEST_F(Stub, TakesAConfigurationOf64KiB) {
  start_from_esp();
  firmware.files[u"\\EFI\\debian.conf"] = {.contents = std::string(64 * 1024, '#')};
  boot();
  EXPECT_THAT(*initrd, HasSubstr(std::string(64 * 1024, '#')));
}

// ---- the Boot Loader Interface

/// A variable's text, with its NUL.
std::string value16(std::u16string_view text) {
  return std::string(as_text(utf16_bytes(text))) + std::string(2, '\0');
}

std::vector<std::string> entries_of(MockFirmware& firmware) {
  std::vector<std::string> entries;
  std::string entry;
  const std::string& value = firmware.variables[u"LoaderEntries"];
  for (std::size_t i = 0; i < value.size(); i += 2)  // ASCII in UTF-16
    if (value[i] != '\0')
      entry += value[i];
    else
      entries.push_back(std::exchange(entry, {}));
  return entries;
}

TEST_F(Stub, HandsOnWhatIsAskedForOnce) {
  start_from_ntfs();
  firmware.variables[u"LoaderEntryOneShot"] = value16(u"vhdboot-arch");
  boot();
  expect_origin(
      {.partuuid = "0badcafe-01", .serial = "0123456789ABCDEF", .path = "/boot/menu/debian.efi", .one_shot = "arch"});
  EXPECT_FALSE(firmware.variables.contains(u"LoaderEntryOneShot"));
  EXPECT_EQ(firmware.now, 0);
  boot();
  expect_origin({.partuuid = "0badcafe-01", .serial = "0123456789ABCDEF", .path = "/boot/menu/debian.efi"});
  firmware.variables.clear();  // a restart
  firmware.variables[u"LoaderEntryOneShot"] = as_text(utf16_bytes(u"auto-vhdboot-menu"));
  boot();
  expect_origin(
      {.partuuid = "0badcafe-01", .serial = "0123456789ABCDEF", .path = "/boot/menu/debian.efi", .menu = true});
}

TEST_F(Stub, WarnsOfWhatIsAskedForAndDoesNotCount) {
  start_from_ntfs();
  firmware.variables[u"LoaderEntryOneShot"] = as_text(utf16_bytes(u"vhdboot-arch"));
  firmware.write_status = EFI_WRITE_PROTECTED;
  boot();
  expect_origin({.partuuid = "0badcafe-01", .serial = "0123456789ABCDEF", .path = "/boot/menu/debian.efi"});
  EXPECT_THAT(shown(), HasSubstr("vhdboot: warning: the request to boot arch once does not count"));
  EXPECT_GE(firmware.now, 2) << "time to read it";
  firmware.now = 0;
  firmware.variables.clear();
  firmware.variables[u"LoaderEntryOneShot"] = std::string(1 << 20, 'x');
  boot();
  EXPECT_THAT(shown(), HasSubstr("vhdboot: warning: LoaderEntryOneShot cannot be read"));
  EXPECT_EQ(firmware.now, 0) << "nobody has asked us";
}

TEST_F(Stub, TellsWhatCanBeAsked) {
  start_from_ntfs();
  boot();
  EXPECT_EQ(firmware.variables[u"LoaderInfo"], value16(u"vhdboot " VHDBOOT_VERSION));
  EXPECT_THAT(entries_of(firmware), ElementsAre("auto-vhdboot-menu", "auto-vhdboot-debian")) << "by its own name";
  firmware.variables.clear();
  set_options(u"image=/x/arch.raw");
  boot();
  EXPECT_THAT(entries_of(firmware), ElementsAre("auto-vhdboot-menu", "auto-vhdboot-arch"));
}

TEST_F(Stub, TellsOfTheImagesThatTheFirmwareSees) {
  start_from_esp();
  const std::string image(64 * 1024, 'x');
  firmware.files[u"\\EFI\\debian.conf"] = {.contents = "image /boot/debian12.vhd\n"};
  firmware.files[u"\\EFI\\arch.conf"] = {.contents = "wait 5\r\nimage /vhd/arch.raw\r\n"};
  firmware.files[u"\\EFI\\large.conf"] = {.contents = "image /large.vhd\n" + std::string(64 * 1024, '#')};
  firmware.files[u"\\EFI\\broken.conf"] = {.contents = "image /broken.vhd\n", .read_status = EFI_DEVICE_ERROR};
  firmware.files[u"\\EFI\\folder.vhd"] = {.contents = image, .directory = true};
  firmware.files[u"\\top.VHD"] = {.contents = image};
  firmware.files[u"\\small.vhd"] = {.contents = image.substr(1)};
  firmware.files[u"\\boot\\b\u00fccher.vhd"] = {.contents = image};
  firmware.files[u"\\boot\\fedora.img"] = {.contents = image};
  firmware.files[u"\\boot\\other.qcow2"] = {.contents = image};
  firmware.files[u"\\vhd\\DEBIAN12.vhd"] = {.contents = image};
  firmware.files[u"\\elsewhere\\not.vhd"] = {.contents = image};
  boot();
  EXPECT_THAT(entries_of(firmware), ElementsAre("auto-vhdboot-menu", "auto-vhdboot-debian12", "auto-vhdboot-arch",
                                                "auto-vhdboot-top", "auto-vhdboot-fedora"));
}

TEST_F(Stub, LeavesWhatABootLoaderBeforeHasSaid) {
  start_from_ntfs();
  firmware.variables[u"LoaderInfo"] = "systemd-boot";
  firmware.variables[u"LoaderEntries"] = "its own";
  boot();
  EXPECT_EQ(firmware.variables.size(), 2u);
  EXPECT_EQ(firmware.variables[u"LoaderEntries"], "its own");
  EXPECT_TRUE(firmware.wrote.empty());
}

TEST_F(Stub, StartsWithoutVariables) {
  start_from_ntfs();
  for (const EFI_STATUS status : {EFI_UNSUPPORTED, EFI_DEVICE_ERROR, EFI_NOT_FOUND}) {
    firmware.read_statuses[u""] = status;
    firmware.write_status = EFI_UNSUPPORTED;
    boot();
    expect_origin({.partuuid = "0badcafe-01", .serial = "0123456789ABCDEF", .path = "/boot/menu/debian.efi"});
    EXPECT_EQ(firmware.now, 0);
  }
}

// ---- failures

TEST_F(Stub, SecureBootRefusesTheKernel) {
  start_from_ntfs();
  for (const EFI_STATUS status : {EFI_ACCESS_DENIED, EFI_SECURITY_VIOLATION}) {
    for (const bool leaves_handle : {false, true}) {
      firmware.load_status = status;
      firmware.load_leaves_handle = leaves_handle;
      fail();
      EXPECT_THAT(shown(), HasSubstr("Secure Boot does not trust the boot kernel"));
      EXPECT_THAT(shown(), HasSubstr("turn Secure Boot off"));
    }
  }
}

TEST_F(Stub, FailureTellsWhatAndWhere) {
  start_from_ntfs();
  firmware.load_status = EFI_UNSUPPORTED;
  const Reset reset = fail();
  EXPECT_THAT(firmware.screen, HasSubstr("vhdboot " VHDBOOT_VERSION " could not start."));
  EXPECT_THAT(firmware.screen, HasSubstr("error: the firmware cannot load the boot kernel inside this file"));
  EXPECT_THAT(firmware.screen, HasSubstr("(unsupported)"));
  EXPECT_THAT(firmware.screen, HasSubstr("File: /boot/menu/debian.efi\r\nPartition: 0badcafe-01\r\n"));
  EXPECT_THAT(firmware.screen, HasSubstr("restarts by itself in 30 s"));
  EXPECT_THAT(firmware.screen, HasSubstr("restarts by itself in 1 s"));
  EXPECT_EQ(reset.at_second, 30);
  EXPECT_EQ(firmware.watchdog.back(), 0u) << "the firmware's own watchdog must not cut the waiting short";
}

TEST_F(Stub, FailureIsSeenAfterAGraphicalMenu) {
  firmware.load_status = EFI_UNSUPPORTED;
  for (const INT32 mode : {-1, 0, 2}) {
    firmware.graphics = true;
    firmware.text_mode() = mode;
    fail();
    EXPECT_THAT(firmware.screen, HasSubstr("could not start."));
    EXPECT_EQ(firmware.text_mode(), mode < 0 ? 0 : mode) << "the text mode is what it was";
  }
}

TEST_F(Stub, AKernelThatComesBackIsAFailure) {
  start_from_ntfs();
  firmware.start_status = EFI_OUT_OF_RESOURCES;
  fail();
  EXPECT_THAT(firmware.screen, HasSubstr("the boot kernel gave up before it took over the machine (out of memory)"));
  EXPECT_THAT(firmware.before_clear, HasSubstr("starting the boot kernel"));
}

TEST_F(Stub, AnIncompleteFileIsAFailure) {
  set_sections({{".initrd", kInitrd}});
  fail();
  EXPECT_THAT(firmware.screen, HasSubstr("it holds no boot kernel"));
  set_sections({{".linux", kKernel}});
  fail();
  EXPECT_THAT(firmware.screen, HasSubstr("it holds no initramfs"));
}

TEST_F(Stub, SomebodyElsesInitramfsIsAFailure) {
  const EFI_HANDLE other = firmware.add_handle();
  LoadFile2Protocol protocol{};
  firmware.set_device_path(other, node(4, 3, "5568e427-68fc-4f3d-ac74-ca555231cc68"_guid.bytes));
  firmware.install(other, kLoadFile2, &protocol);
  EXPECT_THROW((void)run(self, firmware.table), Reset);
  EXPECT_THAT(firmware.screen, HasSubstr("already offers an initramfs"));
  EXPECT_EQ(firmware.loaded, "") << "the kernel would have taken the other one";
}

TEST_F(Stub, OptionsThatAreTooLongAreAFailure) {
  set_options(u"options=" + std::u16string(5000, u'x'));
  fail();
  EXPECT_THAT(firmware.screen, HasSubstr("load options are longer than 4096 bytes"));
}

TEST_F(Stub, NoMemoryIsAFailure) {
  start_from_esp();
  firmware.files[u"\\EFI\\debian.conf"] = {.contents = "image /a.vhd"};
  for (std::size_t allocations = 0; allocations < 3; ++allocations) {
    firmware.fail_pool_after = allocations;
    fail();
    EXPECT_THAT(firmware.screen, HasSubstr("out of memory")) << allocations;
  }
}

TEST_F(Stub, AFirmwareWithoutLoadedImageIsAFailure) {
  self = firmware.add_handle();
  fail();
  EXPECT_THAT(firmware.screen, HasSubstr("does not say where this file was loaded"));
}

// ---- waiting

TEST_F(Stub, AKeyEndsTheWaiting) {
  set_sections({});
  firmware.keys = {{.at_second = 3.5}};
  EXPECT_EQ(fail().at_second, 3.5);
}

TEST_F(Stub, TheKeyThatChoseUsDoesNotCount) {
  set_sections({});
  firmware.keys = {{.at_second = -1}, {.at_second = 0}, {.at_second = 12}};
  EXPECT_EQ(fail().at_second, 12);
}

TEST_F(Stub, AModifierIsNoKey) {
  set_sections({});
  firmware.keys = {{.at_second = 2, .is_character = false}, {.at_second = 4.25}};
  EXPECT_EQ(fail().at_second, 4.25);
}

TEST_F(Stub, WaitsWithoutKeyboard) {
  set_sections({});
  firmware.remove_keyboard();
  EXPECT_EQ(fail().at_second, 30);
}

TEST_F(Stub, WaitsWithoutTimers) {
  set_sections({});
  firmware.timers_work = false;
  EXPECT_EQ(fail().at_second, 30);
  firmware.now = 0;
  firmware.keys = {{.at_second = 4.5}};
  EXPECT_EQ(fail().at_second, 5);
}

TEST_F(Stub, WaitsWithoutConsole) {
  set_sections({});
  firmware.remove_console();
  EXPECT_EQ(fail().at_second, 30);
}

TEST_F(Stub, BreaksLinesBetweenWords) {
  start_from_ntfs();
  firmware.load_status = EFI_ACCESS_DENIED;
  for (const UINTN columns : {40u, 80u, 100u, 240u}) {
    firmware.columns = columns;
    fail();
    for (const auto line : split_lines(firmware.screen)) {
      if (line.starts_with("\r")) continue;  // the countdown
      EXPECT_LT(line.size(), columns) << line;
      EXPECT_FALSE(line.ends_with(' ')) << line;
    }
    EXPECT_THAT(shown(),
                HasSubstr("error: Secure Boot does not trust the boot kernel inside this file: sign the kernel"));
  }
}

// ---- Ventoy

TEST_F(Stub, LeavesVentoysRetriesAtOnce) {
  device = firmware.add_handle();
  firmware.set_device_path(device, vendor_hardware_node(kVentoy));
  image.DeviceHandle = device;
  image.FilePath = firmware.keep_path(file_node(u"\\EFI\\BOOT\\BOOTX64.EFI"));
  EXPECT_EQ(run(self, firmware.table), EFI_ABORTED);
  EXPECT_EQ(firmware.screen, "");
  EXPECT_EQ(firmware.now, 0);
  EXPECT_EQ(firmware.loaded, "");
  EXPECT_TRUE(firmware.watchdog.empty());
}

TEST_F(Stub, KnowsVentoysRetriesByTheirVariable) {
  firmware.variables[u"VentoyRamDisk"] = "12345678";
  EXPECT_EQ(run(self, firmware.table), EFI_ABORTED);
  EXPECT_EQ(firmware.screen, "");
}

TEST_F(Stub, VentoysVariableAloneIsNoRetry) {
  firmware.variables[u"VentoyRamDisk"] = "1";
  start_from_ntfs();
  boot();
}

}  // namespace
}  // namespace vhdboot::efi
