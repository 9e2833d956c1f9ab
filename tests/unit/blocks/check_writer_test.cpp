// SPDX-License-Identifier: GPL-2.0-or-later
#include "init/blocks/check_writer.h"

#include "tests/unit/base/error_matchers.h"
#include "tests/unit/vhd/chain_images.h"
#include "vhd/disk.h"
#include "vhd/dynamic_vhd.h"

namespace vhdboot::blocks {
namespace {

using test::Fails;
using test::Held;
using test::ImageSpec;
using test::SparseFile;

constexpr Guid kOwn{.bytes = {std::byte{1}}};
constexpr Guid kParent{.bytes = {std::byte{2}}};

// `parent` is what a differencing image is opened with.
Result<void> check(const SparseFile& file, bool forgets, const SparseFile* parent = nullptr) {
  const auto disk = vhd::open_disk(file, "image", [&](std::string_view, std::string_view) -> Result<vhd::OpenedFile> {
    return vhd::OpenedFile{"parent", std::make_unique<SliceSource>(*parent, 0, parent->size()), std::nullopt};
  });
  EXPECT_TRUE(disk) << disk.error().message();
  return disk ? check_writer(**disk, forgets) : std::unexpected(disk.error());
}

// Of two blocks.
ImageSpec spec_with(std::map<std::uint64_t, Held> blocks) {
  return {.id = kOwn, .blocks = std::move(blocks)};
}

Held every_other() {
  return [](std::uint64_t sector) { return sector % 2 == 0; };
}

TEST(CheckWriter, AFlatImageIsWrittenInPlace) {
  SparseFile raw(64 * kKiB);
  EXPECT_TRUE(check(raw, false));
  SparseFile fixed(64 * kKiB);
  fixed.put(64 * kKiB, serialise(*vhd::make_fixed_footer(64 * kKiB, kOwn, 0)));
  EXPECT_TRUE(check(fixed, false));
}

TEST(CheckWriter, OneWithAllBlocksToo) {
  const ImageSpec spec = spec_with({{0, {}}, {1, {}}});
  EXPECT_TRUE(check(vhd_of(spec), false));
  EXPECT_TRUE(check(vhdx_of(spec), false));
}

TEST(CheckWriter, AFurtherDiskDoesNotGrow) {
  const auto check_as_further = [](const SparseFile& file) {
    return check_further(**vhd::open_disk(
        file, "image",
        [](std::string_view, std::string_view) -> Result<vhd::OpenedFile> { return fail(Code::NotFound, ""); }));
  };
  EXPECT_TRUE(check_as_further(SparseFile(64 * kKiB)));
  EXPECT_TRUE(check_as_further(vhdx_of(spec_with({{0, {}}, {1, {}}}))));
  EXPECT_THAT(check_as_further(vhdx_of(spec_with({{0, {}}}))),
              Fails(Code::Unsupported, "it cannot be written to as a further disk: give it all of its blocks"));
}

TEST(CheckWriter, ADifferencingImageWithAllBlocksToo) {
  ImageSpec above = spec_with({{0, {}}, {1, {}}});
  above.parent = kParent;
  const ImageSpec below{.id = kParent, .blocks = {{0, {}}}};
  const SparseFile parent = vhdx_of(below);
  EXPECT_TRUE(check(vhdx_of(above), false, &parent));
  above.blocks[1] = every_other();
  EXPECT_THAT(check(vhdx_of(above), false, &parent), Fails(Code::Unsupported, "differencing VHDX"));
  EXPECT_TRUE(check(vhdx_of(above), true, &parent));
}

TEST(CheckWriter, AnyOtherOnlyWhereItIsForgotten) {
  const ImageSpec spec = spec_with({{0, {}}});
  for (const SparseFile& file : {vhd_of(spec), vhdx_of(spec), vhd_of(spec_with({{0, {}}, {1, every_other()}}))}) {
    EXPECT_TRUE(check(file, true));
    EXPECT_THAT(check(file, false), Fails(Code::Unsupported, "vhdtool provision --full"));
    EXPECT_THAT(check(file, false), Fails(Code::Unsupported, "ephemeral yes"));
  }
}

TEST(CheckWriter, AVhdxWithRoomForMoreGrows) {
  const auto with_room = [](std::uint64_t block, std::uint64_t places) {
    SparseFile file =
        test::vhdx_of({.disk = 256 * kMiB, .block = block, .id = kOwn, .blocks = {{0, {}}}, .every = 4096});
    EXPECT_TRUE(file.resize(align_up(file.size(), kMiB) + places * block));
    return file;
  };
  EXPECT_TRUE(check(with_room(kMiB, 64), false));
  EXPECT_TRUE(check(with_room(4 * kMiB, 65), false));
  EXPECT_THAT(check(with_room(kMiB, 40), false), Fails(Code::Unsupported, "vhdtool reserve"));
  EXPECT_THAT(check(with_room(32 * kMiB, 65), false), Fails(Code::Unsupported, "vhdtool reblock"));
}

TEST(CheckWriter, AVhdWithRoomForMoreGrows) {
  const auto with_room = [](std::uint64_t places) {
    SparseFile file =
        test::vhd_of({.disk = 256 * kMiB, .block = 2 * kMiB, .id = kOwn, .blocks = {{0, {}}}, .every = 4096});
    const auto footer = file.bytes(file.size() - vhd::kFooterSize, vhd::kFooterSize);
    file.put(file.size() + places * vhd::vhd_shape(2 * kMiB).stride(), footer);
    return file;
  };
  EXPECT_TRUE(check(with_room(64), false));
  EXPECT_THAT(check(with_room(62), false), Fails(Code::Unsupported, "vhdtool reserve"));
  SparseFile without_footer = with_room(64);
  EXPECT_TRUE(without_footer.resize(without_footer.size() + 512));
  EXPECT_THAT(check(without_footer, false), Fails(Code::Unsupported, "vhdtool reserve"));
}

TEST(CheckWriter, OneOfTheBlocksIsOnlyZeros) {
  ImageSpec spec = spec_with({{0, {}}});
  spec.states[1] = 2;  // ZERO: it lies nowhere
  EXPECT_THAT(check(vhdx_of(spec), false), Fails(Code::Unsupported, "not all of its disk lies in its file"));
}

}  // namespace
}  // namespace vhdboot::blocks
