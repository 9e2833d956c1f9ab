// SPDX-License-Identifier: GPL-2.0-or-later
// Builds device paths as firmware lays them out.
#pragma once

#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/guid.h"

namespace vhdboot::efi::test {

using Buffer = std::vector<std::byte>;

inline void append(Buffer& to, Bytes bytes) {
  to.insert(to.end(), bytes.begin(), bytes.end());
}

template <std::unsigned_integral T>
void append_le(Buffer& to, T value) {
  for (std::size_t i = 0; i < sizeof(T); ++i) to.push_back(static_cast<std::byte>(value >> (8 * i)));
}

/// UTF-16LE without a NUL.
inline Buffer utf16_bytes(std::u16string_view text) {
  Buffer bytes;
  for (const char16_t unit : text) append_le<std::uint16_t>(bytes, unit);
  return bytes;
}

inline Buffer node(std::uint8_t type, std::uint8_t subtype, Bytes data) {
  Buffer bytes{std::byte{type}, std::byte{subtype}};
  append_le(bytes, static_cast<std::uint16_t>(4 + data.size()));
  append(bytes, data);
  return bytes;
}

inline Buffer end_node() {
  return {std::byte{0x7F}, std::byte{0xFF}, std::byte{4}, std::byte{0}};
}

inline Buffer hard_drive_node(std::uint32_t number, Bytes signature, std::uint8_t signature_type) {
  Buffer data;
  append_le(data, number);
  append_le(data, std::uint64_t{2048});
  append_le(data, std::uint64_t{204800});
  append(data, signature);
  data.resize(36);
  data.push_back(std::byte{static_cast<std::uint8_t>(signature_type == 2 ? 2 : 1)});
  data.push_back(std::byte{signature_type});
  return node(4, 1, data);
}

inline Buffer gpt_node(std::uint32_t number, const Guid& guid) {
  return hard_drive_node(number, guid.bytes, 2);
}

inline Buffer mbr_node(std::uint32_t number, std::uint32_t signature) {
  Buffer bytes;
  append_le(bytes, signature);
  return hard_drive_node(number, bytes, 1);
}

inline Buffer file_node(std::u16string_view name, bool with_nul = true) {
  Buffer data = utf16_bytes(name);
  if (with_nul) append_le(data, std::uint16_t{0});
  return node(4, 4, data);
}

inline Buffer vendor_hardware_node(const Guid& guid, Bytes more = {}) {
  Buffer data(guid.bytes.begin(), guid.bytes.end());
  append(data, more);
  return node(1, 4, data);
}

/// PciRoot(0x0)/Pci(0x1,0x0)
inline Buffer controller_nodes() {
  Buffer path;
  Buffer root;
  append_le(root, std::uint32_t{0x0A0341D0});
  append_le(root, std::uint32_t{0});
  append(path, node(2, 1, root));
  append(path, node(1, 1, std::vector{std::byte{0}, std::byte{1}}));
  return path;
}

inline Buffer join(std::initializer_list<Buffer> nodes) {
  Buffer path;
  for (const Buffer& node : nodes) append(path, node);
  return path;
}

}  // namespace vhdboot::efi::test
