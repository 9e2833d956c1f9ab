// SPDX-License-Identifier: GPL-2.0-or-later
// What WSL 1 keeps beside a file on NTFS so that Linux finds it as it left it: owner, mode, device, attributes, in one
// of two generations. The formats as wslattr (lxfs.rs, wslfs.rs) and dfir_ntfs (WSL.py) describe them.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"

namespace vhdboot::volume {

/// One entry of NTFS' $EA attribute; both fields lie within the list that it was read from.
struct ExtendedAttribute {
  std::string_view name;  ///< as it is stored; Windows makes it upper case
  Bytes value;

  [[nodiscard]] bool is(std::string_view other) const { return name == other; }
};

/// Corrupt when an entry does not lie within `list`, or is too short for what it holds.
[[nodiscard]] Result<std::vector<ExtendedAttribute>> parse_extended_attributes(Bytes list);

enum class LxGeneration : std::uint8_t {
  None,
  LxFs,   ///< LXATTRB: the folders of before 2019
  WslFs,  ///< $LXUID, $LXGID, $LXMOD, $LXDEV: all since, and drives that are mounted with "metadata"
};

/// The newer one when a file has both.
[[nodiscard]] LxGeneration generation_of(std::span<const ExtendedAttribute> attributes);

struct LxDevice {
  std::uint32_t major = 0;
  std::uint32_t minor = 0;

  friend bool operator==(const LxDevice&, const LxDevice&) = default;
};

struct UnixTime {
  std::int64_t seconds = 0;  ///< since 1970, UTC
  std::uint32_t nanoseconds = 0;

  friend bool operator==(const UnixTime&, const UnixTime&) = default;
};

struct LxAttribute {
  std::string name;  ///< "security.capability"
  std::vector<std::byte> value;

  friend bool operator==(const LxAttribute&, const LxAttribute&) = default;
};

/// What a file has of it: any of it can be missing.
struct LxMetadata {
  std::optional<std::uint32_t> mode;  ///< with the bits of the type
  std::optional<std::uint32_t> uid;
  std::optional<std::uint32_t> gid;
  std::optional<LxDevice> device;
  std::optional<UnixTime> accessed;
  std::optional<UnixTime> modified;
  std::vector<LxAttribute> attributes;

  friend bool operator==(const LxMetadata&, const LxMetadata&) = default;
};

/// What `attributes` say in this generation; the other one's are passed over, and those of Windows. Corrupt when one of
/// a known name is not of its form.
[[nodiscard]] Result<LxMetadata> lx_metadata(std::span<const ExtendedAttribute> attributes, LxGeneration generation);

}  // namespace vhdboot::volume
