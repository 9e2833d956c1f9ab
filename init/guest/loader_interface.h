// SPDX-License-Identifier: GPL-2.0-or-later
// The Boot Loader Interface (systemd.io/BOOT_LOADER_INTERFACE), as far as a guest misses it: systemd mounts an ESP
// without a line in fstab only when the EFI variable LoaderDevicePartUUID names it. That variable cannot be set once a
// kernel runs (UEFI 2.10, 8.2), and that of the host's boot loader may be there. So systemd-gpt-auto-generator gets to
// see one of its own.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace vhdboot::guest {

/// Where units, programs and facts are left for the guest's systemd.
inline constexpr std::string_view kLoaderPartitionFile = "/run/vhdboot/LoaderDevicePartUUID";
inline constexpr std::string_view kGeneratorFolder = "/run/systemd/system-generators";
inline constexpr std::string_view kGptAutoGenerator = "systemd-gpt-auto-generator";

/// The contents of a file in efivarfs that has the ASCII `text` (Documentation/filesystems/efivarfs.rst: four bytes of
/// attributes, then the value; here UTF-16 with a NUL).
[[nodiscard]] std::vector<std::byte> efi_variable(std::string_view text);

/// A program to stand in for the guest's systemd-gpt-auto-generator: runs that one where it finds kLoaderPartitionFile
/// as an EFI variable, or as it is where that cannot be done. One that the guest has replaced or masked in /etc stays
/// so.
[[nodiscard]] std::string_view gpt_auto_generator();

}  // namespace vhdboot::guest
