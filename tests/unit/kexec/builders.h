// SPDX-License-Identifier: GPL-2.0-or-later
// Makes PE files and kernel headers to parse.
#pragma once

#include <cstdint>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/units.h"

namespace vhdboot::test {

using Buffer = std::vector<std::byte>;

template <class T>
void put(Buffer& buffer, std::size_t at, T value) {
  if (!store_le<T>(buffer, at, value)) std::abort();
}

inline Buffer to_buffer(std::string_view text) {
  const Bytes bytes = as_bytes(text);
  return {bytes.begin(), bytes.end()};
}

struct PeSection {
  std::string name;
  Buffer data;
  std::optional<std::uint32_t> virtual_size;  // data.size() when not given
};

/// A PE32+ program with these sections, each padded to 512 bytes, as a linker writes it.
class PeBuilder {
 public:
  static constexpr std::size_t kPeAt = 0x80;
  static constexpr std::size_t kOptionalAt = kPeAt + 24;
  static constexpr std::size_t kOptionalSize = 240;
  static constexpr std::size_t kTableAt = kOptionalAt + kOptionalSize;

  PeBuilder& add(std::string name, std::string_view text) { return add({std::move(name), to_buffer(text), {}}); }
  PeBuilder& add(PeSection section) {
    sections_.push_back(std::move(section));
    return *this;
  }

  [[nodiscard]] Buffer build() const {
    Buffer out(align_up(kTableAt + sections_.size() * 40, 512));
    std::memcpy(out.data(), "MZ", 2);
    put<std::uint32_t>(out, 0x3C, kPeAt);
    std::memcpy(out.data() + kPeAt, "PE\0\0", 4);
    put<std::uint16_t>(out, kPeAt + 4, 0x8664);
    put<std::uint16_t>(out, kPeAt + 6, static_cast<std::uint16_t>(sections_.size()));
    put<std::uint16_t>(out, kPeAt + 20, kOptionalSize);
    put<std::uint16_t>(out, kOptionalAt, 0x20B);
    std::uint32_t address = 0x1000;
    for (std::size_t i = 0; i < sections_.size(); ++i) {
      const auto& section = sections_[i];
      const auto raw_size = static_cast<std::uint32_t>(align_up(section.data.size(), 512));
      const std::size_t header = kTableAt + i * 40;
      std::memcpy(out.data() + header, section.name.data(), std::min<std::size_t>(section.name.size(), 8));
      put(out, header + 8, section.virtual_size.value_or(static_cast<std::uint32_t>(section.data.size())));
      put(out, header + 12, address);
      put(out, header + 16, raw_size);
      put(out, header + 20, static_cast<std::uint32_t>(raw_size == 0 ? 0 : out.size()));
      out.insert(out.end(), section.data.begin(), section.data.end());
      out.resize(align_up(out.size(), 512));
      address += static_cast<std::uint32_t>(align_up(raw_size + 1, 4096));
    }
    return out;
  }

 private:
  std::vector<PeSection> sections_;
};

/// The setup part and `payload` bytes of a kernel with the header of Linux 6.12.
inline Buffer make_kernel(std::string_view version = "6.12.1-test (somebody@somewhere) #1 SMP",
                          std::size_t payload = 64) {
  constexpr std::size_t kSetupBytes = 2048;
  Buffer out(kSetupBytes + payload);
  put<std::uint8_t>(out, 0x1F1, kSetupBytes / 512 - 1);
  put<std::uint32_t>(out, 0x1F4, static_cast<std::uint32_t>(payload / 16));
  put<std::uint16_t>(out, 0x1FE, 0xAA55);
  put<std::uint8_t>(out, 0x200, 0xEB);
  put<std::uint8_t>(out, 0x201, 0x6A);
  std::memcpy(out.data() + 0x202, "HdrS", 4);
  put<std::uint16_t>(out, 0x206, 0x020F);
  put<std::uint16_t>(out, 0x20E, 0x400);
  put<std::uint8_t>(out, 0x211, 1);
  put<std::uint32_t>(out, 0x22C, 0x7FFFFFFF);
  put<std::uint32_t>(out, 0x230, 0x200000);
  put<std::uint8_t>(out, 0x234, 1);
  put<std::uint16_t>(out, 0x236, 0x3F);
  put<std::uint32_t>(out, 0x238, 2047);
  put<std::uint64_t>(out, 0x258, 0x1000000);
  put<std::uint32_t>(out, 0x260, 0x1791000);
  std::memcpy(out.data() + 0x600, version.data(), version.size());
  for (std::size_t i = kSetupBytes; i < out.size(); ++i) out[i] = static_cast<std::byte>(i * 7);
  return out;
}

}  // namespace vhdboot::test
