// SPDX-License-Identifier: GPL-2.0-or-later
// Makes the checksums right that only guard what is then read: else a fuzzer's changes would stop there.
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "base/crc32.h"
#include "tests/support/sparse_image.h"
#include "vhd/dynamic_header.h"
#include "vhd/vhdx_log.h"

namespace vhdboot::test {

namespace seal_detail {

inline void put_crc(SparseImage& image, std::uint64_t offset, std::size_t length) {
  std::vector<std::byte> bytes(length);
  if (!image.read(offset, bytes)) return;
  (void)store_le<std::uint32_t>(bytes, 4, 0);
  image.put(offset + 4, crc32c(bytes));
}

inline void put_sum(SparseImage& image, std::uint64_t offset, std::size_t length, std::size_t field) {
  std::vector<std::byte> bytes(length);
  if (!image.read(offset, bytes)) return;
  std::uint32_t sum = 0;
  for (std::size_t i = 0; i < length; ++i)
    if (i < field || i >= field + 4) sum += std::to_integer<std::uint32_t>(bytes[i]);
  (void)store_be<std::uint32_t>(bytes, field, ~sum);
  image.write(offset, bytes);
}

}  // namespace seal_detail

/// Of a VHDX file: headers, region tables, the entries of its log.
inline void seal_vhdx(SparseImage& image) {
  using seal_detail::put_crc;
  put_crc(image, 64 * 1024, 4096);
  put_crc(image, 128 * 1024, 4096);
  if (image.get<std::uint32_t>(192 * 1024) != 0) put_crc(image, 192 * 1024, 64 * 1024);
  const std::uint64_t start = image.get<std::uint64_t>(64 * 1024 + 72);
  for (std::uint64_t at = start; at < std::min(start + 64 * vhd::kLogSector, image.size()); at += vhd::kLogSector) {
    const auto length = image.get<std::uint32_t>(at + 8);
    if (image.get<std::uint32_t>(at) == 0x65676F6C && length <= 16 * vhd::kLogSector) put_crc(image, at, length);
  }
}

/// Of a dynamic or differencing VHD: both footers, and the header behind the first one.
inline void seal_vhd(SparseImage& image) {
  using seal_detail::put_sum;
  if (image.size() >= 512) put_sum(image, image.size() - 512, 512, 64);
  put_sum(image, 0, 512, 64);
  put_sum(image, 512, vhd::kDynamicHeaderSize, 36);
}

}  // namespace vhdboot::test
