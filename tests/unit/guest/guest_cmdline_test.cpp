// SPDX-License-Identifier: GPL-2.0-or-later
#include "init/guest/guest_cmdline.h"

#include "tests/unit/base/error_matchers.h"

namespace vhdboot::guest {
namespace {

using test::Fails;
using testing::ElementsAre;
using testing::HasSubstr;

DiskFacts disk() {
  return {.scheme = disk::Scheme::Gpt,
          .partitions = {{.number = 1, .partuuid = "p-1", .fs_type = "vfat", .fs_uuid = "1234-ABCD"},
                         {.number = 2, .partuuid = "p-2", .fs_type = "ext4", .fs_uuid = "f-2"}}};
}

std::vector<std::string> what(const GuestCommandLine& made) {
  std::vector<std::string> out;
  for (const LineChange& change : made.changes) {
    EXPECT_FALSE(change.why.empty()) << change.what;
    out.push_back(change.what);
  }
  return out;
}

TEST(GuestCommandLine, AlwaysSafe) {
  const auto made = guest_command_line("root=UUID=f-2 ro", "", disk());
  ASSERT_TRUE(made);
  EXPECT_EQ(made->line.text(), "root=UUID=f-2 ro nohibernate");
  EXPECT_THAT(what(*made), ElementsAre("nohibernate"));
}

TEST(GuestCommandLine, EveryChangeIsTold) {
  const auto made = guest_command_line("root=/dev/sda2 mount.usr=/dev/sda1 -- 3", "quiet debug", disk());
  ASSERT_TRUE(made);
  EXPECT_EQ(made->line.text(), "root=UUID=f-2 mount.usr=UUID=1234-ABCD nohibernate quiet debug -- 3");
  EXPECT_THAT(what(*made), ElementsAre("nohibernate", "quiet debug", "root=/dev/sda2 becomes root=UUID=f-2",
                                       "mount.usr=/dev/sda1 becomes mount.usr=UUID=1234-ABCD"));
  EXPECT_THAT(made->changes[2].why, HasSubstr("another disk"));
}

TEST(GuestCommandLine, TheConfiguredRootCounts) {
  const auto made = guest_command_line("root=/dev/sda9", "root=/dev/sda2", disk());
  ASSERT_TRUE(made);
  EXPECT_EQ(made->line.text(), "nohibernate root=UUID=f-2");
}

TEST(GuestCommandLine, Discovered) {
  DiskFacts discoverable = disk();
  discoverable.partitions[1].type = disk::kRootX8664Type;
  const auto made = guest_command_line("quiet", "", discoverable);
  ASSERT_TRUE(made);
  EXPECT_THAT(what(*made), ElementsAre("nohibernate", "root=UUID=f-2"));
  EXPECT_THAT(made->changes[1].why, HasSubstr("partition type"));
  discoverable.partitions[1].fs_type = "crypto_LUKS";
  EXPECT_THAT(what(guest_command_line("quiet", "", discoverable).value()),
              ElementsAre("nohibernate", "root=/dev/mapper/root", "rd.luks.name=f-2=root"));
  EXPECT_THAT(what(guest_command_line("quiet", "", disk()).value()),
              ElementsAre("nohibernate", "rd.systemd.gpt_auto=0"));
}

TEST(GuestCommandLine, Refused) {
  EXPECT_THAT(guest_command_line("root=/dev/sdb1", "", disk()), Fails(Code::NotFound, "root=: the guest names"));
  EXPECT_THAT(guest_command_line("root=UUID=f-2 mount.usr=/dev/sdb1", "", disk()), Fails(Code::NotFound, "mount.usr="));
}

TEST(GuestCommandLine, AnOpenQuoteDoesNotSwallowWhatIsAdded) {
  const auto made = guest_command_line("root=UUID=x dyndbg=\"file x +p", "ro", {});
  ASSERT_FALSE(made);
  EXPECT_EQ(made.error().code, Code::Invalid);
  EXPECT_NE(made.error().text.find("never closed"), std::string::npos);
  EXPECT_TRUE(guest_command_line("root=UUID=x dyndbg=\"file x +p\"", "ro", {}));
}

TEST(Start, IsToldAndReadAgain) {
  auto line = kexec::CommandLine::parse("root=UUID=f-2 ro -- 3");
  const Start start{
      .image = "/my images/debian.vhd", .entry = "debian.efi", .efi_file = "/boot/debian.efi", .version = "1"};
  tell_start(line, start);
  EXPECT_EQ(line.text(),
            "root=UUID=f-2 ro vhdboot.image=\"/my images/debian.vhd\" vhdboot.entry=debian.efi "
            "vhdboot.efi=/boot/debian.efi vhdboot.version=1 -- 3");
  EXPECT_EQ(read_start(kexec::CommandLine::parse(line.text())), start);
}

TEST(Start, OfAnEarlierBootIsGone) {
  auto line = kexec::CommandLine::parse("vhdboot.image=/old.vhd vhdboot.efi=/old.efi quiet vhdboot.image=/older.vhd");
  tell_start(line, {.image = "/new.vhd", .entry = "", .efi_file = "", .version = "2"});
  EXPECT_EQ(line.text(), "quiet vhdboot.image=/new.vhd vhdboot.version=2");
}

TEST(Start, IsLeftOutRatherThanInTheWay) {
  kexec::CommandLine line;
  tell_start(line, {.image = "/a.vhd", .entry = "say \"x\"", .efi_file = "", .version = "1"});
  EXPECT_EQ(line.text(), "vhdboot.image=/a.vhd vhdboot.version=1");
  auto full = kexec::CommandLine::parse(std::string(2000, 'x'));
  tell_start(full, {.image = "/a.vhd", .entry = "", .efi_file = "", .version = "1"});
  EXPECT_EQ(full.text(), std::string(2000, 'x'));
  EXPECT_FALSE(read_start(full));
}

}  // namespace
}  // namespace vhdboot::guest
