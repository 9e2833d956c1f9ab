// SPDX-License-Identifier: GPL-2.0-or-later
// Which images the stub knows of. Where the firmware can read the partition that we were started from, it sees the
// images there and the configuration files beside us; else nothing but what we were told.
#pragma once

#include <optional>
#include <string_view>

#include "efi/loader_variables.h"

namespace vhdboot::efi {

/// The name of the image that a line `image PATH` of a configuration file names: "debian" for "/boot/debian.vhd".
/// Nothing without such a line, or when that file is none that is booted.
[[nodiscard]] std::optional<std::string_view> image_of_config(std::string_view text);

/// The same for a word `image=PATH` of the load options.
[[nodiscard]] std::optional<std::string_view> image_of_options(std::string_view options);

/// What we were started with.
struct StartedWith {
  std::string_view path;     ///< of our own file
  std::string_view options;  ///< load options
  std::optional<Bytes> conf;
};

/// Adds the names of the images that are known to `entries`.
void add_images(EFI_BOOT_SERVICES& boot, EFI_HANDLE device, const StartedWith& with, EntryList& entries);

}  // namespace vhdboot::efi
