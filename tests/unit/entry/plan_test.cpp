// SPDX-License-Identifier: GPL-2.0-or-later
#include "kexec/plan.h"

#include <gmock/gmock.h>

#include "base/cpio.h"
#include "base/text.h"
#include "entry/uki_parts.h"
#include "tests/unit/kexec/builders.h"

namespace vhdboot::kexec {
namespace {

using test::Buffer;
using test::make_kernel;
using test::PeBuilder;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

PeBuilder image() {
  PeBuilder builder;
  builder.add({.name = ".linux", .data = make_kernel(), .virtual_size = {}});
  return builder;
}

Result<KexecPlan> plan(const PeBuilder& builder, std::string_view extra = "") {
  const Buffer file = builder.build();
  const MemorySource source(file);
  const auto uki = entry::parse_uki(source);
  if (!uki) return std::unexpected(uki.error());
  return make_plan(entry::parts_of(source, *uki), extra);
}

TEST(Plan, MicrocodeThenInitrdThenArchive) {
  const auto builder = image().add(".initrd", "initrd").add(".ucode", "micro").add(".cmdline", "quiet\n");
  const Buffer file = builder.build();
  const MemorySource source(file);
  const auto uki = entry::parse_uki(source).value();
  const auto result = make_plan(entry::parts_of(source, uki), "debug");
  ASSERT_TRUE(result) << result.error().text;
  EXPECT_EQ(result->kernel, (Piece{&source, uki.kernel}));
  EXPECT_EQ(result->header.version, "6.12.1-test");
  EXPECT_THAT(result->initrds,
              ElementsAre(InitrdPart{{&source, *uki.ucode}, 0}, InitrdPart{{&source, *uki.initrd}, 8}));
  EXPECT_EQ(result->archive_at, 20U);
  EXPECT_TRUE(result->has_initrd);
  EXPECT_EQ(result->cmdline, "rdinit=/vhdboot/init quiet debug");
  EXPECT_EQ(result->guest_init, "/init");
}

TEST(Plan, PiecesOfSeveralFiles) {
  const Buffer kernel = make_kernel();
  const MemorySource kernel_file(kernel);
  const Buffer small(5);
  const MemorySource one(small), two(small), three(small), four(small);
  const Range all{0, 5};
  const BootParts parts{.kernel = {&kernel_file, {0, kernel.size()}},
                        .microcode = {{&one, all}},
                        .initrds = {{&two, all}, {&two, {}}, {&three, all}},
                        .extras = {{&one, all}},
                        .addons = {{&four, all}},
                        .cmdline = "quiet"};
  const auto result = make_plan(parts, "");
  ASSERT_TRUE(result) << result.error().text;
  EXPECT_THAT(result->initrds,
              ElementsAre(InitrdPart{{&one, all}, 0}, InitrdPart{{&two, all}, 8}, InitrdPart{{&three, all}, 16},
                          InitrdPart{{&one, all}, 24}, InitrdPart{{&four, all}, 32}));
  EXPECT_EQ(result->archive_at, 44U) << "a word of zeros, by which lz4 ends";

  const BootParts only_extras{
      .kernel = parts.kernel, .microcode = {}, .initrds = {}, .extras = parts.extras, .cmdline = {}};
  EXPECT_FALSE(make_plan(only_extras, "").value().has_initrd);
  const BootParts only_addons{
      .kernel = parts.kernel, .microcode = {}, .initrds = {}, .extras = {}, .addons = parts.addons, .cmdline = {}};
  EXPECT_TRUE(make_plan(only_addons, "").value().has_initrd);
}

// Each kind of large piece at its place within a page, relative to the first one's.
TEST(Plan, LargePiecesLieInAPageAsInTheirFiles) {
  const Buffer kernel = make_kernel();
  const MemorySource kernel_file(kernel);
  const Buffer large(3 << 20);
  const MemorySource file(large);
  const auto destinations = [&](std::vector<Range> ranges) {
    BootParts parts{
        .kernel = {&kernel_file, {0, kernel.size()}}, .microcode = {}, .initrds = {}, .extras = {}, .cmdline = {}};
    for (const Range& range : ranges) parts.initrds.push_back({&file, range});
    std::vector<std::uint64_t> found;
    const auto planned = make_plan(parts, "").value();
    for (const InitrdPart& part : planned.initrds) found.push_back(part.destination);
    return found;
  };
  constexpr std::uint64_t kMuch = 1 << 20;
  EXPECT_THAT(destinations({{0x10200, 5}, {0x400, kMuch}}), ElementsAre(0, 0x200));
  EXPECT_THAT(destinations({{0, 5000}, {0, kMuch + 1}, {4096, kMuch}}), ElementsAre(0, 0x2000, 0x103000));
  EXPECT_THAT(destinations({{0x400, kMuch}, {0x200, kMuch}}), ElementsAre(0, 0x100E00));
  EXPECT_THAT(destinations({{0, 5}, {0, 4095}, {0, 5}}), ElementsAre(0, 8, 0x1008));
  // No multiple of four: as close as possible.
  EXPECT_THAT(destinations({{1, 5}, {0, kMuch}}), ElementsAre(0, 8));
}

TEST(Plan, KernelAndInitrdAreRead) {
  const auto builder = image().add(".initrd", "initrd").add(".ucode", "micro").add(".cmdline", "quiet\n");
  const Buffer file = builder.build();
  const MemorySource source(file);
  const auto result = make_plan(entry::parts_of(source, entry::parse_uki(source).value()), "").value();
  const Buffer original = make_kernel();

  Buffer kernel(original.size());
  ASSERT_TRUE(read_kernel(result, kernel));
  EXPECT_EQ(kernel, original);
  Buffer initrd(initrd_size(result, as_bytes("archive")));
  ASSERT_TRUE(read_initrd(result, as_bytes("archive"), initrd));
  EXPECT_EQ(as_text(initrd), std::string_view("micro\0\0\0initrd\0\0\0\0\0\0archive", 27));

  // The same without what is ours, in whatever parts it is read.
  const GuestInitrd guest(result);
  ASSERT_EQ(guest.size(), 20U);
  for (std::size_t offset = 0; offset <= guest.size(); ++offset)
    for (std::size_t length = 0; length <= guest.size() - offset; ++length) {
      Buffer part(length, std::byte{0xFF});
      ASSERT_TRUE(guest.read(offset, part));
      ASSERT_EQ(as_text(part), as_text(initrd).substr(offset, length));
    }
  Buffer too_long(21);
  EXPECT_EQ(guest.read(0, too_long).error().code, Code::Corrupt);
  EXPECT_EQ(guest.read(21, {}).error().code, Code::Corrupt);

  kernel.pop_back();
  EXPECT_EQ(read_kernel(result, kernel).error().code, Code::Invalid);
  EXPECT_EQ(read_initrd(result, as_bytes("archives"), initrd).error().code, Code::Invalid);
}

TEST(Plan, AReadErrorSaysWhatWasRead) {
  const Buffer kernel = make_kernel();
  const MemorySource kernel_file(kernel);
  const MemorySource initrd_file(as_bytes("initrd"));
  KexecPlan plan{.kernel = {&kernel_file, {1, kernel.size()}}, .header = {}, .cmdline = {}, .guest_init = {}};
  Buffer out(kernel.size());
  EXPECT_EQ(read_kernel(plan, out).error().message(), "reading the guest's kernel: read past the end");
  plan.initrds = {{{&initrd_file, {0, 7}}, 0}};
  plan.archive_at = 8;
  out.resize(8);
  EXPECT_EQ(read_initrd(plan, {}, out).error().message(), "reading the guest's initrd: read past the end");
}

TEST(Plan, TooMuchForMemory) {
  const Buffer kernel = make_kernel();
  const MemorySource file(kernel);
  for (const std::uint64_t length : {kMaxBootBytes + 1, UINT64_MAX}) {
    const BootParts parts{.kernel = {&file, {0, kernel.size()}},
                          .microcode = {},
                          .initrds = {{&file, {0, 5}}, {&file, {0, length - 5}}},
                          .extras = {},
                          .cmdline = {}};
    const auto result = make_plan(parts, "");
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().code, Code::NoMemory);
  }
  // As much as there may be, and a byte more; what is left open for the place within a page counts.
  for (const std::uint64_t more : {0U, 1U}) {
    const BootParts parts{.kernel = {&file, {0, kernel.size()}},
                          .microcode = {{&file, {0, 4}}},
                          .initrds = {{&file, {0, kMaxBootBytes - 8192}}, {&file, {0, 4092 + more}}},
                          .extras = {{&file, {0, 4}}},
                          .cmdline = {}};
    EXPECT_EQ(make_plan(parts, "").has_value(), more == 0);
  }
}

TEST(Plan, WithoutInitrd) {
  const auto result = plan(image());
  ASSERT_TRUE(result) << result.error().text;
  EXPECT_THAT(result->initrds, IsEmpty());
  EXPECT_EQ(result->archive_at, 0U);
  EXPECT_FALSE(result->has_initrd);
  EXPECT_EQ(result->cmdline, "rdinit=/vhdboot/init");

  const auto only_microcode = plan(image().add(".ucode", "micro"));
  ASSERT_TRUE(only_microcode);
  EXPECT_FALSE(only_microcode->has_initrd);
  EXPECT_EQ(only_microcode->archive_at, 12U);
}

TEST(Plan, MicrocodeIsNoInitrd) {
  std::vector<std::byte> bytes(4096);
  cpio::Writer writer(bytes);
  ASSERT_TRUE(writer.directory("kernel") && writer.file("kernel/x86/microcode/GenuineIntel.bin", as_bytes("micro")) &&
              writer.finish());
  const std::string microcode(as_text(Bytes(bytes).first(writer.size())));
  EXPECT_FALSE(plan(image().add(".initrd", microcode))->has_initrd);
  EXPECT_TRUE(plan(image().add(".initrd", microcode + "\x1F\x8B"))->has_initrd);
}

TEST(Plan, TheGuestsRdinitIsRemembered) {
  const auto result = plan(image().add(".cmdline", "single rdinit=/sbin/a rdinit=/sbin/b quiet -- rdinit=/c"));
  ASSERT_TRUE(result) << result.error().text;
  EXPECT_EQ(result->guest_init, "/sbin/b");
  EXPECT_EQ(result->cmdline, "single rdinit=/vhdboot/init quiet -- rdinit=/c");
  EXPECT_EQ(plan(image().add(".cmdline", "a"), "rdinit=/x")->guest_init, "/x");
  EXPECT_EQ(plan(image().add(".cmdline", "rdinit="))->guest_init, "/init");
}

TEST(Plan, TooLongACommandLineIsInvalid) {
  constexpr std::size_t kOurs = std::string_view("rdinit=/vhdboot/init ").size();
  const std::size_t longest = longest_cmdline(parse_bzimage(MemorySource(make_kernel()), {0, 2048 + 64}).value());
  EXPECT_EQ(longest, 2047U - 31);
  EXPECT_TRUE(plan(image().add(".cmdline", std::string(longest - kOurs, 'x'))));
  const auto result = plan(image().add(".cmdline", std::string(longest - kOurs, 'x')), "y");
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, Code::Invalid);
  EXPECT_THAT(result.error().text, HasSubstr("has 2018 characters, this kernel takes at most 2016"));
}

TEST(Plan, ABadKernelIsNamed) {
  const auto result = plan(PeBuilder().add(".linux", "not one"));
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().text, "the kernel in the image: not a Linux kernel (no bzImage header)");
}

}  // namespace
}  // namespace vhdboot::kexec
