// SPDX-License-Identifier: GPL-2.0-or-later
#include "tools/common/find_program.h"

#include <unistd.h>

#include <cstdlib>

#include "base/text.h"

namespace vhdboot::tools {

std::optional<std::string> find_program(std::string_view name) {
  const char* path = std::getenv("PATH");
  const std::string folders = concat(path == nullptr ? "" : path, ":/usr/local/sbin:/usr/sbin:/usr/bin:/sbin:/bin");
  for (const std::string_view folder : split(folders, ':')) {
    // A relative folder would be another one elsewhere.
    if (!folder.starts_with('/')) continue;
    std::string file = concat(folder, '/', name);
    if (::access(file.c_str(), X_OK) == 0) return file;
  }
  return std::nullopt;
}

}  // namespace vhdboot::tools
