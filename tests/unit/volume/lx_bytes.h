// SPDX-License-Identifier: GPL-2.0-or-later
// What WSL 1 writes beside its files, made by hand.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace vhdboot::test {

template <class T>
std::string le(T value) {
  std::string out;
  for (std::size_t i = 0; i < sizeof(T); ++i) out += static_cast<char>(static_cast<std::uint64_t>(value) >> (8 * i));
  return out;
}

/// One of $EA, as it lies on the disk.
inline std::string entry(std::string_view name, std::string_view value) {
  std::string out(1, '\0');
  out += le(static_cast<std::uint8_t>(name.size())) + le(static_cast<std::uint16_t>(value.size())) + std::string(name);
  out += '\0';
  out += value;
  const std::size_t size = (out.size() + 4 + 3) & ~std::size_t{3};
  out = le(static_cast<std::uint32_t>(size)) + out;
  out.resize(size);
  return out;
}

inline std::string lxattrb(std::uint32_t mode, std::uint32_t uid, std::uint32_t gid, std::uint32_t device,
                           std::uint32_t accessed_ns, std::uint32_t modified_ns, std::int64_t accessed,
                           std::int64_t modified) {
  return le(1u << 16) + le(mode) + le(uid) + le(gid) + le(device) + le(accessed_ns) + le(modified_ns) + le(0u) +
         le(accessed) + le(modified) + le(std::int64_t{0});
}

/// A reparse point.
inline std::string reparse(std::uint32_t tag, std::string_view data) {
  return le(tag) + le(static_cast<std::uint16_t>(data.size())) + le(std::uint16_t{0}) + std::string(data);
}

}  // namespace vhdboot::test
