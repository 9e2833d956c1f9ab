// SPDX-License-Identifier: GPL-2.0-or-later
#include "init/volume/path.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "base/text.h"

namespace vhdboot::volume {
namespace {

constexpr std::string_view kForbidden = "\"*:<>?|";

/// Why `name` cannot be the name of a file; empty when it can.
std::string name_defect(std::string_view name) {
  if (name.empty()) return "a name is empty";
  if (name == "." || name == "..") return concat("\"", name, "\" is not allowed in it");
  for (const char c : name) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7F) return "it contains a control character";
    if (c == '/' || c == '\\') return "a name contains a separator";
    if (c == ':') return "write it from the root of the volume on, without drive letter or ':'";
    if (kForbidden.contains(c)) return concat("the character ", c, " is in no file name on Windows");
  }
  const auto units = to_utf16(name);
  if (!units) return "it is not valid UTF-8";
  if (units->size() > kMaxNameUnits) return "a name is longer than 255 characters";
  return {};
}

std::optional<Error> refuse(std::string_view text, std::string_view name) {
  const std::string defect = name_defect(name);
  if (defect.empty()) return std::nullopt;
  return Error{Code::Invalid, 0, concat("path \"", printable(text.substr(0, 256)), "\": ", defect)};
}

std::size_t extension_start(std::string_view name) {
  const std::size_t dot = name.rfind('.');
  return dot == std::string_view::npos || dot == 0 ? name.size() : dot;
}

}  // namespace

std::string Path::text() const {
  if (components_.empty()) return "/";
  std::string out;
  for (const auto& component : components_) out.append("/").append(component);
  return out;
}

std::string_view Path::name() const {
  return components_.empty() ? std::string_view{} : std::string_view(components_.back());
}

std::string_view Path::stem() const {
  return name().substr(0, extension_start(name()));
}

std::string_view Path::extension() const {
  return name().substr(extension_start(name()));
}

Path Path::parent() const {
  Path out = *this;
  if (!out.components_.empty()) out.components_.pop_back();
  return out;
}

Result<Path> Path::child(std::string_view name) const {
  if (auto error = refuse(name, name)) return std::unexpected(std::move(*error));
  if (components_.size() >= kMaxPathDepth)
    return fail(Code::Invalid, concat("path \"", printable(name.substr(0, 256)), "\": too many directories"));
  Path out = *this;
  out.components_.emplace_back(name);
  return out;
}

Result<Path> Path::sibling(std::string_view name) const {
  if (is_root()) return fail(Code::Invalid, "the root directory has nothing beside it");
  return parent().child(name);
}

Result<Path> parse_path(std::string_view text) {
  if (text.size() > kMaxPathBytes) return fail(Code::Invalid, "a path is longer than 32768 bytes");
  if (text.empty()) return fail(Code::Invalid, "a path is empty");
  std::string unified(text);
  std::replace(unified.begin(), unified.end(), '\\', '/');
  Path path;
  for (const std::string_view name : split(unified, '/')) {
    if (name.empty() || name == ".") continue;
    if (auto error = refuse(text, name)) return std::unexpected(std::move(*error));
    if (path.components_.size() >= kMaxPathDepth)
      return fail(Code::Invalid, concat("path \"", printable(text.substr(0, 256)), "\": too many directories"));
    path.components_.emplace_back(name);
  }
  return path;
}

Result<Path> resolve(const Path& folder, std::string_view relative) {
  if (relative.size() > kMaxPathBytes) return fail(Code::Invalid, "a path is longer than 32768 bytes");
  std::string unified(relative);
  std::replace(unified.begin(), unified.end(), '\\', '/');
  Path path = folder;
  for (const std::string_view name : split(unified, '/')) {
    if (name.empty() || name == ".") continue;
    if (name == ".." && path.is_root())
      return fail(Code::Invalid,
                  concat("path \"", printable(relative.substr(0, 256)), "\": it leads out of the volume"));
    path = name == ".." ? path.parent() : TRY(path.child(name));
  }
  return path;
}

}  // namespace vhdboot::volume
