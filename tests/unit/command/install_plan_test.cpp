// SPDX-License-Identifier: GPL-2.0-or-later
#include "tools/vhdboot/install_plan.h"

#include <csignal>
#include <functional>
#include <map>

#include "base/held_signals.h"
#include "tests/unit/base/error_matchers.h"
#include "tests/unit/command/fake_system.h"
#include "tests/unit/kexec/builders.h"
#include "tools/vhdboot/firmware_menu.h"

namespace vhdboot::command {
namespace {

using test::Fails;
using test::FakeSystem;
using test::PeBuilder;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

FileBytes boot_file(std::string_view version) {
  return PeBuilder().add(".linux", "kernel").add(".osrel", concat("ID=vhdboot\nVERSION=\"", version, "\"\n")).build();
}

// A machine with an NTFS volume at /media/data and an ESP at /boot/efi.
class InstallTest : public testing::Test {
 protected:
  void SetUp() override {
    fake_.write("/proc/self/mountinfo",
                "22 1 8:2 / / rw - ext4 /dev/sda2 rw\n23 22 8:3 / /media/data rw - ntfs3 /dev/sda3 rw\n"
                "24 22 8:1 / /boot/efi rw - vfat /dev/sda1 rw\n");
    fake_.write("/media/data/boot/debian.vhd", "an image");
    fake_.write("/boot/efi/EFI/BOOT/BOOTX64.EFI", "another program");
    link("/dev/disk/by-uuid/5EEDB00712345678", "../../sda3");
    link("/dev/disk/by-uuid/1234-ABCD", "../../sda1");
    link("/dev/disk/by-partuuid/5eed0001-0000-4000-8000-0000000000e5", "../../sda1");
  }
  void link(std::string_view path, std::string_view target) {
    fake_.write(concat(path, ".folder"), "");
    std::filesystem::create_symlink(target, fake_.system().at(path));
  }
  void ventoy() { link("/dev/disk/by-label/Ventoy", "../../sda3"); }
  // All files with their contents, and the variables.
  [[nodiscard]] std::map<std::string, std::string> everything() const {
    std::map<std::string, std::string> files;
    const std::string& root = fake_.system().root;
    for (const auto& one : std::filesystem::recursive_directory_iterator(root)) {
      const std::string path = one.path().string().substr(root.size());
      files[path] = one.is_regular_file() ? fake_.read(path) : "";
    }
    return files;
  }
  [[nodiscard]] Result<Plan> plan(std::optional<BootMenuKind> menu,
                                  const std::function<void(InstallRequest&)>& change = {}) {
    InstallRequest request;
    request.image = "/media/data/boot/debian.vhd";
    request.menu = menu;
    if (change) change(request);
    return plan_install(changer_, fake_.system(), request, source_);
  }
  // A plan of several steps, which `carry_out_until` breaks off after a number of good ones, each in turn.
  void expect_undone(std::string_view why,
                     const std::function<Result<void>(const Plan&, EfiVariables, int good)>& carry_out_until) {
    fake_.write("/boot/efi/loader/loader.conf", "timeout 3\n");
    const auto before = everything();
    const auto made = plan(BootMenuKind::SystemdBoot);
    ASSERT_TRUE(made);
    const int steps = static_cast<int>(made->changes.size());
    ASSERT_GT(steps, 3);
    for (int good = 0; good < steps; ++good) {
      EXPECT_THAT(carry_out_until(*made, fake_.system().variables(), good),
                  Fails(Code::Io, concat(why, " (what was done before that is undone)")))
          << good;
      EXPECT_EQ(everything(), before) << good;
    }
  }
  void install(BootMenuKind menu, const std::function<void(InstallRequest&)>& change = {}) {
    const auto made = plan(menu, change);
    ASSERT_TRUE(made) << made.error().message();
    const auto done = carry_out(changer_, *made);
    ASSERT_TRUE(done) << done.error().message();
    // A second time there is nothing left to do.
    const auto again = plan(menu, change);
    ASSERT_TRUE(again);
    EXPECT_THAT(again->changes, IsEmpty());
  }
  void uninstall(std::string_view name = "debian") {
    const auto files = called(fake_.system(), find_installed(fake_.system(), {}), name);
    ASSERT_THAT(files, testing::SizeIs(1));
    const auto made = plan_uninstall(changer_, fake_.system(), files);
    ASSERT_TRUE(made) << made.error().message();
    const auto done = carry_out(changer_, *made);
    ASSERT_TRUE(done) << done.error().message();
  }

