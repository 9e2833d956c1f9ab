// SPDX-License-Identifier: GPL-2.0-or-later
#include "init/sys/directory.h"

#include <dirent.h>

#include <algorithm>
#include <memory>
#include <string_view>

namespace vhdboot::sys {
namespace {

using Directory = std::unique_ptr<DIR, int (*)(DIR*)>;

std::vector<std::string> names_in(const Directory& directory) {
  constexpr std::size_t kMostNames = 65536;
  std::vector<std::string> names;
  if (!directory) return names;
  while (const dirent* entry = ::readdir(directory.get())) {
    const std::string_view name = entry->d_name;
    if (name == "." || name == "..") continue;
    if (names.size() == kMostNames) break;
    names.emplace_back(name);
  }
  std::ranges::sort(names);
  return names;
}

}  // namespace

std::vector<std::string> list_directory(const std::string& path) {
  return names_in(Directory(::opendir(path.c_str()), &::closedir));
}

std::vector<std::string> list_directory(Fd directory) {
  Directory stream(::fdopendir(directory.get()), &::closedir);
  if (stream) static_cast<void>(directory.release());
  return names_in(stream);
}

}  // namespace vhdboot::sys
