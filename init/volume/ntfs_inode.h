// SPDX-License-Identifier: GPL-2.0-or-later
// What libntfs-3g's inodes and attributes say, as plain values.
#pragma once

#include <bit>
#include <string_view>
#include <type_traits>

#include "init/volume/lx_metadata.h"
#include "init/volume/ntfs3g.h"

namespace vhdboot::volume {

static_assert(std::endian::native == std::endian::little, "libntfs-3g's names are used as UTF-16 in memory order");
static_assert(sizeof(ntfschar) == sizeof(char16_t));

[[nodiscard]] inline std::u16string_view as_utf16(const ntfschar* name, std::size_t units) {
  return {reinterpret_cast<const char16_t*>(name), units};
}

/// A field that the library declares as an enumeration although any bits may come from the disk.
template <class Enum>
[[nodiscard]] auto bits(const Enum* field) {
  std::underlying_type_t<Enum> value{};
  std::memcpy(&value, field, sizeof(value));
  return value;
}

[[nodiscard]] inline bool is_directory(const ntfs_inode* inode) {
  std::uint16_t flags = 0;  // in a packed structure
  std::memcpy(&flags, reinterpret_cast<const std::byte*>(inode->mrec) + offsetof(MFT_RECORD, flags), sizeof(flags));
  return (flags & static_cast<std::uint16_t>(MFT_RECORD_IS_DIRECTORY)) != 0;
}

[[nodiscard]] inline bool has(const ntfs_inode* inode, FILE_ATTR_FLAGS flag) {
  return (bits(&inode->flags) & static_cast<std::uint32_t>(flag)) != 0;
}

[[nodiscard]] inline bool has(const ntfs_attr* attribute, ATTR_FLAGS flag) {
  return (bits(&attribute->data_flags) & static_cast<std::uint16_t>(flag)) != 0;
}

/// NTFS counts the time in units of 100 ns since 1601.
[[nodiscard]] inline UnixTime unix_time(ntfs_time time) {
  constexpr std::int64_t kUnits = 10'000'000;
  constexpr std::int64_t kEpoch = 11'644'473'600;
  const std::int64_t units = sle64_to_cpu(time);
  const std::int64_t rest = ((units % kUnits) + kUnits) % kUnits;
  const std::int64_t seconds = units / kUnits - (units % kUnits < 0 ? 1 : 0);
  return {seconds - kEpoch, static_cast<std::uint32_t>(rest) * 100};
}

}  // namespace vhdboot::volume
