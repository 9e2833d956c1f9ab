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

}  // namespace
}  // namespace vhdboot::guest
