// SPDX-License-Identifier: GPL-2.0-or-later
#include "entry/uki_parts.h"

#include <gmock/gmock.h>

#include <deque>

#include "base/text.h"
#include "tests/unit/kexec/builders.h"

namespace vhdboot::entry {
namespace {

using namespace std::string_literals;
using test::Buffer;
using test::make_kernel;
using test::PeBuilder;
using test::to_buffer;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

// Only a size: what is never read.
class HugeSource final : public ByteSource {
 public:
  explicit HugeSource(std::uint64_t size) : size_(size) {}
  [[nodiscard]] std::uint64_t size() const override { return size_; }
  [[nodiscard]] Result<void> read(std::uint64_t, MutableBytes) const override {
    return fail(Code::Io, "nobody should read this");
  }

 private:
  std::uint64_t size_;
};

PeBuilder image() {
  PeBuilder builder;
  builder.add({.name = ".linux", .data = make_kernel(), .virtual_size = {}});
  return builder;
}

class UkiWithCompanions : public ::testing::Test {
 protected:
  CompanionFile file(std::string name, const Buffer& contents) {
    return {std::move(name), &sources_.emplace_back(buffers_.emplace_back(contents))};
  }
  CompanionFile text(std::string name, std::string_view contents) { return file(std::move(name), to_buffer(contents)); }
  CompanionFile addon(std::string name, std::string_view cmdline) {
    return file(std::move(name), PeBuilder().add(".cmdline", cmdline).build());
  }

  Result<UkiParts> parts(const PeBuilder& builder, unsigned profile = 0) {
    const MemorySource& source = sources_.emplace_back(buffers_.emplace_back(builder.build()));
    auto uki = parse_uki(source, profile);
    if (!uki) return std::unexpected(uki.error());
    return uki_parts(source, *uki, companions_);
  }

  std::string cmdline(std::string_view embedded) {
    const auto result = parts(image().add(".cmdline", embedded));
    EXPECT_TRUE(result);
    return result ? result->parts.cmdline : "";
  }

  static std::string text_of(const kexec::Piece& piece) {
    std::vector<std::byte> bytes(piece.range.length);
    EXPECT_TRUE(piece.file->read(piece.range.offset, bytes));
    return std::string(as_text(bytes));
  }
  static std::vector<std::string> texts_of(const std::vector<kexec::Piece>& pieces) {
    std::vector<std::string> out;
    for (const kexec::Piece& piece : pieces) out.push_back(text_of(piece));
    return out;
  }
  static std::string joined(const std::vector<kexec::Piece>& pieces) {
    std::string out;
    for (const kexec::Piece& piece : pieces) {
      out += text_of(piece);
      out.resize(align_up(out.size(), 4));
    }
    return out;
  }
  // The names of the entries in an archive, or several.
  static std::vector<std::string> names_in(std::string_view archive) {
    std::vector<std::string> out;
    while (archive.size() >= 110) {
      EXPECT_TRUE(archive.starts_with("070701"));
      const auto data = parse_u64(archive.substr(6 + 6 * 8, 8), 16).value();
      const auto name = parse_u64(archive.substr(6 + 11 * 8, 8), 16).value();
      out.emplace_back(archive.substr(110, name - 1));
      archive.remove_prefix(align_up(110 + name, 4) + align_up(data, 4));
    }
    return out;
  }

