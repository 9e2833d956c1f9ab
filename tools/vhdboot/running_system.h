// SPDX-License-Identifier: GPL-2.0-or-later
// The system that the program runs on, as far as its files tell.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/text.h"
#include "tools/common/mount_table.h"
#include "tools/vhdboot/efi_variables.h"

namespace vhdboot::command {

struct RunningSystem {
  std::string root;  ///< in front of every path; a test has a tree of its own, else empty

  [[nodiscard]] std::string at(std::string_view path) const { return concat(root, path); }
  [[nodiscard]] EfiVariables variables() const { return EfiVariables(at("/sys/firmware/efi/efivars")); }
  /// Empty when it cannot be read.
  [[nodiscard]] std::vector<tools::MountedVolume> mounts() const;
};

}  // namespace vhdboot::command
