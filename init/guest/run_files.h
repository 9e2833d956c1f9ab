// SPDX-License-Identifier: GPL-2.0-or-later
// What is left in the /run of a guest, as files of fs-skeleton have it: sections that begin with a line "=== PATH",
// with the names of values (@NAME@) in them.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "init/guest/host_mount_unit.h"

namespace vhdboot::guest {

struct Value {
  std::string_view key;  ///< "@MOUNT@"
  std::string text;
};

/// `text` with the values in the place of their names. What a value holds is not looked at again.
[[nodiscard]] std::string filled(std::string_view text, std::span<const Value> values);

/// The sections of such a file, each named by its path below /run, with nothing filled in.
[[nodiscard]] std::vector<GuestFile> run_sections(std::string_view text);

/// The same with the values filled in, without the sections that ask for one which is empty.
[[nodiscard]] std::vector<GuestFile> run_files(std::string_view text, std::span<const Value> values);

}  // namespace vhdboot::guest