  FakeSystem fake_;
  Changer changer_{fake_.system().variables()};
  BootFileSource source_{.path = "vhdboot.efi", .version = "0.2.0", .bytes = boot_file("0.2.0")};
};

TEST_F(InstallTest, BesideTheImage) {
  const auto before = everything();
  install(BootMenuKind::None);
  EXPECT_EQ(fake_.read("/media/data/boot/debian.efi"), as_text(source_.bytes));
  EXPECT_FALSE(fake_.has("/media/data/boot/debian.conf"));
  const auto found = find_installed(fake_.system(), {});
  ASSERT_THAT(found, testing::SizeIs(1));
  EXPECT_EQ(found.front().version, "0.2.0");
  EXPECT_THAT(called(fake_.system(), found, "/media/data/boot/debian.vhd"), testing::SizeIs(1));
  EXPECT_THAT(called(fake_.system(), found, "/media/data/boot/arch.vhd"), IsEmpty());
  uninstall();
  EXPECT_EQ(everything(), before);
}

TEST_F(InstallTest, WithAConfiguration) {
  const auto before = everything();
  const auto change = [](InstallRequest& request) {
    request.name = "linux";
    request.settings = {{"wait", "60"}};
  };
  install(BootMenuKind::None, change);
  EXPECT_EQ(fake_.read("/media/data/boot/linux.conf"), "image debian.vhd\nwait 60\n");
  uninstall("linux");
  EXPECT_EQ(everything(), before);
  EXPECT_THAT(plan(BootMenuKind::None, [](InstallRequest& request) { request.settings = {{"wiat", "60"}}; }),
              Fails(Code::Invalid, "unknown key"));
}

TEST_F(InstallTest, Ventoy) {
  ventoy();
  const auto before = everything();
  install(BootMenuKind::Ventoy, [](InstallRequest& request) { request.title = "Debian 12"; });
  EXPECT_EQ(fake_.read("/media/data/ventoy/ventoy.json"),
            "{ \"image_blacklist\": [ \"/boot/debian.vhd\" ], \"menu_alias\": [ { \"image\": \"/boot/debian.efi\", "
            "\"alias\": \"Debian 12\" } ]  }\n");
  uninstall();
  EXPECT_EQ(everything(), before);
  EXPECT_THAT(plan(BootMenuKind::Ventoy, [](InstallRequest& request) { request.name = "my disk"; }),
              Fails(Code::Invalid, "without blanks"));
}

TEST_F(InstallTest, AVentoyJsonOfAPerson) {
  ventoy();
  fake_.write("/media/data/ventoy/ventoy.json",
              "{\n  \"control\": [ { \"VTOY_FILE_FLT_EFI\": \"1\" } ],\n  \"image_blacklist\": [ \"/x.iso\" ]\n}\n");
  const auto before = everything();
  const auto made = plan(BootMenuKind::Ventoy);
  ASSERT_TRUE(made);
  EXPECT_THAT(made->warnings, ElementsAre(HasSubstr("hides all EFI files")));
  install(BootMenuKind::Ventoy);
  EXPECT_THAT(fake_.read("/media/data/ventoy/ventoy.json"), HasSubstr("[ \"/x.iso\", \"/boot/debian.vhd\" ]\n}"));
  uninstall();
  EXPECT_EQ(everything(), before);
}

TEST_F(InstallTest, GrubThatReadsTheVolume) {
  fake_.write("/boot/grub/grub.cfg", "if [ -f  ${config_directory}/custom.cfg ]; then\n");
  fake_.write("/boot/grub/x86_64-efi/ntfs.mod", "");
  fake_.write("/boot/grub/custom.cfg", "# mine\n");
  const auto before = everything();
  install(BootMenuKind::Grub, [](InstallRequest& request) { request.title = "Debian in a VHD"; });
  EXPECT_EQ(fake_.read("/boot/grub/custom.cfg"),
            "# mine\n# vhdboot: begin debian\nmenuentry 'Debian in a VHD' --id 'vhdboot-debian' {\n"
            "    insmod part_gpt\n    insmod part_msdos\n    insmod ntfs\n"
            "    search --no-floppy --set=root --fs-uuid 5EEDB00712345678\n    chainloader '/boot/debian.efi'\n}\n"
            "# vhdboot: end debian\n");
  uninstall();
  EXPECT_EQ(everything(), before);
}

TEST_F(InstallTest, GrubWithoutTheModule) {
  fake_.write("/boot/grub2/grub.cfg", "source custom.cfg\n");
  const auto before = everything();
  install(BootMenuKind::Grub);
  EXPECT_EQ(fake_.read("/boot/efi/EFI/vhdboot/debian.conf"), "image /boot/debian.vhd\nvolume UUID=5EEDB00712345678\n");
  EXPECT_THAT(fake_.read("/boot/grub2/custom.cfg"),
              HasSubstr("--fs-uuid 1234-ABCD\n    chainloader '/EFI/vhdboot/debian.efi'"));
  uninstall();
  EXPECT_EQ(everything(), before);
  fake_.write("/boot/grub2/grub.cfg", "menuentry x { }\n");
  EXPECT_THAT(plan(BootMenuKind::Grub), Fails(Code::Unsupported, "does not read custom.cfg"));
}

TEST_F(InstallTest, SystemdBoot) {
  EXPECT_THAT(plan(BootMenuKind::SystemdBoot), Fails(Code::Unsupported, "no systemd-boot on the ESP"));
  fake_.write("/boot/efi/loader/loader.conf", "timeout 3\n");
  fake_.write("/boot/efi/loader/entries/arch.conf", "title Arch\n");
  const auto before = everything();
  install(BootMenuKind::SystemdBoot);
  EXPECT_EQ(fake_.read("/boot/efi/loader/entries/vhdboot-debian.conf"),
            "title debian\nefi   /EFI/vhdboot/debian.efi\n");
  const auto found = find_installed(fake_.system(), {});
  EXPECT_THAT(called(fake_.system(), found, "/media/data/boot/debian.vhd"), testing::SizeIs(1));
  uninstall();
  EXPECT_EQ(everything(), before);
}

TEST_F(InstallTest, Refind) {
  const auto before = everything();
  install(BootMenuKind::Refind);
  EXPECT_TRUE(fake_.has("/boot/efi/EFI/vhdboot/debian.efi"));
  uninstall();
  EXPECT_EQ(everything(), before);
}

TEST_F(InstallTest, Firmware) {
  EXPECT_THAT(plan(BootMenuKind::Firmware), Fails(Code::Unsupported, "no EFI variables"));
  fake_.boot_entry(0, "Windows Boot Manager", "/EFI/Microsoft/Boot/bootmgfw.efi");
  fake_.global("BootOrder", pack_boot_numbers({0}));
  EXPECT_THAT(plan(BootMenuKind::Firmware), Fails(Code::NotFound, "which partition /dev/sda1 is"));
  fake_.write("/sys/class/block/sda1/partition", "1\n");
  fake_.write("/sys/class/block/sda1/start", "2048\n");
  fake_.write("/sys/class/block/sda1/size", "1048576\n");
  fake_.global("BootOrder", std::vector{std::byte{1}});
  EXPECT_THAT(plan(BootMenuKind::Firmware), Fails(Code::Corrupt, "BootOrder")) << "the other entries would be lost";
  fake_.global("BootOrder", pack_boot_numbers({0}));
  const auto before = everything();
  install(BootMenuKind::Firmware);
  const auto menu = read_firmware_menu(fake_.system().variables());
  EXPECT_THAT(menu.order, ElementsAre(0, 1));
  ASSERT_NE(menu.find(1), nullptr);
  EXPECT_EQ(menu.find(1)->option.file, "/EFI/vhdboot/debian.efi");
  EXPECT_EQ(menu.find(1)->option.partition->length, 1048576U);
  uninstall();
  EXPECT_EQ(everything(), before);
}

TEST_F(InstallTest, WhichMenuThereIs) {
  const auto fact = [&] {
    const auto made = plan({});
    return made ? made->facts.front() : made.error().message();
  };
  EXPECT_THAT(fact(), HasSubstr("none"));
  fake_.write("/boot/grub/grub.cfg", "custom.cfg");
  EXPECT_THAT(fact(), HasSubstr("grub"));
  fake_.write("/boot/efi/EFI/refind/refind.conf", "");
  EXPECT_THAT(fact(), HasSubstr("refind"));
  fake_.write("/boot/efi/loader/loader.conf", "");
  EXPECT_THAT(fact(), HasSubstr("systemd-boot"));
  ventoy();
  EXPECT_THAT(fact(), HasSubstr("ventoy"));
}

TEST_F(InstallTest, WhatIsInTheWayStays) {
  fake_.write("/media/data/boot/debian.efi", "somebody else's");
  EXPECT_THAT(plan(BootMenuKind::None), Fails(Code::Busy, "is not vhdboot's"));
  EXPECT_THAT(find_installed(fake_.system(), {}), IsEmpty());
  fake_.write("/boot/efi/EFI/vhdboot/debian.conf", "image /other.vhd\n");
  EXPECT_THAT(plan(BootMenuKind::Refind), Fails(Code::Busy, "is about /other.vhd"));
}

TEST_F(InstallTest, NotFromEverywhere) {
  const auto of = [&](std::string_view image) {
    return plan(BootMenuKind::None, [&](InstallRequest& request) { request.image = image; });
  };
  EXPECT_THAT(of("/home/debian.vhd"), Fails(Code::Unsupported, "is on ext4"));
  fake_.write("/proc/self/mountinfo", "23 22 8:3 / /media/data ro - ntfs3 /dev/sda3 ro\n");
  EXPECT_THAT(plan(BootMenuKind::None), Fails(Code::Unsupported, "mounted read-only"));
  EXPECT_THAT(plan(BootMenuKind::Refind), Fails(Code::NotFound, "no ESP is mounted"));
  fake_.write("/proc/self/mountinfo", "23 22 0:3 / /media/data rw - 9p D:\\134 rw\n");
  EXPECT_TRUE(plan({}));  // in WSL
}

TEST_F(InstallTest, Upgrade) {
  source_.bytes = boot_file("0.1.0");
  install(BootMenuKind::None);
  source_.bytes = boot_file("0.2.0");
  const auto files = find_installed(fake_.system(), {});
  const auto made = plan_upgrade(changer_, fake_.system(), files, source_);
  ASSERT_TRUE(made);
  ASSERT_THAT(made->changes, testing::SizeIs(1));
  EXPECT_EQ(made->changes.front().what, "vhdboot 0.2.0 instead of 0.1.0");
  ASSERT_TRUE(carry_out(changer_, *made));
  EXPECT_EQ(find_installed(fake_.system(), {}).front().version, "0.2.0");
  EXPECT_THAT(plan_upgrade(changer_, fake_.system(), files, source_)->changes, IsEmpty());
}

// Fails at one of its steps, as a full disk would.
class FailingChanger final : public Changer {
 public:
  FailingChanger(EfiVariables variables, int good) : Changer(std::move(variables)), good_(good) {}
  Result<void> put(Change::Target target, const std::string& path, const std::optional<FileBytes>& contents) override {
    if (good_-- == 0) return fail(Code::Io, "no room");
    return Changer::put(target, path, contents);
  }

