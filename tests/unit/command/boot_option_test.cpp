// SPDX-License-Identifier: GPL-2.0-or-later
#include "tools/vhdboot/boot_option.h"

#include "tests/unit/base/error_matchers.h"
#include "tools/vhdboot/efi_variables.h"

namespace vhdboot::command {
namespace {

using test::Fails;
using testing::ElementsAre;

BootOption debian() {
  return {.active = true,
          .title = "Debian in a VHD",
          .partition =
              BootPartition{
                  .partuuid = "5eed0001-0000-4000-8000-0000000000e5", .number = 1, .start = 2048, .length = 1048576},
          .file = "/EFI/vhdboot/debian.efi"};
}

TEST(BootOption, IsReadAsItWasWritten) {
  const auto packed = pack_boot_option(debian());
  ASSERT_TRUE(packed);
  EXPECT_EQ(parse_boot_option(*packed), debian());
  // attributes, length of the path, title, hard drive node, file node, end node
  EXPECT_EQ(packed->size(), 4 + 2 + 16 * 2 + 42 + (4 + 24 * 2) + 4);
  EXPECT_EQ(load_le<std::uint16_t>(*packed, 4), 42 + 4 + 24 * 2 + 4);
}

TEST(BootOption, OnAnMbrDisk) {
  BootOption option = debian();
  option.partition->partuuid = "5eedb007-02";
  option.partition->number = 2;
  EXPECT_EQ(parse_boot_option(pack_boot_option(option).value()), option);
}

TEST(BootOption, WithoutWhatItTakesIsNotWritten) {
  BootOption option = debian();
  option.file.clear();
  EXPECT_THAT(pack_boot_option(option), Fails(Code::Invalid, "needs a partition and a file"));
  option = debian();
  option.partition->partuuid = "x";
  EXPECT_THAT(pack_boot_option(option), Fails(Code::Invalid, "no partition is called"));
  option = debian();
  option.title = "\xFF";
  EXPECT_THAT(pack_boot_option(option), Fails(Code::Invalid, "cannot be told"));
}

TEST(BootOption, ThatIsCutOffIsDamaged) {
  const auto packed = pack_boot_option(debian()).value();
  EXPECT_THAT(parse_boot_option({}), Fails(Code::Corrupt, "too short"));
  EXPECT_THAT(parse_boot_option(Bytes(packed).first(5)), Fails(Code::Corrupt, "too short"));
  EXPECT_THAT(parse_boot_option(Bytes(packed).first(20)), Fails(Code::Corrupt, "reaches beyond"));
  EXPECT_THAT(parse_boot_option(Bytes(packed).first(packed.size() - 1)), Fails(Code::Corrupt, "reaches beyond"));
  EXPECT_THAT(parse_boot_option(std::vector<std::byte>(kMaxBootOption + 1)), Fails(Code::Corrupt, "bytes"));
}

TEST(BootOption, Numbers) {
  EXPECT_EQ(boot_number("Boot000A"), 10);
  EXPECT_EQ(boot_number("Boot000a"), std::nullopt);
  EXPECT_EQ(boot_number("BootNext"), std::nullopt);
  EXPECT_EQ(boot_number("Boot00001"), std::nullopt);
  EXPECT_EQ(boot_variable(0x2fa), "Boot02FA");
  EXPECT_THAT(parse_boot_numbers(pack_boot_numbers({1, 0xABCD})).value(), ElementsAre(1, 0xABCD));
  EXPECT_THAT(parse_boot_numbers(std::vector<std::byte>(3)), Fails(Code::Corrupt, "3 bytes"));
}

TEST(EfiTexts, EachEndsWithANul) {
  auto list = efi_text("arch.conf");
  const auto second = efi_text("auto-windows");
  list.insert(list.end(), second.begin(), second.end());
  EXPECT_THAT(efi_texts(list), ElementsAre("arch.conf", "auto-windows"));
  list.resize(list.size() - 2);
  EXPECT_THAT(efi_texts(list), ElementsAre("arch.conf", "auto-windows"));
  EXPECT_THAT(efi_texts({}), ElementsAre());
}

}  // namespace
}  // namespace vhdboot::command
