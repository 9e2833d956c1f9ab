// SPDX-License-Identifier: GPL-2.0-or-later
#include "entry/addon.h"

#include <gmock/gmock.h>

#include "entry/uki.h"
#include "tests/unit/kexec/builders.h"

namespace vhdboot::entry {
namespace {

using namespace std::string_literals;
using test::Buffer;
using test::PeBuilder;
using ::testing::HasSubstr;

Result<Addon> parse(const PeBuilder& builder, const std::optional<std::string>& uname = {}) {
  const Buffer file = builder.build();
  return parse_addon(MemorySource(file), uname);
}

TEST(Addon, ReadsItsSections) {
  const Buffer file = PeBuilder()
                          .add(".sbat", "sbat,1")
                          .add(".cmdline", " debug\nloglevel=7 \0"s)
                          .add(".initrd", "the initrd")
                          .add(".ucode", "microcode")
                          .build();
  const auto addon = parse_addon(MemorySource(file), "6.1");
  ASSERT_TRUE(addon) << addon.error().text;
  EXPECT_EQ(addon->cmdline, "debug loglevel=7");
  const auto text = [&](Range range) { return as_text(slice(file, range.offset, range.length).value()); };
  EXPECT_EQ(text(addon->initrd.value()), "the initrd");
  EXPECT_EQ(text(addon->ucode.value()), "microcode");
  EXPECT_FALSE(addon->devicetree);
}

TEST(Addon, OneSectionIsEnough) {
  const auto blank = parse(PeBuilder().add(".cmdline", "\n"));
  ASSERT_TRUE(blank);
  EXPECT_EQ(blank->cmdline, "");
  EXPECT_FALSE(blank->initrd || blank->ucode);
  EXPECT_FALSE(parse(PeBuilder().add(".ucode", "x"))->cmdline);
  EXPECT_TRUE(parse(PeBuilder().add(".dtb", "x"))->devicetree);
  EXPECT_TRUE(parse(PeBuilder().add(".dtbauto", "x"))->devicetree);
}

TEST(Addon, MustAddSomething) {
  for (const auto& builder : {PeBuilder().add(".uname", "6.1"), PeBuilder().add(".cmdline", ""), PeBuilder(),
                              PeBuilder().add(".cmdline", "").add(".cmdline", "second")}) {
    const auto addon = parse(builder);
    ASSERT_FALSE(addon);
    EXPECT_EQ(addon.error().code, Code::NotFound);
  }
}

TEST(Addon, IsNoKernelImage) {
  const auto addon = parse(PeBuilder().add(".linux", "k").add(".cmdline", "x"));
  ASSERT_FALSE(addon);
  EXPECT_EQ(addon.error().code, Code::Unsupported);
  EXPECT_THAT(addon.error().text, HasSubstr("not an addon"));
  EXPECT_FALSE(parse_addon(MemorySource(as_bytes("no PE file")), {}));
}

TEST(Addon, TheUnameOfTheImageBeginsWithItsOwn) {
  const auto made_for = [](const std::string& uname) { return PeBuilder().add(".cmdline", "x").add(".uname", uname); };
  EXPECT_TRUE(parse(made_for("6.1.0-1"), "6.1.0-1"));
  EXPECT_TRUE(parse(made_for("6.1"), "6.1.0-1"));
  EXPECT_TRUE(parse(made_for("6.1.0-1\0"s), "6.1.0-1"));
  EXPECT_TRUE(parse(made_for("6.1.0-2"), std::nullopt));
  EXPECT_TRUE(parse(PeBuilder().add(".cmdline", "x"), "6.1.0-1"));
  EXPECT_FALSE(parse(made_for("6.1\0"s), "6.1.0-1"));
  EXPECT_FALSE(parse(made_for("6.1.0-1\n"), "6.1.0-1"));
  EXPECT_FALSE(parse(made_for("6.1.0-10"), "6.1.0-1"));
  const auto addon = parse(made_for("6.1.0-2"), "6.1.0-1\n");
  ASSERT_FALSE(addon);
  EXPECT_EQ(addon.error().code, Code::Unsupported);
  EXPECT_EQ(addon.error().text, "made for kernel 6.1.0-2, the image has 6.1.0-1");
}

TEST(Addon, TextsAreCapped) {
  const std::string longest(kMaxTextSection, 'x');
  EXPECT_TRUE(parse(PeBuilder().add(".cmdline", longest)));
  EXPECT_EQ(parse(PeBuilder().add(".cmdline", longest + "x")).error().code, Code::Corrupt);
  EXPECT_EQ(parse(PeBuilder().add(".cmdline", "x").add(".uname", longest + "x"), "6").error().code, Code::Corrupt);
}

TEST(Addon, EveryTruncationIsAnError) {
  const auto file = PeBuilder().add(".uname", "6.1").add(".cmdline", "x").build();
  for (std::size_t length = 0; length < file.size(); ++length)
    EXPECT_FALSE(parse_addon(MemorySource(Bytes(file).first(length)), "6.1")) << length;
}

}  // namespace
}  // namespace vhdboot::entry