 private:
  int good_;
};

// As Ctrl-C in the middle of a step.
class InterruptedChanger final : public Changer {
 public:
  InterruptedChanger(EfiVariables variables, int good) : Changer(std::move(variables)), good_(good) {}
  Result<void> put(Change::Target target, const std::string& path, const std::optional<FileBytes>& contents) override {
    if (good_-- == 0) ::raise(SIGINT);
    return Changer::put(target, path, contents);
  }

 private:
  int good_;
};

TEST_F(InstallTest, WhatIsInterruptedIsUndone) {
  // A signal that is ignored while it waits goes away.
  const auto handler = std::signal(SIGINT, [](int) {});
  expect_undone("stopped", [](const Plan& made, EfiVariables variables, int good) {
    const HeldSignals held;
    InterruptedChanger changer(std::move(variables), good);
    auto done = carry_out(changer, made);
    std::signal(SIGINT, SIG_IGN);
    std::signal(SIGINT, [](int) {});
    return done;
  });
  std::signal(SIGINT, handler);
}

TEST_F(InstallTest, WhatFailsHalfwayIsUndone) {
  expect_undone("no room", [](const Plan& made, EfiVariables variables, int good) {
    FailingChanger changer(std::move(variables), good);
    return carry_out(changer, made);
  });
}

TEST_F(InstallTest, WhatHasChangedMeanwhileIsLeftAlone) {
  const auto made = plan(BootMenuKind::None);
  ASSERT_TRUE(made);
  fake_.write("/media/data/boot/debian.efi", "just now");
  EXPECT_THAT(carry_out(changer_, *made), Fails(Code::Busy, "has changed meanwhile"));
  EXPECT_EQ(fake_.read("/media/data/boot/debian.efi"), "just now");
}

TEST_F(InstallTest, ThePlanAsText) {
  const auto made = plan(BootMenuKind::None);
  ASSERT_TRUE(made);
  const std::string root = fake_.system().root;
  EXPECT_EQ(plan_text(*made), concat("found    the boot menu: none\nwill     create ", root,
                                     "/media/data/boot/debian.efi: vhdboot 0.2.0, ", human_size(source_.bytes.size()),
                                     "\nwill not touch the image, partition tables and what else is on the volumes\n"));
  EXPECT_THAT(plan_json(*made, "vhdboot.install/1"),
              HasSubstr(R"({"schema":"vhdboot.install/1","changes":[{"do":"create","target":"file","path":)"));
}

}  // namespace
}  // namespace vhdboot::command
