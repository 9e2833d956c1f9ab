// SPDX-License-Identifier: GPL-2.0-or-later
#include "init/record/host_mount.h"

#include <algorithm>
#include <array>
#include <optional>
#include <vector>

#include "base/quoted.h"
#include "base/text.h"

namespace vhdboot::record {
namespace {

constexpr std::string_view kForbiddenInPath = " \t\"'%\\$";
constexpr std::string_view kInOptions = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.+:/@";
constexpr std::size_t kMaxUnitName = 255;
// Said by the second word, or what would make a driver write to a volume that it refuses, or mount something else.
constexpr std::array<std::string_view, 11> kForbiddenOptions{
    "ro", "rw", "force", "recover", "remove_hiberfile", "remount", "bind", "rbind", "move", "loop", "offset"};

std::unexpected<Error> unexpected_value(std::string_view expected, std::string_view found) {
  return fail(Code::Invalid, concat("expected ", expected, ", found ", quoted(found)));
}

std::optional<std::string> normalised(std::string_view text) {
  if (!text.starts_with('/') || !fits_line(text) || text.find_first_of(kForbiddenInPath) != std::string_view::npos)
    return std::nullopt;
  std::string path;
  for (const std::string_view component : split(text, '/')) {
    if (component.empty() || component == ".") continue;
    if (component == "..") return std::nullopt;
    path += concat('/', component);
  }
  for (const std::string_view taken : {"/dev", "/proc", "/sys"})
    if (path == taken || path.starts_with(concat(taken, '/'))) return std::nullopt;
  if (path.empty()) return std::nullopt;
  return path;
}

bool is_option(std::string_view text) {
  const std::string_view name = text.substr(0, text.find('='));
  const std::string_view value = text.substr(std::min(name.size() + 1, text.size()));
  return !name.empty() && name.find_first_not_of(kInOptions) == std::string_view::npos &&
         value.find_first_not_of(kInOptions) == std::string_view::npos && !name.starts_with("x-") &&
         std::ranges::find(kForbiddenOptions, name) == kForbiddenOptions.end();
}

bool stays_in_unit_name(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == ':' || c == '_' || c == '.';
}

}  // namespace

std::string mount_unit_name(std::string_view path) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string name;
  path.remove_prefix(1);
  for (std::size_t i = 0; i < path.size(); ++i) {
    const char c = path[i];
    const auto byte = static_cast<unsigned char>(c);
    if (c == '/')
      name += '-';
    else if (stays_in_unit_name(c) && (c != '.' || i > 0))
      name += c;
    else
      name += concat("\\x", kDigits[byte / 16], kDigits[byte % 16]);
  }
  return concat(name, ".mount");
}

Result<HostMount> parse_host_mount(std::string_view text) {
  constexpr std::string_view kPath = "an absolute path in the guest such as /disk";
  constexpr std::string_view kOptions = "options for the driver such as uid=1000,umask=022";
  if (text.size() > kMaxHostMountBytes) return fail(Code::Invalid, concat("more than ", kMaxHostMountBytes, " bytes"));
  const auto words = split_words(text);
  auto path = words.empty() ? std::nullopt : normalised(words.front());
  if (!path || mount_unit_name(*path).size() > kMaxUnitName)
    return unexpected_value(kPath, words.empty() ? text : words.front());
  HostMount mount{.path = *std::move(path)};
  std::size_t next = 1;
  if (words.size() > next && (words[next] == "ro" || words[next] == "rw")) mount.read_only = words[next++] == "ro";
  if (words.size() > next + 1) return unexpected_value("PATH, ro or rw, and options in one word", text);
  if (words.size() == next) return mount;
  for (const std::string_view option : split(words[next], ','))
    if (!is_option(option)) return unexpected_value(kOptions, option);
  mount.options = words[next];
  return mount;
}

std::string to_text(const HostMount& mount) {
  return concat(mount.path, mount.read_only ? " ro" : " rw", mount.options.empty() ? "" : " ", mount.options);
}

}  // namespace vhdboot::record
