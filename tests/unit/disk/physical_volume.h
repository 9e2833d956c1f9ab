// SPDX-License-Identifier: GPL-2.0-or-later
// A physical volume of LVM as pvcreate and vgcreate leave it: one data area, one metadata area.
#pragma once

#include <cstdint>
#include <cstring>
#include <string_view>
#include <vector>

#include "base/bytes.h"

namespace vhdboot::test {

struct PhysicalVolume {
  static constexpr std::size_t kArea = 4096;  // where the metadata area begins
  std::vector<std::byte> bytes = std::vector<std::byte>(64 * 1024);

  void put(std::size_t at, std::string_view text) { std::memcpy(bytes.data() + at, text.data(), text.size()); }
  template <class T>
  void put_number(std::size_t at, T value) {
    std::memcpy(bytes.data() + at, &value, sizeof(value));
  }

  explicit PhysicalVolume(std::string_view metadata = "guest {\nid = \"x\"\n", std::size_t label = 512) {
    put(label, "LABELONE");
    put_number<std::uint32_t>(label + 20, 32);
    put(label + 24, "LVM2 001");
    put_number<std::uint64_t>(label + 32 + 40, 1 << 20);  // data
    put_number<std::uint64_t>(label + 32 + 72, kArea);    // metadata
    put_number<std::uint64_t>(label + 32 + 80, 60 * 1024);
    put(kArea + 4, " LVM2 x[5A%r0N*>");
    put_number<std::uint64_t>(kArea + 32, 60 * 1024);
    put_number<std::uint64_t>(kArea + 40, 512);
    put_number<std::uint64_t>(kArea + 48, metadata.size());
    put(kArea + 512, metadata);
  }
};

}  // namespace vhdboot::test
