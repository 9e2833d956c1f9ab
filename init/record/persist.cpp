// SPDX-License-Identifier: GPL-2.0-or-later
#include "init/record/persist.h"

#include <utility>

#include "base/quoted.h"
#include "base/text.h"
#include "init/record/host_mount.h"
#include "init/volume/path.h"

namespace vhdboot::record {
namespace {

constexpr std::size_t kMaxUnitName = 255;

bool is_within(std::string_view path, std::string_view folder) {
  return path.starts_with(folder) && (path.size() == folder.size() || path[folder.size()] == '/');
}

bool is_normalised(std::string_view path) {
  if (!path.starts_with('/')) return false;
  for (const std::string_view name : split(path.substr(1), '/'))
    if (name.empty() || name == "." || name == "..") return false;
  return true;
}

}  // namespace

Result<std::string> parse_persist_file(std::string_view text) {
  if (text.starts_with('/') || text.starts_with('\\'))
    if (const auto path = TRY(volume::parse_path(text)); !path.is_root()) return path.text();
  return fail(Code::Invalid,
              concat("expected the path of an image on the volume, such as /vhd/keep.vhd, found ", quoted(text)));
}

Result<std::vector<std::string>> with_persist_path(std::vector<std::string> paths, std::string_view path) {
  const auto refuse = [&](std::string_view why) { return fail(Code::Invalid, concat(quoted(path), why)); };
  if (path.size() > kMaxPersistPathBytes) return refuse(concat(" has more than ", kMaxPersistPathBytes, " bytes"));
  if (path == "/") return refuse(" is all of the guest: name the directories that are kept, or leave `ephemeral` out");
  if (!fits_line(path) || path.find_first_of(" \t\"'%\\$") != std::string_view::npos)
    return refuse(" has a blank, a quote, %, $ or a backslash, which is not possible here");
  if (!is_normalised(path))
    return refuse(R"( is not an absolute path such as /var/log, without ".", ".." and a last /)");
  for (const std::string_view taken : {"/dev", "/proc", "/run", "/sys"})
    if (is_within(path, taken)) return refuse(concat(" cannot be kept: ", taken, " is made anew at each start"));
  if (mount_unit_name(path).size() > kMaxUnitName) return refuse(" is too long for the name of a unit");
  for (const std::string& other : paths) {
    if (other == path) return refuse(" is named twice");
    if (is_within(path, other)) return refuse(concat(" lies in ", other, ", which is kept with all that is in it"));
    if (is_within(other, path)) return refuse(concat(" holds ", other, ", which need not be named then"));
  }
  if (paths.size() == kMaxPersistPaths) return fail(Code::Invalid, concat("more than ", kMaxPersistPaths, " paths"));
  paths.emplace_back(path);
  return paths;
}

std::string list_of(const std::vector<std::string>& paths) {
  std::string text;
  for (const std::string& path : paths) text += concat(text.empty() ? "" : ", ", path);
  return text;
}

}  // namespace vhdboot::record
