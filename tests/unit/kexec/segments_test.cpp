// SPDX-License-Identifier: GPL-2.0-or-later
#include "kexec/segments.h"

#include <gmock/gmock.h>

#include "base/units.h"
#include "kexec/trampoline.h"
#include "tests/unit/kexec/machine.h"

namespace vhdboot::kexec {
namespace {

using test::Buffer;
using test::FakeMachine;
using test::make_kernel;
using test::put;
using ::testing::HasSubstr;

class Segments : public ::testing::Test {
 protected:
  Result<SegmentPlan> plan(std::string_view cmdline = "quiet") const {
    return plan_segments(facts_, header(), kernel_, initrd_, cmdline);
  }
  BzImage header() const { return parse_bzimage(MemorySource(kernel_), {0, kernel_.size()}).value(); }

  Buffer kernel_ = make_kernel("6.12", 300000);
  Buffer initrd_ = Buffer(70001, std::byte{'i'});
  MachineFacts facts_ = FakeMachine().facts().value();
};

template <class T>
T field(const SegmentPlan& plan, std::size_t at) {
  return load_le<T>(plan.parameters, at).value();
}

std::uint64_t address_at(const SegmentPlan& plan, std::size_t low, std::size_t high) {
  return field<std::uint32_t>(plan, low) | std::uint64_t{field<std::uint32_t>(plan, high)} << 32;
}

/// Where the bytes at a physical address are in the parameters.
std::size_t inside(const SegmentPlan& plan, std::uint64_t address) {
  EXPECT_GE(address, plan.parameters_at.start);
  EXPECT_LT(address, plan.parameters_at.start + plan.parameters.size());
  return static_cast<std::size_t>(address - plan.parameters_at.start);
}

TEST_F(Segments, LieHighInFreeMemoryWithoutOverlap) {
  const auto result = plan();
  ASSERT_TRUE(result) << result.error().text;
  EXPECT_EQ(result->parameters_at.end(), 0x3FEF4000U);
  EXPECT_EQ(result->kernel_at.start % 0x200000, 0U);
  EXPECT_EQ(result->kernel_at.length, 0x1791000U);
  EXPECT_EQ(result->kernel_at.start, 0x3C800000U);  // below the seam at 3e013018, which is within a page
  EXPECT_EQ(result->initrd_at.length, align_up(initrd_.size(), 4096));

  const auto segments = result->segments(header(), kernel_, initrd_);
  ASSERT_EQ(segments.size(), 3U);
  for (const auto& segment : segments) {
    EXPECT_EQ(segment.destination.start % 4096, 0U);
    EXPECT_EQ(segment.destination.length % 4096, 0U);
    EXPECT_LE(segment.contents.size(), segment.destination.length);
    bool is_memory = false;
    for (const auto& range : facts_.system_ram)
      if (range.start <= segment.destination.start && segment.destination.end() <= range.end()) is_memory = true;
    EXPECT_TRUE(is_memory);
    for (const auto& other : segments)
      EXPECT_TRUE(&other == &segment || other.destination.end() <= segment.destination.start ||
                  segment.destination.end() <= other.destination.start);
  }
  EXPECT_EQ(segments[1].contents.size(), 300000U);
  EXPECT_EQ(segments[1].contents.data(), kernel_.data() + 2048);
}

/// Walks the tables as a processor does; nothing where they map nothing.
std::optional<std::uint64_t> translate(const SegmentPlan& plan, std::uint64_t address) {
  auto table = field<std::uint64_t>(plan, plan.parameters.size() - 24);
  for (const unsigned shift : {39U, 30U, 21U}) {
    const auto entry = field<std::uint64_t>(plan, inside(plan, table) + (address >> shift & 511) * 8);
    if ((entry & 3) != 3) return std::nullopt;
    table = entry & ~std::uint64_t{4095};
    if ((entry & 0x80) != 0) return shift == 21 ? std::optional(table + address % 0x200000) : std::nullopt;
  }
  return std::nullopt;
}

TEST_F(Segments, OnlyTheFileOfTheKernelIsCopiedAndItStartsOnTablesOfOurs) {
  const auto check = [&] {
    const auto result = plan();
    ASSERT_TRUE(result) << result.error().text;
    EXPECT_EQ(result->kernel_at.length, 0x1791000U);
    EXPECT_EQ(result->kernel_filled, align_up(300000, 4096));
    EXPECT_EQ(result->segments(header(), kernel_, initrd_)[1].destination.length, result->kernel_filled);
    const auto top = field<std::uint64_t>(*result, result->parameters.size() - 24);
    EXPECT_EQ(top % 4096, 0U);
    const auto parameters = result->parameters_at;
    const auto kernel = result->kernel_at;
    for (const auto address : {parameters.start, parameters.end() - 1, kernel.start, kernel.end() - 1, std::uint64_t{0},
                               std::uint64_t{0x1600000}, std::uint64_t{0x3F36C000}, std::uint64_t{0x3F52AA18}})
      EXPECT_EQ(translate(*result, address), address);
    EXPECT_EQ(translate(*result, 0x80000000), std::nullopt);
  };
  check();
  facts_.running_kernel.reset();
  for (const std::uint64_t start : {0x100000000U, 0x7FC0000000U, 0x3FFFC0000000U}) {
    facts_.firmware_map.push_back({start, 0x80000000, MemoryType::Ram});
    facts_.system_ram.push_back({start, 0x80000000, MemoryType::Ram});
    check();
  }
}

TEST_F(Segments, WithoutTablesOfOursAllOfTheKernelsMemoryIsCopied) {
  facts_.five_level_paging = true;
  auto result = plan();
  ASSERT_TRUE(result);
  EXPECT_EQ(result->kernel_filled, result->kernel_at.length);
  EXPECT_EQ(field<std::uint64_t>(*result, result->parameters.size() - 24), 0U);
  facts_.five_level_paging = false;
  facts_.efi->regions.assign(30, {.type = 6, .physical = 0, .virtual_address = 0, .pages = 1, .attribute = 0});
  for (std::size_t i = 0; i < 30; ++i) facts_.efi->regions[i].physical = i << 39;
  result = plan();
  ASSERT_TRUE(result);
  EXPECT_EQ(result->kernel_filled, result->kernel_at.length);
  EXPECT_EQ(field<std::uint64_t>(*result, result->parameters.size() - 24), 0U);
}

TEST_F(Segments, EarlyMemoryIsTheFirmwaresTablesAndWhatLiesLow) {
  facts_.efi.reset();
  facts_.firmware_map = {{0, 0x1000, MemoryType::Ram},
                         {0x1000, 0x1000, MemoryType::Reserved},
                         {0xFFFFF000, 0x100000, MemoryType::Ram},
                         {0x200000000, 0x1000, MemoryType::Ram},
                         {0x200001000, 0x1000, MemoryType::Acpi},
                         {0x200002000, 0x1000, MemoryType::Nvs}};
  EXPECT_THAT(early_memory(facts_), ::testing::ElementsAre(facts_.firmware_map[0], MemoryRange{0xFFFFF000, 0x1000},
                                                           facts_.firmware_map[4], facts_.firmware_map[5]));
}

TEST(PageTables, MapPagesOfTwoMebibytes) {
  const auto tables = make_page_tables(std::vector<MemoryRange>{{0x3FFFFF, 2}, {0xC0000000, 1}, {5, 0}}, 0x5000);
  ASSERT_TRUE(tables);
  ASSERT_EQ(tables->size(), 4U * 4096);
  const auto entry = [&](std::size_t table, std::size_t index) {
    return load_le<std::uint64_t>(*tables, table * 4096 + index * 8).value();
  };
  EXPECT_EQ(entry(0, 0), 0x6023U);
  EXPECT_EQ(entry(1, 0), 0x7023U);
  EXPECT_EQ(entry(1, 3), 0x8023U);
  EXPECT_EQ(entry(2, 0), 0U);
  EXPECT_EQ(entry(2, 1), 0x2000E3U);
  EXPECT_EQ(entry(2, 2), 0x4000E3U);
  EXPECT_EQ(entry(2, 3), 0U);
  EXPECT_EQ(entry(3, 0), 0xC00000E3U);
  EXPECT_TRUE(make_page_tables({}, 0x5000));
  for (const MemoryRange range : {MemoryRange{1ULL << 47, 1}, MemoryRange{1, 1ULL << 47}, MemoryRange{0, UINT64_MAX}})
    EXPECT_EQ(make_page_tables(std::vector{range}, 0).error().code, Code::Unsupported);
  EXPECT_EQ(make_page_tables(std::vector<MemoryRange>{{0, 32ULL << 30}}, 0).error().code, Code::Unsupported);
}

TEST_F(Segments, TheInitrdGoesOverTheRunningKernel) {
  EXPECT_EQ(plan()->initrd_at, (MemoryRange{0x1600000, 0x12000}));
  EXPECT_GT(plan()->kernel_at.start, 0x3000000U);

  // Larger than the running kernel, into free memory behind it: the same.
  initrd_.resize(64 * kMiB);
  EXPECT_EQ(plan()->initrd_at, (MemoryRange{0x1600000, 0x4000000}));
}

TEST_F(Segments, TheInitrdLiesHighWhenItDoesNotFitThere) {
  for (const auto& running : {std::optional<MemoryRange>(), std::optional<MemoryRange>({0x200000, 0x1000000}),
                              std::optional<MemoryRange>({0x3E010000, 0x3000})}) {
    facts_.running_kernel = running;
    EXPECT_GT(plan()->initrd_at.start, 0x3C000000U);
    EXPECT_NE(plan()->initrd_at.start, 0x3E010000U);
    EXPECT_EQ(plan()->initrd_at.length, 0x12000U);
  }
}

TEST_F(Segments, TheZeroPageTellsTheKernelEverything) {
  facts_.seed.fill(std::byte{0x55});
  const auto result = plan("root=/dev/sda2 quiet");
  ASSERT_TRUE(result) << result.error().text;
  const auto& page = *result;
  // The header is the kernel's own, with our fields.
  EXPECT_EQ(as_text(slice(page.parameters, 0x202, 4).value()), "HdrS");
  EXPECT_EQ(field<std::uint32_t>(page, 0x260), 0x1791000U);
  EXPECT_EQ(field<std::uint8_t>(page, 0x210), 0xD0);
  EXPECT_EQ(field<std::uint8_t>(page, 0x211), 0);
  EXPECT_EQ(field<std::uint8_t>(page, 0x1EF), 0);
  EXPECT_EQ(address_at(page, 0x218, 0xC0), result->initrd_at.start);
  EXPECT_EQ(address_at(page, 0x21C, 0xC4), initrd_.size());
  const auto cmdline = inside(page, address_at(page, 0x228, 0xC8));
  EXPECT_EQ(as_text(slice(page.parameters, cmdline, 21).value()), std::string("root=/dev/sda2 quiet\0", 21));
  // Memory.
  EXPECT_EQ(field<std::uint8_t>(page, 0x1E8), 6);
  EXPECT_EQ(field<std::uint64_t>(page, 0x2D0 + 20), 0x100000U);
  EXPECT_EQ(field<std::uint64_t>(page, 0x2D0 + 28), 0x3E9A0000U);
  EXPECT_EQ(field<std::uint32_t>(page, 0x2D0 + 36), 1U);
  EXPECT_EQ(field<std::uint32_t>(page, 0x2D0 + 4 * 20 + 16), 4U);
  EXPECT_EQ(field<std::uint32_t>(page, 0x1E0), (0x3EA9FFFFU >> 10) - 1024);
  EXPECT_EQ(field<std::uint16_t>(page, 0x002), 0xFC00);
  // Screen, ACPI, EFI.
  EXPECT_EQ(field<std::uint32_t>(page, 0x018), 0xC0000000U);
  EXPECT_EQ(field<std::uint64_t>(page, 0x070), 0x3F77D014U);
  EXPECT_EQ(field<std::uint8_t>(page, 0x1EC), 3);
  EXPECT_EQ(as_text(slice(page.parameters, 0x1C0, 4).value()), "EL64");
  EXPECT_EQ(field<std::uint32_t>(page, 0x1C4), 0x3FBEC018U);
  EXPECT_EQ(field<std::uint32_t>(page, 0x1D4), 2U * 48);
  const auto map = inside(page, address_at(page, 0x1D0, 0x1DC));
  EXPECT_EQ(field<std::uint32_t>(page, map), 6U);
  EXPECT_EQ(field<std::uint64_t>(page, map + 48 + 8), 0x3F39C000U);
  EXPECT_EQ(field<std::uint64_t>(page, map + 48 + 16), 0xFFFFFFFEFE19C000U);
  EXPECT_EQ(field<std::uint64_t>(page, map + 48 + 24), 0x30U);
  EXPECT_EQ(field<std::uint64_t>(page, map + 48 + 32), 0x800000000000000FU);
  // The chain of setup_data: the seed, then EFI.
  const auto seed = inside(page, field<std::uint64_t>(page, 0x250));
  EXPECT_EQ(field<std::uint32_t>(page, seed + 8), 9U);
  EXPECT_EQ(field<std::uint32_t>(page, seed + 12), 32U);
  EXPECT_EQ(field<std::uint64_t>(page, seed + 16), 0x5555555555555555U);
  const auto efi = inside(page, field<std::uint64_t>(page, seed));
  EXPECT_EQ(field<std::uint64_t>(page, efi), 0U);
  EXPECT_EQ(field<std::uint32_t>(page, efi + 8), 4U);
  EXPECT_EQ(field<std::uint32_t>(page, efi + 12), 96U);
  EXPECT_EQ(field<std::uint64_t>(page, efi + 16), 0x3FB2C998U);
  EXPECT_EQ(field<std::uint64_t>(page, efi + 32), 0x3F52AA18U);
  EXPECT_EQ(field<std::uint64_t>(page, efi + 40), 0x3F52C000U);
}

TEST_F(Segments, WithoutEfiSeedAndInitrd) {
  facts_.efi.reset();
  facts_.boot_params = {};
  initrd_.clear();
  const auto result = plan();
  ASSERT_TRUE(result) << result.error().text;
  EXPECT_EQ(result->segments(header(), kernel_, initrd_).size(), 2U);
  EXPECT_EQ(address_at(*result, 0x218, 0xC0), 0U);
  EXPECT_EQ(field<std::uint32_t>(*result, 0x21C), 0U);
  EXPECT_EQ(field<std::uint64_t>(*result, 0x250), 0U);
  EXPECT_EQ(field<std::uint64_t>(*result, 0x070), 0U);
  EXPECT_EQ(field<std::uint32_t>(*result, 0x1D4), 0U);
}

TEST_F(Segments, AMovedFrameBufferIsFollowed) {
  facts_.framebuffer = 0x4010000000;
  const auto result = plan();
  ASSERT_TRUE(result);
  EXPECT_EQ(address_at(*result, 0x018, 0x03A), 0x4010000000U);
  EXPECT_EQ(field<std::uint32_t>(*result, 0x036) & 2, 2U);
}

TEST_F(Segments, OnlyWhatTheFirmwareCallsMemoryToo) {
  facts_.firmware_map.back().type = MemoryType::Reserved;  // the range at the top
  const auto result = plan();
  ASSERT_TRUE(result);
  EXPECT_EQ(result->parameters_at.end(), 0x3F4EC000U);
}

TEST_F(Segments, MemoryAboveFourGigabytes) {
  facts_.running_kernel.reset();
  facts_.firmware_map.push_back({0x100000000, 0x100000000, MemoryType::Ram});
  facts_.system_ram.push_back({0x100000000, 0x100000000, MemoryType::Ram});
  const auto result = plan();
  ASSERT_TRUE(result);
  EXPECT_GT(result->initrd_at.start, 0x100000000U);
  EXPECT_EQ(address_at(*result, 0x218, 0xC0), result->initrd_at.start);
  const auto cmdline = inside(*result, address_at(*result, 0x228, 0xC8));
  EXPECT_EQ(as_text(slice(result->parameters, cmdline, 5).value()), "quiet");
}

TEST_F(Segments, TheTrampolineJumpsToThe64BitEntry) {
  const auto result = plan();
  ASSERT_TRUE(result);
  const auto code = inside(*result, result->entry);
  EXPECT_EQ(code + trampoline_size(), result->parameters.size());
  EXPECT_EQ(field<std::uint64_t>(*result, result->parameters.size() - 16), result->parameters_at.start);
  EXPECT_EQ(field<std::uint64_t>(*result, result->parameters.size() - 8), result->kernel_at.start + 0x200);
  EXPECT_LE(result->parameters.size() + kTrampolineStack, result->parameters_at.length);
  EXPECT_EQ(field<std::uint8_t>(*result, code), 0xFA);  // cli
}

TEST_F(Segments, NoRoomIsAnError) {
  facts_.system_ram = {{0x100000, 0x1000000, MemoryType::Ram}};
  auto result = plan();
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, Code::NoMemory);
  EXPECT_THAT(result.error().text, HasSubstr("no free range of 23.5 MiB for the kernel"));
  // Long enough, but all of it below where this kernel may be loaded.
  facts_.system_ram = {{0x100000, 0x2000000, MemoryType::Ram}};
  put<std::uint64_t>(kernel_, 0x258, 0x40000000);
  EXPECT_EQ(plan().error().code, Code::NoMemory);
}

TEST_F(Segments, WhatCannotBeToldIsUnsupported) {
  auto facts = facts_;
  facts_.firmware_map.assign(129, {0, 1, MemoryType::Reserved});
  facts_.firmware_map.push_back({0x100000, 0x40000000, MemoryType::Ram});
  EXPECT_EQ(plan().error().code, Code::Unsupported);
  facts_ = facts;
  ASSERT_TRUE(store_le<std::uint32_t>(facts_.boot_params, 0x1C8, 39));
  EXPECT_EQ(plan().error().code, Code::Unsupported);
  facts_ = facts;
  facts_.five_level_paging = true;
  EXPECT_TRUE(plan());
  put<std::uint16_t>(kernel_, 0x236, 0x0F);
  EXPECT_EQ(plan().error().code, Code::Unsupported);
  facts_.five_level_paging = false;
  EXPECT_TRUE(plan());
  EXPECT_EQ(plan(std::string(2048, 'x')).error().code, Code::Invalid);
  EXPECT_EQ(plan(std::string_view("a\0b", 3)).error().code, Code::Invalid);
}

}  // namespace
}  // namespace vhdboot::kexec
