// SPDX-License-Identifier: GPL-2.0-or-later
// What the tests of both file systems ask of a volume.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <memory>
#include <string_view>
#include <vector>

#include "init/volume/file_source.h"
#include "init/volume/volume.h"

namespace vhdboot::volume {

inline Path path_of(std::string_view text) {
  return parse_path(text).value();
}

/// `size` bytes of which no two sectors are the same.
inline std::vector<std::byte> pattern(std::size_t size, std::uint32_t seed = 1) {
  std::vector<std::byte> sector(512);
  std::uint32_t value = seed * 2654435761u + 1;
  for (auto& byte : sector) {
    value = value * 1664525u + 1013904223u;
    byte = static_cast<std::byte>(value >> 24);
  }
  std::vector<std::byte> out(size);
  for (std::size_t at = 0; at < size; at += sector.size()) {
    std::memcpy(sector.data(), &at, sizeof(at));
    std::memcpy(out.data() + at, sector.data(), std::min(sector.size(), size - at));
  }
  return out;
}

inline std::unique_ptr<HostVolume> open_volume(const ByteSource& partition) {
  auto volume = HostVolume::open(partition);
  EXPECT_TRUE(volume) << volume.error().message();
  return volume ? std::move(*volume) : nullptr;
}

inline FileLayout layout_of(HostVolume& volume, std::string_view path) {
  auto layout = volume.layout(path_of(path));
  EXPECT_TRUE(layout) << layout.error().message();
  return layout ? *layout : FileLayout{};
}

/// The bytes that the extents of a file cover on the partition.
inline std::vector<std::byte> bytes_at(const ByteSource& partition, const FileLayout& layout) {
  std::vector<std::byte> out(layout.size, std::byte{0xEE});
  std::uint64_t next = 0;
  for (const Extent& extent : layout.extents) {
    EXPECT_EQ(extent.logical, next);
    next = extent.logical + extent.length;
    const auto read = partition.read(extent.physical, MutableBytes(out).subspan(extent.logical, extent.length));
    EXPECT_TRUE(read) << read.error().message();
  }
  EXPECT_EQ(next, layout.size);
  return out;
}

/// The file at `path` may be mapped, and what lies there is `contents`. Returns its layout.
inline FileLayout expect_mappable(HostVolume& volume, const ByteSource& partition, std::string_view path,
                                  Bytes contents) {
  const FileLayout layout = layout_of(volume, path);
  const auto mappable = check_mappable(layout, path_of(path));
  EXPECT_TRUE(mappable) << mappable.error().message();
  EXPECT_EQ(layout.size, contents.size());
  EXPECT_EQ(layout.valid_size, contents.size());
  const auto bytes = bytes_at(partition, layout);
  EXPECT_TRUE(bytes.size() == contents.size() && std::memcmp(bytes.data(), contents.data(), bytes.size()) == 0)
      << path << ": other bytes";
  return layout;
}

}  // namespace vhdboot::volume
