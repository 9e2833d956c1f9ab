// SPDX-License-Identifier: GPL-2.0-or-later
// GRUB's environment block (the file grubenv; GRUB manual, "The GRUB environment block") and its variables.
#pragma once

#include <cstddef>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <string_view>

#include "base/result.h"

namespace vhdboot::entry {

using GrubVariables = std::map<std::string, std::string, std::less<>>;

/// GRUB itself writes 1024 bytes.
inline constexpr std::size_t kMaxGrubEnvironment = 64 * 1024;

/// Corrupt when the text does not begin as an environment block does, or is larger than the cap.
[[nodiscard]] Result<GrubVariables> parse_grub_environment(std::string_view text);

/// How many bytes variables may put into one boot loader entry: many times what a kernel takes as its command line.
inline constexpr std::size_t kMaxGrubSubstitution = 64 * 1024;

/// Replaces variables in the lines of one boot loader entry as GRUB's `blscfg` does: "$kernelopts" and
/// "${tuned_params}", by nothing when the variable is not known.
class GrubSubstitution {
 public:
  /// Borrowed.
  explicit GrubSubstitution(const GrubVariables& variables) : variables_(variables) {}

  /// Values are not looked through again. Unsupported when all values of the entry together have more than
  /// kMaxGrubSubstitution bytes.
  [[nodiscard]] Result<std::string> replace(std::string_view text);
  /// The names that were not known so far.
  [[nodiscard]] const std::set<std::string, std::less<>>& unknown() const { return unknown_; }

 private:
  const GrubVariables& variables_;
  std::set<std::string, std::less<>> unknown_;
  std::size_t left_ = kMaxGrubSubstitution;
};

}  // namespace vhdboot::entry
