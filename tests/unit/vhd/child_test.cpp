// SPDX-License-Identifier: GPL-2.0-or-later
#include "vhd/child.h"

#include <random>

#include "tests/unit/base/error_matchers.h"
#include "tests/unit/vhd/chain_images.h"
#include "vhd/pieces.h"

namespace vhdboot::vhd {
namespace {

using test::Fails;
using test::ImageSpec;
using test::SparseFile;

constexpr Guid kParent{.bytes = {std::byte{1}}};
constexpr Guid kChild{.bytes = {std::byte{2}, std::byte{0x22}}};
constexpr std::int64_t kChanged = 1709213879;

SparseFile written(const NewFile& made) {
  SparseFile file(made.size);
  for (const disk::DiskWrite& write : made.writes) {
    EXPECT_LE(write.offset + write.data.size(), made.size) << write.what;
    file.put(write.offset, write.data);
  }
  return file;
}

ChildSpec named(std::string name) {
  return {.parent_name = std::move(name),
          .parent_changed = kChanged,
          .now = 1709300000,
          .id = kChild,
          .file_write = {.bytes = {std::byte{3}}}};
}

// What the child of `parent` is, opened with it, and that its disk reads the same.
DiskInfo child_of(const SparseFile& parent, const std::string& name = "Debian alt.vhd") {
  const auto above = open_disk(parent, name);
  EXPECT_TRUE(above) << above.error().message();
  if (!above) return {};
  const auto made = make_child((*above)->info(), named(name));
  EXPECT_TRUE(made) << made.error().message();
  const SparseFile child = written(*made);
  std::vector<std::string> asked;
  const auto disk = open_disk(child, "child", [&](std::string_view, std::string_view path) -> Result<OpenedFile> {
    asked.emplace_back(path);
    return OpenedFile{"parent", std::make_unique<SliceSource>(parent, 0, parent.size()), kChanged};
  });
  EXPECT_TRUE(disk) << disk.error().message();
  if (!disk) return {};
  EXPECT_EQ(asked.front(), ".\\" + name);
  EXPECT_EQ((*disk)->size(), (*above)->size());
  EXPECT_TRUE((*disk)->info().warnings.empty());
  std::vector<std::byte> here(4096);
  std::vector<std::byte> there(4096);
  const std::uint64_t step = std::max((*disk)->size() / 64 / 4096 * 4096, 512 * kKiB);
  for (std::uint64_t at = 0; at + 4096 <= (*disk)->size(); at += step) {
    EXPECT_TRUE((*disk)->read(at, here) && (*above)->read(at, there));
    EXPECT_EQ(here, there) << at;
  }
  EXPECT_EQ(is_whole(**disk), false);
  return (*disk)->info();
}

TEST(MakeChild, OfAVhdx) {
  for (const std::uint32_t sector : {512U, 4096U}) {
    ImageSpec spec{.disk = 9 * kMiB, .id = kParent, .blocks = {{0, {}}, {3, {}}}, .sector = sector};
    const DiskInfo child = child_of(vhdx_of(spec), "\u00dcbung.vhdx");
    EXPECT_EQ(child.format, Format::Vhdx);
    EXPECT_TRUE(child.differencing);
    EXPECT_EQ(child.block_size, kMiB);
    EXPECT_EQ(child.blocks, 9U);
    EXPECT_EQ(child.allocated_blocks, 0U);
    EXPECT_EQ(child.logical_sector, sector);
    EXPECT_EQ(child.link_id, kChild);
    EXPECT_EQ(child.creator, "vhdboot");
    const SparseFile parent = vhdx_of(spec);
    EXPECT_EQ(child.uuid, open_disk(parent, "parent").value()->info().uuid) << "the guest finds the disk that it knows";
  }
}

TEST(MakeChild, OfAVhd) {
  SparseFile fixed(5 * kMiB);
  fixed.put(kMiB, "some bytes");
  fixed.put(5 * kMiB, serialise(*make_fixed_footer(5 * kMiB, kParent, 0)));
  fixed.resize(5 * kMiB + 512).value();
  const ImageSpec spec{.disk = 8 * kMiB, .id = kParent, .blocks = {{1, {}}}};
  for (const SparseFile& parent : {fixed, vhd_of(spec)}) {
    const DiskInfo child = child_of(parent);
    EXPECT_EQ(child.format, Format::DifferencingVhd);
    EXPECT_EQ(child.block_size, 2 * kMiB);
    EXPECT_EQ(child.allocated_blocks, 0U);
    EXPECT_EQ(child.parent->ids, std::vector{kParent});
    EXPECT_EQ(child.link_id, kChild);
  }
}

TEST(MakeChild, OfAChild) {
  ImageSpec spec{.disk = 4 * kMiB, .id = kParent, .parent = kChild, .blocks = {{0, {}}}};
  const SparseFile middle = vhdx_of(spec);
  const auto made = make_child(open_disk(middle, "middle").value()->info(), named("middle.vhdx"));
  ASSERT_TRUE(made);
  const SparseFile child = written(*made);
  EXPECT_EQ(open_disk(child, "child").value()->info().parent->ids, std::vector{kParent});
}

// The table of the largest disk has more than one chunk.
TEST(MakeChild, OfALargeVhdx) {
  const ImageSpec spec{.disk = 9 * kTiB, .block = 256 * kMiB, .id = kParent};
  const DiskInfo child = child_of(vhdx_of(spec), "large.vhdx");
  EXPECT_EQ(child.size, 9 * kTiB);
  EXPECT_EQ(child.block_size, 4 * kMiB);
}

TEST(MakeChild, WhatCannotHaveOne) {
  SparseFile raw(kMiB);
  EXPECT_THAT(make_child(open_disk(raw, "raw").value()->info(), named("debian.img")),
              Fails(Code::Unsupported, "make it a VHD with raw2vhd"));
  const ImageSpec spec{.id = kParent};
  const SparseFile parent = vhdx_of(spec);
  const DiskInfo info = open_disk(parent, "parent").value()->info();
  for (const std::string& name : {std::string(), std::string("a/b.vhdx"), std::string("a\\b.vhdx"),
                                  std::string("\xFF.vhdx"), std::string(256, 'a')})
    EXPECT_THAT(make_child(info, named(name)), Fails(Code::Invalid, "cannot be the name of a parent"));
  EXPECT_TRUE(make_child(info, named(std::string(255, 'a'))));
}

}  // namespace
}  // namespace vhdboot::vhd
