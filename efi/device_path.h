// SPDX-License-Identifier: GPL-2.0-or-later
// Device paths: how the firmware names a partition and a file on it (UEFI 2.10, chapter 10). Freestanding.
#pragma once

#include <cstdint>
#include <optional>

#include "base/bytes.h"
#include "base/guid.h"
#include "efi/fixed_text.h"

namespace vhdboot::efi {

/// A device path ends by itself; longer ones than this are cut off.
inline constexpr std::size_t kMaxDevicePathSize = 32768;

/// The bytes of a device path in memory, without its end node. `path` may be null. Trusts that the nodes lie one behind
/// the other in readable memory up to an end node, since nothing says how large the memory is.
[[nodiscard]] Bytes device_path_bytes(const void* path);

/// A partition as Linux prints PARTUUID, in lower case: a GPT partition's GUID, or "12345678-01" on an MBR disk.
using PartUuid = FixedText<36>;

/// The partition that the last hard drive node names. Nothing without such a node, or when the disk has no identity.
[[nodiscard]] std::optional<PartUuid> find_partition(Bytes path);

/// Whether a hardware vendor node with this GUID is part of the path.
[[nodiscard]] bool has_vendor_node(Bytes path, const Guid& guid);

using PathText = FixedText<4096>;

/// The file that the file path nodes name together, in UTF-8, normalised: "/boot/debian.efi" from "\boot\/debian.efi".
/// Nothing without such a node, for a path that is too long or that has control characters in it.
[[nodiscard]] std::optional<PathText> file_path_text(Bytes path);

}  // namespace vhdboot::efi
