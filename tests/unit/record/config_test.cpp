// SPDX-License-Identifier: GPL-2.0-or-later
#include "init/record/config.h"

#include <string>

#include "tests/unit/base/error_matchers.h"

namespace vhdboot::record {
namespace {

using test::Fails;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

Result<ParsedConfig> file(std::string_view text) {
  return parse_config(text, "debian.conf");
}

TEST(Config, NothingSaid) {
  for (const char* text : {"", "\n", "# only a comment\n\n   \n\t# another\n"}) {
    const auto parsed = file(text);
    ASSERT_TRUE(parsed) << parsed.error().text;
    EXPECT_EQ(parsed->config, Config{});
    EXPECT_THAT(parsed->warnings, IsEmpty());
  }
  EXPECT_EQ(Config{}.wait(), 30u);
  EXPECT_EQ(Config{}.module_source(), ModuleSource::Auto);
  EXPECT_EQ(Config{}.after_error(), RescueChoice::Menu);
}

TEST(Config, EverythingSaid) {
  const auto parsed = file(
      "# debian.conf\r\n"
      "image     \\Boot\\debian 12.vhd\r\n"
      "volume\tUUID=0123456789ABCDEF\r\n"
      "entry debian-*.efi\n"
      "options quiet  splash\n"
      "options   root=\"UUID=a b\"\n"
      "parent-volume label=Bases\n"
      "modules-from 2\n"
      "modules guest\n"
      "host-mount //disk/./host/ rw uid=1000\n"
      "trim off\n"
      "ephemeral 25%\n"
      "keep PARTLABEL=home\nkeep 4\n"
      "disk \\vhd\\my data.vhd\ndisk more/./x.vhdx\n"
      "persist \\vhd\\keep.vhd\npersist-paths /home  /var/log\npersist-paths /srv\n"
      "kernel debian.vhd\npersonality wsl\nlogin auto\n"
      "wait 600\n"
      "rescue shell\n"
      "timeout 5\n"
      "menu-style plain\nbeep on\nkeymap de\nfolder \\Systems\nfolder a/b\n");
  ASSERT_TRUE(parsed) << parsed.error().text;
  EXPECT_THAT(parsed->warnings, IsEmpty());
  const Config expected{.image = "/Boot/debian 12.vhd",
                        .volume = disk::Selector{disk::Selector::By::Uuid, "0123456789ABCDEF"},
                        .parent_volume = disk::Selector{disk::Selector::By::Label, "Bases"},
                        .entry = "debian-*.efi",
                        .options = "quiet  splash root=\"UUID=a b\"",
                        .modules = ModuleSource::Guest,
                        .modules_from = disk::Selector{.by = disk::Selector::By::Number, .number = 2},
                        .host_mount = HostMount{.path = "/disk/host", .read_only = false, .options = "uid=1000"},
                        .trim = false,
                        .ephemeral = Ephemeral{.on = true, .percent = 25},
                        .keep = {disk::Selector{disk::Selector::By::PartLabel, "home"},
                                 disk::Selector{.by = disk::Selector::By::Number, .number = 4}},
                        .disks = {"/vhd/my data.vhd", "more/x.vhdx"},
                        .persist = "/vhd/keep.vhd",
                        .persist_paths = "/home /var/log /srv",
                        .kernel = "debian.vhd",
                        .personality = Personality::Wsl,
                        .auto_login = true,
                        .wait_seconds = 600,
                        .rescue = RescueChoice::Shell,
                        .timeout = MenuTimeout{.seconds = 5},
                        .menu_style = MenuStyle::Plain,
                        .beep = true,
                        .keymap = "de",
                        .folders = {"/Systems", "/a/b"}};
  EXPECT_EQ(parsed->config, expected);
  EXPECT_TRUE(check(parsed->config));
}

TEST(Config, FurtherDisks) {
  EXPECT_EQ(merge(file("disk a.vhd\ndisk b.vhd")->config, {}).disks.size(), 2U);
  EXPECT_THAT(merge(file("disk a.vhd\ndisk b.vhd")->config, parse_load_options("disk=/c.vhd")->config).disks,
              ElementsAre("/c.vhd"));
  for (const char* wrong : {"disk", "disk /", "disk ../a.vhd", "disk C:\\a.vhd"})
    EXPECT_THAT(file(wrong), Fails(Code::Invalid, "debian.conf:1: disk: ")) << wrong;
  std::string many;
  for (std::size_t i = 0; i <= kMaxDisks; ++i) many += "disk data.vhd\n";
  EXPECT_THAT(file(many), Fails(Code::Invalid, "debian.conf:9: disk: more than 8 disks"));
}

TEST(Config, ImageBesideTheProgramStaysRelative) {
  EXPECT_EQ(file("image debian.vhd")->config.image, "debian.vhd");
  EXPECT_EQ(file("image images\\debian.vhd")->config.image, "images/debian.vhd");
  EXPECT_EQ(file("image \\debian.vhd")->config.image, "/debian.vhd");
}

TEST(Config, OfWsl) {
  const auto config = file("personality none\nlogin ask\nkernel \\vhd\\a.vhd")->config;
  EXPECT_EQ(config.personality, Personality::None);
  EXPECT_EQ(config.auto_login, false);
  EXPECT_EQ(config.kernel, "/vhd/a.vhd");
  const auto merged = merge(config, parse_load_options("personality=wsl login=auto kernel=b.vhd")->config);
  EXPECT_EQ(merged.personality, Personality::Wsl);
  EXPECT_EQ(merged.auto_login, true);
  EXPECT_EQ(merged.kernel, "b.vhd");
  EXPECT_THAT(file("personality WSL"), Fails(Code::Invalid, "debian.conf:1: personality: expected wsl or none"));
  EXPECT_THAT(file("login me"), Fails(Code::Invalid, "debian.conf:1: login: expected ask or auto"));
  EXPECT_THAT(file("kernel /"), Fails(Code::Invalid, "debian.conf:1: kernel: "));
}

TEST(Config, WhenTheMenuShows) {
  EXPECT_FALSE(Config{}.shows_menu());
  EXPECT_FALSE(file("timeout 0")->config.shows_menu());
  EXPECT_TRUE(file("timeout 3600")->config.shows_menu());
  EXPECT_TRUE(file("timeout menu")->config.shows_menu());
  EXPECT_EQ(file("timeout menu")->config.timeout->seconds, std::nullopt);
  EXPECT_FALSE(merge(file("timeout menu")->config, file("timeout 0")->config).shows_menu());
  EXPECT_EQ(file("menu-style screen")->config.menu_style, MenuStyle::Screen);
  EXPECT_THAT(file("keymap " + std::string(65, 'x')), Fails(Code::Invalid, "debian.conf:1: keymap: no keyboard"));
  EXPECT_EQ(file("beep off")->config.beep, false);
  EXPECT_THAT(file("beep loud"), Fails(Code::Invalid, "debian.conf:1: beep: expected on or off, found \"loud\""));
  std::string folders;
  for (std::size_t i = 0; i <= kMaxFolders; ++i) folders += "folder /a\n";
  EXPECT_THAT(file(folders), Fails(Code::Invalid, "folder: more than 16 folders"));
}

TEST(Config, WhetherItForgets) {
  EXPECT_FALSE(Config{}.forgets());
  EXPECT_FALSE(file("ephemeral no")->config.forgets());
  EXPECT_TRUE(file("ephemeral yes")->config.forgets());
  EXPECT_FALSE(merge(file("ephemeral 1G")->config, parse_load_options("ephemeral=no")->config).forgets());
  EXPECT_TRUE(merge(file("ephemeral no")->config, parse_load_options("ephemeral=1G")->config).forgets());
  EXPECT_THAT(file("ephemeral maybe"), Fails(Code::Invalid, "debian.conf:1: ephemeral: expected yes, no, a size"));
}

TEST(Config, WhatIsKept) {
  EXPECT_TRUE(file("ephemeral yes")->config.writes_nothing());
  EXPECT_FALSE(file("ephemeral yes\nkeep 3")->config.writes_nothing());
  EXPECT_TRUE(file("ephemeral yes\nkeep 3")->config.writes_image());
  EXPECT_FALSE(file("ephemeral /scratch.img")->config.writes_nothing());
  EXPECT_FALSE(file("ephemeral /scratch.img")->config.writes_image());
  EXPECT_TRUE(file("")->config.writes_image());
  EXPECT_FALSE(file("keep 3")->config.forgets());
  EXPECT_EQ(merge(file("keep 3\nkeep 4")->config, parse_load_options("keep=5")->config).keep.size(), 1U);
  EXPECT_THAT(file("keep /home"), Fails(Code::Invalid, "debian.conf:1: keep: "));
  std::string many;
  for (std::size_t i = 0; i <= kMaxKept; ++i) many += "keep 1\n";
  EXPECT_THAT(file(many), Fails(Code::Invalid, "keep: more than 16 partitions"));
}

TEST(Config, WhereAnImageComesFrom) {
  const std::string source = "source http://192.168.1.10:8080/a/debian.vhd\n";
  const std::string digits(64, 'A');
  const auto config = file(source + "root-hash " + digits)->config;
  EXPECT_TRUE(check(config));
  EXPECT_EQ(
      config.arrival(),
      (Arrival{.source = "http://192.168.1.10:8080/a/debian.vhd", .root_hash = std::string(64, 'a'), .address = ""}));
  EXPECT_EQ(merge(Config(), config), config);
  const auto with_address = file(source + "root-hash " + digits + "\naddress 192.168.1.20/24 192.168.1.1")->config;
  EXPECT_TRUE(check(with_address));
  EXPECT_EQ(with_address.arrival()->address, "192.168.1.20/24 192.168.1.1");
  EXPECT_EQ(merge(config, with_address), with_address);
  EXPECT_THAT(check(file("address 192.168.1.20/24")->config), Fails(Code::Invalid, "is said without `source`"));
  for (const auto* wrong : {"", "192.168.1.20", "dhcp", "192.168.1.20/24,192.168.1.1", "fe80::1/64"})
    EXPECT_THAT(file(std::string("address ") + wrong),
                Fails(Code::Invalid, "address: expected an address with the bits"))
        << wrong;
  for (const std::string& one : {source, "root-hash " + digits}) {
    EXPECT_THAT(check(file(one)->config), Fails(Code::Invalid, "must both be said"));
    EXPECT_FALSE(file(one)->config.arrival());
  }
  for (const auto* wrong : {"", "https://192.168.1.10/a.vhd", "http://server/a.vhd", "http://192.168.1.10",
                            "192.168.1.10/a", "http://10.0.2.2.example/a"})
    EXPECT_THAT(file(std::string("source ") + wrong),
                Fails(Code::Invalid, "source: expected http, not https, and the server by its number"))
        << wrong;
  for (const auto& wrong : {std::string(), digits.substr(1), digits + "0", "g" + digits.substr(1)})
    EXPECT_THAT(file("root-hash " + wrong), Fails(Code::Invalid, "root-hash: expected the 64 digits")) << wrong;
}

TEST(Config, WhatIsKeptInAnotherImage) {
  const std::string both = "persist /keep.vhd\npersist-paths /home\n";
  const auto checked = [](const std::string& text) { return check(file(text)->config); };
  EXPECT_TRUE(checked("ephemeral yes\n" + both));
  EXPECT_FALSE(file("ephemeral yes\n" + both)->config.writes_nothing());
  EXPECT_FALSE(file("ephemeral yes\n" + both)->config.writes_image());
  EXPECT_EQ(file("ephemeral yes\n" + both)->config.persist_file(), "/keep.vhd");
  EXPECT_THAT(checked(both), Fails(Code::Invalid, "`persist` is said without `ephemeral`"));
  EXPECT_THAT(checked("ephemeral yes\npersist /keep.vhd"), Fails(Code::Invalid, "must both be said"));
  EXPECT_THAT(checked("ephemeral yes\npersist-paths /home"), Fails(Code::Invalid, "must both be said"));
  // Once for the image itself.
  const auto once = merge(file("ephemeral yes\n" + both)->config, parse_load_options("ephemeral=no")->config);
  EXPECT_TRUE(check(once));
  EXPECT_EQ(once.persist_file(), std::nullopt);
  EXPECT_EQ(merge(file(both)->config, parse_load_options("persist-paths=\"/a /b\"")->config).persist_paths, "/a /b");
  EXPECT_THAT(file("persist keep.vhd"), Fails(Code::Invalid, "debian.conf:1: persist: expected the path of an image"));
  for (const auto* wrong : {"", "yes", "/", "/a/../b", "C:\\keep.vhd"})
    EXPECT_THAT(file(std::string("persist ") + wrong), Fails(Code::Invalid, "debian.conf:1: persist: ")) << wrong;
  EXPECT_EQ(file("persist \\vhd\\keep.vhd")->config.persist, "/vhd/keep.vhd");
  EXPECT_THAT(file("persist-paths"), Fails(Code::Invalid, "debian.conf:1: persist-paths: expected directories"));
  EXPECT_THAT(file("persist-paths /a\npersist-paths /a/b"),
              Fails(Code::Invalid, "debian.conf:2: persist-paths: \"/a/b\" is named twice, lies in"));
}

TEST(Config, AWrongValueNamesFileAndLine) {
  EXPECT_THAT(file("timeout 3601"),
              Fails(Code::Invalid, "debian.conf:1: timeout: expected seconds from 0 to 3600, or menu, found \"3601\""));
  EXPECT_THAT(file("menu-style ascii"),
              Fails(Code::Invalid, "debian.conf:1: menu-style: expected screen or plain, found \"ascii\""));
  EXPECT_THAT(file("trim auto\n"), Fails(Code::Invalid, "debian.conf:1: trim: expected on or off, found \"auto\""));
  EXPECT_THAT(file("# one\n\nrescue me\n"),
              Fails(Code::Invalid, "debian.conf:3: rescue: expected menu, shell or reboot, found \"me\""));
  EXPECT_THAT(file("image"), Fails(Code::Invalid, "debian.conf:1: image: "));
  EXPECT_THAT(file("image /"), Fails(Code::Invalid, "debian.conf:1: image: expected the path"));
  EXPECT_THAT(file("image /a/../b.vhd"), Fails(Code::Invalid, "debian.conf:1: image: "));
  EXPECT_THAT(file("image C:\\debian.vhd"), Fails(Code::Invalid, "debian.conf:1: image: "));
  EXPECT_THAT(file("volume /dev/sda1"), Fails(Code::Invalid, "debian.conf:1: volume: "));
  EXPECT_THAT(file("volume"), Fails(Code::Invalid, "debian.conf:1: volume: "));
  EXPECT_THAT(file("entry"), Fails(Code::Invalid, "debian.conf:1: entry: "));
  EXPECT_THAT(file("modules-from /dev/sda1"),
              Fails(Code::Invalid, "debian.conf:1: modules-from: expected a partition"));
  EXPECT_THAT(file("modules-from /a/../b"), Fails(Code::Invalid, "debian.conf:1: modules-from: "));
  EXPECT_THAT(file("modules-from folder"), Fails(Code::Invalid, "debian.conf:1: modules-from: "));
  EXPECT_THAT(file("modules no"), Fails(Code::Invalid, "expected auto or guest, found \"no\""));
  for (const char* bad : {"", "0", "601", "-1", "1.5", "30s", "99999999999999999999"})
    EXPECT_THAT(file(std::string("wait ") + bad), Fails(Code::Invalid, "wait: expected seconds from 1 to 600")) << bad;
  EXPECT_THAT(file("host-mount disk"), Fails(Code::Invalid, "debian.conf:1: host-mount: expected an absolute path"));
}

TEST(Config, ForeignTextInAMessageIsFitForATerminal) {
  const auto parsed = file("modules \x1b[2J" + std::string(500, 'x'));
  ASSERT_FALSE(parsed);
  EXPECT_EQ(parsed.error().text.find('\x1b'), std::string::npos);
  EXPECT_LT(parsed.error().text.size(), 200u);
}

TEST(Config, OddThingsWarnWithTheirPlace) {
  const auto parsed = file("imgae /a.vhd\nImage /b.vhd\nimage /c.vhd\nimage /d.vhd\n");
  ASSERT_TRUE(parsed);
  EXPECT_EQ(parsed->config.image, "/d.vhd");
  EXPECT_THAT(parsed->warnings,
              ElementsAre("debian.conf:1: unknown key \"imgae\"", "debian.conf:2: unknown key \"Image\"",
                          "debian.conf:4: image is said twice, the later one counts"));
}

TEST(Config, WarningsAreBounded) {
  std::string text;
  for (int i = 0; i < 1000; ++i) text += "nonsense\n";
  EXPECT_THAT(file(text)->warnings, SizeIs(16));
}

TEST(Config, WhatWindowsEditorsMake) {
  EXPECT_EQ(file("\xEF\xBB\xBFimage /a.vhd\r\n")->config.image, "/a.vhd") << "a byte order mark";
  EXPECT_THAT(file(std::string_view("\xFF\xFEi\0m\0", 6)), Fails(Code::Invalid, "UTF-16"));
  EXPECT_THAT(file(std::string_view("image a\0b", 9)), Fails(Code::Invalid, "debian.conf:1: is not text"));
}

TEST(Config, Caps) {
  EXPECT_THAT(file(std::string(kMaxConfigBytes + 1, '#')), Fails(Code::Invalid, "larger than"));
  EXPECT_TRUE(file(std::string(kMaxConfigBytes, '#')));
  EXPECT_THAT(file("options " + std::string(kMaxOptionsBytes + 1, 'x')), Fails(Code::Invalid, "kernel options"));
  EXPECT_THAT(file("options a\x01"), Fails(Code::Invalid, "control characters"));
  EXPECT_THAT(file("entry " + std::string(256, 'x')), Fails(Code::Invalid, "entry: "));
}

TEST(LoadOptions, WordsWithQuotes) {
  const auto parsed =
      parse_load_options("image=\"/My Images/debian.vhd\" options=\"quiet splash\" \"options=root=LABEL=a b\" wait=5");
  ASSERT_TRUE(parsed) << parsed.error().text;
  EXPECT_THAT(parsed->warnings, IsEmpty());
  EXPECT_EQ(parsed->config.image, "/My Images/debian.vhd");
  EXPECT_EQ(parsed->config.options, "quiet splash root=LABEL=a b");
  EXPECT_EQ(parsed->config.wait_seconds, 5u);
}

TEST(LoadOptions, TheProgramsOwnNameInFrontIsSkipped) {
  EXPECT_THAT(parse_load_options("FS0:\\boot\\Debian.EFI image=/a.vhd")->warnings, IsEmpty());
  EXPECT_THAT(parse_load_options("image=/a.vhd debian.efi")->warnings, SizeIs(1));
}

TEST(LoadOptions, KernelWordsWarnAndSayWhereTheyGo) {
  const auto parsed = parse_load_options("quiet console=ttyS0");
  ASSERT_TRUE(parsed);
  EXPECT_EQ(parsed->config, Config{});
  EXPECT_THAT(parsed->warnings,
              ElementsAre("load options: unknown word \"quiet\" (kernel options go into options=\"...\")",
                          "load options: unknown key \"console\""));
}

TEST(LoadOptions, Wrong) {
  EXPECT_THAT(parse_load_options("modules=no"),
              Fails(Code::Invalid, "load options: modules: expected auto or guest, found \"no\""));
  EXPECT_THAT(parse_load_options("image=\"/a b"), Fails(Code::Invalid, "quote is not closed"));
  EXPECT_THAT(parse_load_options(std::string(kMaxConfigBytes + 1, ' ')), Fails(Code::Invalid, "longer than"));
}

TEST(LoadOptions, EndAtTheFirstNul) {
  EXPECT_EQ(parse_load_options(std::string_view("wait=5\0wait=6", 13))->config.wait_seconds, 5u);
  EXPECT_EQ(parse_load_options("")->config, Config{});
}

TEST(Config, ModulesComeFromOnePlace) {
  const Config folder = file("modules-from \\vhd\\my modules\\")->config;
  EXPECT_EQ(folder.modules_folder, "/vhd/my modules");
  EXPECT_FALSE(folder.modules_from);
  const auto twice = file("modules-from 2\nmodules-from /vhd/modules");
  EXPECT_THAT(twice->warnings, ElementsAre("debian.conf:2: modules-from is said twice, the later one counts"));
  EXPECT_FALSE(twice->config.modules_from);
  EXPECT_EQ(twice->config.modules_folder, "/vhd/modules");
  const Config partition = parse_load_options("modules-from=3")->config;
  EXPECT_EQ(merge(folder, partition), partition);
  EXPECT_EQ(merge(partition, folder), folder);
}

TEST(Config, MergeTakesTheLaterOne) {
  const auto base =
      file("image /a.vhd\ntrim off\noptions quiet\nhost-mount /disk\nmodules-from 2\nparent-volume 1234-ABCD")->config;
  const auto over = parse_load_options("image=/b.vhd parent-volume=LABEL=B options=debug rescue=reboot")->config;
  const auto merged = merge(base, over);
  EXPECT_EQ(merged.image, "/b.vhd");
  EXPECT_EQ(merged.options, "quiet debug");
  EXPECT_EQ(merged.host_mount, HostMount{.path = "/disk"});
  EXPECT_EQ(merged.modules_from, base.modules_from);
  EXPECT_EQ(merged.trim, false);
  EXPECT_EQ(merged.parent_volume, over.parent_volume);
  EXPECT_EQ(merged.rescue, RescueChoice::Reboot);
  EXPECT_EQ(merge(base, {}), base);
  EXPECT_EQ(merge({}, over), over);
}

TEST(Config, AKeyOfThePastWarnsAndHasNoEffect) {
  for (const char* text : {"attach loop", "attach extents", "attach sideways", "attach"}) {
    const auto parsed = file(text);
    ASSERT_TRUE(parsed) << parsed.error().text;
    EXPECT_EQ(parsed->config, Config{});
    EXPECT_THAT(parsed->warnings, ElementsAre(HasSubstr("debian.conf:1: attach has no effect any more: "))) << text;
  }
}

TEST(Config, AnOldNameTellsTheNewOneAndHasNoEffect) {
  const auto parsed = file("root 2\n");
  ASSERT_TRUE(parsed) << parsed.error().text;
  EXPECT_EQ(parsed->config, Config{});
  EXPECT_THAT(parsed->warnings, ElementsAre("debian.conf:1: root is called `modules-from` now"));
  EXPECT_THAT(parse_load_options("root=soon")->warnings,
              ElementsAre("load options: root is called `modules-from` now"));
}

TEST(Config, TooManyOptionsTogether) {
  EXPECT_THAT(check(merge({.options = std::string(5000, 'x')}, {.options = std::string(5000, 'y')})),
              Fails(Code::Invalid, "kernel options"));
}

}  // namespace
}  // namespace vhdboot::record
