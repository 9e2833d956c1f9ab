// SPDX-License-Identifier: GPL-2.0-or-later
#include "entry/uki.h"

#include <gmock/gmock.h>

#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "base/text.h"
#include "tests/unit/kexec/builders.h"

namespace vhdboot::entry {
namespace {

using namespace std::string_literals;
using test::Buffer;
using test::PeBuilder;
using test::to_buffer;
using ::testing::HasSubstr;

Result<Uki> parse(const Buffer& file, unsigned profile = 0) {
  return parse_uki(MemorySource(file), profile);
}

std::string text_of(const Buffer& file, Range range) {
  return std::string(as_text(slice(file, range.offset, range.length).value()));
}

TEST(Uki, ReadsAllSections) {
  const auto file = PeBuilder()
                        .add(".text", "code")
                        .add(".osrel", "ID=debian\n")
                        .add(".cmdline", "root=UUID=1 quiet\n\0"s)
                        .add(".uname", "6.1.0-1-amd64\n")
                        .add(".ucode", "microcode")
                        .add(".pcrsig", "{}")
                        .add(".pcrpkey", "key")
                        .add(".initrd", "the initrd")
                        .add(".linux", "the kernel")
                        .build();
  const auto uki = parse(file);
  ASSERT_TRUE(uki) << uki.error().text;
  EXPECT_EQ(text_of(file, uki->kernel), "the kernel");
  EXPECT_EQ(text_of(file, uki->initrd.value()), "the initrd");
  EXPECT_EQ(text_of(file, uki->ucode.value()), "microcode");
  EXPECT_EQ(text_of(file, uki->pcrsig.value()), "{}");
  EXPECT_EQ(text_of(file, uki->pcrpkey.value()), "key");
  EXPECT_EQ(uki->cmdline, "root=UUID=1 quiet");
  EXPECT_EQ(uki->osrel, "ID=debian\n");
  EXPECT_EQ(uki->uname, "6.1.0-1-amd64");
  EXPECT_EQ(uki->uname_section, "6.1.0-1-amd64\n");
  EXPECT_EQ(text_of(file, uki->osrel_section.value()), "ID=debian\n");
  EXPECT_FALSE(uki->profile);
  EXPECT_FALSE(uki->devicetree);
  EXPECT_TRUE(uki->profiles.empty());
}

TEST(Uki, OnlyTheKernelIsMandatory) {
  const auto uki = parse(PeBuilder().add(".linux", "k").build());
  ASSERT_TRUE(uki) << uki.error().text;
  EXPECT_FALSE(uki->initrd);
  EXPECT_FALSE(uki->cmdline);

  const auto none = parse(PeBuilder().add(".cmdline", "quiet").build());
  ASSERT_FALSE(none);
  EXPECT_EQ(none.error().code, Code::NotFound);
  EXPECT_THAT(none.error().text, HasSubstr("no .linux section"));
}

TEST(Uki, AnEmptyUnameIsNone) {
  EXPECT_EQ(parse(PeBuilder().add(".linux", "k").add(".uname", "").build())->uname_section, std::nullopt);
  EXPECT_EQ(parse(PeBuilder().add(".linux", "k").build())->uname_section, std::nullopt);
}

TEST(Uki, KnowsOfADevicetree) {
  EXPECT_TRUE(parse(PeBuilder().add(".linux", "k").add(".dtb", "d").build())->devicetree);
  EXPECT_TRUE(parse(PeBuilder().add(".linux", "k").add(".dtbauto", "d").build())->devicetree);
}

TEST(Uki, AnEmptyCmdlineIsNotNone) {
  const auto uki = parse(PeBuilder().add(".linux", "k").add(".cmdline", "\n").build());
  ASSERT_TRUE(uki);
  EXPECT_EQ(uki->cmdline, "");
}

TEST(Uki, TheFirstOfTwoEqualSectionsCounts) {
  const auto uki = parse(PeBuilder().add(".linux", "k").add(".cmdline", "a").add(".cmdline", "b").build());
  ASSERT_TRUE(uki);
  EXPECT_EQ(uki->cmdline, "a");
}

class UkiProfiles : public ::testing::Test {
 protected:
  const Buffer file_ = PeBuilder()
                           .add(".linux", "k")
                           .add(".cmdline", "base")
                           .add(".initrd", "base initrd")
                           .add(".profile", "ID=main\nTITLE=\"The usual one\"\n")
                           .add(".profile", "ID=rescue\n")
                           .add(".cmdline", "base rescue")
                           .add(".profile", "ID=reset\n")
                           .add(".initrd", "reset initrd")
                           .add(".linux", "another kernel")
                           .build();
};

TEST_F(UkiProfiles, TheDefaultIsTheFirst) {
  const auto uki = parse(file_);
  ASSERT_TRUE(uki) << uki.error().text;
  ASSERT_EQ(uki->profiles.size(), 3U);
  EXPECT_EQ(uki->profiles[0].id, "main");
  EXPECT_EQ(uki->profiles[0].title, "The usual one");
  EXPECT_EQ(uki->profiles[2].id, "reset");
  EXPECT_EQ(uki->cmdline, "base");
  EXPECT_EQ(text_of(file_, *uki->initrd), "base initrd");
}

TEST_F(UkiProfiles, AProfileOverridesTheBaseAndNothingElse) {
  const auto rescue = parse(file_, 1);
  ASSERT_TRUE(rescue);
  EXPECT_EQ(rescue->cmdline, "base rescue");
  EXPECT_EQ(text_of(file_, rescue->profile.value()), "ID=rescue\n");
  EXPECT_EQ(text_of(file_, *rescue->initrd), "base initrd");
  const auto reset = parse(file_, 2);
  ASSERT_TRUE(reset);
  EXPECT_EQ(reset->cmdline, "base");
  EXPECT_EQ(text_of(file_, *reset->initrd), "reset initrd");
  EXPECT_EQ(text_of(file_, reset->kernel), "another kernel");
}

TEST_F(UkiProfiles, OneTooManyIsNotFound) {
  const auto uki = parse(file_, 3);
  ASSERT_FALSE(uki);
  EXPECT_EQ(uki.error().code, Code::NotFound);
  EXPECT_THAT(uki.error().text, HasSubstr("no profile @3: the image has 3"));
  EXPECT_FALSE(parse(PeBuilder().add(".linux", "k").build(), 1));
}

TEST(Uki, TextSectionsAreCapped) {
  const std::string longest(kMaxTextSection, 'x');
  EXPECT_TRUE(parse(PeBuilder().add(".linux", "k").add(".cmdline", longest).build()));
  const auto uki = parse(PeBuilder().add(".linux", "k").add(".osrel", longest + "x").build());
  ASSERT_FALSE(uki);
  EXPECT_EQ(uki.error().code, Code::Corrupt);
  EXPECT_THAT(uki.error().text, HasSubstr("section .osrel has 64 KiB of text"));
}

TEST(Uki, EveryTruncationIsAnError) {
  const auto file = PeBuilder().add(".linux", "k").add(".profile", "ID=1").add(".cmdline", "x").build();
  for (std::size_t length = 0; length < file.size(); ++length)
    EXPECT_FALSE(parse(Buffer(file.begin(), file.begin() + static_cast<std::ptrdiff_t>(length)))) << length;
}

TEST(CleanCmdline, AsSystemdStub) {
  EXPECT_EQ(clean_cmdline("quiet\n"), "quiet");
  EXPECT_EQ(clean_cmdline("quiet\0\0\0"s), "quiet");
  EXPECT_EQ(clean_cmdline("quiet\0evil=1"s), "quiet");
  EXPECT_EQ(clean_cmdline(" \t a\n"), "a");
  EXPECT_EQ(clean_cmdline("a\nb\tc\x01"
                          "d\x7f"),
            "a b c d");
  EXPECT_EQ(clean_cmdline("a  b"), "a  b");
  EXPECT_EQ(clean_cmdline("label=D\xC3\xA0"), "label=D\xC3\xA0");
  EXPECT_EQ(clean_cmdline("\n\n"), "");
}

TEST(Osrel, Values) {
  const std::string_view text =
      "# ID=comment\nID=debian\nPRETTY_NAME=\"Debian GNU/Linux 12 \\\"x\\\"\"\r\n  NAME='a \\b'\n"
      "VERSION_ID=\"12\"\nVERSION_ID=13\nEMPTY=\nnonsense\n=x\n";
  EXPECT_EQ(osrel_value(text, "ID"), "debian");
  EXPECT_EQ(osrel_value(text, "PRETTY_NAME"), "Debian GNU/Linux 12 \"x\"");
  EXPECT_EQ(osrel_value(text, "NAME"), "a \\b");
  EXPECT_EQ(osrel_value(text, "VERSION_ID"), "13");
  EXPECT_EQ(osrel_value(text, "EMPTY"), "");
  EXPECT_EQ(osrel_value(text, "I"), std::nullopt);
}

// A real one: systemd's stub with sections added by objcopy, as ukify and the boot-chain's guests do it.
TEST(Uki, ReadsWhatObjcopyMakesOfTheRealStub) {
  const std::string stub = "/usr/lib/systemd/boot/efi/linuxx64.efi.stub";
  if (!std::filesystem::exists(stub) || std::system("objcopy --version >/dev/null 2>&1") != 0)
    GTEST_SKIP() << "systemd-boot-efi or objcopy is not installed";
  const std::filesystem::path folder = std::filesystem::path(::testing::TempDir()) / concat("uki-", ::getpid());
  std::filesystem::create_directories(folder);
  const auto write = [&](const char* name, std::string_view text) {
    std::ofstream(folder / name, std::ios::binary) << text;
  };
  write("cmdline", "root=/dev/sda2 quiet");
  write("osrel", "ID=debian\n");
  write("linux", "a kernel");
  write("initrd", std::string(5000, 'i'));
  const std::string in = folder.string();
  const std::string command =
      concat("cd ", in, " && objcopy --add-section .osrel=osrel --change-section-vma .osrel=0x20000 ",
             "--add-section .cmdline=cmdline --change-section-vma .cmdline=0x30000 ",
             "--add-section .initrd=initrd --change-section-vma .initrd=0x40000 ",
             "--add-section .linux=linux --change-section-vma .linux=0x2000000 ", stub, " out.efi");
  ASSERT_EQ(std::system(command.c_str()), 0);
  std::ifstream stream(folder / "out.efi", std::ios::binary);
  const Buffer file = to_buffer(std::string{std::istreambuf_iterator<char>(stream), {}});
  std::filesystem::remove_all(folder);
  const auto uki = parse(file);
  ASSERT_TRUE(uki) << uki.error().text;
  EXPECT_EQ(uki->cmdline, "root=/dev/sda2 quiet");
  EXPECT_EQ(uki->osrel, "ID=debian\n");
  EXPECT_EQ(text_of(file, uki->kernel), "a kernel");
  EXPECT_EQ(text_of(file, uki->initrd.value()), std::string(5000, 'i'));
}

}  // namespace
}  // namespace vhdboot::entry
