// SPDX-License-Identifier: GPL-2.0-or-later
#include "disk/file_tree.h"

#include "base/text.h"

namespace vhdboot::disk {

std::string Folder::full_path(std::string_view path) const {
  if (path.empty() || path == "/") return folder_;
  return concat(folder_, path.starts_with('/') ? "" : "/", path);
}

Result<std::string> Folder::read_text(std::string_view path, std::uint64_t cap) const {
  const auto bytes = TRY_IN(path, read(path, cap));
  return std::string(as_text(bytes));
}

}  // namespace vhdboot::disk
