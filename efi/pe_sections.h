// SPDX-License-Identifier: GPL-2.0-or-later
// Finds what was packed into our own EFI file, in the copy of it that the firmware loaded. Freestanding.
// Format: Microsoft PE/COFF specification, as UEFI 2.10 (2.1.1) uses it.
#pragma once

#include <optional>
#include <string_view>

#include "base/bytes.h"

namespace vhdboot::efi {

/// The contents of the first section called `name` (at most 8 characters) of `image`, a PE file as it lies in memory:
/// sections stand at their virtual address, and their length is VirtualSize, since SizeOfRawData counts padding.
/// Nothing when there is no such section, or it does not lie within `image`, or the headers are malformed.
[[nodiscard]] std::optional<Bytes> find_section(Bytes image, std::string_view name);

}  // namespace vhdboot::efi
