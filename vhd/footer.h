// SPDX-License-Identifier: GPL-2.0-or-later
// The VHD footer: 512 bytes, big-endian, the last ones of every VHD (Virtual Hard Disk Image Format Specification 1.0,
// "Hard Disk Footer Format").
#pragma once

#include <array>
#include <cstdint>

#include "base/bytes.h"
#include "base/guid.h"
#include "base/result.h"
#include "base/units.h"
#include "vhd/geometry.h"

namespace vhdboot::vhd {

inline constexpr std::uint64_t kFooterSize = 512;

/// The largest disk a VHD can hold; Windows and qemu agree on it.
inline constexpr std::uint64_t kMaxPayload = 2040 * kGiB;

/// Seconds from the Unix epoch to 2000-01-01 00:00 UTC, where VHD time stamps start.
inline constexpr std::int64_t kVhdEpoch = 946684800;

/// A time in Unix seconds as a VHD has it: seconds since kVhdEpoch; the nearest that there is.
[[nodiscard]] std::uint32_t vhd_time(std::int64_t unix_time);

enum class DiskType : std::uint32_t { Fixed = 2, Dynamic = 3, Differencing = 4 };

using FooterBytes = std::array<std::byte, kFooterSize>;

struct Footer {
  std::uint32_t features = 2;                       ///< bit 1 is reserved and always set
  std::uint64_t data_offset = ~std::uint64_t{0};    ///< of the dynamic header; all ones in a fixed VHD
  std::uint32_t timestamp = 0;                      ///< of the creation: seconds since kVhdEpoch
  std::array<char, 4> creator{'w', 'i', 'n', ' '};  ///< qemu believes `current_size` only of creators it knows
  std::uint32_t creator_version = 0x000A0000;
  std::array<char, 4> creator_os{'W', 'i', '2', 'k'};
  std::uint64_t original_size = 0;  ///< bytes, at creation
  std::uint64_t current_size = 0;   ///< bytes: the payload
  Geometry geometry;
  DiskType type = DiskType::Fixed;
  Guid uuid;  ///< to_text() writes it in the order in which the footer stores it
  bool saved_state = false;

  friend bool operator==(const Footer&, const Footer&) = default;
};

/// Whether `sector` begins with the cookie of a footer, whatever else it holds.
[[nodiscard]] bool has_footer_cookie(Bytes sector);

/// The footer in `sector`, which must hold at least 512 bytes. NotFound without the cookie; Corrupt when the checksum
/// does not match; Unsupported when the version or the disk type is none that the specification knows.
[[nodiscard]] Result<Footer> parse_footer(Bytes sector);

/// The 512 bytes of `footer` with the right checksum.
[[nodiscard]] FooterBytes serialise(const Footer& footer);

/// The footer of a new fixed VHD. `unix_time` in seconds; one before 2000 counts as 2000-01-01.
/// Invalid when `payload_size` is 0, no multiple of 512 or above kMaxPayload.
[[nodiscard]] Result<Footer> make_fixed_footer(std::uint64_t payload_size, const Guid& uuid, std::int64_t unix_time);

/// `footer` after its disk got another size: UUID and creation time stay. Its original size does not, although the
/// specification means the size at creation: libvhdi, and who uses it, takes that field for the size of the disk.
/// Fails like make_fixed_footer.
[[nodiscard]] Result<Footer> resized(const Footer& footer, std::uint64_t payload_size);

}  // namespace vhdboot::vhd
