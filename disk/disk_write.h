// SPDX-License-Identifier: GPL-2.0-or-later
// One change of a file, worked out before anything is touched.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace vhdboot::disk {

struct DiskWrite {
  std::uint64_t offset = 0;  ///< bytes from the start of the file
  std::vector<std::byte> data;
  std::string what;  ///< for people: "footer"
};

}  // namespace vhdboot::disk
