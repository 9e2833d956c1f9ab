// SPDX-License-Identifier: GPL-2.0-or-later
#include "init/record/persist.h"

#include <algorithm>
#include <vector>

#include "base/quoted.h"
#include "base/text.h"
#include "init/record/host_mount.h"

namespace vhdboot::record {
namespace {

constexpr std::size_t kMaxUnitName = 255;

bool is_within(std::string_view path, std::string_view folder) {
  return path.starts_with(folder) && (path.size() == folder.size() || path[folder.size()] == '/');
}

// What is wrong with one more; empty: nothing.
std::string_view objection(std::string_view path, const std::vector<std::string_view>& others) {
  const bool is_all = path == kPersistAll;
  if (is_all && others.empty()) return "";
  if (is_all || std::ranges::find(others, kPersistAll) != others.end())
    return "is named beside others: / is all of them";
  const auto names = split(path, '/');
  const auto is_detour = [](std::string_view name) { return name.empty() || name == "." || name == ".."; };
  if (names.size() < 2 || !names.front().empty() || std::any_of(names.begin() + 1, names.end(), is_detour))
    return R"(is not an absolute path such as /var/log, without ".", ".." and a last /)";
  if (!fits_line(path) || path.find_first_of("\"'%\\$") != std::string_view::npos)
    return "has a quote, %, $ or a backslash, which is not possible here";
  for (const std::string_view taken : {"/dev", "/proc", "/run", "/sys"})
    if (is_within(path, taken)) return "cannot be kept: it is made anew at each start";
  if (mount_unit_name(path).size() > kMaxUnitName) return "is too long for the name of a unit";
  for (const std::string_view other : others)
    if (is_within(path, other) || is_within(other, path)) return "is named twice, lies in another one or holds one";
  return others.size() < kMaxPersistPaths ? "" : "is one too many, 32 can be kept";
}

}  // namespace

Result<std::string> with_persist_paths(std::string paths, std::string_view more) {
  static_assert(kMaxPersistPaths == 32, "as objection() says");
  for (const std::string_view path : split_words(more)) {
    const std::string_view why = objection(path, split_words(paths));
    if (!why.empty()) return fail(Code::Invalid, concat(quoted(path), ' ', why));
    if (!paths.empty()) paths += ' ';
    paths += path;
  }
  return paths;
}

}  // namespace vhdboot::record
