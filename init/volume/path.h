// SPDX-License-Identifier: GPL-2.0-or-later
// The path of a file on a host volume, as Windows users and firmware write it.
#pragma once

#include <compare>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace vhdboot::volume {

/// An absolute path: the names from the volume's root down. No names at all is the root directory itself.
/// Case is kept as it was written; a volume compares names by its own upcase table.
class Path {
 public:
  Path() = default;

  /// The names, UTF-8, each valid for the limits named at parse_path.
  [[nodiscard]] const std::vector<std::string>& components() const { return components_; }
  [[nodiscard]] bool is_root() const { return components_.empty(); }

  /// With '/' between the names and in front: "/boot/debian.vhd"; "/" for the root.
  [[nodiscard]] std::string text() const;

  /// The last name: "debian.vhd"; empty for the root.
  [[nodiscard]] std::string_view name() const;
  /// The last name without its last extension: "debian"; ".profile" and "noext" stay whole.
  [[nodiscard]] std::string_view stem() const;
  /// The last extension with its dot: ".vhd"; empty when there is none.
  [[nodiscard]] std::string_view extension() const;

  /// The directory that holds it; the root's parent is the root.
  [[nodiscard]] Path parent() const;
  /// `name` in this directory. Invalid when `name` is not one valid name.
  [[nodiscard]] Result<Path> child(std::string_view name) const;
  /// `name` beside this file: sibling("debian.vhd"). Invalid for the root and when `name` is not one valid name.
  [[nodiscard]] Result<Path> sibling(std::string_view name) const;

  friend bool operator==(const Path&, const Path&) = default;

 private:
  friend Result<Path> parse_path(std::string_view text);
  std::vector<std::string> components_;
};

inline constexpr std::size_t kMaxPathBytes = 32768;  ///< of a whole path as it is given
inline constexpr std::size_t kMaxPathDepth = 255;    ///< names in a path
inline constexpr std::size_t kMaxNameUnits = 255;    ///< UTF-16 units in a name, on NTFS as on exFAT

/// Reads a path with '/' or '\' between the names, with or without one in front; repeated separators, "." and one at
/// the end mean nothing. Invalid on "..", a drive letter, invalid UTF-8, control characters, any of `" * : < > ? |`,
/// or past a cap.
[[nodiscard]] Result<Path> parse_path(std::string_view text);

/// `relative` from `folder` on, where ".." is the folder above. Invalid when it leads out of the volume, and as
/// parse_path().
[[nodiscard]] Result<Path> resolve(const Path& folder, std::string_view relative);

}  // namespace vhdboot::volume
