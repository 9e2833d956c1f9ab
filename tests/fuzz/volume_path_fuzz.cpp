// SPDX-License-Identifier: GPL-2.0-or-later
// Whatever is accepted as a path is in its normal form, and stays the same when it is read again.
#include <cstdlib>
#include <string_view>

#include "init/volume/path.h"

using vhdboot::volume::parse_path;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (const auto found = vhdboot::volume::resolve({}, {reinterpret_cast<const char*>(data), size});
      found && !found->is_root() && parse_path(found->text()) != *found)
    std::abort();
  const auto path = parse_path({reinterpret_cast<const char*>(data), size});
  if (!path) return 0;
  const auto again = parse_path(path->text());
  if (!again || *again != *path) std::abort();
  for (const auto& name : path->components())
    if (name.empty() || name == "." || name == ".." || name.find_first_of("/\\") != std::string::npos) std::abort();
  if (path->is_root()) return 0;
  const auto sibling = path->sibling(path->name());
  if (!sibling || *sibling != *path) std::abort();
  const auto there = vhdboot::volume::resolve(path->parent(), std::string("./x/../") + std::string(path->name()));
  if (!there || *there != *path) std::abort();
  if (std::string(path->stem()) + std::string(path->extension()) != path->name()) std::abort();
  return 0;
}