  Companions companions_;
  std::deque<Buffer> buffers_;
  std::deque<MemorySource> sources_;
};

TEST_F(UkiWithCompanions, TheImageAlone) {
  const auto result = parts(image().add(".cmdline", "quiet\n").add(".initrd", "initrd").add(".ucode", "micro"));
  ASSERT_TRUE(result) << result.error().text;
  EXPECT_THAT(texts_of(result->parts.microcode), ElementsAre("micro"));
  EXPECT_THAT(texts_of(result->parts.initrds), ElementsAre("initrd"));
  EXPECT_THAT(result->parts.extras, IsEmpty());
  EXPECT_THAT(result->parts.addons, IsEmpty());
  EXPECT_EQ(result->parts.cmdline, "quiet");
  EXPECT_THAT(result->warnings, IsEmpty());
  EXPECT_EQ(parts(image())->parts.cmdline, "");
}

TEST_F(UkiWithCompanions, GlobalAddonsThenTheImagesOwnSortedByName) {
  const auto full = [&](const std::string& name) {
    return file(name + ".addon.efi",
                PeBuilder().add(".cmdline", name).add(".initrd", "i" + name).add(".ucode", "u" + name).build());
  };
  companions_.addons = {full("b"), full("Z"), full("a")};
  companions_.extra = {full("d"), full("C")};
  const auto result = parts(image().add(".cmdline", "quiet").add(".ucode", "micro").add(".initrd", "initrd"));
  ASSERT_TRUE(result) << result.error().text;
  EXPECT_EQ(result->parts.cmdline, "quiet Z a b C d");
  EXPECT_THAT(texts_of(result->parts.microcode), ElementsAre("ud", "uC", "ub", "ua", "uZ", "micro"));
  EXPECT_THAT(texts_of(result->parts.initrds), ElementsAre("initrd"));
  EXPECT_THAT(texts_of(result->parts.addons), ElementsAre("iZ", "ia", "ib", "iC", "id"));

  const auto plan = make_plan(result->parts, "");
  ASSERT_TRUE(plan) << plan.error().text;
  std::string initrd;
  for (const auto& part : plan->initrds) initrd += text_of(part.source) + ' ';
  EXPECT_EQ(initrd, "ud uC ub ua uZ micro initrd iZ ia ib iC id ");
}

TEST_F(UkiWithCompanions, AnInitrdInAnAddonIsOne) {
  companions_.addons = {file("a.addon.efi", PeBuilder().add(".initrd", "x").build())};
  EXPECT_TRUE(make_plan(parts(image())->parts, "")->has_initrd);
  companions_.addons = {file("a.addon.efi", PeBuilder().add(".ucode", "x").build())};
  EXPECT_FALSE(make_plan(parts(image())->parts, "")->has_initrd);
}

TEST_F(UkiWithCompanions, CommandLinesAreJoinedAsTheStubJoins) {
  EXPECT_EQ(cmdline(" a \n"), "a");
  companions_.addons = {addon("1.addon.efi", " b\nc "), addon("2.addon.efi", "d")};
  EXPECT_EQ(cmdline(" a \n"), "a b c d");
  EXPECT_EQ(cmdline(""), "b c d");
  companions_.smbios_options = " e ";
  EXPECT_EQ(cmdline("a"), "a b c d e");
  companions_.addons.clear();
  EXPECT_EQ(cmdline(""), "e");
  companions_.smbios_options = " ";
  EXPECT_EQ(cmdline("a"), "a");
  // A blank one leaves the space between itself and the next.
  companions_.addons = {addon("1.addon.efi", " "), addon("2.addon.efi", "b"), addon("3.addon.efi", "\n"),
                        addon("4.addon.efi", "c"), addon("5.addon.efi", " ")};
  EXPECT_EQ(cmdline("a"), "a b  c");
  companions_.addons = {addon("1.addon.efi", " ")};
  EXPECT_EQ(cmdline("a"), "a");
}

TEST_F(UkiWithCompanions, LoadOptionsStandInForTheImagesOwn) {
  companions_.load_options = " x\ny ";
  EXPECT_EQ(cmdline("a"), "x y");
  companions_.addons = {addon("1.addon.efi", "b")};
  companions_.smbios_options = "c";
  EXPECT_EQ(cmdline("a"), "x y b c");
}

TEST_F(UkiWithCompanions, AnArchiveForEachKind) {
  companions_.extra = {text("tool.sysext.raw", "s"), text("b.cred", "bb"),       text("a.cred", "a"),
                       text("old.raw", "o"),         text("c.confext.raw", "c"), text("notes", "n")};
  companions_.credentials = {text("all.cred", "x"), text("x.raw", "no")};
  companions_.addons = {text("x.cred", "no")};
  const auto result =
      parts(image().add(".pcrpkey", "key").add(".osrel", "ID=x\n\0"s).add(".pcrsig", "{}").add(".profile", "ID=main"));
  ASSERT_TRUE(result) << result.error().text;
  EXPECT_THAT(result->warnings, IsEmpty());
  EXPECT_THAT(
      names_in(joined(result->parts.extras)),
      ElementsAre(".extra", ".extra/credentials", ".extra/credentials/a.cred", ".extra/credentials/b.cred",
                  "TRAILER!!!", ".extra", ".extra/global_credentials", ".extra/global_credentials/all.cred",
                  "TRAILER!!!", ".extra", ".extra/sysext", ".extra/sysext/old.raw", ".extra/sysext/tool.sysext.raw",
                  "TRAILER!!!", ".extra", ".extra/confext", ".extra/confext/c.confext.raw", "TRAILER!!!", ".extra",
                  ".extra/tpm2-pcr-signature.json", "TRAILER!!!", ".extra", ".extra/tpm2-pcr-public-key.pem",
                  "TRAILER!!!", ".extra", ".extra/os-release", "TRAILER!!!", ".extra", ".extra/profile", "TRAILER!!!"));
  const auto contents = texts_of(result->parts.extras);
  EXPECT_THAT(contents,
              ::testing::IsSupersetOf({"a"s, "bb"s, "x"s, "o"s, "s"s, "c"s, "{}"s, "key"s, "ID=x\n\0"s, "ID=main"s}));
}

TEST_F(UkiWithCompanions, TheProfileThatIsBooted) {
  const auto builder = image().add(".osrel", "ID=x").add(".profile", "ID=a").add(".profile", "ID=b").add(".osrel", "");
  EXPECT_THAT(texts_of(parts(builder)->parts.extras), ::testing::Contains("ID=a"));
  const auto second = parts(builder, 1);
  ASSERT_TRUE(second);
  EXPECT_THAT(texts_of(second->parts.extras), ::testing::Contains("ID=b"));
  // A profile can take away a section of the base.
  EXPECT_THAT(names_in(joined(second->parts.extras)), ElementsAre(".extra", ".extra/profile", "TRAILER!!!"));
}

TEST_F(UkiWithCompanions, WhatCannotBeUsedIsPassedOverWithASentence) {
  companions_.addons = {text("junk.addon.efi", "no PE file"),
                        file("other.addon.efi", PeBuilder().add(".cmdline", "x").add(".uname", "6.2").build()),
                        file("tree.addon.efi", PeBuilder().add(".dtb", "d").add(".cmdline", "y").build()),
                        file("uki.addon.efi", image().build())};
  const auto result = parts(image().add(".uname", "6.12.2-test\n").add(".dtb", "tree").add(".hwids", "h"));
  ASSERT_TRUE(result) << result.error().text;
  EXPECT_EQ(result->parts.cmdline, "y");
  EXPECT_THAT(result->warnings,
              ElementsAre("the addon junk.addon.efi is passed over: not a PE file (too short)",
                          "the addon other.addon.efi is passed over: made for kernel 6.2, the image has 6.12.2-test",
                          "the addon tree.addon.efi brings a devicetree, which is not used on this machine",
                          "the addon uki.addon.efi is passed over: a unified kernel image, not an addon: it has a "
                          ".linux section",
                          "the image says that its kernel is 6.12.2-test, the kernel itself says 6.12.1-test",
                          "the image brings a devicetree, which is not used on this machine"));
  companions_ = {};
  EXPECT_THAT(parts(image().add(".uname", "6.12.1-test"))->warnings, IsEmpty());
}

TEST_F(UkiWithCompanions, LargeFilesAreNamedNotRead) {
  const HugeSource huge(kMaxCompanionBytes - 1);
  companions_.extra = {{"a.raw", &huge}, text("b.raw", "x")};
  const auto result = parts(image());
  ASSERT_TRUE(result) << result.error().text;
  EXPECT_THAT(result->parts.extras, ::testing::Contains(kexec::Piece{&huge, {0, huge.size()}}));
  companions_.credentials = {text("c.cred", "x")};
  const auto more = parts(image());
  ASSERT_FALSE(more);
  EXPECT_EQ(more.error().code, Code::NoMemory);
  EXPECT_THAT(more.error().text, HasSubstr("more than 1 GiB"));
  const HugeSource endless(UINT64_MAX);
  companions_.extra = {{"a.raw", &endless}};
  EXPECT_FALSE(parts(image()));
}

TEST_F(UkiWithCompanions, TheNumberIsCapped) {
  for (std::size_t i = 0; i < kMaxCompanions; ++i) companions_.extra.push_back(text(concat(i, ".cred"), "x"));
  companions_.extra.push_back(text("notes", "x"));
  EXPECT_TRUE(parts(image()));
  companions_.extra.push_back(text("x.raw", "x"));
  EXPECT_EQ(parts(image()).error().code, Code::Unsupported);
}

}  // namespace
}  // namespace vhdboot::entry
